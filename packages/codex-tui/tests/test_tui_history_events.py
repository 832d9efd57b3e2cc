"""Events become cells: what is live, what is finished, and in what order."""

from __future__ import annotations

import json
from base64 import b64encode
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transcript_text import transcript_rows

from codex_core.presentation.spans import Emphasis, Line, Span, Style, plain_text, unwrapped
from codex_core.presentation.story import Story
from codex_protocol.events import parse_event_msg
from codex_tui.history.history import WORKING, History
from codex_tui.history.notice_cells import Decision
from codex_tui.history.progress import elapsed_text, spinner
from codex_tui.history.settings import HistorySettings, settings_for
from codex_tui.history.speech_cells import PromptCell
from codex_tui.history.themes import DARK, LIGHT, PLAIN, choose_theme, painted
from codex_tui.history.wrapping import line_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_protocol.events import ExecApprovalRequestEvent

Msg = dict[str, Any]
TRANSCRIPTS = sorted((Path(__file__).parents[3] / "tests" / "data" / "transcripts").glob("*.json"))
SESSION = "11111111-2222-4333-8444-555555555555"
CONFIGURED: Msg = {
    "type": "session_configured", "session_id": SESSION, "model": "gpt-5", "history_log_id": 0,
    "history_entry_count": 0, "rollout_path": "/r",
}  # fmt: skip
STARTED: Msg = {"type": "task_started"}
DONE: Msg = {"type": "task_complete"}
ABORTED: Msg = {"type": "turn_aborted", "reason": "interrupted"}
TOKENS: Msg = {"type": "token_count", "info": None}


def begin(call_id: str, command: str = "make", name: str = "") -> Msg:
    parsed = [{"type": "read", "cmd": command, "name": name}] if name else []
    return {
        "type": "exec_command_begin", "call_id": call_id, "command": ["bash", "-lc", command], "cwd": "/w",
        "parsed_cmd": parsed,
    }  # fmt: skip


def end(call_id: str, output: str = "", exit_code: int = 0) -> Msg:
    return {
        "type": "exec_command_end", "call_id": call_id, "stdout": output, "stderr": "",
        "aggregated_output": output, "exit_code": exit_code, "formatted_output": output,
        "duration": {"secs": 0, "nanos": 1_000_000},
    }  # fmt: skip


def printed(call_id: str, data: bytes, stream: str = "stdout") -> Msg:
    chunk = b64encode(data).decode()
    return {"type": "exec_command_output_delta", "call_id": call_id, "stream": stream, "chunk": chunk}


def delta(text: str) -> Msg:
    return {"type": "agent_message_delta", "delta": text}


def message(text: str) -> Msg:
    return {"type": "agent_message", "message": text}


def thought(text: str) -> Msg:
    return {"type": "agent_reasoning", "text": text}


def thinking(text: str) -> Msg:
    return {"type": "agent_reasoning_delta", "delta": text}


def fed(*msgs: Msg, shows_thoughts: bool = False, now: float = 0.0) -> History:
    history = History(HistorySettings("1.2.3", "/w", "/home", "gpt-5", shows_thoughts=shows_thoughts))
    feed(history, *msgs, now=now)
    return history


def feed(history: History, *msgs: Msg, now: float = 0.0) -> None:
    for msg in msgs:
        history.feed(parse_event_msg(msg), now)


def look(rows: Iterable[Line]) -> list[str]:
    return [plain_text(row).rstrip() for row in rows]


def done(history: History, width: int = 60) -> list[str]:
    return look(history.rows(width))


def live(history: History, now: float = 0.0, width: int = 60) -> list[str]:
    return look(history.live_rows(width, now))


# -- answers ------------------------------------------------------------------------------------


def test_an_answer_is_finished_block_by_block() -> None:
    history = fed(delta("One.\n\nTw"))
    assert (done(history), live(history)) == (["> One."], ["", "  Tw"])
    feed(history, delta("o.\n\n- a"))
    assert (done(history), live(history)) == (["> One.", "", "  Two."], ["", "  - a"])
    feed(history, message("One.\n\nTwo.\n\n- a"))
    assert (done(history), live(history)) == (["> One.", "", "  Two.", "", "  - a"], [])


def test_an_answer_that_was_not_streamed_is_shown_whole() -> None:
    assert done(fed(message("One.\n\nTwo."), message("Three."))) == ["> One.", "", "  Two.", "", "> Three."]


def test_an_answer_goes_on_behind_what_came_between() -> None:
    history = fed(delta("One "), {"type": "background_event", "message": "busy"}, delta("two."), DONE)
    assert done(history) == ["> One", "", "· busy", "", "> two."]


def test_an_answer_that_broke_off_comes_again() -> None:
    history = fed(delta("Hel"), {"type": "stream_error", "message": "gone"}, delta("Hello"), message("Hello"))
    assert done(history) == ["⚠ gone", "", "> Hello"]


def test_of_an_answer_that_broke_off_what_was_finished_stays_and_is_marked() -> None:
    history = fed(delta("One.\n\nTwo.\n\nThr"))
    assert done(history) == ["> One.", "", "  Two."]
    feed(history, {"type": "stream_error", "message": "gone"}, delta("One."), message("One."))
    assert done(history) == ["> One.", "", "  Two.", "  (cut off; asked again)", "", "⚠ gone", "", "> One."]
    assert live(history) == []


def test_a_retry_without_an_answer_marks_nothing() -> None:
    history = fed(message("All of it."), {"type": "stream_error", "message": "gone"})
    assert done(history) == ["> All of it.", "", "⚠ gone"]


def test_the_transcript_of_an_interruption_has_the_output_and_the_sentence_once() -> None:
    printed: Msg = {
        "type": "exec_command_output_delta",
        "call_id": "a",
        "stream": "stdout",
        "chunk": "b25lCg==",
    }
    history = fed(STARTED, begin("a"), printed, ABORTED)
    assert [plain_text(row) for row in transcript_rows(history.cells, 80)] == [
        "$ make", "one", "interrupted", "",
        "■ Conversation interrupted - tell the model what to do differently",
    ]  # fmt: skip


def test_finished_cells_are_only_ever_appended() -> None:
    msgs = [delta(part) for part in ("# A\n\nte", "xt\n\n", "```\nx", "\n```\n", "- a\n", "- b\n", "end")]
    history = fed()
    rows: list[Line] = []
    seen = 0
    for msg in [*msgs, begin("c"), end("c"), DONE]:
        feed(history, msg)
        before = history.cells[:seen]
        rows += history.rows(60, seen)
        seen = len(history.cells)
        assert list(history.cells[: len(before)]) == list(before)
    assert rows == history.rows(60)


def test_rows_of_an_answer_never_change_while_it_streams() -> None:
    text = "Some **bold\nwords**\n\n1. a\n2. b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\nend\n"
    history = fed()
    rows: list[Line] = []
    seen = 0
    for letter in text:
        feed(history, delta(letter))
        rows += history.rows(60, seen)
        seen = len(history.cells)
    feed(history, message(text))
    assert rows + history.rows(60, seen) == fed(message(text)).rows(60)


BLOCKS = (
    "Some *text*\n\n- a\n  - b\n\n```py\nx = 1\n```\n| a | `b` |\n|---|---|\n| 1 | 漢字 |\n\n> quote\nend"
)


def test_an_answer_cut_off_anywhere_is_kept_and_goes_on_as_a_new_one() -> None:
    for cut in range(1, len(BLOCKS)):
        before, after = BLOCKS[:cut], BLOCKS[cut:]
        history = fed(STARTED, *(delta(letter) for letter in before), ABORTED)
        assert done(history) == done(fed(STARTED, message(before), ABORTED)), cut
        feed(history, STARTED, *(delta(letter) for letter in after), message(after), DONE)
        assert done(history) == done(fed(STARTED, message(before), ABORTED, STARTED, message(after), DONE)), (
            cut
        )
        assert live(history) == []


# -- thoughts and the status line -----------------------------------------------------------------


def test_thoughts_say_what_is_going_on() -> None:
    history = fed(STARTED)
    assert (history.is_running, history.status) == (True, WORKING)
    for part in ("**Looking", " around", "** at it"):
        feed(history, thinking(part))
    assert history.status == "Looking around"
    feed(history, SECTION)
    assert history.status == "Looking around"
    feed(history, thinking("**Next** x"))
    assert history.status == "Next"
    feed(history, DONE)
    assert (history.is_running, history.status) == (False, WORKING)


def test_thoughts_stand_in_the_transcript_and_for_some_models_in_the_conversation() -> None:
    said = thought("**Head**\n\nbody")
    assert done(fed(said)) == []
    assert done(fed(said, shows_thoughts=True)) == ["• Thinking", "  body"]
    assert look(transcript_rows(fed(said).cells, 60)) == ["thinking", "**Head**", "", "body"]


def test_hidden_thoughts_are_nowhere() -> None:
    history = History(HistorySettings("1", "/w", hides_thoughts=True))
    feed(history, thought("**Head**\n\nbody"))
    assert list(history.cells) == []


# -- commands -----------------------------------------------------------------------------------


def test_a_running_command_shows_its_time_and_the_end_of_its_output() -> None:
    history = fed(begin("c"), now=10.0)
    feed(history, printed("c", b"1\n2\n3\n4 \xc3"), printed("c", b"!", "stderr"), printed("c", b"\xa4\n"))
    assert done(history) == []
    assert live(history, 85.3) == ["⠸ Running make (1m 15s)", "  └ 2", "    3", "    4 !ä"]
    feed(history, end("c", "all"))
    assert (done(history), live(history)) == (["• Ran make", "  └ all"], [])


def test_commands_that_run_at_once_are_finished_as_they_end() -> None:
    history = fed(begin("a", "first"), begin("b", "second"), end("b"))
    assert (done(history), live(history)) == (["• Ran second"], ["", "⠋ Running first (0s)"])
    feed(history, ABORTED)
    assert done(history)[1:3] == ["", "• Ran first (interrupted)"]
    assert live(history) == []


def test_an_error_beside_what_runs_ends_nothing() -> None:
    history = fed(STARTED, begin("a", "first"), {"type": "error", "message": "not recorded any more"})
    assert (done(history), live(history)) == (["■ not recorded any more"], ["", "⠋ Running first (0s)"])
    feed(history, end("a"), DONE)
    assert done(history) == ["■ not recorded any more", "", "• Ran first"]


@given(st.lists(st.sampled_from([STARTED, DONE, ABORTED, begin("a"), end("a"), begin("b", "ls", "x"), end("b"),
    {"type": "agent_message", "message": "One.\n\n- two\n- three"}, {"type": "agent_reasoning", "text": "hm"},
    {"type": "error", "message": "no"}]), max_size=12))  # fmt: skip
def test_rows_from_the_end_are_those_from_the_beginning(msgs: list[Msg]) -> None:
    history = fed(*msgs)
    for stop in {0, len(history.cells) // 2, len(history.cells)}:
        backwards = [row for rows in history.rows_backwards(30, stop) for row in reversed(rows)]
        assert backwards[::-1] == history.rows(30, 0, stop)


def test_reading_is_summed_up_until_something_else_happens() -> None:
    history = fed(begin("a", "cat a", "a"), end("a"), thought("**hm**"), begin("b", "cat b", "b"))
    assert (done(history), live(history)) == ([], ["⠋ Exploring", "  └ Read a, b"])
    feed(history, end("b"), begin("c"))
    assert done(history) == ["• Explored", "  └ Read a, b"]
    assert live(history) == ["", "⠋ Running make (0s)"]


def test_calls_with_the_same_id_are_all_kept() -> None:
    history = fed(begin("x", "cat a", "a"), end("x"))
    feed(history, begin("x", "cat b", "b"), end("x"), begin("x", "one"), begin("x", "two"), end("x"), DONE)
    assert done(history) == [
        "• Explored", "  └ Read a, b", "", "• Ran one (interrupted)", "", "• Ran two",
    ]  # fmt: skip


def test_an_end_without_a_beginning_is_shown_by_its_id() -> None:
    assert done(fed(end("call-7", "x", 1))) == ["• Ran call-7 (exit 1, 1ms)", "  └ x"]


def test_what_runs_when_a_turn_is_stopped_was_interrupted() -> None:
    invocation = {"server": "s", "tool": "t", "arguments": None}
    history = fed(
        begin("a", "cat a", "a"), begin("c"), {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": invocation},
        {"type": "web_search_begin", "call_id": "w"}, {"type": "patch_apply_begin", "call_id": "p",
         "auto_approved": True, "changes": {"/w/a": {"add": {"content": "x"}}}}, delta("Half"), now=1.0,
    )  # fmt: skip
    assert [row for row in live(history, 1.0) if row] == [
        "> Half", "⠋ Exploring", "  └ Read a", "⠋ Running make (0s)", "⠋ Applying a (+1 -0)", "    1 +x",
        "⠋ Calling s.t() (0s)", "⠋ Searching the web",
    ]  # fmt: skip
    feed(history, ABORTED)
    assert live(history) == []
    assert [row for row in done(history) if row] == [
        "> Half", "• Explored", "  └ Read a", "• Ran make (interrupted)", "✘ Interrupted patch: a (+1 -0)",
        "• Called s.t() (interrupted)",
        "■ Conversation interrupted - tell the model what to do", "  differently",
    ]  # fmt: skip


# -- approvals, the session ---------------------------------------------------------------------


def test_a_question_and_its_answer() -> None:
    asked: Msg = {"type": "exec_approval_request", "call_id": "a", "command": ["ls"], "cwd": "/w"}
    history = fed(asked)
    request: ExecApprovalRequestEvent = parse_event_msg(asked)  # type: ignore[assignment]  # known by its tag
    history.decide(request, Decision.APPROVED)
    assert done(history) == [
        "• Proposed Command", "  └ ls", "", "✔ You approved codex to run ls this time",
    ]  # fmt: skip


def test_a_patch_that_was_approved_is_not_shown_twice() -> None:
    changes = {"/w/a": {"add": {"content": "x"}}}
    patch: list[Msg] = [
        {"type": "patch_apply_begin", "call_id": "p", "auto_approved": True, "changes": changes},
        {"type": "patch_apply_end", "call_id": "p", "stdout": "", "stderr": "", "success": True},
    ]
    history = fed(patch[0])
    history.approve_patch("p")
    feed(history, patch[1])
    assert done(history) == ["• Change Approved a (+1 -0)"]
    assert done(fed(*patch)) == ["• Added a (+1 -0)", "    1 +x"]


def test_a_session_that_is_resumed_shows_what_was_said() -> None:
    earlier = [
        {"type": "user_message", "message": "<environment_context>x"},
        {"type": "user_message", "message": "do it", "images": ["data:"]},
        message("done"),
        TOKENS,
        message("done"),
    ]
    history = fed({**CONFIGURED, "model": "gpt-4", "initial_messages": earlier})
    assert history.session_id == SESSION
    rows = done(history)
    assert rows[-8:] == ["used: gpt-4", "", "▌ do it", "▌ [image]", "", "> done", "", "> done"]


def test_another_session_begins_below_the_one_before() -> None:
    history = fed(CONFIGURED, STARTED, begin("c"), delta("Half"))
    feed(history, {**CONFIGURED, "session_id": SESSION.replace("1", "7")})
    assert live(history) == []
    assert (history.session_id[:4], history.is_running) == ("7777", False)
    rows = [row for row in done(history) if row]
    at = rows.index("• Ran make (interrupted)")
    assert rows[at - 1] == "> Half"
    assert rows[at + 1].startswith("╭")


def test_cells_of_the_app_take_their_place() -> None:
    history = fed(CONFIGURED)
    history.add(PromptCell("hi"))
    feed(history, STARTED, delta("Answ"))
    history.add(PromptCell("wait"))
    feed(history, delta("er"), message("Answer"))
    assert done(history)[-7:] == ["▌ hi", "", "> Answ", "", "▌ wait", "", "> er"]
    assert history.rows(60, len(history.cells) - 1)[0] == ()


def test_settings_come_from_the_configuration(tmp_path: Path) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services
    from codex_core.testing import ScratchHome

    home = ScratchHome(tmp_path / "home")
    home.codex_home.mkdir(parents=True)
    services = Services(environ=home.environ())

    def read(config_toml: str) -> HistorySettings:
        (home.codex_home / "config.toml").write_text(config_toml)
        config = load_config(flags=ConfigFlags(cwd=str(tmp_path)), services=services)
        return settings_for(config, version="1", home="/h")

    plain = read('model = "gpt-5"\n')
    assert (plain.cwd, plain.requested_model, plain.shows_thoughts) == (str(tmp_path), "gpt-5", False)
    assert plain.links.scheme == "vscode"
    other = read('model = "gpt-5-codex"\nfile_opener = "none"\nhide_agent_reasoning = true\n')
    assert (other.links.scheme, other.shows_thoughts, other.hides_thoughts) == ("", True, True)


# -- one renderer -------------------------------------------------------------------------------


class Pad:
    """A page in memory."""

    def __init__(self) -> None:
        self.written = StringIO()

    def rows(self, rows: Iterable[Line]) -> None:
        self.written.write("".join(f"{plain_text(row)}\n" for row in rows))

    def text(self, text: str, style: Style = Style.PLAIN) -> None:
        self.written.write(text)


def told(msgs: Sequence[Msg]) -> list[str]:
    """The rows of the story, blank ones left out."""
    pad = Pad()
    story = Story(pad, cwd="/w", home="/home", max_output_rows=None)
    for msg in msgs:
        story.tell(parse_event_msg(msg))
    return [row for row in pad.written.getvalue().split("\n") if row.strip()]


def in_full(history: History) -> list[str]:
    rows = [plain_text(row) for cell in history.cells for row in unwrapped(cell.story())]
    return [row for row in rows if row.strip()]


@pytest.mark.skipif(not TRANSCRIPTS, reason="the recorded conversations are not part of this package")
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_recorded_conversation_is_told_the_same_by_exec_and_by_the_cells(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))["events"]
    msgs = [event["msg"] for event in recorded if "msg" in event]
    assert msgs
    assert in_full(fed(*msgs)) == told(msgs)


SECTION: Msg = {"type": "agent_reasoning_section_break"}
SPOKEN = st.sampled_from(
    [
        (delta("One **two"),), (delta("**\n\n"),), (delta("- a\n- b\n"),), (message("One **two**\n\n"),),
        (message("whole"),), (delta("```py\nx = 1\n"),), (delta("```\n"),), (TOKENS,), (SECTION,),
        (thought("**Head** body"),), (thinking("**Head** body"), thought("**Head** body")),
        (thinking("**A** b"), SECTION, thinking("**C** d"), thought("**A** b"), thought("**C** d")),
        ({"type": "agent_reasoning_raw_content", "text": "raw"},),
        ({"type": "stream_error", "message": "gone"},), ({"type": "background_event", "message": "busy"},),
        ({"type": "plan_update", "plan": []},), ({"type": "web_search_end", "call_id": "w", "query": "cats"},),
    ]
)  # fmt: skip
CALLED = st.sampled_from(
    [
        (begin("c"), end("c", "one\ntwo\n", 3)),
        (begin("d", "cat a", "a"), end("d", "text\n")),
        (begin("e", "x\ny"), end("e")),
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(SPOKEN | CALLED, max_size=12))
def test_any_conversation_is_told_the_same_by_exec_and_by_the_cells(groups: list[tuple[Msg, ...]]) -> None:
    msgs = [msg for group in groups for msg in group] + [DONE]
    assert in_full(fed(*msgs)) == told(msgs)


@settings(deadline=None)
@given(st.lists(SPOKEN | CALLED, max_size=12), st.integers(4, 80))
def test_rows_of_any_conversation_fit(groups: list[tuple[Msg, ...]], width: int) -> None:
    history = fed(*(msg for group in groups for msg in group), shows_thoughts=True)
    for row in [*history.rows(width), *history.live_rows(width, 1.0), *transcript_rows(history.cells, width)]:
        assert line_width(row) <= width
        assert not any(ord(letter) < 32 for letter in plain_text(row))


# -- themes and clocks --------------------------------------------------------------------------


def test_a_theme_says_how_styles_look() -> None:
    row = (Span("a", Style.ADDED, Emphasis.BOLD), Span("b"), Span("c", Style.DIM, ink="31"))
    assert painted([row], DARK, 10)[0].ansi == "\x1b[32;1ma\x1b[0mb\x1b[2;31mc\x1b[0m"
    assert painted([row], PLAIN, 10)[0].ansi == "\x1b[1ma\x1b[0mb\x1b[2mc\x1b[0m"
    assert painted([(Span("x", ink="1;38;5;9"),)], PLAIN, 10)[0].ansi == "\x1b[1mx\x1b[0m"


@pytest.mark.parametrize("theme", [DARK, LIGHT, PLAIN], ids=lambda theme: theme.name)
def test_themes_colour_letters_only_and_only_with_the_sixteen_colours(theme: Any) -> None:
    for style in Style:
        codes = {int(code) for code in theme.sgr(Span("x", style)).split(";") if code}
        assert codes <= {1, 2, 3, 4, 9, *range(30, 38), *range(90, 98)}
        assert theme.has_colours or codes <= {1, 2, 3, 4, 9}


@pytest.mark.parametrize(
    ("environ", "is_light", "theme"),
    [
        ({}, False, DARK), ({}, True, LIGHT), ({"NO_COLOR": "1"}, True, PLAIN), ({"NO_COLOR": ""}, False, DARK),
        ({"TERM": "dumb"}, False, PLAIN),
    ],
)  # fmt: skip
def test_the_theme_follows_the_terminal_and_the_user(
    environ: dict[str, str], is_light: bool, theme: Any
) -> None:
    assert choose_theme(environ, is_light=is_light) is theme


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (59.9, "59s"), (60, "1m 00s"), (3_661, "1h 01m 01s")]
)
def test_elapsed_time(seconds: float, text: str) -> None:
    assert elapsed_text(seconds) == text
    assert spinner(seconds) in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
