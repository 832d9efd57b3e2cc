"""A length of time on the wire."""

from __future__ import annotations

from codex_protocol.base import WireModel
from codex_protocol.fields import Uint, Uint32

NANOS_PER_SECOND = 1_000_000_000


class Duration(WireModel):
    """A length of time: whole seconds and the nanoseconds beyond them."""

    secs: Uint
    nanos: Uint32

    @classmethod
    def from_seconds(cls, seconds: float) -> Duration:
        """The nearest duration to that many seconds; negative spans count as none."""
        total = max(0, round(seconds * NANOS_PER_SECOND))
        return cls(secs=total // NANOS_PER_SECOND, nanos=total % NANOS_PER_SECOND)

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.secs + self.nanos / NANOS_PER_SECOND
