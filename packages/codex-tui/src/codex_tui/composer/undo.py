"""What was done to a draft, so that it can be undone and done again, in steps a person would count."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_tui.composer.draft import Draft

MAX_STEPS = 500
MAX_CHARS = 4_000_000
"""Text kept in steps, all together; the oldest go first."""
MAX_STEP_CHARS = 24
"""Typing goes into one step until there is a new word and this much."""


class Kind(Enum):
    """What makes steps that belong together one."""

    TYPED = auto()
    PASTED = auto()
    """Typed by a terminal that does not mark pastes: one step, whatever is in it."""
    ERASED = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """In place of `removed`, at `start`, there is now `inserted`; where the caret was and is."""

    start: int
    removed: Draft
    inserted: Draft
    caret_before: int
    caret_after: int
    kind: Kind = Kind.OTHER

    @property
    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.start, self.inserted, self.removed, self.caret_after, self.caret_before)

    @property
    def chars(self) -> int:
        """How much text it holds."""
        return len(self.removed.text) + len(self.inserted.text)


class UndoLog:
    """Changes made, and those taken back."""

    def __init__(self) -> None:
        self._done: deque[Change] = deque()
        self._undone: list[Change] = []
        self._chars = 0
        self._is_open = False

    def record(self, change: Change) -> None:
        """Remembers a change; what was undone before is gone."""
        self._undone.clear()
        joined = self._joined(change) if self._is_open and self._done else None
        if joined is not None:
            self._chars -= self._done.pop().chars
        self._push(joined or change)
        self._is_open = change.kind is not Kind.OTHER

    def close_step(self) -> None:
        """What comes next is a step of its own."""
        self._is_open = False

    def undo(self) -> Change | None:
        """The change that takes the last step back; None if there is none."""
        self._is_open = False
        if not self._done:
            return None
        change = self._done.pop()
        self._chars -= change.chars
        self._undone.append(change)
        return change.inverse

    def redo(self) -> Change | None:
        """The change last taken back; None if there is none."""
        self._is_open = False
        if not self._undone:
            return None
        change = self._undone.pop()
        self._push(change)
        return change

    def _push(self, change: Change) -> None:
        self._done.append(change)
        self._chars += change.chars
        while self._done and (len(self._done) > MAX_STEPS or self._chars > MAX_CHARS):
            self._chars -= self._done.popleft().chars

    def _joined(self, change: Change) -> Change | None:
        """The last step with `change` in it, if a person would call both one."""
        last = self._done[-1]
        if change.kind is not last.kind or change.caret_before != last.caret_after:
            return None
        if change.kind is Kind.TYPED and not change.removed.text:
            typed, added = last.inserted.text, change.inserted.text
            begins_word = typed[-1:].isspace() and not added[:1].isspace()
            if "\n" in added or typed.endswith("\n") or (begins_word and len(typed) >= MAX_STEP_CHARS):
                return None
        if change.kind in (Kind.TYPED, Kind.PASTED) and not change.removed.text:
            if change.start != last.start + len(last.inserted.text):
                return None
            return replace(last, inserted=last.inserted + change.inserted, caret_after=change.caret_after)
        if change.kind is Kind.ERASED and not change.inserted.text:
            if change.start + len(change.removed.text) == last.start:  # backwards
                removed = change.removed + last.removed
                return replace(last, start=change.start, removed=removed, caret_after=change.caret_after)
            if change.start == last.start:  # forwards
                removed = last.removed + change.removed
                return replace(last, removed=removed, caret_after=change.caret_after)
        return None
