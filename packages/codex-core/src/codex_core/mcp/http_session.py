"""One session with a server over streamable HTTP: a task that holds the SDK's transport open."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from codex_core.mcp.errors import McpError, ServerGone, ServerUnreachable, SessionEnded, UnreadableAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping

    import httpx
    from mcp.shared.message import SessionMessage

    from codex_core.mcp.wire import Message, Receiver

CLOSE_GRACE_S = 2.0
"""How long the goodbye to the server may take."""
MAX_UNSENT_MESSAGES = 1000
VERSION_HEADER = "mcp-protocol-version"

_logger = logging.getLogger(__name__)


class _Sender(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...


class HttpSession:
    """What is sent and received between one `initialize` and the next."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        receiver: Receiver,
        *,
        token_variable: str | None,
        transport: httpx.AsyncBaseTransport | None,
        explain: Callable[[str], str],
        on_end: Callable[[HttpSession, str], None],
    ) -> None:
        self.version: str | None = None
        """The protocol version both sides agreed on."""
        self._url = url
        self._headers = headers
        self._receiver = receiver
        self._token_variable = token_variable
        self._transport = transport
        self._explain = explain
        self._on_end = on_end
        self._outgoing: asyncio.Queue[Message | None] = asyncio.Queue(MAX_UNSENT_MESSAGES)
        self._running: asyncio.Task[None] | None = None

    async def start(self, name: str) -> None:
        """Begins to serve. Raises: ServerUnreachable when what sends cannot be set up."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run(opened), name=name)
        await opened

    def post(self, message: Message) -> None:
        """Queues the message. Raises: ServerGone."""
        if self._running is None or self._running.done():
            raise ServerGone("the connection is closed")
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            raise ServerGone("it does not take what it is sent") from None

    async def aclose(self) -> None:
        """Says goodbye if the server listens, and closes every connection to it."""
        running = self._running
        if running is None:
            return
        try:
            if not running.done():
                while not self._outgoing.empty():
                    self._outgoing.get_nowait()
                self._outgoing.put_nowait(None)
                await asyncio.wait([running], timeout=CLOSE_GRACE_S)
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def _run(self, opened: asyncio.Future[None]) -> None:
        """Holds the connection open until `aclose`, or until it breaks."""
        from codex_login.errors import ConnectionSetupError

        why = "the connection was closed"
        try:
            await self._serve(opened)
        except ConnectionSetupError as error:
            why = str(error)
        except Exception as error:  # the outermost loop: what the SDK fails with ends this server only
            why = f"the connection broke off: {_innermost(error)}"
            _logger.debug("A connection to an MCP server ended", exc_info=True)
        finally:
            if not opened.done():
                opened.set_exception(ServerUnreachable(self._explain(why)))
            self._on_end(self, why)

    async def _serve(self, opened: asyncio.Future[None]) -> None:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        from codex_core.mcp.http_bridge import Bridge
        from codex_core.mcp.wire import MAX_MESSAGE_BYTES
        from codex_login.http import make_client

        async with (
            make_client(self._url, transport=self._transport) as ours,
            # The bridge has no proxies of its own, and no environment may add some.
            httpx2.AsyncClient(
                transport=Bridge(ours, token_variable=self._token_variable),
                headers=self._headers,
                timeout=None,  # requests have their limits in `peer.py`
                trust_env=False,
            ) as theirs,
            streamable_http_client(self._url, http_client=theirs, max_sse_event_size=MAX_MESSAGE_BYTES) as (
                read,
                write,
            ),
        ):
            opened.set_result(None)
            reading = asyncio.create_task(self._read(read))
            writing = asyncio.create_task(self._write(write))
            try:
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                writing.cancel()
                await asyncio.wait((reading, writing))
            for task in (reading, writing):
                if not task.cancelled():
                    task.result()

    async def _read(self, stream: AsyncIterable[SessionMessage | Exception]) -> None:
        from codex_core.mcp.http_bridge import SESSION_ENDED, TRANSPORT_PROBLEM

        # What the bridge says itself, in the place of an answer.
        kinds: dict[object, type[McpError]] = {
            TRANSPORT_PROBLEM: ServerUnreachable,
            SESSION_ENDED: SessionEnded,
        }
        receiver = self._receiver
        async for item in stream:
            if isinstance(item, Exception):
                receiver.fail(None, UnreadableAnswer(f"it sent what cannot be read: {item}"))
                continue
            message = item.message.model_dump(by_alias=True, mode="json", exclude_unset=True)
            match message.get("error"):
                case {"code": code, "message": str(sentence)} if code in kinds:
                    receiver.fail(message.get("id"), kinds[code](self._explain(sentence)))
                case _:
                    receiver.receive(message)

    async def _write(self, stream: _Sender) -> None:
        from mcp.shared.message import ClientMessageMetadata, SessionMessage
        from mcp_types import jsonrpc_message_adapter

        while (message := await self._outgoing.get()) is not None:
            metadata = None
            if self.version is not None:
                metadata = ClientMessageMetadata(headers={VERSION_HEADER: self.version})
            frame = jsonrpc_message_adapter.validate_python(message)
            await stream.send(SessionMessage(frame, metadata))


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, McpError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
