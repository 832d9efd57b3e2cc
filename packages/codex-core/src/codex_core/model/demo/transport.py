"""An httpx transport that answers from a script instead of the network."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, TypeAlias

import httpx

from codex_core.model.scripted.chat_replies import chat_answer, chat_text
from codex_core.model.scripted.replies import CutUnit, Framing, Reply, answer, http_error, message
from codex_core.model.scripted.request import RecordedRequest
from codex_core.model.scripted.signals import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

Responder: TypeAlias = "Callable[[RecordedRequest], Reply | str | Awaitable[Reply | str]]"


class ScriptedTransport(httpx.AsyncBaseTransport):
    """Plays `script`, one reply per request; keeps what was asked in `requests`.

    A reply may be a text the assistant says or a function of the request; a single function answers
    everything. When a list has no reply left, requests get status 400, which nobody repeats. As there is
    no wire, a reply's framing matters only where its body is cut: then only CLOSE ends it in good order.
    """

    def __init__(self, script: Responder | Iterable[Reply | str | Responder]) -> None:
        self.requests: list[RecordedRequest] = []
        self._responder = script if callable(script) else None
        self._replies = iter(() if callable(script) else script)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The next reply of the script.

        Raises: httpx.RemoteProtocolError for a reply that is no answer at all, as a network would.
        """
        asked = RecordedRequest(
            method=request.method,
            path=request.url.raw_path.decode("ascii"),
            headers=tuple((name.lower(), value) for name, value in request.headers.items()),
            body=await request.aread(),
        )
        self.requests.append(asked)
        reply = await self._next_reply(asked)
        if reply.cut is not None and reply.cut.unit is CutUnit.WIRE:
            if reply.cut.after:
                raise ValueError("a scripted transport has no wire to cut; use `cut_after`")
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        return httpx.Response(reply.status, headers=list(reply.headers), stream=_Body(reply))

    async def _next_reply(self, asked: RecordedRequest) -> Reply:
        entry = self._responder or next(self._replies, None)
        if callable(entry):
            made = entry(asked)
            entry = await made if inspect.isawaitable(made) else made
        match entry:
            case Reply():
                return entry
            case str():
                is_chat = asked.route.endswith("/chat/completions")
                return chat_answer(chat_text(entry)) if is_chat else answer(message(entry, deltas=True))
            case None:
                text = f"the script has no reply to request {len(self.requests)}"
                return http_error(400, {"error": {"message": text}})


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            if isinstance(piece, Gate):
                piece.reached.set()
                await piece.wait_open()
            else:
                yield piece
                await asyncio.sleep(0)  # a network would let others run, too
        if self._reply.cut is not None and self._reply.framing is not Framing.CLOSE:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    def _pieces(self) -> Iterator[bytes | Gate]:
        left = self._reply.cut.after if self._reply.cut is not None else None
        for part in self._reply.parts:
            if left is None or isinstance(part, Gate):
                yield part
                continue
            if piece := part[:left]:
                yield piece
            left -= len(part)
            if left <= 0:
                return
