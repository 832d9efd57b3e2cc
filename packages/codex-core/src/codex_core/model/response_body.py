"""The body of one response, read under the idle timer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_core.model.errors import NotAnEventStream, StreamDisconnected

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from codex_core.model.response_events import ResponseEvent
    from codex_core.model.wire import StreamDecoder

DRAIN_S = 0.025
"""How long the end of a finished stream is waited for, so that the connection can be used again."""

IDLE_DETAIL = "idle timeout waiting for SSE"
BROKEN_DETAIL = "Transport error: error decoding response body"


class ResponseBody:
    """The body of one response: reads it under the idle timer and remembers how it ended."""

    def __init__(self, response: httpx.Response, *, idle_s: float) -> None:
        self._response = response
        self._chunks = response.aiter_bytes()
        self._idle_s = idle_s
        self._failure: StreamDisconnected | None = None
        self.has_events = False

    async def next_chunk(self) -> bytes | None:
        """The next bytes, whatever they mean; None when there are no more.

        Raises: StreamDisconnected when none came in time.
        """
        import httpx

        try:
            async with asyncio.timeout(self._idle_s):
                return await anext(self._chunks, None)
        except httpx.RequestError as error:
            # What has arrived may still be a whole answer, so this is not raised yet.
            self._failure = StreamDisconnected(BROKEN_DETAIL)
            self._failure.__cause__ = error
            return None
        except TimeoutError:
            raise StreamDisconnected(IDLE_DETAIL) from None

    def end(self, decoder: StreamDecoder) -> Sequence[ResponseEvent]:
        """What the decoder has left to say.

        Raises: why there is no whole answer, as exactly as it is known.
        """
        try:
            return decoder.finish()
        except StreamDisconnected:
            if self._failure is not None:
                raise self._failure from self._failure.__cause__
            kind = self._response.headers.get("content-type", "")
            if kind and "event-stream" not in kind and not self.has_events:
                raise NotAnEventStream(shown(str(self._response.url)), kind) from None
            raise

    async def drain(self) -> None:
        """Reads what little may follow a whole answer, because only then the connection can be used again."""
        import httpx

        try:
            async with asyncio.timeout(DRAIN_S):
                async for _ in self._chunks:
                    pass
        except (httpx.RequestError, TimeoutError):
            pass


def shown(url: str) -> str:
    """A URL as it may be shown: without keys and passwords."""
    from codex_login.shown_url import shown_url

    return shown_url(url)
