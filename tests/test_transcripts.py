"""Whole recorded conversations of the reference, played against our core and compared.

Differences are allowed by path and reason only; each reason is a row of docs/differences.md.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Allowed,
    ConversationDriver,
    ModelServer,
    Places,
    Run,
    ScratchHome,
    ScratchRepo,
    assert_same,
    load_transcript,
    play,
    read_json_lines,
    script_path,
)
from codex_core.testing.playback import Moment, event_seen
from codex_core.testing.transcripts import Transcript

TRANSCRIPTS = Path(__file__).parent / "data" / "transcripts"
MCP_SERVER = Path(__file__).parents[1] / "packages" / "codex-core" / "tests" / "data" / "mcp_server.py"

RECORDED_WITH = {"sandbox_isolation": "landlock"}
"""The reference has no other; what a command is refused reads otherwise elsewhere."""

PARSER_WORDS = "the sentence begins as the reference's; where the error lies is said in our own words"
KEPT_CALL = "finished calls survive a broken stream and are in the repeated request (D4)"
INTERRUPTED = "an interrupted call is recorded, and the model is told of the interrupt (D3)"
ONCE = "what comes while the agent works is sent once (D2)"
INJECTED_EVENT = "what the user said while the agent worked is shown again by a resumed session"
NO_EMPTY_LINE = "a turn diff has no stray empty line (D18)"
OWN_WORDS = "our own words on what a field is for"
FLAT_BRIDGE = "a bridge is not put into the next one (D7)"
WINDOW = "the window is that of the model in use (D9)"
REASON_TOLD = "why a call of an MCP tool failed is told"
NAMES = "names of MCP tools are made of the characters that models allow (D20)"
SCHEMAS = "schemas of MCP tools are kept (D20)"
OTHER_SERVER = "the recorded server had other schemas to try"
CHAT_KEYS = "keys of a function in the order of the Responses wire"
USAGE = "usage is asked for (D25)"
SERVER_SAYS_LESS = (
    # The recorded server kept the first event to itself, and the submission was its own.
    Allowed("events[0]", "not sent by the server that was recorded"),
    Allowed("rollout.event_msg[0]", "the submission was not recorded"),
)
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Case:
    """What a recording needs to be played, and where ours may differ from it."""

    allowed: tuple[Allowed, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    files_of: Mapping[str, Path] = field(default_factory=dict)
    """Files of the repository by where their content stands."""
    home_files: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, Moment] = field(default_factory=dict)
    has_rollout: bool = True
    """Whether requests and events of the recording tell what its rollout must hold."""


CASES: dict[str, Case] = {
    "01-first-turn": Case(home_files={"AGENTS.md": "Be brief."}, files={"AGENTS.md": "Use tabs.\n"}),
    "02-shell-call": Case(),
    "03-tool-failures": Case(
        (
            Allowed("requests[1].body.input[9].output", PARSER_WORDS),
            Allowed("rollout.response_item[9].output", PARSER_WORDS),
        )
    ),
    "04-apply-patch-function": Case(
        tuple(Allowed(f"events[{n}].msg.unified_diff", NO_EMPTY_LINE) for n in (9, 11, 14)),
        files={"a.txt": "one\ntwo\nthree\n", "del.txt": "x\n"},
    ),
    "05-apply-patch-custom": Case(
        (
            *SERVER_SAYS_LESS,
            Allowed("requests[*].body.tools[1].parameters.properties.explanation.description", OWN_WORDS),
            Allowed(
                "requests[*].body.tools[1].parameters.properties.plan.items.properties.step.description",
                OWN_WORDS,
            ),
        )
    ),
    "06-plan-update": Case(
        (
            Allowed("requests[1].body.input[5].output", PARSER_WORDS),
            Allowed("rollout.response_item[5].output", PARSER_WORDS),
        )
    ),
    "07-mcp-call": Case(
        (
            Allowed("events[9].msg.result.Err", REASON_TOLD),
            Allowed("requests[1].body.input[9].output", REASON_TOLD),
            Allowed("rollout.response_item[9].output", REASON_TOLD),
            Allowed("requests[1].body.input[11].output", PARSER_WORDS),
            Allowed("rollout.response_item[11].output", PARSER_WORDS),
            Allowed("requests[*].body.tools[6].name", NAMES),
            Allowed("requests[*].body.tools[4].parameters.properties.n.type", SCHEMAS),
            Allowed("requests[*].body.tools[3]", OTHER_SERVER),
            Allowed("requests[*].body.tools[6].parameters.**", OTHER_SERVER),
        ),
        files_of={"server.py": MCP_SERVER},
    ),
    "08-images": Case(
        (Allowed("requests[2].body.input[7]", ONCE), Allowed("rollout.response_item[7]", ONCE)),
        files={"i.png": PICTURE},
    ),
    "09-retries": Case(
        (
            *(Allowed(f"requests[{n}].body.input[2]", KEPT_CALL) for n in (3, 4, 5)),
            Allowed("rollout.response_item[2]", KEPT_CALL),
        )
    ),
    "10-approval-on-failure": Case(SERVER_SAYS_LESS),
    "11-approval-on-request": Case(SERVER_SAYS_LESS),
    "12-compaction": Case(
        (Allowed("requests[5].body.input[1].content[0].text", FLAT_BRIDGE),), has_rollout=False
    ),
    "13-review": Case(
        tuple(Allowed(f"events[{n}].msg.info.model_context_window", WINDOW) for n in (10, 11)),
        has_rollout=False,
    ),
    "14-interrupt-and-inject": Case(
        (
            *(Allowed(f"requests[1].body.input[{n}]", INTERRUPTED) for n in (2, 3)),
            Allowed("requests[1].body.input[2].content[0].text", INTERRUPTED),
            Allowed("requests[2].body.input[1]", INTERRUPTED),
            Allowed("requests[2].body.input[1].content[0].text", INTERRUPTED),
            Allowed("requests[2].body.input[6]", ONCE),
            Allowed("rollout.response_item[1]", INTERRUPTED),
            Allowed("rollout.response_item[1].content[0].text", INTERRUPTED),
            Allowed("rollout.response_item[6]", ONCE),
            Allowed("rollout.event_msg[4]", INJECTED_EVENT),
        ),
        moments={
            "s2": event_seen("exec_command_output_delta", call_id="c1"),
            "s3": event_seen("turn_aborted"),
            "s4": event_seen("exec_command_begin", call_id="c2"),
        },
    ),
    "15-chat-completions": Case(
        (
            Allowed("requests[*].body.tools[*].function", CHAT_KEYS),
            Allowed("requests[*].body.stream_options", USAGE),
        ),
        has_rollout=False,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_recorded_conversation_goes_the_same_way(
    name: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager

    case, transcript = CASES[name], load_transcript(TRANSCRIPTS / f"{name}.json")
    for name_at_home, text in case.home_files.items():
        scratch_home.write(name_at_home, text)
    for file_name, content in case.files.items():
        git_repo.write(file_name, content)
    for file_name, source in case.files_of.items():
        if not source.exists():
            pytest.skip(f"{source.name} is not part of this tree")
        git_repo.write(file_name, source.read_bytes())
    async with ModelServer(transcript.script()) as server:
        scratch_home.write("config.toml", transcript.config_toml(server.base_url, RECORDED_WITH))
        services = Services(environ=scratch_home.environ())
        flags = ConfigFlags(
            cwd=str(git_repo.path),
            include_plan_tool=bool(transcript.setup.get("includePlanTool")),
            include_apply_patch_tool=bool(transcript.setup.get("includeApplyPatchTool")),
            codex_linux_sandbox_exe=str(script_path("codex-linux-sandbox")),
            apply_patch_exe=str(script_path("apply_patch")),
        )
        config = load_config(flags=flags, services=services)
        async with ConversationManager(AuthManager(config.codex_home), services) as manager:
            conversation = (await manager.new_conversation(config)).conversation
            events = await play(
                transcript,
                ConversationDriver(conversation),
                submissions=submissions(transcript),
                moments=case.moments,
            )
            path = conversation.rollout_path
        server.assert_done()
    assert path is not None
    run = Run(
        requests=server.requests,
        events=events,
        rollout=await asyncio.to_thread(read_json_lines, path) if case.has_rollout else None,
        places=Places(repo=str(git_repo.path), codex_home=str(scratch_home.codex_home)),
    )
    assert_same(transcript, run, case.allowed)


def submissions(transcript: Transcript) -> list[dict[str, Any]] | None:
    """What to submit where a recording does not say so: what its server was told to send."""
    if transcript.submissions:
        return None
    said = transcript.exchanges[0]["request"]["body"]["input"][-1]["content"][0]["text"]
    op = {"type": "user_input", "items": [{"type": "text", "text": said}]}
    return [{"id": transcript.events[-1]["id"], "op": op}]
