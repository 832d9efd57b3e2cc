"""Every cell at three widths, compared with the texts in `history_goldens` (one file per width).

A section of such a file is the name of a case after `=== `, then its rows. With CODEX_WRITE_SCREENS=1 in the
environment they are written anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_core.config import Config, ConfigFlags, load_config
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Line, Style, plain_text
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_protocol.config_types import AskForApproval
from codex_protocol.events import parse_event_msg
from codex_protocol.tokens import TokenUsage
from codex_tui.history.cells import Cell, cell_rows
from codex_tui.history.history import History
from codex_tui.history.notice_cells import Decision, DecisionCell, NoticeCell, NoticeKind
from codex_tui.history.session_cells import (
    FactsCell,
    HeaderCell,
    ModelChangedCell,
    mcp_sections,
    shown_directory,
    status_sections,
)
from codex_tui.history.settings import HistorySettings
from codex_tui.history.shell_script import script_rows
from codex_tui.history.speech_cells import PromptCell
from codex_tui.history.wrapping import line_width

GOLDENS = Path(__file__).parent / "history_goldens"
CWD = "/home/dev/demo"
SESSION = "11111111-2222-4333-8444-555555555555"
WIDTHS = (100, 60, 20)

SCRIPT = "set -e\ncd src\npython -c \"print('ü')\" | cat > /dev/null"
LONG = (
    "git log --oneline --graph --all --max-count=20 --date=short --pretty=format:'%h %ad %s' "
    "| head -n 40 | grep -v something"
)
DIFF = (
    "@@ -3,4 +3,5 @@\n \n-def main():\n-    print(\"hello\")\n+def main(name=\"world\"):\n+    # greet\n"
    "+    print(f\"hello {name}, this line is longer than any screen of sixty columns\")\n \n"
    "@@ -40,1 +41,1 @@\n-漢字\n+日本語\n"
)  # fmt: skip
CHANGES = {
    f"{CWD}/src/app.py": {"update": {"unified_diff": DIFF, "move_path": None}},
    f"{CWD}/notes.txt": {"add": {"content": "alpha\n\tbeta\n"}},
    "/home/dev/old.txt": {"delete": {"content": "old\x1b[2J\n"}},
}
MOVED = {f"{CWD}/a.py": {"update": {"unified_diff": "@@ -1 +1 @@\n-a\n+b\n", "move_path": f"{CWD}/b.py"}}}
CALL = {"server": "docs", "tool": "find", "arguments": {"query": "text\nual", "limit": 3}}
PLAN = [
    {"step": "Read the parser", "status": "completed"},
    {"step": "Rewrite the tokenizer so that it handles quotes in all modes", "status": "in_progress"},
    {"step": "Add tests", "status": "pending"},
]
FINDING = {
    "title": "Off by one",
    "body": "The *loop* ends early:\n\n- once\n- twice",
    "confidence_score": 0.5,
    "priority": 1,
    "code_location": {"absolute_file_path": f"{CWD}/a.py", "line_range": {"start": 3, "end": 4}},
}
REVIEW = {
    "findings": [FINDING],
    "overall_correctness": "patch is incorrect",
    "overall_explanation": "One **bug**.",
    "overall_confidence_score": 0.5,
}


def begin(command: list[str] | str, *parsed: dict[str, Any], call_id: str = "c") -> dict[str, Any]:
    argv = ["bash", "-lc", command] if isinstance(command, str) else command
    return {
        "type": "exec_command_begin", "call_id": call_id, "command": argv, "cwd": CWD, "parsed_cmd": [*parsed],
    }  # fmt: skip


def end(output: str = "", exit_code: int = 0, seconds: int = 0, call_id: str = "c") -> dict[str, Any]:
    return {
        "type": "exec_command_end", "call_id": call_id, "stdout": output, "stderr": "",
        "aggregated_output": output, "exit_code": exit_code, "formatted_output": output,
        "duration": {"secs": seconds, "nanos": 47_000_000},
    }  # fmt: skip


def lines(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


def read(name: str) -> dict[str, Any]:
    return {"type": "read", "cmd": f"cat {name}", "name": name}


def patch(changes: dict[str, Any], *, approved: bool = False) -> dict[str, Any]:
    return {
        "type": "patch_apply_begin", "call_id": "p", "auto_approved": not approved, "changes": changes,
    }  # fmt: skip


def patched(error: str = "") -> dict[str, Any]:
    return {
        "type": "patch_apply_end", "call_id": "p", "stdout": "", "stderr": error, "success": not error,
    }  # fmt: skip


def answered(result: dict[str, Any]) -> list[dict[str, Any]]:
    ended = {"duration": {"secs": 0, "nanos": 4_000_000}, "result": result}
    return [
        {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": CALL},
        {"type": "mcp_tool_call_end", "call_id": "m", "invocation": CALL, **ended},
    ]


EVENTS: dict[str, list[dict[str, Any]]] = {
    "answer": [{"type": "agent_message", "message": "I look at `app.py`:\n\n1. first\n2. second and longer\n\nDone."}],
    "thought": [{"type": "agent_reasoning", "text": "**Inspecting the request**\n\nThinking about *it* for long."}],
    "thought without a body": [{"type": "agent_reasoning", "text": "**Inspecting the request**"}],
    "command": [begin("echo hello && printf 'a\\nb'"), end("hello\na\nb\n")],
    "command with little to say": [begin("true"), end()],
    "command with much output": [begin("make"), end(lines(9), seconds=75)],
    "command that failed": [begin("for i in $(seq 25); do echo line $i; done; exit 3"), end(lines(25), 3, 1)],
    "command that could not start": [begin(["no", "such thing"]), end("No such file", -1)],
    "script": [begin(SCRIPT), end("\x1b[31mred\x1b[0m\t\x07x\n")],
    "long command": [begin(LONG), end()],
    "command that was stopped": [
        begin("sleep 100"),
        {"type": "exec_command_output_delta", "call_id": "c", "stream": "stdout", "chunk": "aGkK"},
        {"type": "turn_aborted", "reason": "interrupted"},
    ],
    "exploring": [
        begin("ls -la", {"type": "list_files", "cmd": "ls -la", "path": None}), end("x"),
        begin("cat README.md", read("README.md")), end("x"),
        begin("cat app.py README.md", read("app.py"), read("README.md")), end("x", 1),
        begin("rg", {"type": "search", "cmd": "rg -n", "query": "def main", "path": "src"}), end("x"),
        begin("rg", {"type": "search", "cmd": "rg -n TODO", "query": None, "path": None}), end("x"),
        begin("ls src", {"type": "list_files", "cmd": "ls src", "path": "src"}), end("x"),
        {"type": "task_complete"},
    ],
    "proposed command": [
        {
            "type": "exec_approval_request", "call_id": "a", "command": ["bash", "-lc", "touch ../x && echo ok"],
            "cwd": CWD, "reason": "It is outside of the workspace",
        }
    ],
    "proposed patch": [
        {
            "type": "apply_patch_approval_request", "call_id": "p", "reason": "Outside",
            "changes": {f"{CWD}/notes.txt": {"add": {"content": "alpha\n"}}},
        }
    ],
    "patch of several files": [patch(CHANGES), patched()],
    "patch of one file": [patch({f"{CWD}/notes.txt": CHANGES[f"{CWD}/notes.txt"]}), patched()],
    "patch that moves": [patch(MOVED), patched()],
    "patch after approval": [patch(CHANGES, approved=True), patched()],
    "patch that failed": [patch(CHANGES), patched(lines(12))],
    "patch that was stopped": [patch(MOVED), {"type": "task_complete"}],
    "plan": [{"type": "plan_update", "explanation": "Parser first.", "plan": PLAN}],
    "plan without steps": [{"type": "plan_update", "plan": []}],
    "tool": answered({"Ok": {"content": [{"type": "text", "text": '{"hits":[1,2],"more":false}'}]}}),
    "tool with much to say": answered({"Ok": {"content": [{"type": "text", "text": lines(9) + "x" * 900}]}}),
    "tool with a picture": answered({"Ok": {"content": [{"type": "image", "data": "", "mimeType": "image/png"}]}}),
    "tool that failed": answered({"Ok": {"content": [{"type": "text", "text": "it broke"}], "isError": True}}),
    "tool that is gone": answered({"Err": "connection closed"}),
    "web search": [
        {"type": "web_search_begin", "call_id": "w"},
        {"type": "web_search_end", "call_id": "w", "query": "textual inline mode"},
    ],
    "error": [{"type": "error", "message": "stream disconnected before completion\nand more"}],
    "stream error": [{"type": "stream_error", "message": "stream error: gone; retrying 1/5 in 190ms…"}],
    "background": [{"type": "background_event", "message": "retrying command without sandbox"}],
    "replaced": [{"type": "turn_aborted", "reason": "replaced"}],
    "review begins": [{"type": "entered_review_mode", "prompt": "p", "user_facing_hint": "current changes"}],
    "review ends": [{"type": "exited_review_mode", "review_output": REVIEW}],
    "review is stopped": [{"type": "exited_review_mode", "review_output": None}],
    "compaction": [{"type": "agent_message", "message": "Compact task completed"}],
}  # fmt: skip

CELLS: dict[str, Cell] = {
    "header": HeaderCell("1.2.3", "gpt-5", "high", CWD, "/home/dev", SESSION),
    "header in a deep place": HeaderCell(
        "1.2.3", "gpt-5", "", "/home/dev/" + "deep/" * 14 + "end", "/home/dev"
    ),
    "model changed": ModelChangedCell("gpt-5", "gpt-5-codex"),
    "prompt": PromptCell(
        "  fix the bug in src/app.py\n\nand explain it, please, 日本語で [image 640x480 PNG]\n"
    ),
    "info": NoticeCell(NoticeKind.INFO, "Model changed to gpt-5-codex", "for this session"),
    "approved": DecisionCell(Decision.APPROVED, ("bash", "-lc", "touch x\nrm y")),
    "approved for the session": DecisionCell(Decision.APPROVED_FOR_SESSION, ("ls", "x" * 100)),
    "canceled": DecisionCell(Decision.CANCELED, ("ls",)),
    "no servers": FactsCell("/mcp", mcp_sections({})),
    "servers": FactsCell(
        "/mcp", mcp_sections({"docs": ("docs-server --port 1", ["b", "a"]), "bad": ("x", [])})
    ),
}


def rows_of_events(msgs: list[dict[str, Any]], width: int) -> list[Line]:
    history = History(HistorySettings("1.2.3", CWD, "/home/dev", shows_thoughts=True))
    for msg in msgs:
        history.feed(parse_event_msg(msg), 0.0)
    assert history.live_cells == []
    return history.rows(width)


def rows_of_case(name: str, width: int) -> list[Line]:
    return cell_rows(CELLS[name], width) if name in CELLS else rows_of_events(EVENTS[name], width)


def golden(width: int) -> dict[str, str]:
    if os.environ.get("CODEX_WRITE_SCREENS"):
        cases = [f"=== {name}\n{look(rows_of_case(name, width))}\n" for name in (*EVENTS, *CELLS)]
        (GOLDENS / f"cells-{width}.txt").write_text("\n".join(cases), encoding="utf-8")
    sections = (GOLDENS / f"cells-{width}.txt").read_text(encoding="utf-8").split("=== ")[1:]
    return {name: text.rstrip("\n") for name, _, text in (section.partition("\n") for section in sections)}


def look(rows: list[Line]) -> str:
    return "\n".join(plain_text(row).rstrip() for row in rows)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*EVENTS, *CELLS])
def test_a_cell_looks_as_it_should(name: str, width: int) -> None:
    rows = rows_of_case(name, width)
    assert look(rows) == golden(width)[name]
    assert all(line_width(row) <= width for row in rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_golden_is_left_over(width: int) -> None:
    assert golden(width).keys() == {*EVENTS, *CELLS}


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("command", Style.SUCCESS),
        ("command that failed", Style.FAILURE),
        ("command that was stopped", Style.FAILURE),
        ("tool", Style.SUCCESS),
        ("tool that failed", Style.FAILURE),
        ("patch that failed", Style.FAILURE),
    ],
)
def test_the_bullet_says_how_it_went(name: str, style: Style) -> None:
    assert rows_of_events(EVENTS[name], 100)[0][0].style is style


def test_a_diff_has_its_colours() -> None:
    rows = rows_of_events(EVENTS["patch of several files"], 100)
    styles = {
        sign[1]: row[-1].style for row in rows if (sign := re.match(r" {4} *\d+ ([-+ ])", plain_text(row)))
    }
    assert styles == {"+": Style.ADDED, "-": Style.REMOVED, " ": Style.PLAIN}


def test_colours_of_a_program_are_kept_and_its_commands_are_not() -> None:
    rows = rows_of_events(EVENTS["script"], 100)
    (red,) = [span for row in rows for span in row if span.ink]
    assert (red.text, red.ink) == ("red", "31")
    assert "\x07" not in look(rows)


def test_words_of_a_shell_are_dim_and_those_of_the_user_are_not() -> None:
    (row, *_) = rows_of_events(EVENTS["command"], 100)
    assert [span.text for span in row if span.style is Style.DIM] == ["&&"]


@pytest.mark.parametrize(
    ("path", "room", "shown"),
    [
        ("/home/dev", 20, "~"),
        ("/home/dev/a/b", 20, "~/a/b"),
        ("/home/device/a", 20, "/home/device/a"),
        ("/home/dev/one/two/three/four", 19, "~/one/…/three/four"),
        ("/home/dev/one/two/three/four", 11, "~/…/four"),
        ("/home/dev/one/two/extraordinary", 10, "…aordinary"),
        ("/", 5, "/"),
    ],
)
def test_a_directory_in_little_room(path: str, room: int, shown: str) -> None:
    assert shown_directory(path, "/home/dev", room) == shown


def test_status_tells_what_the_session_is_about(config: Config) -> None:
    usage = TokenUsage(
        input_tokens=192_000, cached_input_tokens=32_000, output_tokens=5_520, reasoning_output_tokens=0,
        total_tokens=197_520,
    )  # fmt: skip
    sections = status_sections(
        config, version="1.2.3", session_id=SESSION, usage=usage, agents_files=["AGENTS.md"]
    )
    told = look(cell_rows(FactsCell("/status", sections), 100)).split("\n")
    for row in (
        "/status", "📂 Workspace", f"  • Path: {config.cwd}", "  • Approval Mode: on-request",
        "  • AGENTS files: AGENTS.md", "🧠 Model", f"  • Name: {config.model}", "  • CLI Version: 1.2.3",
        f"  • Session ID: {SESSION}", "  • Input: 160,000 (+ 32,000 cached)", "  • Output: 5,520",
        "  • Total: 165,520",
    ):  # fmt: skip
        assert row in told
    assert not any("Account" in row for row in told)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of an empty home."""
    home = ScratchHome(tmp_path / "home")
    home.codex_home.mkdir(parents=True)
    flags = ConfigFlags(cwd=str(tmp_path), approval_policy=AskForApproval.ON_REQUEST)
    return load_config(flags=flags, services=Services(environ=home.environ()))


SCRIPTS = st.lists(
    st.sampled_from(
        [
            "cat <<E", "\nE\n", "\n", "word ", "漢é", " | ", "&& ", "$(", "`", ")", "'", '"', "${x:-1}", "# c", "for i in a; do ",
            "done", "; ", "{ ", "}", "<(", "\\\n", "\t", "if a; then", "fi", "((", "[[", "]]", "<<<", "x=1 ", "\ud800", "\x1b", "\r",
        ]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(SCRIPTS)
def test_no_script_is_changed_by_how_it_is_shown(script: str) -> None:
    assert "\n".join(map(plain_text, script_rows(script))) == exact_text(script)
