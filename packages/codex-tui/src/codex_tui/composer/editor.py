"""Editing a draft by actions: motion by clusters, words, lines and rows, cutting, yanking, undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.composer.buffer import Buffer
from codex_tui.composer.draft import EMPTY
from codex_tui.composer.key_map import Action
from codex_tui.composer.kill_ring import KillRing
from codex_tui.composer.layout import Layout
from codex_tui.composer.undo import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_tui.composer.draft import Draft

DEFAULT_WIDTH = 80
_VERTICAL = (Action.UP, Action.DOWN)
_KILLS = (Action.KILL_WORD_LEFT, Action.KILL_WORD_RIGHT, Action.KILL_LINE_START, Action.KILL_LINE_END)


class Editor:
    """A buffer, its rows at a width, and the actions on both."""

    def __init__(self) -> None:
        self.buffer = Buffer()
        self._ring = KillRing()
        self._width = DEFAULT_WIDTH
        self._layout: tuple[int, Layout] | None = None
        self._wanted_column: int | None = None
        self._yanked: tuple[int, int, int] | None = None  # start, end, version of the buffer
        self._actions: dict[Action, Callable[[], None]] = {
            Action.NEWLINE: self._newline,
            Action.LEFT: lambda: self._go(self.buffer.before(self.caret)),
            Action.RIGHT: lambda: self._go(self.buffer.after(self.caret)),
            Action.WORD_LEFT: lambda: self._go(self.buffer.word_start_before(self.caret)),
            Action.WORD_RIGHT: lambda: self._go(self.buffer.word_end_after(self.caret)),
            Action.UP: lambda: self._go_rows(-1),
            Action.DOWN: lambda: self._go_rows(1),
            Action.LINE_START: lambda: self._go(self.buffer.line_start(self.caret)),
            Action.LINE_END: lambda: self._go(self.buffer.line_end(self.caret)),
            Action.LINE_START_OR_ABOVE: self._line_start_or_above,
            Action.LINE_END_OR_BELOW: self._line_end_or_below,
            Action.TEXT_START: lambda: self._go(0),
            Action.TEXT_END: lambda: self._go(len(self.text)),
            Action.ERASE_LEFT: lambda: self._erase(self.buffer.before(self.caret), self.caret),
            Action.ERASE_RIGHT: lambda: self._erase(self.caret, self.buffer.after(self.caret)),
            Action.KILL_WORD_LEFT: lambda: self._kill(self.buffer.word_start_before(self.caret)),
            Action.KILL_WORD_RIGHT: lambda: self._kill(self.buffer.word_end_after(self.caret)),
            Action.KILL_LINE_START: self._kill_line_start,
            Action.KILL_LINE_END: self._kill_line_end,
            Action.YANK: self._yank,
            Action.YANK_OLDER: self._yank_older,
            Action.UNDO: lambda: self._step(self.buffer.undo),
            Action.REDO: lambda: self._step(self.buffer.redo),
        }

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self.buffer.draft

    @property
    def text(self) -> str:
        """What is written, labels for its elements."""
        return self.buffer.text

    @property
    def caret(self) -> int:
        """The caret's offset."""
        return self.buffer.caret

    @property
    def layout(self) -> Layout:
        """The rows at the present width."""
        if self._layout is None or self._layout[0] != self.buffer.version:
            layout = Layout(self.buffer.draft, self._width, self.buffer.segmenter)
            self._layout = (self.buffer.version, layout)
        return self._layout[1]

    def set_width(self, width: int) -> None:
        """Rows are so many cells wide from now on."""
        if width != self._width:
            self._width = width
            self._layout = None

    def can(self, action: Action) -> bool:
        """Whether this is an action of an editor."""
        return action in self._actions

    def act(self, action: Action) -> None:
        """Does what the action says.

        Raises:
            KeyError: it is none of an editor's.
        """
        if action not in _VERTICAL:
            self._wanted_column = None
        if action not in _KILLS:
            self._ring.close()
        self._actions[action]()

    def type(self, text: str, kind: Kind = Kind.TYPED) -> None:
        """Puts in what was typed."""
        self._leave()
        self.buffer.insert(text, kind)

    def insert(self, draft: Draft | str) -> None:
        """Puts in something at once: one step to undo."""
        self._leave()
        self.buffer.insert(draft)

    def replace(self, start: int, end: int, draft: Draft | str) -> None:
        """Puts something in place of a range, the caret behind it."""
        self._leave()
        self.buffer.replace(start, end, draft)

    def reset(self, draft: Draft, caret: int | None = None) -> None:
        """Another draft in place of this one; the caret at its end by default."""
        self._leave()
        self.buffer.reset(draft, caret)

    def clear(self) -> Draft:
        """Takes everything out, which can be undone; what there was comes back."""
        draft = self.draft
        self.reset(EMPTY)
        return draft

    def forget(self) -> None:
        """Takes everything out; nothing of it can be undone."""
        self._leave()
        self.buffer.forget()

    def _leave(self) -> None:
        """What was going on over several keys is over."""
        self._wanted_column = None
        self._ring.close()

    def _go(self, offset: int) -> None:
        self.buffer.place(offset)

    def _step(self, step: Callable[[], bool]) -> None:
        step()

    def _newline(self) -> None:
        self.buffer.insert("\n", Kind.TYPED)

    def _go_rows(self, step: int) -> None:
        row, column = self.layout.locate(self.caret)
        if self._wanted_column is None:
            self._wanted_column = column
        if row + step < 0:
            self._go(0)
        elif row + step >= len(self.layout.rows):
            self._go(len(self.text))
        else:
            self._go(self.layout.offset_at(row + step, self._wanted_column))

    def _line_start_or_above(self) -> None:
        start = self.buffer.line_start(self.caret)
        if start == self.caret > 0:
            start = self.buffer.line_start(self.caret - 1)
        self._go(start)

    def _line_end_or_below(self) -> None:
        end = self.buffer.line_end(self.caret)
        if end == self.caret < len(self.text):
            end = self.buffer.line_end(self.caret + 1)
        self._go(end)

    def _erase(self, start: int, end: int) -> None:
        if start < end:
            self.buffer.replace(start, end, EMPTY, Kind.ERASED)

    def _kill(self, to: int) -> None:
        start, end = min(to, self.caret), max(to, self.caret)
        if start < end:
            backward = to < self.caret
            self._ring.kill(self.buffer.replace(start, end, EMPTY), backward=backward)

    def _kill_line_start(self) -> None:
        start = self.buffer.line_start(self.caret)
        self._kill(start if start < self.caret else max(start - 1, 0))

    def _kill_line_end(self) -> None:
        end = self.buffer.line_end(self.caret)
        self._kill(end if end > self.caret else min(end + 1, len(self.text)))

    def _yank(self) -> None:
        self._put(self.caret, self.caret, self._ring.newest)

    def _yank_older(self) -> None:
        """Another cut in place of the one just put in."""
        if self._yanked is not None and self._yanked[1:] == (self.caret, self.buffer.version):
            self._put(self._yanked[0], self.caret, self._ring.turn())

    def _put(self, start: int, end: int, draft: Draft) -> None:
        if draft.text:
            self.buffer.replace(start, end, draft)
            self._yanked = (start, self.caret, self.buffer.version)
