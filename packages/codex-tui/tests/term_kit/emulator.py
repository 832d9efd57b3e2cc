"""A terminal in memory: pyte, with what it lacks of a real one (scrollback, alternate screen, resizes, replies)."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

pyte = pytest.importorskip("pyte", reason="pyte is not installed: `uv sync --group dev`")
Char = pyte.screens.Char

_UNKNOWN_TO_PYTE = re.compile(
    r"\x1b\[([<>=?]?)([0-9;]*)u|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\\|\x1b\[\?[0-9]*\$p|\x1b\[>[0-9]*q|\x1b\[c"
)
TELLING = {
    "\x1b[?2004$p": "\x1b[?2004;1$y",
    "\x1b[?u": "\x1b[?1u",
    "\x1b[>0q": "\x1bP>|emulator 1.0\x1b\\",
    "\x1b]11;?\x1b\\": "\x1b]11;rgb:ffff/ffff/f0f0\x1b\\",
    "\x1b[c": "\x1b[?62;22c",
}
"""What a modern terminal with a light background answers."""


class Emulator(pyte.Screen):
    """Rows that leave the top of the whole screen go to `scrollback`, as text without blanks at the end."""

    def __init__(self, cols: int = 80, rows: int = 24, *, pulls_back: bool = True) -> None:
        self.scrollback: list[str] = []
        self.private_modes: set[int] = {7, 25}
        self.replies: list[str] = []
        self.kitty_pushes = [0, 0]  # main screen, alternate screen
        self.strings: list[str] = []
        self.bells = 0
        self.tells: dict[str, str] = {}
        """Its answers to questions about itself; most terminals have fewer than `TELLING`."""
        self.pulls_back = pulls_back
        self._main: tuple[Any, Any] | None = None
        super().__init__(cols, rows)
        self._stream = pyte.Stream(self)

    # --- input ---------------------------------------------------------------------------------------

    def feed(self, text: str) -> None:
        """What a program writes; may be cut anywhere but inside kitty's sequences and strings."""
        at = 0
        for found in _UNKNOWN_TO_PYTE.finditer(text):
            self._stream.feed(text[at : found.start()])
            at = found.end()
            if found[0] in self.tells:
                self.replies.append(self.tells[found[0]])
            elif found[0] == "\x1b\\":  # ESC ends a sequence that was cut off; pyte does not know that
                self._stream = pyte.Stream(self)
            elif found[0].startswith("\x1b]"):
                self.strings.append(found[0])
            elif found[1] == ">":
                self.kitty_pushes[self.is_alternate] += 1
            elif found[1] == "<":
                self.kitty_pushes[self.is_alternate] -= 1
        self._stream.feed(text[at:])

    def bell(self, *args: Any) -> None:
        self.bells += 1

    def report_device_status(self, mode: int = 0, **kwargs: Any) -> None:
        if mode == 6:
            self.replies.append(f"\x1b[{self.cursor.y + 1};{self.cursor.x + 1}R")

    # --- what is shown -------------------------------------------------------------------------------

    @property
    def is_alternate(self) -> bool:
        return self._main is not None

    def screen(self) -> list[str]:
        """The rows of the screen without blanks at their ends."""
        return [row.rstrip() for row in self.display]

    def everything(self) -> list[str]:
        """Scrollback and screen, without the empty rows at the end."""
        rows = [*self.scrollback, *self.screen()]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    # --- what pyte lacks -----------------------------------------------------------------------------

    def index(self) -> None:
        margins = self.margins
        bottom = margins.bottom if margins else self.lines - 1
        if self.cursor.y == bottom and not self.is_alternate and (margins is None or margins.top == 0):
            self.scrollback.append(self._row_text(0))
        super().index()

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        if how == 3:
            self.scrollback.clear()
        else:
            super().erase_in_display(how, *args, **kwargs)

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private"):
            self.private_modes.update(modes)
            if 1049 in modes and self._main is None:
                self._main = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
                self.erase_in_display(2)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private"):
            self.private_modes.difference_update(modes)
            if 1049 in modes and self._main is not None:
                self.buffer, self.cursor = self._main
                self._main = None
        super().reset_mode(*modes, **kwargs)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Height as tmux does it: rows below the cursor go first, then rows scroll off; back the other way round."""
        lines, columns = lines or self.lines, columns or self.columns
        if not hasattr(self, "_stream"):
            super().resize(lines, columns)
            return
        rows = [self.buffer[y] for y in range(self.lines)]
        if lines < self.lines:
            excess = self.lines - lines
            dropped = min(excess, self.lines - 1 - self.cursor.y)
            if dropped:
                del rows[-dropped:]
            for _ in range(excess - dropped):
                if not self.is_alternate:
                    self.scrollback.append(self._text_of(rows[0]))
                del rows[0]
                self.cursor.y -= 1
        else:
            for _ in range(lines - self.lines):
                if self.pulls_back and self.scrollback and not self.is_alternate:
                    rows.insert(0, self._row_of(self.scrollback.pop()))
                    self.cursor.y += 1
                else:
                    rows.append(self._row_of(""))
        for row in rows:
            for x in [x for x in row if x >= columns]:
                del row[x]
        self.buffer.clear()
        for y, row in enumerate(rows):
            self.buffer[y] = row
        self.lines, self.columns = lines, columns
        self.margins = None
        self.cursor.x = min(self.cursor.x, columns - 1)
        self.dirty.update(range(lines))

    def _row_of(self, text: str) -> Any:
        row = copy.copy(self.buffer[self.lines + 1])
        del self.buffer[self.lines + 1]
        for x, character in enumerate(text):
            row[x] = Char(character)
        return row

    def _row_text(self, y: int) -> str:
        return self._text_of(self.buffer[y])

    def _text_of(self, row: Any) -> str:
        return "".join(row[x].data for x in range(self.columns)).rstrip()
