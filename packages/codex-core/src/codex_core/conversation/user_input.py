"""What the user typed and attached, as one message for the model (spec: agent.md section 4, D5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.items import MessageItem
    from codex_protocol.ops import InputItem


def message_of(items: Sequence[InputItem]) -> MessageItem:
    """One message of the user's role; a picture that cannot be read is named in its place."""
    from codex_core.workspace.images import data_url
    from codex_protocol import ops
    from codex_protocol.items import InputImageContent, InputTextContent, MessageItem

    content: list[InputTextContent | InputImageContent] = []
    for item in items:
        match item:
            case ops.TextInput(text=text):
                content.append(InputTextContent(text=text))
            case ops.ImageInput(image_url=url):
                content.append(InputImageContent(image_url=url))
            case ops.LocalImageInput(path=path):
                try:
                    content.append(InputImageContent(image_url=data_url(path)))
                except OSError as error:
                    text = f"[The image {path} was attached here but cannot be read: {error.strerror}.]"
                    content.append(InputTextContent(text=text))
    return MessageItem(role="user", content=tuple(content))
