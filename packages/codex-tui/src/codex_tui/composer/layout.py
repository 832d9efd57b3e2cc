"""The rows of a draft at a width, and which place of the text is which place on the screen.

Words go to the next row when they do not fit, long ones are broken; the blanks behind the last word of a row
stay there, beyond the edge if need be. Every character is in exactly one row, line feeds in none.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from codex_tui.composer.clusters import LineClusters, Segmenter
    from codex_tui.composer.draft import Draft


class LayoutRow(NamedTuple):
    """A row: clusters `first` to `last` (excluded) of a line that begins at `line_start`."""

    line_start: int
    clusters: LineClusters
    first: int
    last: int

    @property
    def start(self) -> int:
        """Where the row begins in the text."""
        return self.line_start + self.clusters.borders[self.first]

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.line_start + self.clusters.borders[self.last]

    @property
    def ends_line(self) -> bool:
        """Whether the line ends with this row."""
        return self.last == len(self.clusters.shown)


class Layout:
    """A draft's rows at a width in cells."""

    def __init__(self, draft: Draft, width: int, segmenter: Segmenter) -> None:
        self.width = max(width, 1)
        self.rows: list[LayoutRow] = []
        start = 0
        while True:
            end = draft.text.find("\n", start)
            clusters = segmenter.line(draft, start, len(draft.text) if end < 0 else end)
            firsts = segmenter.rows(clusters, self.width)
            for first, last in zip(firsts, (*firsts[1:], len(clusters.shown)), strict=True):
                self.rows.append(LayoutRow(start, clusters, first, last))
            if end < 0:
                break
            start = end + 1
        self._starts = [row.start for row in self.rows]

    def locate(self, offset: int) -> tuple[int, int]:
        """(row, column in cells) of the caret at `offset`; between two rows it is in the second."""
        index = bisect_right(self._starts, offset) - 1
        row = self.rows[index]
        column = 0
        for cluster in range(row.first, row.last):
            if row.line_start + row.clusters.borders[cluster] >= offset:
                break
            column += row.clusters.widths[cluster]
        return index, min(column, self.width)

    def offset_at(self, row_index: int, column: int) -> int:
        """The place in the text at or left of `column` in a row."""
        row = self.rows[row_index]
        last = row.last if row.ends_line else row.last - 1
        used = 0
        cluster = row.first
        while cluster < last and used + row.clusters.widths[cluster] <= column:
            used += row.clusters.widths[cluster]
            cluster += 1
        return row.line_start + row.clusters.borders[cluster]
