"""A conversation for a model that takes no pictures: each is replaced by a sentence that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.items import InputImageContent, InputTextContent, MessageItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.items import ResponseItem

NOTE = "\n[An image was attached here. It was left out because this model takes no images.]\n"


def without_images(items: Sequence[ResponseItem]) -> tuple[ResponseItem, ...]:
    """The same items, with a note in the place of every image."""
    return tuple(_without_images(item) if isinstance(item, MessageItem) else item for item in items)


def _without_images(message: MessageItem) -> MessageItem:
    if not any(isinstance(part, InputImageContent) for part in message.content):
        return message
    content = tuple(
        InputTextContent(text=NOTE) if isinstance(part, InputImageContent) else part
        for part in message.content
    )
    return message.model_copy(update={"content": content})
