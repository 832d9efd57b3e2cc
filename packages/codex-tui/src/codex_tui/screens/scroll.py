"""A window on many rows that are made when they are needed: nobody waits for what they do not look at.

The rows come in parts. The window opens at an end of them; what it shows is made at once, all else in slices
by `work`, until `is_complete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.presentation.spans import Line


class Scroll:
    """The rows of parts `first` to `last`, and which of them are seen: `page` rows from `top` on."""

    def __init__(self, make: Callable[[int], list[Line]], count: int, *, page: int, at_end: bool) -> None:
        self._make = make
        self._count = count
        self._first = self._last = count if at_end else 0
        self._rows: list[Line] = []
        self._sizes: dict[int, int] = {}
        self.page = page
        self.top = 0
        self.is_at_end = at_end
        """Whether it follows what is added."""
        self._wants_start = False
        self.look()

    @property
    def is_complete(self) -> bool:
        """Whether all rows are made."""
        return self._first == 0 and self._last == self._count

    @property
    def percent(self) -> int:
        """How far down it is, as far as is known; 100 if all fits."""
        made = max(self._last - self._first, 1)
        each = len(self._rows) / made
        above = self._first * each + self.top
        below = (self._count - self._last) * each + max(len(self._rows) - self.page - self.top, 0)
        return 100 if above + below < 1 else round(100 * above / (above + below))

    def look(self) -> list[Line]:
        """The rows that are seen; what is missing of them is made."""
        while self.top < 0 and self._first > 0:
            self._make_above()
        while self._last < self._count and (self.is_at_end or self.top + self.page > len(self._rows)):
            self._make_below()
        if self.is_at_end:
            while self._first > 0 and len(self._rows) < self.page:
                self._make_above()
            self.top = len(self._rows) - self.page
        self.top = max(min(self.top, len(self._rows) - self.page), 0)
        return self._rows[self.top : self.top + self.page]

    def move(self, rows: int) -> None:
        """Further down, or up."""
        self._wants_start = self.is_at_end = False
        self.top += rows
        self.look()
        if rows > 0 and self._last == self._count and self.top >= len(self._rows) - self.page:
            self.is_at_end = True

    def to_start(self) -> None:
        """To the first row, as soon as it is made."""
        self._wants_start, self.is_at_end, self.top = True, False, 0

    def to_end(self) -> None:
        """To the last row, to stay there."""
        self._wants_start, self.is_at_end = False, True
        self.look()

    def to_part(self, part: int) -> None:
        """To the first row of a part."""
        while part < self._first:
            self._make_above()
        while part >= self._last:
            self._make_below()
        self.move(self.rows_of(part)[0] - self.top)

    def rows_of(self, part: int) -> tuple[int, int]:
        """Where the rows of a part begin and end, as `top` counts; (0, 0) while they are not made."""
        if not self._first <= part < self._last:
            return 0, 0
        start = sum(self._sizes[each] for each in range(self._first, part))
        return start, start + self._sizes[part]

    def work(self) -> None:
        """Makes one more part, if one is missing."""
        if self._first > 0:
            self._make_above()
        elif self._last < self._count:
            self._make_below()
        if self._wants_start:
            self.top = 0
            self._wants_start = self._first > 0

    def grow(self, count: int) -> None:
        """There are more parts behind the last one."""
        self._count = count
        self.look()

    def _make_above(self) -> None:
        self._first -= 1
        rows = self._made(self._first)
        self._rows[:0] = rows
        self.top += len(rows)

    def _make_below(self) -> None:
        self._rows += self._made(self._last)
        self._last += 1

    def _made(self, part: int) -> list[Line]:
        rows = self._make(part)
        self._sizes[part] = len(rows)
        return rows
