"""HTTP/1.1 straight over asyncio: what httpx uses below itself where no proxy is configured.

httpx brings a transport of its own that can do more (proxies, HTTP/2, other event loops) and costs as much
again to import as httpx itself. Requests of ours need none of that, and most of them are the first and only
one of a short-lived process. The protocol is h11's; this only moves bytes and keeps connections for reuse.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import h11
import httpx

from codex_login.tcp import connect

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

MAX_HEAD_BYTES = 100 * 1024
"""A response head longer than this is an error."""
READ_BYTES = 64 * 1024
KEEP_ALIVE_S = 60.0
"""How long a connection nobody uses is kept: about as long as a model's tool call takes."""

_DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections of its own; for one event loop.

    Time limits are those of httpx, per operation. Raises httpx's own errors, and whatever `tls` raises.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        """`tls` makes the context for `https` URLs; it is called once, in a thread, when first needed."""
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[Origin, list[_Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = _Limits(request)
        connection = await self._connection(_origin(request.url), limits)
        try:
            response = await connection.exchange(request, limits)
        except BaseException:
            await connection.close()
            raise
        return httpx.Response(
            status_code=response.status_code,
            headers=response.headers.raw_items(),
            stream=_Body(connection, limits, self._put_back),
            extensions={"http_version": b"HTTP/" + response.http_version, "reason_phrase": response.reason},
        )

    async def aclose(self) -> None:
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                await connection.close()

    async def _connection(self, origin: Origin, limits: _Limits) -> _Connection:
        waiting = self._idle.get(origin, [])
        while waiting:
            connection = waiting.pop()
            if connection.is_usable():
                return connection
            await connection.close()
        scheme, host, port = origin
        tls = await self._tls_context() if scheme == "https" else None
        with _errors(httpx.ConnectError, httpx.ConnectTimeout):
            async with asyncio.timeout(limits.connect_s):
                reader, writer = await _open(host, port, tls)
        return _Connection(origin, reader, writer)

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Reading the certificates of all authorities takes a while, and the loop has other things to do.
            self._tls = await asyncio.to_thread(self._make_tls)
        return self._tls

    async def _put_back(self, connection: _Connection) -> None:
        if connection.start_next():
            self._idle.setdefault(connection.origin, []).append(connection)
        else:
            await connection.close()


async def _open(
    host: str, port: int, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address of `host` that answers; TLS is spoken with that one only.

    Raises:
        OSError: none does, or the host does not speak TLS as it should.
    """
    try:
        connected = await connect(host, port)
        try:
            if tls is None:
                return await asyncio.open_connection(sock=connected)
            return await _open_tls(connected, tls, host)
        except BaseException:
            connected.close()
            raise
    except OSError:  # some of them, about certificates, are ValueErrors as well
        raise
    except (ValueError, OverflowError) as error:  # UnicodeError is one: a name that cannot be looked up
        raise OSError(f"{host} and port {port} are no address that can be connected to") from error


async def _open_tls(
    connected: socket.socket, tls: ssl.SSLContext, host: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """TLS over a connection, as `asyncio.open_connection` does it.

    That one loses the connection when it is cancelled before the handshake has begun; here the transport
    below TLS stays at hand.
    """
    loop = asyncio.get_running_loop()
    plain, _ = await loop.create_connection(asyncio.Protocol, sock=connected)
    try:
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        encrypted = await loop.start_tls(plain, protocol, tls, server_hostname=host)
        if encrypted is None:  # so typed, for the sake of transports that are closing
            raise ConnectionAbortedError("the connection was closed before TLS could begin")
        protocol.connection_made(encrypted)
        return reader, asyncio.StreamWriter(encrypted, protocol, reader, loop)
    except BaseException:
        plain.abort()
        raise


class _Limits:
    """The time limits of one request in seconds; None is no limit."""

    __slots__ = ("connect_s", "read_s", "write_s")

    def __init__(self, request: httpx.Request) -> None:
        given: dict[str, float | None] = request.extensions.get("timeout", {})
        self.connect_s = given.get("connect")
        self.read_s = given.get("read")
        self.write_s = given.get("write")


class _Connection:
    """One connection to one server, used by one request at a time."""

    def __init__(self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.origin = origin
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._idle_since = 0.0

    async def exchange(self, request: httpx.Request, limits: _Limits) -> h11.Response:
        """Sends the request and gives the head of the answer; the body is still to come."""
        # A server may refuse early and hang up while we are still writing: its answer is what counts.
        with contextlib.suppress(httpx.WriteError):
            await self._send_request(request, limits)
        while True:
            event = await self._next_event(limits)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                raise httpx.RemoteProtocolError("the server answered with something that is no response")

    async def next_chunk(self, limits: _Limits) -> bytes | None:
        """What has come of the body, at least something; None at its end."""
        if self._protocol.their_state not in {h11.SEND_BODY, h11.ERROR}:
            return None  # the end came with the last piece
        pieces: list[bytes] = []
        event: object = await self._next_event(limits)
        while isinstance(event, h11.Data):
            # A flood of small pieces costs its readers less as one.
            pieces.append(bytes(event.data))
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError:
                break  # the next call tells it, behind what came before it
        return b"".join(pieces) if pieces else None

    def start_next(self) -> bool:
        """Gets ready for another request; False if this connection cannot take one."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        self._idle_since = asyncio.get_running_loop().time()
        return True

    def is_usable(self) -> bool:
        """Whether the server has kept its end open and silent while nobody used the connection."""
        rested = asyncio.get_running_loop().time() - self._idle_since
        return rested < KEEP_ALIVE_S and not self._writer.is_closing() and not self._reader.at_eof()

    async def close(self) -> None:
        # No farewell: the server may not answer it, and a response's length never depends on it.
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _send_request(self, request: httpx.Request, limits: _Limits) -> None:
        try:
            head = h11.Request(
                method=request.method.encode("ascii"),
                target=request.url.raw_path,
                headers=request.headers.raw,
            )
        except h11.LocalProtocolError:
            # h11 quotes the header it does not like, which may be the one with the credential.
            message = "the request has a header or a target that cannot be sent"
            raise httpx.LocalProtocolError(message, request=request) from None
        await self._send(head, limits)
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise httpx.LocalProtocolError(
                "the request's body cannot be read asynchronously", request=request
            )
        async for chunk in request.stream:
            await self._send(h11.Data(data=chunk), limits)
        await self._send(h11.EndOfMessage(), limits)

    async def _send(self, event: h11.Event, limits: _Limits) -> None:
        try:
            data = self._protocol.send(event)
        except h11.LocalProtocolError:
            raise httpx.LocalProtocolError("the request's body cannot be sent as announced") from None
        if data:
            with _errors(httpx.WriteError, httpx.WriteTimeout):
                async with asyncio.timeout(limits.write_s):
                    self._writer.write(data)
                    await self._writer.drain()

    async def _next_event(self, limits: _Limits) -> h11.Event | type[h11.PAUSED]:
        while True:
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if isinstance(event, h11.Event) or event is h11.PAUSED:
                return event
            with _errors(httpx.ReadError, httpx.ReadTimeout):
                async with asyncio.timeout(limits.read_s):
                    data = await self._reader.read(READ_BYTES)
            if not data and self._protocol.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            self._protocol.receive_data(data)


class _Body(httpx.AsyncByteStream):
    """The body of a response; closing it before its end closes the connection."""

    def __init__(
        self, connection: _Connection, limits: _Limits, put_back: Callable[[_Connection], Awaitable[None]]
    ) -> None:
        self._connection: _Connection | None = connection
        self._limits = limits
        self._put_back = put_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._connection is not None:
            chunk = await self._connection.next_chunk(self._limits)
            if chunk is None:
                return
            yield chunk

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._put_back(connection)


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in _DEFAULT_PORTS:
        raise httpx.UnsupportedProtocol(f"Request URL has an unsupported protocol '{url.scheme}://'.")
    return url.scheme, url.raw_host.decode("ascii"), url.port or _DEFAULT_PORTS[url.scheme]


@contextlib.contextmanager
def _errors(failed: type[httpx.NetworkError], timed_out: type[httpx.TimeoutException]) -> Iterator[None]:
    """Turns the errors of sockets into those of httpx."""
    try:
        yield
    except TimeoutError as error:
        raise timed_out(str(error)) from error
    except OSError as error:  # also what TLS has to say
        raise failed(str(error)) from error
