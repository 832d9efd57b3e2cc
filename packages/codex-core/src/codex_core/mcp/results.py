"""What becomes of a tool's result: the text the model reads, the pictures it sees, the event front ends get.

Sizes are bounded here; a server may send what it likes (spec: agent.md sections 17 and 26).
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.execution.capture import CappedBytes
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_protocol.mcp_types import CallToolResult

MAX_MODEL_BYTES = 40_000
"""What the model reads of one result: 10,000 tokens of four bytes, the newer reference's limit."""
MAX_EVENT_BYTES = 4 * 1024 * 1024
"""What an event carries of one result; a picture of a screen has room in it."""
MAX_IMAGES = 8
MAX_IMAGES_BYTES = 8 * 1024 * 1024
"""What the model is shown of the pictures in one result, counted as base64."""
SHORT_DATA_CHARACTERS = 256
"""Base64 text up to this length stays as it is."""

# The first bytes of a picture, as base64 shows them. Others are refused by the API, request and all.
_PICTURES = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)


@dataclass(frozen=True, slots=True)
class ModelView:
    """A result as the model gets it."""

    text: str
    images: tuple[str, ...]
    """Data URLs, to be shown behind the text."""
    success: bool


def model_view(result: CallToolResult) -> ModelView:
    """The structured content if there is any, else the content, as one line of JSON.

    Base64 says nothing to a model: pictures are shown as such, and other data is only counted.
    """
    success = not result.is_error
    if result.structured_content is not None:
        return ModelView(_cut(dumps(result.structured_content), MAX_MODEL_BYTES), (), success)
    images: list[str] = []
    blocks = [_shown(block.to_wire(), images) for block in result.content]
    return ModelView(_cut(dumps(blocks), MAX_MODEL_BYTES), tuple(images), success)


def event_result(result: CallToolResult) -> CallToolResult:
    """The result itself, or, if it is too large to be passed around, the ends of its text."""
    text = result.to_json()
    if len(text) <= MAX_EVENT_BYTES:
        return result
    from codex_protocol.mcp_types import CallToolResult, TextContent

    return CallToolResult(
        content=(TextContent(text=_cut(text, MAX_EVENT_BYTES // 4)),), is_error=result.is_error
    )


def _shown(block: Mapping[str, object], images: list[str]) -> Mapping[str, object]:
    """The block without base64; a picture in it is added to `images`."""
    resource = block.get("resource")
    if isinstance(resource, dict) and isinstance(blob := resource.get("blob"), str):
        return {**block, "resource": {**resource, "blob": _note(blob, images)}}
    if isinstance(data := block.get("data"), str):
        return {**block, "data": _note(data, images)}
    return block


def _note(data: str, images: list[str]) -> str:
    kind = next((mime for sign, mime in _PICTURES if data.startswith(sign)), None)
    size = len(data) * 3 // 4
    if kind is not None and _is_base64(data):
        room = MAX_IMAGES_BYTES - sum(len(image) for image in images)
        if len(images) < MAX_IMAGES and len(data) <= room:
            images.append(f"data:{kind};base64,{data}")
            return f"[picture of {size} bytes, shown to you as number {len(images)} below]"
        return f"[picture of {size} bytes, too large to be shown]"
    return data if len(data) <= SHORT_DATA_CHARACTERS else f"[{size} bytes, not shown]"


def _is_base64(data: str) -> bool:
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _cut(text: str, limit: int) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    capped = CappedBytes(limit)
    capped.append(encoded)
    return capped.content().decode("utf-8", "replace")
