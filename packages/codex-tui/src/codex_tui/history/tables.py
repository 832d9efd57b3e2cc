"""Tables laid out for the width there is: columns that wrap, or one field below the other where none fit."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Paragraph, Span, Style, line
from codex_tui.history.wrapping import line_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 2
_MIN_COLUMN = 6


def table_paragraphs(
    rows: Sequence[Sequence[Line]], alignments: Sequence[str], width: int
) -> list[Paragraph]:
    """A table whose first row is its head; `alignments` are `left`, `right`, `center` or empty."""
    natural = [max(1, *(line_width(row[index]) for row in rows)) for index in range(len(rows[0]))]
    columns = _columns(natural, width)
    if columns is None:
        return _records(rows)
    found: list[Paragraph] = []
    for number, row in enumerate(rows):
        cells = [wrapped([Paragraph(cell)], size) for cell, size in zip(row, columns, strict=True)]
        found += [
            Paragraph(_joined(parts, columns, alignments)) for parts in zip_longest(*cells, fillvalue=())
        ]
        if number == 0:
            rule = (" " * _GAP).join("━" * size for size in columns)
            found.append(Paragraph(line(Span(rule, Style.DIM))))
    return found


def _columns(natural: Sequence[int], width: int) -> list[int] | None:
    """Widths of columns: the narrow ones as they are, the wide ones an equal share of what is left."""
    room = width - _GAP * (len(natural) - 1)
    if sum(natural) <= room:
        return list(natural)
    columns = [0] * len(natural)
    wide = sorted(range(len(natural)), key=lambda index: natural[index])
    for place, index in enumerate(wide):
        share = room // (len(wide) - place)
        columns[index] = min(natural[index], share)
        if columns[index] < min(natural[index], _MIN_COLUMN):
            return None
        room -= columns[index]
    return columns


def _joined(cells: Sequence[Line], columns: Sequence[int], alignments: Sequence[str]) -> Line:
    spans: list[Span] = []
    blanks = 0  # before the next cell; those at the end of the row are left away
    for cell, size, alignment in zip(cells, columns, alignments, strict=True):
        left_over = max(0, size - line_width(cell))
        before = {"right": left_over, "center": left_over // 2}.get(alignment, 0)
        if cell:
            blanks += before
            if blanks:
                spans.append(Span(" " * blanks))
            spans += cell
            blanks = left_over - before + _GAP
        else:
            blanks += size + _GAP
    return tuple(spans)


def _records(rows: Sequence[Sequence[Line]]) -> list[Paragraph]:
    """Each row as a list of its fields."""
    head, *others = rows
    found: list[Paragraph] = []
    for row in others or [()]:
        if found:
            found.append(Paragraph(()))
        for name, cell in zip_longest(head, row, fillvalue=()):
            body = (*name, Span(": "), *cell) if cell else name
            found.append(Paragraph(body, (), line("  ")))
    return found
