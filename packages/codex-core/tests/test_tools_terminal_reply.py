"""What the model reads of a terminal: texts, and how long output is cut (spec: agent.md section 23)."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.execution.terminal_output import PrintedText
from codex_core.execution.terminal_sessions import Exchange
from codex_core.tools.terminal_reply import (
    UNIFIED_OUTPUT_BYTES,
    clamp_wait,
    cut_middle,
    describe_exchange,
    tokens_of,
    unified_reply,
)


def lines(first: int, last: int) -> str:
    return "".join(f"{number}\r\n" for number in range(first, last + 1))


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        # What the reference answered to the same output and limit.
        ("x" * 200, 6, "…50 tokens truncated…"),
        ("x" * 200, 7, "x…50 tokens truncated…\nxx"),
        ("x" * 200, 8, "xxx…49 tokens truncated…\nxxxx"),
        ("x" * 200, 20, "x" * 27 + "…37 tokens truncated…\n" + "x" * 28),
        ("é" * 101, 20, "é" * 13 + "…37 tokens truncated…\n" + "é" * 14),
        ("€" * 101, 21, "€" * 9 + "…62 tokens truncated…\n" + "€" * 10),
        (lines(1, 100), 0, "…98 tokens truncated…"),
        (lines(1, 100), 10, "1\r\n2\r\n…96 tokens truncated…\n100\r\n"),
        (lines(1, 1000), 50, lines(1, 23) + "…1181 tokens truncated…\n" + lines(984, 1000)),
        (
            "a" * 30 + "\r\n" + "b" * 300 + "\r\ncc\r\n",
            30,
            "a" * 30 + "\r\n…76 tokens truncated…\ncc\r\n",
        ),
    ],
)
def test_the_middle_is_cut_as_the_reference_cuts_it(text: str, tokens: int, expected: str) -> None:
    assert cut_middle(text, tokens * 4) == expected


def test_one_long_line_keeps_its_end() -> None:
    cut = cut_middle("b" * 300 + "\n", 80)
    assert cut.startswith("bbb")
    assert cut.endswith("bbb\n")


@given(
    st.text(st.sampled_from("ab\n\ré€😀"), max_size=400) | st.text(max_size=300),
    st.integers(min_value=0, max_value=500),
)
def test_what_is_cut_fits_and_says_how_much_is_missing(text: str, limit: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    cut = cut_middle(text, limit)
    size = len(text.encode())
    if size <= limit:
        assert cut == text
        return
    found = re.search("…([0-9]+) tokens truncated…\n?", cut)
    assert found is not None
    head, tail = cut[: found.start()], cut[found.end() :]
    assert text.startswith(head)
    assert text.endswith(tail)
    if head or tail:
        assert len(cut.encode()) <= limit + 1  # the line end of the marker is not counted
    assert int(found[1]) == tokens_of(size - len(head.encode()) - len(tail.encode()))


def exchange(
    text: str, exit_code: int | None = None, *, size: int | None = None, untyped: int = 0
) -> Exchange:
    return Exchange(PrintedText(text, len(text.encode()) if size is None else size), exit_code, untyped)


def test_a_running_program_is_named_by_its_session() -> None:
    text = describe_exchange(exchange("hi\r\n"), session_id=2, wall_s=0.1014, max_tokens=10)
    assert text == "Wall time: 0.101 seconds\nProcess running with session ID 2\nOutput:\nhi\r\n"


def test_an_ended_program_has_an_exit_code() -> None:
    text = describe_exchange(exchange("", 3), session_id=2, wall_s=10, max_tokens=10)
    assert text == "Wall time: 10.000 seconds\nProcess exited with code 3\nOutput:\n"


def test_cut_output_tells_its_size() -> None:
    text = describe_exchange(exchange(lines(1, 100), 0), session_id=0, wall_s=0.0084, max_tokens=10)
    assert text == (
        "Wall time: 0.008 seconds\nProcess exited with code 0\n"
        "Warning: truncated output (original token count: 98)\n"
        "Output:\n1\r\n2\r\n…96 tokens truncated…\n100\r\n"
    )


def test_output_that_was_too_much_to_keep_counts_as_printed() -> None:
    text = describe_exchange(exchange("both ends", size=4_000_000), session_id=0, wall_s=1, max_tokens=10)
    assert "\nWarning: truncated output (original token count: 1000000)\n" in text


def test_input_that_was_not_read_is_told() -> None:
    told = "the last 7 bytes were not typed"
    assert told in describe_exchange(exchange("", untyped=7), session_id=0, wall_s=1, max_tokens=10)
    assert told in json.loads(unified_reply(exchange("x", untyped=7), session_id=0))["output"]


def test_unified_exec_answers_with_json() -> None:
    assert unified_reply(exchange("é\r\n"), session_id=4) == '{"session_id":"4","output":"é\\r\\n"}'
    assert unified_reply(exchange("é\r\n", 1), session_id=4) == '{"session_id":null,"output":"é\\r\\n"}'


def test_unified_exec_answers_with_the_newest_output() -> None:
    reply = json.loads(unified_reply(exchange("€" * 100_000), session_id=0))["output"]
    warning, _, output = reply.partition("\n")
    assert warning == "Warning: truncated output (original token count: 75000)"
    assert set(output) == {"€"}
    assert UNIFIED_OUTPUT_BYTES - 3 < len(output.encode()) <= UNIFIED_OUTPUT_BYTES


def test_a_wait_that_is_too_long_is_shortened_and_told() -> None:
    assert clamp_wait(60_000, 60_000) == (60_000, ())
    wait_ms, warnings = clamp_wait(70_000, 60_000)
    assert wait_ms == 60_000
    assert warnings == (
        "Warning: requested timeout 70000ms exceeds maximum of 60000ms; clamping to 60000ms.",
    )
    reply = json.loads(unified_reply(exchange("x"), session_id=0, warnings=warnings))
    assert reply["output"] == warnings[0] + "\nx"
