"""What the user said, of a message that is replayed: instructions and contexts are not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_protocol.events import UserMessageEvent


def shown_prompt(msg: UserMessageEvent) -> str:
    """The user's own words and a stand-in for each image; empty for blocks made for the model."""
    from codex_protocol.config_types import InputMessageKind
    from codex_protocol.message_kind import kind_by_opening, request_in

    if (msg.kind or kind_by_opening(msg.message)) is not InputMessageKind.PLAIN:
        return ""
    images = " ".join("[image]" for _ in msg.images or ())
    return "\n".join(filter(None, (request_in(msg.message).strip(), images)))
