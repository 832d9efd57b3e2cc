"""A conversation told in full: what reports say, and how a story keeps things apart that overlap."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from codex_core.presentation import reports
from codex_core.presentation.spans import Line, Style, plain_text, unwrapped
from codex_core.presentation.speech import Speech
from codex_core.presentation.story import Story
from codex_protocol.events import parse_event_msg
from codex_protocol.tokens import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOK = {"secs": 1, "nanos": 500_000_000}


class Pad:
    """A page in memory."""

    def __init__(self) -> None:
        self.written = ""

    def rows(self, rows: Iterable[Line]) -> None:
        self.written += "".join(f"{plain_text(row)}\n" for row in rows)

    def text(self, text: str, style: Style = Style.PLAIN) -> None:
        self.written += text


def told(*msgs: dict[str, Any], max_output_rows: int | None = None) -> list[str]:
    pad = Pad()
    story = Story(pad, cwd="/w", max_output_rows=max_output_rows)
    for msg in msgs:
        story.tell(parse_event_msg(msg))
    return pad.written.splitlines()


def begin(call_id: str, command: str) -> dict[str, Any]:
    return {
        "type": "exec_command_begin", "call_id": call_id, "command": [command], "cwd": "/w", "parsed_cmd": [],
    }  # fmt: skip


def printed(call_id: str, chunk: bytes) -> dict[str, Any]:
    text = b64encode(chunk).decode()
    return {"type": "exec_command_output_delta", "call_id": call_id, "stream": "stdout", "chunk": text}


def end(call_id: str, output: str, exit_code: int = 0) -> dict[str, Any]:
    return {
        "type": "exec_command_end", "call_id": call_id, "stdout": output, "stderr": "",
        "aggregated_output": output, "exit_code": exit_code, "duration": TOOK, "formatted_output": output,
    }  # fmt: skip


def test_commands_that_overlap_are_named_again() -> None:
    assert told(begin("a", "first"), begin("b", "second"), end("a", "1\n"), end("b", "2\n")) == [
        "", "$ first", "", "$ second",
        "", "$ first", "1", "succeeded in 1.50s",
        "", "$ second", "2", "succeeded in 1.50s",
    ]  # fmt: skip


def test_an_end_without_a_beginning_has_its_id() -> None:
    assert told(end("call-7", "", 3)) == ["", "$ call-7", "exited 3 in 1.50s"]


def test_what_has_not_ended_was_interrupted() -> None:
    aborted = {"type": "turn_aborted", "reason": "interrupted"}
    assert told(begin("a", "first"), aborted) == ["", "$ first", "interrupted"]
    assert told(aborted) == ["interrupted"]
    replaced = {"type": "turn_aborted", "reason": "replaced"}
    assert told(begin("a", "first"), replaced) == ["", "$ first", "interrupted", "replaced"]
    assert told(begin("a", "x"), {"type": "error", "message": "m"}) == ["", "$ x", "interrupted", "ERROR: m"]


def test_what_an_interrupted_command_has_printed_is_told() -> None:
    aborted = {"type": "turn_aborted", "reason": "interrupted"}
    assert told(begin("a", "first"), printed("a", b"on\xc3"), printed("a", b"\xa9\ntwo\n"), aborted) == [
        "", "$ first", "oné", "two", "interrupted",
    ]  # fmt: skip
    assert told(printed("unknown", b"x"), begin("a", "first"), printed("a", b"x"), end("a", "y\n")) == [
        "", "$ first", "y", "succeeded in 1.50s",
    ]  # fmt: skip


def test_an_answer_that_broke_off_is_marked() -> None:
    broken = {"type": "stream_error", "message": "gone"}
    half = {"type": "agent_message_delta", "delta": "Half an ans"}
    whole = {"type": "agent_message", "message": "Half an answer."}
    assert told(half, broken, whole) == [
        "", "codex", "Half an ans", "(cut off; asked again)", "gone", "", "codex", "Half an answer.",
    ]  # fmt: skip
    assert told(whole, broken)[-1] == "gone"
    assert "(cut off; asked again)" not in told(whole, broken)


def test_all_of_an_output_is_told_to_who_wants_it() -> None:
    long = "".join(f"{number}\n" for number in range(50))
    assert len(told(begin("a", "x"), end("a", long))) == 53
    assert "… 30 more lines" in told(begin("a", "x"), end("a", long), max_output_rows=20)


def test_a_tool_and_its_answer() -> None:
    invocation = {"server": "s", "tool": "t", "arguments": {"a": [1, "ü"]}}
    called = {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": invocation}

    def answered(result: dict[str, Any]) -> list[str]:
        ended = {
            "type": "mcp_tool_call_end", "call_id": "m", "invocation": invocation, "duration": TOOK,
            "result": result,
        }  # fmt: skip
        return told(called, ended)[2:]

    assert told(called) == ["", 'tool s.t({"a":[1,"ü"]})']
    blocks = [
        {"type": "text", "text": '{"a":1,\n"b":[]}'},
        {"type": "text", "text": "two\nrows"},
        {"type": "image", "data": "", "mimeType": "image/png"},
        {"type": "audio", "data": "", "mimeType": "audio/wav"},
        {"type": "resource_link", "uri": "u:1", "name": "n"},
        {"type": "resource", "resource": {"uri": "u:2", "text": "x"}},
    ]
    assert answered({"Ok": {"content": blocks}}) == [
        '{"a": 1, "b": []}', "two", "rows", "<image content>", "<audio content>", "link: u:1",
        "embedded resource: u:2", "succeeded in 1.50s",
    ]  # fmt: skip
    assert answered({"Ok": {"content": [], "isError": True}}) == ["failed in 1.50s"]
    assert answered({"Err": "gone\x1b[2J"}) == ["Error: gone␛[2J", "failed in 1.50s"]


def test_a_review_and_what_it_found() -> None:
    finding = {
        "title": "Off by one",
        "body": "The loop\nends early.",
        "confidence_score": 0.5,
        "priority": 1,
        "code_location": {"absolute_file_path": "/w/a.py", "line_range": {"start": 3, "end": 4}},
    }
    output = {
        "findings": [finding],
        "overall_correctness": "patch is incorrect",
        "overall_explanation": "One bug.",
        "overall_confidence_score": 0.5,
    }
    assert told(
        {"type": "entered_review_mode", "prompt": "p", "user_facing_hint": "current changes"},
        {"type": "exited_review_mode", "review_output": output},
        {"type": "exited_review_mode", "review_output": None},
    ) == [
        "", ">> Code review started: current changes <<",
        "", "One bug.", "verdict: patch is incorrect", "- Off by one — a.py:3-4", "  The loop", "  ends early.",
        "<< Code review finished >>",
        "", "<< Code review stopped before it was done >>",
    ]  # fmt: skip


def test_what_was_recorded_is_told_as_it_was_said() -> None:
    configured = {
        "type": "session_configured",
        "session_id": "11111111-2222-4333-8444-555555555555",
        "model": "m",
        "history_log_id": 0,
        "history_entry_count": 0,
        "rollout_path": "/r",
        "initial_messages": [
            {"type": "user_message", "message": "<user_instructions>x</user_instructions>"},
            {"type": "user_message", "message": "do it", "kind": "plain", "images": ["data:"]},
            {"type": "agent_message", "message": "done"},
        ],
    }
    assert told(configured)[1:] == ["", "user", "do it", "[image]", "", "codex", "done"]


def test_a_proposal_and_its_reason() -> None:
    rows = told(
        {"type": "exec_approval_request", "call_id": "a", "command": ["ls"], "cwd": "/x", "reason": "why"},
        {
            "type": "apply_patch_approval_request",
            "call_id": "p",
            "changes": {"/w/a": {"add": {"content": "x"}}},
            "reason": "because",
        },
    )
    assert rows == [
        "", "may this command run?", "$ ls in /x", "why",
        "", "may this patch be applied?", "A a (+1 -0)", "    1 +x", "because",
    ]  # fmt: skip


def test_the_last_words_say_how_to_go_on() -> None:
    usage = TokenUsage(
        input_tokens=12_000, cached_input_tokens=2_000, output_tokens=345, reasoning_output_tokens=45,
        total_tokens=12_345,
    )  # fmt: skip
    rows = [plain_text(row) for row in unwrapped(reports.usage(usage, "abc"))]
    assert rows == [
        "Token usage: total=10,345 input=10,000 (+ 2,000 cached) output=345 (reasoning 45)",
        "To continue this session, run codex resume abc",
    ]
    assert reports.usage(TokenUsage.zero(), "") == []


def test_speech_knows_what_was_streamed() -> None:
    speech = Speech()
    speech.hear("a", "one")
    speech.hear("a", "two")
    assert speech.is_news("b", "one")
    assert not speech.is_news("a", "one")
    assert speech.has_more("a")
    assert not speech.is_news("a", "two")
    assert not speech.has_more("a")
    assert speech.is_news("a", "two")
    speech.hear("a", "x")
    speech.forget()
    assert speech.is_news("a", "x")
    assert speech.is_news("a", "")
