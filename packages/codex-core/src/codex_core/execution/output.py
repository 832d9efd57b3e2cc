"""What the model is told of a command: its output within 10 KiB and 256 lines, and its exit code.

Both ends of a long output are shown, the middle is left out (spec: exec-sandbox.md A.4, agent.md section 13).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from codex_core.execution.command import ExecOutcome

MAX_MODEL_BYTES = 10_240
MAX_MODEL_LINES = 256
_HEAD_BYTES = MAX_MODEL_BYTES // 2
_HEAD_LINES = MAX_MODEL_LINES // 2
_TAIL_LINES = MAX_MODEL_LINES - _HEAD_LINES

_LINES_OF_BYTE_MARKER = 2  # what the marker of `capture.py` adds to the count of lines


def format_exec_output(outcome: ExecOutcome) -> str:
    """The output as the model and the end event have it, a note in front when the time was up."""
    text = _decode(outcome.aggregated)
    if outcome.timed_out:
        text = f"command timed out after {int(outcome.duration_s * 1000)} milliseconds\n{text}"
    return truncate_for_model(text, unseen_lines=outcome.dropped_lines)


def model_payload(text: str, exit_code: int, duration_s: float) -> str:
    """The tool output: one line of JSON with text, exit code and seconds to one decimal."""
    # Half away from zero; round() would go to the even digit.
    seconds = math.floor(duration_s * 10 + 0.5) / 10
    return dumps({"output": text, "metadata": {"exit_code": exit_code, "duration_seconds": seconds}})


def denial_text(outcome: ExecOutcome) -> str:
    """The reason for a run the sandbox refused; either stream cut like any output."""
    code = outcome.exit_code
    if code is None:
        code = 128 + (outcome.signal or 0)
    stdout = truncate_for_model(_decode(outcome.stdout))
    stderr = truncate_for_model(_decode(outcome.stderr))
    return f"sandbox denied exec error, exit code: {code}, stdout: {stdout}, stderr: {stderr}"


def truncate_for_model(text: str, *, unseen_lines: int | None = None) -> str:
    """`text` itself if it is short; else its beginning, a line that counts what is missing, and its end.

    The result has at most `MAX_MODEL_BYTES` bytes of UTF-8. `unseen_lines`, if given, is how many line ends a
    cut has already taken out of `text`, leaving a marker line.
    """
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    total = len(lines)
    if unseen_lines is not None:
        total = max(1, total - _LINES_OF_BYTE_MARKER + unseen_lines)
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_MODEL_BYTES and total <= MAX_MODEL_LINES:
        return text
    ended = lines if text.endswith("\n") else lines[:-1]
    lines[: len(ended)] = [line.removesuffix("\r") for line in ended]

    head_lines = min(_HEAD_LINES, total)
    tail_lines = min(_TAIL_LINES, total - head_lines)
    marker = f"\n[... omitted {total - head_lines - tail_lines} of {total} lines ...]\n\n".encode()
    head = "\n".join(lines[:_HEAD_LINES]).encode("utf-8", "replace")
    rest = "\n".join(lines[_HEAD_LINES:]).encode("utf-8", "replace")
    if len(head) > _HEAD_BYTES:
        cut = _character_start(head, _HEAD_BYTES)
        # What the head has no room for is the tail's, as far as that reaches back.
        rest = head[cut:].removeprefix(b"\n") + (b"\n" + rest if len(lines) > _HEAD_LINES else b"")
        head = head[:cut]
    tail = b"\n".join(rest.split(b"\n")[-_TAIL_LINES:])
    room = MAX_MODEL_BYTES - len(head) - len(marker)
    tail = tail[_character_end(tail, max(0, len(tail) - room)) :]
    return (head + marker + tail).decode()


def _character_start(data: bytes, index: int) -> int:
    """The last character border at or before `index`."""
    while 0 < index < len(data) and data[index] & 0xC0 == 0x80:
        index -= 1
    return index


def _character_end(data: bytes, index: int) -> int:
    """The first character border at or after `index`."""
    while index < len(data) and data[index] & 0xC0 == 0x80:
        index += 1
    return index


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
