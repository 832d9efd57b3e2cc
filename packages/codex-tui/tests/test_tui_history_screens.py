"""Whole conversations as the spec's screens show them, in our looks: `history_goldens/screen-*.txt`.

What the screens of the spec tell must be told (spec: tui.md, screens 05 to 11, 16 and 19); where ours tells it
otherwise, the golden says how. With CODEX_WRITE_SCREENS=1 in the environment they are written anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from all_events import MARKDOWN

from codex_core.presentation.spans import plain_text
from codex_protocol.events import parse_event_msg
from codex_tui.history.history import History
from codex_tui.history.markdown import Links
from codex_tui.history.notice_cells import Decision
from codex_tui.history.settings import HistorySettings
from codex_tui.history.speech_cells import PromptCell
from codex_tui.history.wrapping import line_width

GOLDENS = Path(__file__).parent / "history_goldens"
CWD = "/home/dev/demo"
TOOK = {"secs": 0, "nanos": 4_000_000}

LONG = (
    "git log --oneline --graph --decorate --all --max-count=20 --date=short --pretty=format:'%h %ad %s' "
    "| head -n 40 | grep -v something"
)
DIFF = (
    '@@ -3,4 +3,5 @@\n \n-def main():\n-    print("hello")\n+def main(name="world"):\n+    # greet\n'
    '+    print(f"hello {name}")\n \n'
)
STEPS = [
    {"step": "Read the current parser", "status": "completed"},
    {
        "step": "Rewrite the tokenizer so that it handles nested quotes and escapes properly in all supported modes",
        "status": "in_progress",
    },
    {"step": "Add tests", "status": "pending"},
]
RECORD = ["bash", "-lc", "touch ../record.txt && echo recorded"]
BROKEN = "stream disconnected before completion: stream closed before response.completed"


def ran(command: str, output: str = "", exit_code: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "type": "exec_command_begin", "call_id": "c", "command": ["bash", "-lc", command], "cwd": CWD,
            "parsed_cmd": [],
        },
        {
            "type": "exec_command_end", "call_id": "c", "stdout": "", "stderr": output,
            "aggregated_output": output, "exit_code": exit_code, "duration": TOOK, "formatted_output": output,
        },
    ]  # fmt: skip


def streamed(text: str) -> list[dict[str, Any]]:
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    return [
        *({"type": "agent_message_delta", "delta": piece} for piece in pieces),
        {"type": "agent_message", "message": text},
        {"type": "token_count", "info": None},
    ]


def called(result: dict[str, Any], tool: str) -> list[dict[str, Any]]:
    invocation = {"server": "demo", "tool": tool, "arguments": {}}
    return [
        {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": invocation},
        {
            "type": "mcp_tool_call_end", "call_id": "m", "invocation": invocation, "duration": TOOK,
            "result": {"Ok": result},
        },
    ]  # fmt: skip


def retry(attempt: int) -> dict[str, Any]:
    return {"type": "stream_error", "message": f"stream error: {BROKEN}; retrying {attempt}/2 in 190ms…"}


PATCH = {
    f"{CWD}/notes.txt": {"add": {"content": "alpha\nbeta\n"}},
    f"{CWD}/old.txt": {"delete": {"content": "old\n"}},
    f"{CWD}/src/app.py": {"update": {"unified_diff": DIFF, "move_path": None}},
}
ASKED = {
    "type": "exec_approval_request", "call_id": "a", "command": RECORD, "cwd": CWD,
    "reason": "Need to write outside the workspace to record the result",
}  # fmt: skip
SLOW = "".join(f"line {number} of a slow answer\n" for number in range(5))

SCREENS: dict[str, list[Any]] = {
    "05-markdown-answer": ["show me the markdown", *streamed(MARKDOWN)],
    "06-exec-cells": [
        *ran("echo hello && printf 'a\\nb\\n'", "hello\na\nb\n"),
        *ran("for i in $(seq 1 25); do echo line $i 1>&2; done; exit 3", SLOW * 5, 3),
        *ran('set -e\ncd src\npython -c "print(1)" | cat > /dev/null'),
        *ran(LONG),
        *streamed("Ran them."),
    ],
    "07-patch-applied": [
        "patch the greeting",
        {"type": "patch_apply_begin", "call_id": "p", "auto_approved": True, "changes": PATCH},
        {"type": "patch_apply_end", "call_id": "p", "stdout": "", "stderr": "", "success": True},
        *streamed("Patched."),
    ],
    "08-plan-and-web-search": [
        "plan the parser rewrite",
        {"type": "plan_update", "explanation": "Starting with the parser, then tests.", "plan": STEPS},
        *streamed("Plan set."),
        "web search please",
        {"type": "web_search_begin", "call_id": "w"},
        {"type": "web_search_end", "call_id": "w", "query": "textual inline mode"},
        *streamed("Found it."),
    ],
    "09-to-11-approval-and-interruption": [
        "record the result", ASKED, Decision.CANCELED, {"type": "turn_aborted", "reason": "interrupted"},
        "slow 14",
        {"type": "agent_message_delta", "delta": SLOW},
        {"type": "turn_aborted", "reason": "interrupted"},
    ],
    "19-mcp-and-errors": [
        *called({"content": [{"type": "text", "text": '{"ok":true}'}]}, "echo"),
        *called({"content": [{"type": "text", "text": "it broke"}], "isError": True}, "fail"),
        *streamed("MCP done."),
        "drop",
        {"type": "agent_message_delta", "delta": "partial ans"}, retry(1),
        {"type": "agent_message_delta", "delta": "partial ans"}, retry(2),
        {"type": "agent_message_delta", "delta": "partial ans"}, {"type": "error", "message": BROKEN},
    ],
}  # fmt: skip


def shown(steps: list[Any], width: int) -> str:
    history = History(HistorySettings("1.2.3", CWD, "/home/dev", links=Links(CWD, "vscode")))
    for step in steps:
        match step:
            case str(prompt):
                if prompt in list(Decision):
                    history.decide(parse_event_msg(ASKED), Decision(prompt))  # type: ignore[arg-type]  # it is one
                else:
                    history.add(PromptCell(prompt))
            case _:
                history.feed(parse_event_msg(step), 0.0)
    rows = history.rows(width)
    assert all(line_width(row) <= width for row in rows)
    return "\n".join(plain_text(row).rstrip() for row in rows)


@pytest.mark.parametrize("width", [100, 60])
@pytest.mark.parametrize("name", SCREENS)
def test_a_conversation_looks_as_it_should(name: str, width: int) -> None:
    golden = GOLDENS / f"screen-{name}-{width}.txt"
    if os.environ.get("CODEX_WRITE_SCREENS"):
        golden.write_text(shown(SCREENS[name], width) + "\n", encoding="utf-8")
    assert shown(SCREENS[name], width) == golden.read_text(encoding="utf-8").rstrip("\n")
