"""What all cells have in common, and their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codex_tui.history.notice_cells import NoticeCell
from codex_tui.history.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_core.presentation.spans import Line, Paragraph

BLANK: Line = ()
"""The row between cells."""


class Cell(Protocol):
    """Something that was said or done. Cells are values: they look the same whenever they are asked."""

    @property
    def continues(self) -> bool:
        """Whether it goes on where the cell above it ended, without a blank row between them."""
        ...

    def paragraphs(self, width: int, now: float = 0.0, /) -> list[Paragraph]:
        """How it looks in the conversation, for that many cells; `now` is for what is still running."""
        ...

    def story(self) -> list[Paragraph]:
        """All of it, as `codex exec` tells it."""
        ...


def cell_rows(cell: Cell, width: int, now: float = 0.0) -> list[Line]:
    """The rows of one cell, none wider than `width`; none at all for cells that only the transcript shows."""
    return wrapped(cell.paragraphs(width, now), width)


def rows_of(cells: Iterable[Cell], width: int, *, is_first: bool = True, now: float = 0.0) -> list[Line]:
    """The rows of cells below each other; `is_first`: nothing stands above them."""
    found: list[Line] = []
    for cell in cells:
        rows = cell_rows(cell, width, now)
        if rows and not is_first and not cell.continues:
            found.append(BLANK)
        if rows:
            is_first = False
        found += rows
    return found


def transcript_paragraphs(cell: Cell, width: int) -> list[Paragraph]:
    """A cell as the transcript has it: in full, and remarks in the words of the conversation."""
    return cell.paragraphs(width) if isinstance(cell, NoticeCell) else cell.story()


def transcript_part(cells: Sequence[Cell], number: int, width: int) -> list[Line]:
    """One of the cells in full, with the blank row above it, for the pager (spec: tui.md section 14)."""
    cell = cells[number]
    rows = wrapped(transcript_paragraphs(cell, width), width)
    return [BLANK, *rows] if rows and number and not cell.continues else rows
