"""Text of others made safe to show: no escape sequences, no control characters, no runaway lines."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe_text(text: str) -> str:
    """`text` without terminal escapes and control characters; tabs become four blanks, line feeds stay.

    A carriage return shows what a terminal would show in the end: the text after the last one of its line.
    """
    if "\x1b" in text:
        text = _ESCAPE_SEQUENCE.sub("", text)
    if "\r" in text:
        text = "\n".join(_last_overwrite(row) for row in text.replace("\r\n", "\n").split("\n"))
    if "\t" in text:
        text = text.replace("\t", "    ")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _last_overwrite(row: str) -> str:
    return row.rstrip("\r").rsplit("\r", 1)[-1]
