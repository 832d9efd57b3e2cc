"""One event stream, three skins: `codex exec`, the transcript of the app and `codex sessions show` tell the same.

What is told is compared row by row, blank rows apart: how far things stand from each other is the skin's.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from all_events import conversation

from codex_core.presentation.blocks import OUTPUT_ROWS
from codex_core.presentation.spans import plain_text, unwrapped
from codex_core.presentation.story import Story
from codex_protocol.events import Event, parse_event_msg
from codex_tui.history.history import History
from codex_tui.history.settings import HistorySettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.events import EventMsg

painter = pytest.importorskip("codex_exec.painter", reason="codex-exec is not installed")
human = pytest.importorskip("codex_exec.human", reason="codex-exec is not installed")
reading = pytest.importorskip("codex_cli.sessions.reading", reason="codex-cli is not installed")

CWD = "/w"
TRANSCRIPTS = sorted((Path(__file__).parents[3] / "tests" / "data" / "transcripts").glob("*.json"))


def rows(text: str) -> list[str]:
    return [row for row in text.split("\n") if row.strip()]


def told_by_exec(msgs: Sequence[EventMsg]) -> list[str]:
    out = StringIO()
    printer = human.HumanPrinter(painter.Painter(out, colored=False), None, show_reasoning=True, cwd=CWD)
    for msg in msgs:
        printer.event(Event(id="1", msg=msg))
    return rows(out.getvalue())


def told_by_sessions(msgs: Sequence[EventMsg], capsys: pytest.CaptureFixture[str]) -> list[str]:
    reading.print_story(msgs, cwd=CWD, color="never")
    return rows(capsys.readouterr().out)


def told_by_the_app(msgs: Sequence[EventMsg]) -> list[str]:
    history = History(HistorySettings("1", CWD, "", "m"))
    for msg in msgs:
        history.feed(msg, 0.0)
    assert history.live_cells == []
    return rows("\n".join(plain_text(row) for cell in history.cells for row in unwrapped(cell.story())))


def everything() -> list[EventMsg]:
    numbers = count(1)
    msgs = conversation(lambda: f"text {next(numbers)} of it")
    at = next(at for at, msg in enumerate(msgs) if msg["type"] == "shutdown_complete")
    return [parse_event_msg(msg) for msg in msgs[: at + 1]]


def recorded(path: Path) -> list[EventMsg]:
    events = json.loads(path.read_text(encoding="utf-8"))["events"]
    return [parse_event_msg(shortened(event["msg"])) for event in events if "msg" in event]


def shortened(msg: dict[str, Any]) -> dict[str, Any]:
    """Only the app tells all of a long output, which has a test of its own."""
    output = msg.get("aggregated_output")
    return (
        msg
        if output is None
        else {**msg, "aggregated_output": "".join(output.splitlines(keepends=True)[:OUTPUT_ROWS])}
    )


def test_all_that_can_happen_is_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    msgs = everything()
    told = told_by_exec(msgs)
    assert told_by_the_app(msgs) == told
    assert told_by_sessions(msgs, capsys) == told
    # It is not the same because nobody tells it: of each kind that holds a text one is there.
    text = "\n".join(told)
    silent = {msg.type for msg in msgs if said(msg) and not any(part in text for part in said(msg))}
    assert silent == set()


def said(msg: EventMsg) -> list[str]:
    return re.findall(r"text \d+ of it", str(msg))


def test_all_kinds_of_events_that_somebody_tells_are_among_them() -> None:
    kinds = {msg.type for msg in everything()}
    told = {
        name.removeprefix("_on_")
        for told_by in (Story, History)
        for name in vars(told_by)
        if name.startswith("_on_")
    }
    # The user's messages are part of the first one; what runs is live, and told when it has ended.
    assert told - kinds == {"user_message", "exec_command_output_delta"}


@pytest.mark.skipif(not TRANSCRIPTS, reason="the recorded conversations are not part of this package")
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_recorded_conversation_is_told_the_same(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    msgs = recorded(path)
    told = told_by_exec(msgs)
    assert len(told) > 2
    assert told_by_the_app(msgs) == told
    assert told_by_sessions(msgs, capsys) == told


def test_only_the_app_tells_all_of_a_long_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = "".join(f"line {number}\n" for number in range(50))
    ran: list[dict[str, Any]] = [
        {"type": "exec_command_begin", "call_id": "c", "command": ["make"], "cwd": CWD, "parsed_cmd": []},
        {
            "type": "exec_command_end", "call_id": "c", "stdout": output, "stderr": "", "exit_code": 0,
            "aggregated_output": output, "formatted_output": output, "duration": {"secs": 0, "nanos": 0},
        },
    ]  # fmt: skip
    msgs = [parse_event_msg(msg) for msg in ran]
    told = told_by_exec(msgs)
    assert told_by_sessions(msgs, capsys) == told
    assert told_by_the_app(msgs)[: OUTPUT_ROWS + 1] == told[: OUTPUT_ROWS + 1]
    assert told[OUTPUT_ROWS + 1] == "… 30 more lines"
    assert "line 49" in told_by_the_app(msgs)


def test_what_broke_off_or_was_interrupted_is_told_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    aborted = {"type": "turn_aborted", "reason": "interrupted"}
    broken = {"type": "stream_error", "message": "gone"}
    happened: list[dict[str, Any]] = [
        {"type": "agent_message_delta", "delta": "One.\n\nTwo.\n\nThr"}, broken,
        {"type": "agent_message_delta", "delta": "One"}, broken,
        {"type": "agent_message", "message": "One."}, broken,
        begun("a", {"type": "unknown", "cmd": "make"}), printed("a"), aborted,
        begun("b", {"type": "read", "cmd": "cat x", "name": "x"}), printed("b"), aborted,
        aborted,
        begun("c", {"type": "unknown", "cmd": "make"}), {"type": "turn_aborted", "reason": "replaced"},
    ]  # fmt: skip
    msgs = [parse_event_msg(msg) for msg in happened]
    told = told_by_exec(msgs)
    assert told.count("(cut off; asked again)") == 2
    assert told.count("printed") == 2
    assert told.count("interrupted") == 4
    assert told_by_the_app(msgs) == told
    assert told_by_sessions(msgs, capsys) == told


def begun(call_id: str, parsed: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "exec_command_begin",
        "call_id": call_id,
        "command": ["x"],
        "cwd": CWD,
        "parsed_cmd": [parsed],
    }


def printed(call_id: str) -> dict[str, Any]:
    chunk = "cHJpbnRlZAo="
    return {"type": "exec_command_output_delta", "call_id": call_id, "stream": "stdout", "chunk": chunk}
