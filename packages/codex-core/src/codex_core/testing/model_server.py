"""A mock model behind a real socket: scripted answers, failures, pauses, and a log of what was asked.

    async with ModelServer([answer(shell_call(["ls"])), answer(message("done"))]) as server:
        ...                                    # point the provider at server.base_url
        first = await server.wait_for_request(1)
    server.assert_done()

    with ModelServer.in_thread([...]) as server: ...      # for tests without an event loop

    python -m codex_core.testing.model_server --script FILE   # prints its port

It speaks HTTP/1.1 on 127.0.0.1 and needs the standard library only.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self, TypeAlias

from codex_core.model.scripted.replies import Reply, answer, http_error, message
from codex_core.model.scripted.request import RecordedRequest
from codex_core.model.scripted.signals import Counter, Gate, Signal
from codex_core.testing.http_wire import (
    MAX_HEAD_BYTES,
    Incoming,
    MalformedRequestError,
    lay_out,
    read_body,
    read_head,
)

if TYPE_CHECKING:
    from codex_core.testing.threaded_server import ThreadedModelServer

WAIT_TIMEOUT_S = 20.0
MODEL_PATHS = ("/responses", "/chat/completions")

Responder: TypeAlias = Callable[[RecordedRequest], "Reply | str | Awaitable[Reply | str]"]
ScriptEntry: TypeAlias = "Reply | str | Responder"
"""A reply; a text, said by the assistant on the wire that was asked; or a function of the request."""
Script: TypeAlias = "Sequence[ScriptEntry] | Responder"
"""Answers in order, or one function that answers every request."""


class Outcome(StrEnum):
    """What became of an answer."""

    PENDING = "pending"
    SENT = "sent"
    CUT = "cut"
    """Broken off, as the reply said."""
    ABANDONED = "abandoned"
    """The client left before the answer was complete."""


@dataclass(slots=True)
class Exchange:
    """A request, what was chosen for it, and how that went."""

    request: RecordedRequest
    scripted: bool
    """Whether it was a question to the model, as opposed to some other endpoint."""
    reply: Reply | None = None
    outcome: Outcome = Outcome.PENDING
    over: Signal = field(default_factory=Signal)


class ModelServer:
    """The mock model as an asynchronous context manager; it serves as long as the context is open.

    A request to the model (`POST …/responses`, `POST …/chat/completions`) takes the next entry of the
    script; one for which nothing is left is answered 500. Other requests are looked up in `routes`
    (`"GET /v1/models"`, or `"*"` for any), else answered 404. Whatever was not foreseen is told by
    `assert_done()`. With `cycle` the script starts again when it is used up.
    """

    def __init__(
        self, script: Script = (), *, routes: Mapping[str, ScriptEntry] | None = None, cycle: bool = False
    ) -> None:
        self._script = script
        self._routes = dict(routes or {})
        self._cycle = cycle
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._arrived = Counter()
        self._port = 0
        self.log: list[Exchange] = []
        """Every exchange with any endpoint, in order of arrival."""
        self.problems: list[str] = []
        """What went wrong on the side of the script or of a client, as sentences."""

    # --- life ------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Bind to 127.0.0.1, by default to a free port, and begin to answer."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the socket and every connection, also those that stand at a gate."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @classmethod
    def in_thread(
        cls, script: Script = (), *, routes: Mapping[str, ScriptEntry] | None = None, cycle: bool = False
    ) -> ThreadedModelServer:
        """The same server in a background thread, as an ordinary context manager."""
        from codex_core.testing.threaded_server import ThreadedModelServer

        return ThreadedModelServer(cls(script, routes=routes, cycle=cycle))

    # --- what a test looks at --------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The TCP port, known once the server has started."""
        return self._port

    @property
    def base_url(self) -> str:
        """What `base_url` of a provider is set to."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges with the model, in order of arrival, those too many included."""
        return [exchange for exchange in self.log if exchange.scripted]

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the model, in order of arrival, those too many included."""
        return [exchange.request for exchange in self.exchanges]

    async def wait_for_request(
        self, number: int = 1, *, timeout_s: float = WAIT_TIMEOUT_S
    ) -> RecordedRequest:
        """The `number`-th request to the model (from 1), as soon as it has arrived completely.

        Raises:
            AssertionError: it did not come in time; the text says what came instead.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.arrival(number).wait()
        except TimeoutError:
            raise AssertionError(self.nothing_came(number, timeout_s)) from None
        return self.requests[number - 1]

    async def wait_for_outcome(self, number: int = 1, *, timeout_s: float = WAIT_TIMEOUT_S) -> Outcome:
        """What became of the answer to the `number`-th request, as soon as that is known."""
        await self.wait_for_request(number, timeout_s=timeout_s)
        exchange = self.exchanges[number - 1]
        try:
            async with asyncio.timeout(timeout_s):
                await exchange.over.wait()
        except TimeoutError:
            raise AssertionError(f"the answer to request {number} is still under way") from None
        return exchange.outcome

    def assert_done(self) -> None:
        """Check that the script was used up exactly and nothing unforeseen was asked.

        Raises:
            AssertionError: one line for each thing that was left, too much or went wrong.
        """
        lines = list(self.problems)
        asked = len(self.exchanges)
        if not callable(self._script) and not self._cycle and asked < len(self._script):
            left = [
                f"{number + 1}: {_describe(self._script[number])}"
                for number in range(asked, len(self._script))
            ]
            lines.append(
                f"{len(left)} of {len(self._script)} scripted replies were not asked for ({'; '.join(left)})"
            )
        if lines:
            raise AssertionError(
                "the model server is not content:\n" + "\n".join(f"- {line}" for line in lines)
            )

    def arrival(self, number: int) -> Signal:
        """The signal that is set when the `number`-th request to the model (from 1) has arrived."""
        return self._arrived.reaching(number)

    def nothing_came(self, number: int, timeout_s: float) -> str:
        """The sentence for a request that was waited for in vain."""
        came = ", ".join(exchange.request.route for exchange in self.log) or "nothing"
        return f"request {number} did not come within {timeout_s:g} s; so far: {came}"

    # --- answering -------------------------------------------------------------------------------

    def note_request(self, request: RecordedRequest) -> None:
        """Called for each request before it is answered; for subclasses that keep a log elsewhere."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        incoming = Incoming(reader)
        try:
            while await self._answer_one(incoming, writer):
                continue
        except MalformedRequestError as error:
            self.problems.append(f"a client sent something that is no HTTP request: {error}")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()  # only stop() cancels: what is left of the answer is of no use
        finally:
            writer.close()
            try:
                await writer.wait_closed()
            except (ConnectionError, asyncio.CancelledError):
                pass

    async def _answer_one(self, incoming: Incoming, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; False when the connection is over."""
        head = await read_head(incoming)
        if head is None:
            return False
        if (head.header("expect") or "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await read_body(head, incoming)
        request = RecordedRequest(head.method, head.path, head.headers, body)
        exchange = Exchange(request, scripted=_asks_model(request))
        number = len(self.exchanges)
        self.note_request(request)
        self.log.append(exchange)
        if exchange.scripted:
            self._arrived.increase()
        try:
            reply = await self._choose(exchange, number)
            exchange.reply = reply
            return await self._send(exchange, reply, incoming, writer)
        finally:
            if exchange.outcome is Outcome.PENDING:
                exchange.outcome = Outcome.ABANDONED
            exchange.over.set()

    async def _choose(self, exchange: Exchange, number: int) -> Reply:
        request = exchange.request
        entry: ScriptEntry | None
        if exchange.scripted:
            entry = self._scripted_entry(number)
            if entry is None:
                self.problems.append(f"request {number + 1} ({request.route}) has no scripted reply")
                return http_error(500, f"mock model: no reply left for request {number + 1}")
        else:
            entry = self._routes.get(request.route, self._routes.get("*"))
            if entry is None:
                self.problems.append(f"nobody foresaw a request for {request.route}")
                return http_error(404, f"mock model: no route for {request.route}")
        try:
            chosen = entry
            if callable(chosen):
                made = chosen(request)
                chosen = await made if inspect.isawaitable(made) else made
        except Exception as error:  # noqa: BLE001 - outermost loop of this server; assert_done tells it
            self.problems.append(f"the script failed at {request.route}: {type(error).__name__}: {error}")
            return http_error(500, f"mock model: the script failed: {error}")
        return _say(chosen, request) if isinstance(chosen, str) else chosen

    def _scripted_entry(self, number: int) -> ScriptEntry | None:
        script = self._script
        if callable(script):
            return script
        if self._cycle and script:
            return script[number % len(script)]
        return script[number] if number < len(script) else None

    async def _send(
        self, exchange: Exchange, reply: Reply, incoming: Incoming, writer: asyncio.StreamWriter
    ) -> bool:
        wire = lay_out(reply, client_keeps=(exchange.request.header("connection") or "").lower() != "close")
        for piece in wire.pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            elif not await _pass(piece, incoming):
                return False
        if wire.is_complete:
            exchange.outcome = Outcome.SENT
            return wire.keeps_connection
        exchange.outcome = Outcome.CUT
        if reply.cut is not None and reply.cut.reset:
            _reset(writer)
        return False


async def _pass(gate: Gate, incoming: Incoming) -> bool:
    """Stand at a gate; False when the client left meanwhile."""
    gate.reached.set()
    opened = asyncio.ensure_future(gate.wait_open())
    left = asyncio.ensure_future(incoming.client_gone())
    try:
        await asyncio.wait((opened, left), return_when=asyncio.FIRST_COMPLETED)
        return opened.done()
    finally:
        for waiting in (opened, left):
            waiting.cancel()
        await asyncio.gather(opened, left, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _asks_model(request: RecordedRequest) -> bool:
    method, _, path = request.route.partition(" ")
    return method == "POST" and path.endswith(MODEL_PATHS)


def _say(text: str, request: RecordedRequest) -> Reply:
    if request.route.endswith("/chat/completions"):
        from codex_core.model.scripted.chat_replies import chat_answer, chat_text

        return chat_answer(*chat_text(text))
    return answer(*message(text))


def _describe(entry: ScriptEntry) -> str:
    if isinstance(entry, Reply):
        return f"status {entry.status}, {len(entry.body)} bytes"
    return repr(entry) if isinstance(entry, str) else "a function"


if __name__ == "__main__":
    from codex_core.testing.model_program import main

    sys.exit(main())
