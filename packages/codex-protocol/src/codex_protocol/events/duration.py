"""A length of time on the wire."""

from __future__ import annotations

from pydantic import model_validator

from codex_protocol.base import WireModel
from codex_protocol.fields import Uint, Uint32

NANOS_PER_SECOND = 1_000_000_000


class Duration(WireModel):
    """A length of time: whole seconds and the nanoseconds beyond them."""

    secs: Uint
    nanos: Uint32

    @model_validator(mode="before")
    @classmethod
    def _carry(cls, data: object) -> object:
        # A second's worth of nanoseconds or more is read as seconds, as the reference has it.
        if isinstance(data, dict):
            secs, nanos = data.get("secs"), data.get("nanos")
            if type(secs) is int and type(nanos) is int and NANOS_PER_SECOND <= nanos < 2**32:
                return {"secs": secs + nanos // NANOS_PER_SECOND, "nanos": nanos % NANOS_PER_SECOND}
        return data

    @classmethod
    def from_seconds(cls, seconds: float) -> Duration:
        """The nearest duration to that many seconds; negative spans count as none."""
        total = max(0, round(seconds * NANOS_PER_SECOND))
        return cls(secs=total // NANOS_PER_SECOND, nanos=total % NANOS_PER_SECOND)

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return self.secs + self.nanos / NANOS_PER_SECOND
