"""The colours of a program's output kept, everything else it says to the terminal taken out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import safe_text
from codex_core.presentation.spans import Line, Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLOUR = re.compile(r"\x1b\[([0-9;:]*)m")
_OTHER_SEQUENCE = re.compile(
    r"\x1b(?:\[(?![0-9;:]*m)[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-Z\\^-~])"
)
# Letters only: backgrounds, concealing, blinking and reversing could hide text or pass for our own marks.
_KEPT = frozenset({"1", "2", "3", "4", "9", "22", "23", "24", "29", "39"})
_FOREGROUNDS = frozenset(map(str, (*range(30, 38), *range(90, 98))))
_MAX_SEQUENCES = 12


def raw_rows(text: str) -> list[str]:
    """The rows of an output as they came, without the blank ones at its end."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    return text.split("\n") if text else []


def inked_rows(rows: Iterable[str], style: Style) -> list[Line]:
    """`safe_text` of each row, with the colours of the letters as `ink` of the spans.

    Colours go on from row to row; no other sequence does, so that none can swallow what follows.
    """
    ink: list[str] = []
    found: list[Line] = []
    for row in rows:
        if "\x1b" in row or ink:
            found.append(_inked_row(_OTHER_SEQUENCE.sub("", row), style, ink))
        else:
            found.append((Span(safe_text(row), style),))
    return found


def _inked_row(row: str, style: Style, ink: list[str]) -> Line:
    row = row.rstrip("\r")
    overwritten, returned, rest = row.rpartition("\r")
    if returned:
        row = "".join(found[0] for found in _COLOUR.finditer(overwritten)) + rest
    spans: list[Span] = []
    at = 0
    for found in _COLOUR.finditer(row):
        _append(spans, row[at : found.start()], style, ink)
        _apply(found[1], ink)
        at = found.end()
    _append(spans, row[at:], style, ink)
    return tuple(spans) or (Span("", style),)


def _append(spans: list[Span], text: str, style: Style, ink: list[str]) -> None:
    if text:
        spans.append(Span(safe_text(text), style, ink=";".join(ink)))


def _apply(parameters: str, ink: list[str]) -> None:
    """What one colour sequence changes, as far as it is about letters."""
    numbers = parameters.replace(":", ";").split(";")
    at = 0
    while at < len(numbers):
        number = numbers[at].lstrip("0") or "0"
        at += 1
        if number == "0":
            ink.clear()
        elif number in _FOREGROUNDS or number in _KEPT:
            ink.append(number)
        elif number in ("38", "48"):
            length = {"5": 2, "2": 4}.get(numbers[at] if at < len(numbers) else "", 1)
            extended = numbers[at : at + length]
            at += length
            if number == "38" and len(extended) == length > 1 and all(_is_byte(n) for n in extended[1:]):
                ink.append(";".join((number, *extended)))
    del ink[:-_MAX_SEQUENCES]


def _is_byte(number: str) -> bool:
    return number.isascii() and number.isdigit() and len(number) <= 3 and int(number) <= 255
