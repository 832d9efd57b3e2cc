"""What all event messages have in common."""

from __future__ import annotations

from typing import ClassVar

from codex_protocol.base import WireModel


class EventModel(WireModel):
    """Base of the event messages."""

    rollout_type: ClassVar[str] = "event_msg"
    persisted: ClassVar[bool] = False
    """Whether a rollout keeps it (spec: protocol.md section 4, column P)."""
