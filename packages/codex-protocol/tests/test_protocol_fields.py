"""How single fields read and write: numbers, UUIDs, bytes, 32-bit floats, absent values."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codex_protocol.errors import ProtocolError
from codex_protocol.events import (
    Duration,
    ExecCommandEndEvent,
    ExecCommandOutputDeltaEvent,
    PatchApplyEndEvent,
    TaskStartedEvent,
)
from codex_protocol.fields import canonical_uuid, round_to_float32, widen_float32
from codex_protocol.history_entry import HistoryEntry, HistoryLine
from codex_protocol.review import ReviewLineRange, ReviewOutputEvent

CANONICAL = "67e55044-10b1-426f-9247-bb680e5fe0c8"


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL,
        CANONICAL.upper(),
        CANONICAL.replace("-", ""),
        f"{{{CANONICAL}}}",
        f"urn:uuid:{CANONICAL}",
    ],
)
def test_uuids_of_any_spelling_become_canonical(text):
    assert canonical_uuid(text) == CANONICAL


def test_uuids_of_any_version_are_read():
    version7 = "01a2026a-1fe8-7370-9e62-7737d6c2397b"
    assert canonical_uuid(version7) == version7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        CANONICAL[:-1],
        CANONICAL + "0",
        f"{{{CANONICAL}",
        f"urn:{CANONICAL}",
        CANONICAL.replace("-", "_"),
    ],
)
def test_other_text_is_no_uuid(text):
    with pytest.raises(ProtocolError, match="UUID"):
        canonical_uuid(text)


@pytest.mark.parametrize("window", [1.0, "1", True, -1, 2**64, [], {}])
def test_an_unsigned_integer_takes_nothing_else(window):
    with pytest.raises(ProtocolError, match="model_context_window"):
        TaskStartedEvent.from_wire({"model_context_window": window})


def test_the_largest_unsigned_integer_is_kept():
    event = TaskStartedEvent.from_wire({"model_context_window": 2**64 - 1})
    assert event.to_json() == '{"type":"task_started","model_context_window":18446744073709551615}'


def test_exit_codes_are_signed_and_have_32_bits():
    wire = {
        "call_id": "c",
        "stdout": "",
        "stderr": "",
        "exit_code": -1,
        "duration": {"secs": 0, "nanos": 0},
        "formatted_output": "",
    }
    assert ExecCommandEndEvent.from_wire(wire).exit_code == -1
    with pytest.raises(ProtocolError, match="exit_code"):
        ExecCommandEndEvent.from_wire({**wire, "exit_code": 2**31})


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_a_boolean_takes_nothing_else(value):
    wire = {"call_id": "c", "stdout": "", "stderr": "", "success": value}
    with pytest.raises(ProtocolError, match="success"):
        PatchApplyEndEvent.from_wire(wire)


@pytest.mark.parametrize("value", [1, None, True, ["x"], {}])
def test_text_takes_nothing_else(value):
    with pytest.raises(ProtocolError, match="expected a string in `text`"):
        HistoryLine.from_wire({"session_id": "s", "ts": 1, "text": value})


def test_bytes_are_standard_base64():
    event = ExecCommandOutputDeltaEvent.from_json('{"call_id":"call21","stream":"stdout","chunk":"AQIDBAU="}')
    assert event.chunk == bytes([1, 2, 3, 4, 5])
    assert event.to_wire() == {
        "type": "exec_command_output_delta",
        "call_id": "call21",
        "stream": "stdout",
        "chunk": "AQIDBAU=",
    }


@pytest.mark.parametrize("chunk", ["AQIDBAU==", "A", "A Q=", "_-==", "é", 1, None])
def test_other_text_is_no_base64(chunk):
    with pytest.raises(ProtocolError, match="chunk"):
        ExecCommandOutputDeltaEvent.from_wire({"call_id": "c", "stream": "stdout", "chunk": chunk})


@given(st.binary())
def test_any_bytes_survive(data):
    event = ExecCommandOutputDeltaEvent(call_id="c", stream="stderr", chunk=data)
    assert ExecCommandOutputDeltaEvent.from_json(event.to_json()) == event


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_32_bit_float_is_written_with_the_fewest_digits_that_keep_it(value):
    short = round_to_float32(value)
    assert struct.pack("<f", short) == struct.pack("<f", value)
    assert len(repr(short)) <= len(repr(value))
    assert round_to_float32(short) == short


def test_scores_are_short_on_lines_and_wide_in_trees():
    wire = {
        "findings": [],
        "overall_correctness": "",
        "overall_explanation": "",
        "overall_confidence_score": 0.8999999761581421,
    }
    output = ReviewOutputEvent.from_wire(wire)
    assert output.overall_confidence_score == 0.9
    assert output.to_json().endswith('"overall_confidence_score":0.9}')
    assert widen_float32(output.overall_confidence_score) == 0.8999999761581421
    assert ReviewOutputEvent.from_wire({**wire, "overall_confidence_score": 1}).to_json().endswith(":1.0}")


@pytest.mark.parametrize("score", [1e39, float("nan"), "1", True, None])
def test_what_is_no_32_bit_float_is_refused(score):
    wire = {
        "findings": [],
        "overall_correctness": "",
        "overall_explanation": "",
        "overall_confidence_score": score,
    }
    with pytest.raises(ProtocolError, match="overall_confidence_score"):
        ReviewOutputEvent.from_wire(wire)


def test_line_numbers_have_32_bits():
    assert ReviewLineRange(start=0, end=2**32 - 1).end == 2**32 - 1
    with pytest.raises(ProtocolError, match="end"):
        ReviewLineRange.from_wire({"start": 0, "end": 2**32})


@pytest.mark.parametrize(
    ("seconds", "secs", "nanos"),
    [(0.0, 0, 0), (1.5, 1, 500_000_000), (0.9999999999, 1, 0), (-3.0, 0, 0), (0.021289456, 0, 21_289_456)],
)
def test_durations_are_seconds_and_nanoseconds(seconds, secs, nanos):
    duration = Duration.from_seconds(seconds)
    assert duration == Duration(secs=secs, nanos=nanos)
    assert duration.to_json() == f'{{"secs":{secs},"nanos":{nanos}}}'
    assert duration.seconds == pytest.approx(max(seconds, 0.0))


def test_nanoseconds_beyond_a_second_are_carried_when_read():
    assert Duration.from_json('{"secs":1,"nanos":2147483648}') == Duration(secs=3, nanos=147_483_648)
    with pytest.raises(ProtocolError, match="secs"):
        Duration.from_json('{"secs":18446744073709551615,"nanos":1000000000}')
    with pytest.raises(ProtocolError, match="nanos"):
        Duration.from_json('{"secs":0,"nanos":4294967296}')


def test_base64_is_read_without_its_padding_and_written_with_it():
    event = ExecCommandOutputDeltaEvent.from_json('{"call_id":"c","stream":"stdout","chunk":"AQI"}')
    assert event.chunk == bytes([1, 2])
    assert event.to_wire()["chunk"] == "AQI="


def test_values_are_frozen():
    event = TaskStartedEvent()
    with pytest.raises(ValidationError):
        event.model_context_window = 3


def test_unknown_keys_are_ignored():
    assert HistoryLine.from_json('{"text":"t","new":[1],"ts":1,"session_id":"s"}').to_json() == (
        '{"session_id":"s","ts":1,"text":"t"}'
    )


def test_the_first_problem_is_named_with_its_place():
    with pytest.raises(ProtocolError) as caught:
        ExecCommandEndEvent.from_wire({"call_id": "c", "stdout": "", "stderr": "", "duration": {"secs": 1}})
    assert caught.value.reason == "missing field `exit_code`"
    with pytest.raises(ProtocolError) as caught:
        ReviewOutputEvent.from_json(
            '{"findings":[{"title":1}],"overall_correctness":"","overall_explanation":"","overall_confidence_score":0}'
        )
    assert str(caught.value) == "invalid type: integer `1`, expected a string in `findings.0.title`"


def test_a_history_line_becomes_an_event_entry_under_another_key():
    line = HistoryLine(session_id=CANONICAL, ts=5, text="t")
    assert HistoryEntry.from_line(line).to_wire() == {"conversation_id": CANONICAL, "ts": 5, "text": "t"}


def test_a_lone_surrogate_made_in_this_process_is_replaced_when_written():
    line = HistoryLine(session_id="s", ts=1, text="a\ud800")
    assert line.to_json() == '{"session_id":"s","ts":1,"text":"a\ufffd"}'
