"""The rows of a resumed conversation, made a part at a time: a long one takes seconds, keys must not wait.

The newest come first: what is far above is more than a terminal keeps, and is left to the transcript.
"""

from __future__ import annotations

from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Span, Style
from codex_tui.history.themes import painted
from codex_tui.term.viewport import MAX_HISTORY_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_tui.history.history import History
    from codex_tui.history.themes import Theme
    from codex_tui.term.rows import Row

BACKLOG_SLICE_S = 0.008
"""How long rows are made for before keys and events get their turn …"""
BACKLOG_PAUSE_S = 0.002
"""… and how long that lasts at least."""
_LEFT_OUT = "… what was said before is in the transcript (Ctrl+T)"


class Backlog:
    """The rows of the cells from number `start` to the last there is now, at most `max_rows` of them."""

    def __init__(
        self, history: History, theme: Theme, cols: int, start: int, *, max_rows: int = MAX_HISTORY_ROWS
    ) -> None:
        self.stop = len(history.cells)
        """The number of the first cell that is not among them."""
        self._history = history
        self._theme = theme
        self._cols = cols
        self._start = start
        self._max_rows = max_rows
        self._made: list[Row] = []
        self._rest = islice(self._backwards(), max_rows + 1)

    def is_for(self, cols: int, theme: Theme) -> bool:
        """Whether its rows still fit the screen."""
        return (cols, theme) == (self._cols, self._theme)

    def work(self, seconds: float) -> bool:
        """Makes rows for about so long; True when there are all of them."""
        end = monotonic() + seconds
        for row in self._rest:
            self._made.append(row)
            if monotonic() > end:
                return False
        return True

    def rows(self) -> list[Row]:
        """What was made, in the order it is read; the first cell and a word stand for what is left out."""
        if len(self._made) <= self._max_rows:
            return self._made[::-1]
        head = self._history.rows(self._cols, self._start, self._start + 1)
        head += [(), (Span(_LEFT_OUT, Style.DIM),), ()]
        return [*painted(head, self._theme, self._cols), *self._made[self._max_rows - 1 :: -1]]

    def _backwards(self) -> Iterator[Row]:
        for rows in self._history.rows_backwards(self._cols, self.stop, self._start):
            yield from reversed(painted(rows, self._theme, self._cols))
