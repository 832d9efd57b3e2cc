"""A small HTTP server on loopback that the browser comes back to; what it answers is decided elsewhere.

One request for each connection, and the port is free as soon as the server is closed: the next sign-in may
come right after.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

from codex_login.errors import SignInError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_login.pages import Page

HOST = "127.0.0.1"
HEAD_TIMEOUT_S = 10.0
"""Browsers open connections in advance and send nothing."""
CANCEL_TIMEOUT_S = 2.0
BIND_TRIES = 10
BIND_PAUSE_S = 0.2
MAX_HEAD_BYTES = 64 * 1024
MAX_CONNECTIONS = 64
CANCEL_PATH = "/cancel"
_READ_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a browser asks for."""

    path: str
    query: str
    is_from_page: bool
    """Whether a web page made it, and not the user or a program."""
    is_head: bool
    """Whether only the head of the answer is wanted."""


class CallbackServer:
    """Serves until it is closed; bound to 127.0.0.1 only."""

    def __init__(
        self, answer: Callable[[PageRequest], Awaitable[Page]], served: Callable[[str], None]
    ) -> None:
        """`served` is told the path of a request when its answer has been sent."""
        self._answer = answer
        self._served = served
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self, port: int) -> None:
        """Binds the port (0: any that is free); a sign-in that holds it is asked to stop.

        Raises: SignInError when the port stays busy.
        """
        was_asked = False
        for _ in range(BIND_TRIES):
            try:
                self._server = await asyncio.start_server(self._connected, HOST, port, limit=MAX_HEAD_BYTES)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    reason = error.strerror or str(error)
                    raise SignInError(f"Port {HOST}:{port} cannot be used: {reason}") from error
            else:
                self.port = self._server.sockets[0].getsockname()[1]
                return
            if not was_asked:
                was_asked = True
                await cancel_other(port)
            await asyncio.sleep(BIND_PAUSE_S)
        raise SignInError(f"Port {HOST}:{port} is already in use")

    async def aclose(self) -> None:
        """Frees the port; requests that are being answered are dropped."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = ""
        try:
            protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                request = await _request(protocol, reader)
            if request is None:
                return
            if isinstance(request, PageRequest):
                page = await self._answer(request)
                path = request.path
                await _send(protocol, writer, page, is_head=request.is_head)
            else:
                await _send(protocol, writer, request, is_head=False)
        except (OSError, TimeoutError, h11.LocalProtocolError):
            path = ""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if path:
            self._served(path)


async def _request(protocol: h11.Connection, reader: asyncio.StreamReader) -> PageRequest | Page | None:
    """What is asked for; the answer to it, if it is no HTTP; None if nothing came."""
    from codex_login.pages import text_page

    while True:
        try:
            event = protocol.next_event()
        except h11.RemoteProtocolError:
            return text_page(400, "Bad Request")
        if isinstance(event, h11.Request):
            return _read_request(event)
        if isinstance(event, h11.ConnectionClosed):
            return None
        protocol.receive_data(await reader.read(_READ_BYTES))


def _read_request(event: h11.Request) -> PageRequest | Page:
    from urllib.parse import urlsplit

    from codex_login.pages import text_page

    headers = {name.lower(): value for name, value in event.headers}
    try:
        target = urlsplit(event.target.decode("ascii"))
    except ValueError:
        return text_page(400, "Bad Request")
    site = headers.get(b"sec-fetch-site", b"none")
    is_from_page = b"origin" in headers or site != b"none"
    return PageRequest(target.path, target.query, is_from_page, event.method == b"HEAD")


async def _send(protocol: h11.Connection, writer: asyncio.StreamWriter, page: Page, *, is_head: bool) -> None:
    body = page.body.encode(errors="replace")  # names of directories can be no text
    headers = [
        ("content-type", page.content_type),
        ("content-length", str(len(body))),
        ("connection", "close"),
        *page.headers,
    ]
    response = h11.Response(status_code=page.status, headers=headers)
    shown = b"" if is_head else body
    for event in (response, h11.Data(shown), h11.EndOfMessage()):
        data = protocol.send(event)
        if data:
            writer.write(data)
    async with asyncio.timeout(HEAD_TIMEOUT_S):
        await writer.drain()


async def cancel_other(port: int) -> bool:
    """Asks the sign-in that listens on the port to stop; whether anybody answered."""
    try:
        async with asyncio.timeout(CANCEL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(HOST, port)
    except (OSError, TimeoutError):
        return False
    try:
        writer.write(
            f"GET {CANCEL_PATH} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        async with asyncio.timeout(CANCEL_TIMEOUT_S):
            await writer.drain()
            return bool(await reader.read(_READ_BYTES))
    except (OSError, TimeoutError):
        return False
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
