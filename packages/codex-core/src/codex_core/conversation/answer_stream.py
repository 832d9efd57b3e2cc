"""Reading a model's answer: ahead of what is done with it, and what it said last."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from codex_core.model.response_events import ResponseEvent
    from codex_protocol.items import MessageItem

STREAM_QUEUE_SIZE = 1_600
"""Stream events read ahead of the tools (spec: agent.md section 8)."""


async def read_ahead(
    stream: AsyncGenerator[ResponseEvent, None],
) -> AsyncGenerator[ResponseEvent, None]:
    """The same events, read by a task of its own up to `STREAM_QUEUE_SIZE` ahead of the consumer."""
    queue: asyncio.Queue[ResponseEvent | BaseException | None] = asyncio.Queue(STREAM_QUEUE_SIZE)

    async def pump() -> None:
        try:
            async with contextlib.aclosing(stream):
                async for event in stream:
                    await queue.put(event)
        except Exception as error:  # noqa: BLE001 - see below
            # Handed over, not swallowed: the consumer raises it after the events before it.
            await queue.put(error)
        else:
            await queue.put(None)

    reader = asyncio.create_task(pump(), name="model stream")
    try:
        while (event := await queue.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        reader.cancel()
        await asyncio.wait([reader])


def last_text(message: MessageItem) -> str | None:
    """The last text of a message of the model."""
    from codex_protocol.items import OutputTextContent

    texts = [part.text for part in message.content if isinstance(part, OutputTextContent)]
    return texts[-1] if texts else None
