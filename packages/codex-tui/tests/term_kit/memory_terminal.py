"""A terminal port on an `Emulator`, a clock that only tests advance, and timers on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.term.rows import plain_row
from codex_tui.term.surface import MODES_OFF, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import Emulator


class ManualLoop:
    """Time stands still until `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[_Call] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> _Call:
        made = _Call(self.now + delay_s, call)
        self._calls.append(made)
        return made

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((c for c in self._calls if c.at <= end and not c.is_over), key=lambda c: c.at):
            self.now = max(self.now, due[0].at)
            due[0].is_over = True
            due[0].call()
        self.now = end
        self._calls = [call for call in self._calls if not call.is_over]


class _Call:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.is_over = False

    def cancel(self) -> None:
        self.is_over = True


class MemoryTerminal:
    """What a viewport writes to; the size is the emulator's."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.farewell: Callable[[], str] = lambda: MODES_OFF
        self.is_raw = True
        self.written: list[str] = []
        self.answers_cursor = True

    def size(self) -> tuple[int, int]:
        return self.emulator.columns, self.emulator.lines

    def write(self, text: str) -> None:
        self.written.append(text)
        self.emulator.feed(text)
        if not self.answers_cursor:
            self.emulator.replies.clear()

    def enter(self) -> None:
        self.is_raw = True

    def leave(self) -> None:
        if self.is_raw:
            self.write(self.farewell())
            self.is_raw = False

    def ask_cursor(self) -> tuple[int, int] | None:
        if not self.answers_cursor:
            return None
        return self.emulator.cursor.x, self.emulator.cursor.y


def view_of(
    *texts: str, cols: int = 80, cursor: tuple[int, int] | None = (0, 0), overlay: bool = False
) -> View:
    """A view of plain rows."""
    return View([plain_row(text, cols) for text in texts], cursor, overlay=overlay)
