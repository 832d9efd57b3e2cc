"""The transcript as the pager has it, as rows, without a pager."""

from __future__ import annotations

from collections.abc import Sequence

from codex_core.presentation.spans import Line
from codex_tui.history.cells import Cell, transcript_part


def transcript_rows(cells: Sequence[Cell], width: int) -> list[Line]:
    """All cells in full."""
    return [row for number in range(len(cells)) for row in transcript_part(cells, number, width)]
