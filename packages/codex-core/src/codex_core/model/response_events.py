"""What a model's answer consists of, whichever wire it came over: one value per thing that happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from codex_protocol.items import ResponseItem
    from codex_protocol.tokens import TokenUsage


@dataclass(frozen=True, slots=True)
class Created:
    """The server has taken the request."""


@dataclass(frozen=True, slots=True)
class RateLimitWindow:
    """One allowance that fills up again."""

    used_percent: float
    window_minutes: int | None = None
    """How long the allowance is for."""
    resets_at: int | None = None
    """When it is whole again, in seconds since 1970 UTC."""

    def to_wire(self) -> dict[str, object]:
        """The object in `token_count.rate_limits`."""
        return {
            "used_percent": self.used_percent,
            "window_minutes": self.window_minutes,
            "resets_at": self.resets_at,
        }


@dataclass(frozen=True, slots=True)
class Credits:
    """What an account may use beyond its allowances."""

    has_credits: bool
    unlimited: bool
    balance: str | None = None

    def to_wire(self) -> dict[str, object]:
        """The object in `token_count.rate_limits`."""
        return {"has_credits": self.has_credits, "unlimited": self.unlimited, "balance": self.balance}


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How much of the account's allowances is used; comes first, and only from servers that tell it."""

    primary: RateLimitWindow | None = None
    secondary: RateLimitWindow | None = None
    credits: Credits | None = None

    def to_wire(self) -> dict[str, object]:
        """The value of `token_count.rate_limits` (spec: agent.md section 26)."""
        return {
            "primary": None if self.primary is None else self.primary.to_wire(),
            "secondary": None if self.secondary is None else self.secondary.to_wire(),
            "credits": None if self.credits is None else self.credits.to_wire(),
        }


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the assistant's message."""

    delta: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the summary of the model's reasoning."""

    delta: str


@dataclass(frozen=True, slots=True)
class ReasoningSectionBreak:
    """A new part of the reasoning summary begins."""


@dataclass(frozen=True, slots=True)
class RawReasoningDelta:
    """A piece of the reasoning itself; shown only to who asked for it."""

    delta: str


@dataclass(frozen=True, slots=True)
class WebSearchStarted:
    """The server began to search the web on the model's behalf."""

    call_id: str
    """The item's id; empty when the server gave none."""


@dataclass(frozen=True, slots=True)
class ItemDone:
    """An item of the answer is whole: a message, a call, reasoning. Calls are to be run at once."""

    item: ResponseItem
    raw_id: str | None
    """The item's id on the wire."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is whole; nothing comes after this."""

    response_id: str
    usage: TokenUsage | None
    """Tokens of this answer; None when the server did not count them."""


ResponseEvent: TypeAlias = (
    Created
    | RateLimits
    | TextDelta
    | ReasoningDelta
    | ReasoningSectionBreak
    | RawReasoningDelta
    | WebSearchStarted
    | ItemDone
    | Completed
)
