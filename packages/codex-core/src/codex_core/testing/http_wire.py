"""HTTP/1.1 as far as a mock model needs it: read a request from a stream, lay out a reply as bytes.

Written by hand because the point is to misbehave at an exact byte, which HTTP libraries prevent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from codex_core.model.scripted.replies import CutUnit, Framing
from codex_core.model.scripted.request import RecordedRequest
from codex_core.model.scripted.signals import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_core.model.scripted.replies import Reply

MAX_HEAD_BYTES = 256 * 1024
END_OF_CHUNKS = b"0\r\n\r\n"


class MalformedRequestError(Exception):
    """What came in is not HTTP/1.1 as this server reads it."""


class Incoming:
    """The reading side of one connection, able to notice that the client left without losing data."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._ahead = b""

    async def client_gone(self) -> None:
        """Return when the client closed its side; wait for ever when it goes on talking instead."""
        try:
            if not self._ahead:
                self._ahead = await self._reader.read(1)
            if self._ahead:
                await asyncio.get_running_loop().create_future()
        except ConnectionError:
            return

    async def line_block(self) -> bytes:
        """Everything up to an empty line; `b""` when the connection ended before it began."""
        try:
            rest = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not (self._ahead + error.partial).strip():
                return b""
            raise MalformedRequestError("the connection ended inside a request head") from error
        except asyncio.LimitOverrunError as error:
            raise MalformedRequestError("request head too long") from error
        block, self._ahead = self._ahead + rest, b""
        return block

    async def exactly(self, size: int) -> bytes:
        """The next `size` bytes of a body."""
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise MalformedRequestError(f"body ended after {len(error.partial)} of {size} bytes") from error

    async def line(self) -> bytes:
        """One line without its end."""
        try:
            return (await self._reader.readuntil(b"\r\n"))[:-2]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise MalformedRequestError("a line inside a chunked body does not end") from error


async def read_head(incoming: Incoming) -> RecordedRequest | None:
    """The next request, body still empty; None when the client is done.

    Raises:
        MalformedRequestError: the head is no HTTP/1.1.
    """
    block = await incoming.line_block()
    if not block:
        return None
    first, *lines = block.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedRequestError(f"not a request line: {first!r}")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedRequestError(f"not a header line: {line!r}")
        headers.append((name.lower(), value.strip()))
    return RecordedRequest(words[0], words[1], tuple(headers), b"")


async def read_body(head: RecordedRequest, incoming: Incoming) -> bytes:
    """The body announced by a head, chunks put together."""
    if "chunked" in (head.header("transfer-encoding") or "").lower():
        chunks: list[bytes] = []
        while size := _chunk_size(await incoming.line()):
            chunks.append(await incoming.exactly(size))
            await incoming.exactly(2)
        while await incoming.line():
            continue
        return b"".join(chunks)
    length = head.header("content-length") or "0"
    if not length.isdigit():
        raise MalformedRequestError(f"content-length is no number: {length!r}")
    return await incoming.exactly(int(length))


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise MalformedRequestError(f"not a chunk size: {line!r}") from error


@dataclass(frozen=True, slots=True)
class WireReply:
    """A reply as the bytes to send, with the gates still between them."""

    pieces: tuple[bytes | Gate, ...]
    is_complete: bool
    """False when the answer is cut: the connection must end behind the last piece."""
    keeps_connection: bool


def lay_out(reply: Reply, *, client_keeps: bool = True) -> WireReply:
    """The bytes of a reply, framing and cut applied; `client_keeps` is what the request asked for."""
    keeps = reply.keep_alive and client_keeps and reply.framing is not Framing.CLOSE
    head = _head(reply, keeps=keeps)
    framed = tuple(_framed_body(reply))
    cut = reply.cut
    if cut is None:
        return WireReply((head, *framed), is_complete=True, keeps_connection=keeps)
    if cut.unit is CutUnit.WIRE:
        pieces = _first_bytes((head, *framed), cut.after)
    else:
        pieces = (head, *_first_body_bytes(reply, cut.after))
    return WireReply(pieces, is_complete=False, keeps_connection=False)


def _head(reply: Reply, *, keeps: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers)]
    match reply.framing:
        case Framing.CHUNKED:
            lines.append("transfer-encoding: chunked")
        case Framing.LENGTH:
            lines.append(f"content-length: {len(reply.body)}")
        case Framing.CLOSE:
            pass
    if not keeps:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _framed_body(reply: Reply) -> Iterator[bytes | Gate]:
    is_chunked = reply.framing is Framing.CHUNKED
    for part in reply.parts:
        if isinstance(part, Gate) or not is_chunked:
            yield part
        elif part:  # an empty chunk would end the body
            yield b"%x\r\n%b\r\n" % (len(part), part)
    if is_chunked:
        yield END_OF_CHUNKS


def _first_bytes(pieces: tuple[bytes | Gate, ...], count: int) -> tuple[bytes | Gate, ...]:
    kept: list[bytes | Gate] = []
    left = count
    for piece in pieces:
        if left <= 0:
            break
        if isinstance(piece, bytes):
            kept.append(piece[:left])
            left -= len(piece)
        else:
            kept.append(piece)
    return tuple(kept)


def _first_body_bytes(reply: Reply, count: int) -> Iterator[bytes | Gate]:
    left = count
    for part in reply.parts:
        if left <= 0:
            return
        if isinstance(part, Gate):
            yield part
            continue
        sent = part[:left]
        left -= len(part)
        if reply.framing is not Framing.CHUNKED:
            yield sent
        elif len(sent) == len(part):
            yield b"%x\r\n%b\r\n" % (len(part), part)
        else:
            yield b"%x\r\n%b" % (len(part), sent)  # the chunk announced more than will come
