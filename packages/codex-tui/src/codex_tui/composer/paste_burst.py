"""Pastes on terminals that do not mark them: characters that come faster than anyone types.

No character is held back: they go into the draft as they come, and the burst only knows which of them came
so, what Enter and Tab mean meanwhile, and when it is over (spec: tui.md section 9.2).
"""

from __future__ import annotations

FAST_S = 0.008
"""Between two characters of a paste."""
ENTER_WINDOW_S = 0.120
"""So long after a paste's last character Enter belongs to it."""
ASCII_TO_BEGIN = 2
OTHERS_TO_BEGIN = 8
"""An input method commits several characters at once; it is no paste before so many."""


class PasteBurst:
    """Tells from the times of keys what is pasted."""

    def __init__(self, *, is_disabled: bool = False) -> None:
        self.is_disabled = is_disabled
        self._last_at: float | None = None
        self._weight = 0
        self._window_end: float | None = None
        self.start = 0
        """Where in the draft the fast characters began."""
        self.is_active = False

    def character(self, character: str, at: float, offset: int) -> None:
        """Notes a character typed at the time `at` in seconds, which is put at `offset` of the draft."""
        if self.is_disabled:
            return
        is_fast = self._last_at is not None and at - self._last_at <= FAST_S
        if not is_fast:
            self.is_active = False
            self._weight = 0
            self.start = offset
        self._last_at = at
        # Characters beyond ASCII count less before they make a paste.
        self._weight += OTHERS_TO_BEGIN // ASCII_TO_BEGIN if character.isascii() else 1
        if self._weight >= OTHERS_TO_BEGIN:
            self.is_active = True
            self._window_end = at + ENTER_WINDOW_S

    def takes_enter(self, at: float) -> bool:
        """Whether Enter at this time is a line end of the paste; if so the paste goes on."""
        if self.is_disabled or self._window_end is None or at > self._window_end:
            return False
        self._window_end = at + ENTER_WINDOW_S
        return True

    def takes_tab(self, at: float) -> bool:
        """Whether Tab at this time is a character of the paste."""
        return self.is_active and self._last_at is not None and at - self._last_at <= FAST_S

    @property
    def deadline(self) -> float | None:
        """When a running burst is over if nothing comes; None if there is none."""
        return self._last_at + FAST_S if self.is_active and self._last_at is not None else None

    def is_over(self, now: float) -> bool:
        """Whether a running burst has ended by `now`."""
        deadline = self.deadline
        return deadline is not None and now > deadline

    def end(self) -> None:
        """What came so far is a paste, whole; a line end may still follow it."""
        self.is_active = False
        self._weight = 0
        self._last_at = None

    def reset(self) -> None:
        """Something else happened: what comes next is no part of a paste."""
        self.end()
        self._window_end = None
