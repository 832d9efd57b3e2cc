"""A list to choose from: which row is selected, and which rows are seen."""

from __future__ import annotations

from typing import Generic, TypeVar

MAX_ROWS = 8
"""Rows of a popup (spec: tui.md sections 9.5 and 9.6)."""

T = TypeVar("T")


class Choices(Generic[T]):
    """Items with one selected, which goes round; at most `MAX_ROWS` are seen."""

    def __init__(self) -> None:
        self.items: tuple[T, ...] = ()
        self.selected = 0
        self._top = 0

    def show(self, items: tuple[T, ...], *, keep: bool = False) -> None:
        """Other items; the first is selected, or with `keep` the place that was."""
        self.items = items
        self.selected = min(self.selected, max(len(items) - 1, 0)) if keep else 0
        self._scroll()

    @property
    def current(self) -> T | None:
        """The selected item; None if there is none."""
        return self.items[self.selected] if self.items else None

    @property
    def visible(self) -> list[tuple[T, bool]]:
        """The items seen, and whether each is the selected one."""
        seen = self.items[self._top : self._top + MAX_ROWS]
        return [(item, self._top + row == self.selected) for row, item in enumerate(seen)]

    def move(self, step: int) -> None:
        """Selects the item so far down, round at the ends."""
        if self.items:
            self.selected = (self.selected + step) % len(self.items)
            self._scroll()

    def _scroll(self) -> None:
        self._top = max(min(self._top, self.selected), self.selected - MAX_ROWS + 1)
        self._top = max(min(self._top, len(self.items) - MAX_ROWS), 0)
