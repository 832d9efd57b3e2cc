"""What was cut by lines and words, newest first to be put in again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from codex_tui.composer.draft import EMPTY

if TYPE_CHECKING:
    from codex_tui.composer.draft import Draft

MAX_KILLS = 30


class KillRing:
    """The last cuts; those that follow each other at once are one."""

    def __init__(self) -> None:
        self._kills: deque[Draft] = deque(maxlen=MAX_KILLS)
        self._is_open = False

    def kill(self, cut: Draft, *, backward: bool) -> None:
        """Keeps `cut`, together with the cut just before it."""
        if not cut.text:
            return
        if self._is_open and self._kills:
            last = self._kills.pop()
            cut = cut + last if backward else last + cut
        self._kills.append(cut)
        self._is_open = True

    def close(self) -> None:
        """Something else was done: the next cut is one of its own."""
        self._is_open = False

    @property
    def newest(self) -> Draft:
        """What a yank puts in; empty if nothing was cut."""
        return self._kills[-1] if self._kills else EMPTY

    def turn(self) -> Draft:
        """The cut before the newest one, which becomes the newest."""
        self._kills.rotate(1)
        return self.newest
