"""The envelope event messages travel in."""

from __future__ import annotations

from codex_protocol.base import WireModel
from codex_protocol.events.dispatch import AnyEventMsg


class Event(WireModel):
    """A message and the id of the submission it belongs to."""

    id: str
    msg: AnyEventMsg
