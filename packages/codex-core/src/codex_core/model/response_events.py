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
    | TextDelta
    | ReasoningDelta
    | ReasoningSectionBreak
    | RawReasoningDelta
    | WebSearchStarted
    | ItemDone
    | Completed
)
