"""Whose a key is, the draft's or the question's: nobody shall answer a question they have not seen.

A question that comes up by itself may meet somebody in the middle of a word, and the next letter may be `y`.
So it takes keys only from a user who has had time to see it and has stopped typing.
"""

from __future__ import annotations

from enum import Enum, auto

SEEN_S = 0.5
"""Nobody answers within so short a time of a question's coming up: the key was on its way before."""
PAUSE_S = 0.7
"""Who types goes on typing, question or not, until there is such a pause; every letter begins it anew."""
REPEAT_S = 0.5
"""A key that has answered a question and comes again this soon is held down, or was hit twice."""


class Taker(Enum):
    """Who gets a key."""

    DRAFT = auto()
    QUESTION = auto()
    NOBODY = auto()
    """It has answered the question before, and shall neither answer the next one nor be typed."""


class Attention:
    """What the user was doing when a question came up. Times are seconds of the clock of the keys."""

    def __init__(self) -> None:
        self._typed_at = float("-inf")
        self._answer = ""
        self._answered_at = float("-inf")
        self._shown: object = None
        self._shown_at = 0.0

    def typed(self, at: float, *, is_draft_empty: bool) -> None:
        """A key went to the draft; who has sent it or erased it is not in the middle of it any more."""
        self._typed_at = float("-inf") if is_draft_empty else at

    def answered(self, key: str, at: float) -> None:
        """This key has answered the question on the screen."""
        self._answer, self._answered_at = key, at

    def shown(self, question: object, now: float) -> None:
        """This question is on the screen; None if there is none. Tells a new one from the one before."""
        if question is not self._shown:
            self._shown, self._shown_at = question, now

    def taker(self, question: object, key: str, at: float, *, came_by_itself: bool) -> Taker:
        """Who gets a key that was pressed then; `question` is what is open, None if nothing is."""
        if key and key == self._answer and at - self._answered_at <= REPEAT_S:
            self._answered_at = at
            return Taker.NOBODY
        self._answer = ""
        if question is None or question is not self._shown or at <= self._shown_at:
            return Taker.DRAFT
        is_seen = at - self._shown_at > SEEN_S or not came_by_itself
        return Taker.QUESTION if is_seen and at - self._typed_at > PAUSE_S else Taker.DRAFT
