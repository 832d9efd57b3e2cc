"""Rows no wider than the screen: paragraphs broken between words, over-long words between characters.

Widths are terminal cells as `codex_tui.term.rows` measures them, span by span, as it paints them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Breaks, Line, Paragraph, Span
from codex_tui.term.rows import cell_width

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_WIDTH = 4
"""Narrower screens are laid out as if they were that wide, and cut."""
_MIN_TEXT = 8
_JOINER = "\u200d"

# Text without blanks between its words may be broken at every character, but not before what closes a phrase.
_IDEOGRAPHS = (
    "\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_CLOSING = "\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u30fc\u3063\u30c3"
_PIECES = re.compile(
    rf" +|[{_IDEOGRAPHS}][{_CLOSING}\ufe00-\ufe0f\u0300-\u036f\u3099\u309a]*|[^ {_IDEOGRAPHS}]+|."
)


def line_width(row: Line) -> int:
    """The cells a row takes."""
    return sum(cell_width(span.text) for span in row)


def wrapped(paragraphs: Iterable[Paragraph], width: int) -> list[Line]:
    """The paragraphs as rows of at most `width` cells."""
    width = max(width, MIN_WIDTH)
    rows: list[Line] = []
    for paragraph in paragraphs:
        rows += _wrap(paragraph, width)
    return rows


def _wrap(paragraph: Paragraph, width: int) -> list[Line]:
    first = paragraph.first
    room = width - line_width(first)
    if line_width(paragraph.body) <= room:
        return [(*first, *paragraph.body)]
    first, rest = _shortened(first, width), _shortened(paragraph.rest, width)
    room, rest_room = width - line_width(first), width - line_width(rest)
    body = _apart(paragraph.body)
    text = "".join(span.text for span in body)
    if paragraph.breaks is Breaks.ANYWHERE:
        parts = _break_anywhere(text, 0, len(text), room, rest_room)
    else:
        parts = _break_words(text, room, rest_room)
    bodies = _sliced(body, parts)
    return [(*(rest if number else first), *body) for number, body in enumerate(bodies)]


def _apart(body: Line) -> Line:
    """The spans without joiners at their ends: nothing is joined across a change of style."""
    if not any(span.text.endswith(_JOINER) for span in body[:-1]):
        return body
    return tuple(_like(span, span.text.rstrip(_JOINER)) for span in body)


def _shortened(prefix: Line, width: int) -> Line:
    """The end of a prefix that leaves room for text, so that deep nesting cannot push text off the screen."""
    too_much = line_width(prefix) - max(0, width - min(_MIN_TEXT, width - 1))
    kept: list[Span] = []
    for span in prefix:
        text = span.text
        while text and too_much > 0:
            too_much -= cell_width(text[0])
            text = text[1:]
        if text:
            kept.append(_like(span, text))
    return tuple(kept)


def _break_words(text: str, room: int, rest_room: int) -> list[tuple[int, int]]:
    """Where rows begin and end; blanks between two rows belong to neither."""
    rows: list[tuple[int, int]] = []
    row_start = row_end = 0  # what is in the row: from its first character to the end of its last word
    used = 0  # cells up to `row_end`
    blanks = 0  # after it
    is_ascii = text.isascii()
    for found in _PIECES.finditer(text):
        start, end = found.span()
        if text[start] == " ":
            blanks += end - start
            continue
        width = end - start if is_ascii else cell_width(text[start:end])
        if used + blanks + width <= room:
            row_end, used = end, used + blanks + width
        elif row_end == 0 and blanks < room:
            # The very first word: behind its indent, broken where the row ends.
            parts = _break_anywhere(text, start, end, room - blanks, rest_room)
            rows += [(row_start, parts[0][1]), *parts[1:-1]]
            row_start, row_end, room = parts[-1][0], end, rest_room
            used = cell_width(text[row_start:row_end])
        else:
            # Words longer than any row begin one too, so that they can be opened or copied.
            if row_end:
                rows.append((row_start, row_end))
            parts = _break_anywhere(text, start, end, rest_room, rest_room)
            rows += parts[:-1]
            row_start, row_end, room = parts[-1][0], end, rest_room
            used = cell_width(text[row_start:row_end])
        blanks = 0
    return [*rows, (row_start, row_end)]


def _break_anywhere(text: str, start: int, end: int, room: int, rest_room: int) -> list[tuple[int, int]]:
    """Rows of `text[start:end]`, as many characters in each as fit; at least one character in each."""
    rows: list[tuple[int, int]] = []
    while True:
        stop = start + _fitting(text, start, end, room)
        if stop == start < end and (rows or room >= rest_room):
            stop += 1
        if stop >= end:
            return [*rows, (start, end)]
        rows.append((start, stop))
        start, room = stop, rest_room


def _sliced(body: Line, parts: list[tuple[int, int]]) -> list[Line]:
    """The spans of each part of a text."""
    rows: list[Line] = []
    index, offset = 0, 0  # the span that is due, and where in the text it begins
    for start, end in parts:
        row: list[Span] = []
        while index < len(body):
            span = body[index]
            span_end = offset + len(span.text)
            if span_end > start:
                piece = span.text[max(0, start - offset) : end - offset]
                if piece:
                    row.append(_like(span, piece))
            if span_end > end:
                break
            index, offset = index + 1, span_end
        rows.append(tuple(row))
    return rows


def _fitting(text: str, start: int, end: int, room: int) -> int:
    """How many characters of `text[start:end]` fit into `room` cells, clusters kept together."""
    if room <= 0:
        return 0
    head = text[start : min(end, start + 8 * room + 64)]
    if head.isascii():
        return min(len(head), room)
    from rich.cells import split_graphemes

    fitting = used = 0
    for _, stop, cells in split_graphemes(head)[0]:
        if used + cells > room:
            break
        used += cells
        fitting = stop
    while fitting and cell_width(head[:fitting]) > room:  # joined, clusters may be wider than one by one
        fitting -= 1
    return fitting


def _like(span: Span, text: str) -> Span:
    if text == span.text:
        return span
    return Span(text, span.style, span.emphasis, span.link, span.ink)
