"""What the model is told of a command."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codex_core.execution.command import ExecOutcome
from codex_core.execution.output import (
    MAX_MODEL_BYTES,
    MAX_MODEL_LINES,
    denial_text,
    format_exec_output,
    model_payload,
    truncate_for_model,
)

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines


MARKER = re.compile(r"\n\[\.\.\. omitted (\d+) of (\d+) lines \.\.\.\]\n\n")


def outcome(
    aggregated: bytes = b"", *, exit_code: int | None = 0, duration_s: float = 0.1, **more: object
) -> ExecOutcome:
    fields: dict[str, object] = {
        "signal": None,
        "timed_out": False,
        "stdout": aggregated,
        "stderr": b"",
        **more,
    }
    return ExecOutcome(exit_code=exit_code, aggregated=aggregated, duration_s=duration_s, **fields)  # type: ignore[arg-type]


def cut(data: bytes, start: int, end: int) -> str:
    return data[start:end].decode("utf-8", "ignore")


def as_specified(text: str) -> str:
    """The rule of spec exec-sandbox.md A.4, without the fix for outputs of few long lines."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
        lines = [line.removesuffix("\r") for line in lines]
    else:
        lines = [*(line.removesuffix("\r") for line in lines[:-1]), lines[-1]]
    total = len(lines)
    if len(text.encode()) <= 10_240 and total <= 256:
        return text
    first = min(128, total)
    last = min(128, total - first)
    head = cut("\n".join(lines[:first]).encode(), 0, 5120)
    result = f"{head}\n[... omitted {total - first - last} of {total} lines ...]\n\n"
    tail = "\n".join(lines[total - last :]).encode() if last else b""
    room = 10_240 - len(result.encode())
    return result + cut(tail, max(0, len(tail) - room), len(tail))


line = st.text(alphabet="ab€😀\r", max_size=60)


@calm
@given(st.lists(line, max_size=600), st.sampled_from(["", "\n"]), st.integers(1, 12))
def test_long_outputs_are_cut_as_the_reference_cuts_them(lines: list[str], end: str, repeat: int) -> None:
    text = "\n".join(lines * repeat) + end
    count = len(lines) * repeat
    if len(text.encode()) <= MAX_MODEL_BYTES or count >= 256:
        assert truncate_for_model(text) == as_specified(text)


@calm
@given(st.lists(line, min_size=1, max_size=300), st.integers(1, 400))
@example(["x"], 30_000)
@example(["😀"], 5_000)
def test_cut_text_is_beginning_marker_and_end(lines: list[str], stretch: int) -> None:
    text = "\n".join(word.replace("\r", "") * stretch for word in lines)
    shown = truncate_for_model(text)
    assert len(shown.encode()) <= MAX_MODEL_BYTES
    if shown == text:
        return
    match = MARKER.search(shown)
    assert match is not None
    assert text.startswith(shown[: match.start()])
    assert text.removesuffix("\n").endswith(shown[match.end() :])
    if int(match[1]) == 0:
        # No line is left out, so bytes are, and then the room is used up to a broken character or a line end.
        assert len(shown.encode()) >= MAX_MODEL_BYTES - 8


def test_short_output_is_as_it_was() -> None:
    text = "a\r\n\nb\n" + "x\n" * 253
    assert truncate_for_model(text) == text


def test_few_long_lines_show_their_end_too() -> None:
    shown = truncate_for_model("start" + "x" * 30_000 + "end")
    assert shown.startswith("start")
    assert "\n[... omitted 0 of 1 lines ...]\n\n" in shown
    assert shown.endswith("xend")


def test_cut_at_the_end_of_a_line_leaves_no_empty_line() -> None:
    shown = truncate_for_model("x" * 5120 + "\n" + "y" * 6000)
    marker = "\n[... omitted 0 of 2 lines ...]\n\n"
    assert shown == "x" * 5120 + marker + "y" * (5120 - len(marker))


def test_lines_beyond_the_limit_are_counted() -> None:
    shown = truncate_for_model("".join(f"{number}\n" for number in range(1000)))
    assert shown.startswith("0\n1\n")
    assert "\n127\n[... omitted 744 of 1000 lines ...]\n\n872\n" in shown
    assert shown.endswith("\n999")
    assert shown.count("\n") < MAX_MODEL_LINES + 4


def test_lines_lost_to_the_memory_cap_are_counted() -> None:
    kept = b"a\n" * 300 + b"\n[... omitted 4000 bytes ...]\n" + b"b\n" * 300
    shown = format_exec_output(outcome(kept, dropped_lines=2000))
    assert "[... omitted 2344 of 2600 lines ...]" in shown


def test_one_endless_line_is_one_line() -> None:
    kept = b"a" * 9000 + b"\n[... omitted 4000 bytes ...]\n" + b"b" * 9000
    assert "[... omitted 0 of 1 lines ...]" in format_exec_output(outcome(kept, dropped_lines=0))


def test_time_limit_is_told_in_front() -> None:
    shown = format_exec_output(outcome(b"so far\n", exit_code=124, timed_out=True, duration_s=0.3017))
    assert shown == "command timed out after 301 milliseconds\nso far\n"


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert format_exec_output(outcome(b"a\xff\xe2\x82b")) == "a\ufffd\ufffdb"


def test_payload_is_one_compact_line() -> None:
    assert (
        model_payload("ä\n", 3, 0.26) == '{"output":"ä\\n","metadata":{"exit_code":3,"duration_seconds":0.3}}'
    )


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0.0"), (0.05, "0.1"), (0.25, "0.3"), (0.35, "0.4"), (1.66, "1.7"), (3.0, "3.0")],
)
def test_duration_is_rounded_half_away_from_zero(seconds: float, shown: str) -> None:
    assert model_payload("", 0, seconds).endswith(f'"duration_seconds":{shown}}}}}')
    assert json.loads(model_payload("", 0, seconds))["metadata"]["duration_seconds"] == float(shown)


def test_denial_names_code_and_both_streams() -> None:
    denied = outcome(b"out", exit_code=1, stderr=b"err")
    assert denial_text(denied) == "sandbox denied exec error, exit code: 1, stdout: out, stderr: err"


def test_denial_is_cut_like_other_output() -> None:
    text = denial_text(outcome(b"x" * 50_000, exit_code=1, stderr=b"y" * 50_000))
    assert len(text) < 2 * MAX_MODEL_BYTES + 100


def test_denial_by_signal_has_the_code_a_shell_gives() -> None:
    assert "exit code: 159," in denial_text(outcome(exit_code=None, signal=31))
