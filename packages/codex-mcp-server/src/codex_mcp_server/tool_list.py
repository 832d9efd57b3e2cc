"""The two tools this server offers, as `tools/list` shows them (spec: servers.md section 2).

Written out rather than made from the models, so that listing them needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_protocol.jsonio import JSON

CODEX = "codex"
CODEX_REPLY = "codex-reply"


def tools() -> list[JSON]:
    """Name, title, description and input of each."""
    return [
        {
            "description": "Gives a task to Codex, a coding agent that reads and edits files and runs "
            "commands in a directory, and returns its final answer.",
            "inputSchema": {
                "properties": {
                    "approval-policy": _text(
                        "When the user is asked before a command runs: `untrusted` for all but harmless "
                        "ones, `on-failure` when the sandbox refused it, `on-request` when the agent "
                        "wishes, `never`.",
                        "untrusted",
                        "on-failure",
                        "on-request",
                        "never",
                    ),
                    "base-instructions": _text("Instructions that replace the built-in ones."),
                    "config": {
                        "description": "Settings that go before those in config.toml, by dotted key.",
                        "type": "object",
                        "additionalProperties": True,
                    },
                    "cwd": _text("The directory to work in; a relative one starts at the server's."),
                    "include-plan-tool": {
                        "description": "Whether the agent may keep a plan.",
                        "type": "boolean",
                    },
                    "model": _text("The model to use instead of the configured one, e.g. `gpt-5`."),
                    "profile": _text("The profile of config.toml to use."),
                    "prompt": _text("The task, in words."),
                    "sandbox": _text(
                        "What commands may do: `read-only` nothing but read, `workspace-write` also "
                        "write in the working directory, `danger-full-access` everything.",
                        "read-only",
                        "workspace-write",
                        "danger-full-access",
                    ),
                },
                "required": ["prompt"],
                "type": "object",
            },
            "name": CODEX,
            "title": "Codex",
        },
        {
            "description": "Says something more in a conversation that `codex` began, also one of an earlier "
            "server, and returns the agent's answer.",
            "inputSchema": {
                "properties": {
                    "conversationId": _text("The conversation: `conversationId` of an earlier result."),
                    "prompt": _text("What to say next."),
                },
                "required": ["conversationId", "prompt"],
                "type": "object",
            },
            "name": CODEX_REPLY,
            "title": "Codex Reply",
        },
    ]


def _text(description: str, *words: str) -> JSON:
    schema: dict[str, JSON] = {"description": description, "type": "string"}
    if words:
        schema["enum"] = list(words)
    return schema
