"""A review begins and ends."""

from __future__ import annotations

from typing import ClassVar, Literal

from codex_protocol.events.model import EventModel
from codex_protocol.review import ReviewOutputEvent


class EnteredReviewModeEvent(EventModel):
    """A review begins."""

    type: Literal["entered_review_mode"] = "entered_review_mode"
    persisted: ClassVar[bool] = True
    prompt: str
    user_facing_hint: str


class ExitedReviewModeEvent(EventModel):
    """A review has ended; without output when it was stopped."""

    type: Literal["exited_review_mode"] = "exited_review_mode"
    persisted: ClassVar[bool] = True
    review_output: ReviewOutputEvent | None = None
