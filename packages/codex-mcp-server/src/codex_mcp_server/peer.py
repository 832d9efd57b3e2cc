"""JSON-RPC 2.0 over lines: requests one after another, long ones in the background, questions back.

Knows no method. What the requests mean is the handler's; what the questions mean is that of who asks
(spec: protocol.md section 11, servers.md section 1).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from codex_core.mcp.lines import Frame, LineDecoder, Noise, Unreadable
from codex_core.mcp.wire import own_id
from codex_mcp_server.errors import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, REQUEST_CANCELLED, RpcError
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe, dumps

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Mapping
    from typing import TypeGuard

    from codex_mcp_server.pipes import LineWriter

Id: TypeAlias = "str | int"

UNREAD_LIMIT = 8 * 1024 * 1024
"""Bytes that may wait for the client before nothing more is read from it, and events wait too.

Generous: a client may send much before it reads anything.
"""
WAITING_LIMIT = 32 * 1024 * 1024
"""Bytes of requests that may wait for those before them."""
CLIENT_GONE = "the client is gone"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Call:
    """A request of the client, until it has been answered."""

    id: Id
    method: str
    params: object
    size: int = 0
    is_cancelled: bool = False
    on_cancel: Callable[[], None] | None = None
    """What a cancellation does to a call in the background; without it the work is stopped and refused."""


@dataclass(frozen=True, slots=True)
class Later:
    """The rest of the work of a request, to be done beside the requests that follow."""

    work: Coroutine[None, None, object]


class Handler(Protocol):
    """Who knows the methods."""

    async def request(self, call: Call) -> object:
        """The result, or `Later`. Raises: RpcError."""
        ...

    def notification(self, method: str, params: object) -> None:
        """Takes what wants no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A request of ours; `answer` brings the result, or raises `RpcError`."""

    id: int
    answer: asyncio.Future[object] = field(repr=False)


class Peer:
    """Our side of one connection. Everything that is sent goes through `output`, in order."""

    def __init__(self, output: LineWriter, handler: Handler) -> None:
        self._output = output
        self._handler = handler
        self._lane: deque[Call] = deque()
        self._lane_bytes = 0
        self._moved = asyncio.Event()
        self._open: dict[Id, Call] = {}
        self._background: dict[Id, asyncio.Task[None]] = {}
        self._questions: dict[int, asyncio.Future[object]] = {}
        self._next_question = 0
        self._is_cut_off = False
        self.has_answered = False
        """Whether any request has been answered."""
        self.on_idle: Callable[[], None] = lambda: None
        """Called when every request has been answered."""
        self.on_input_end: Callable[[], None] = lambda: None
        """Called when nothing more will come."""

    # -- what goes out ----------------------------------------------------------------------------

    def send(self, line: str) -> None:
        """Sends a frame that is JSON already."""
        self._output.put(line)

    async def drain(self) -> None:
        """Waits while the client is far behind."""
        await self._output.drain(UNREAD_LIMIT)

    def notify(self, method: str, params: Mapping[str, object]) -> None:
        """Tells the client something."""
        self.send(dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: Mapping[str, object]) -> Question:
        """Sends a request of ours; ids count from 0."""
        question = Question(self._next_question, asyncio.get_running_loop().create_future())
        self._next_question += 1
        if self._is_cut_off:
            question.answer.set_exception(RpcError(INTERNAL_ERROR, CLIENT_GONE))
            return question
        self._questions[question.id] = question.answer
        self.send(dumps({"id": question.id, "jsonrpc": "2.0", "method": method, "params": params}))
        return question

    def withdraw(self, question: Question) -> None:
        """No longer waits for that answer, and tells the client so; one that comes late is ignored."""
        if self._questions.pop(question.id, None) is not None:
            told = {"requestId": question.id, "reason": "the turn that asked is over"}
            self.notify("notifications/cancelled", told)
        question.answer.cancel()

    def _reply(self, call: Call, result: object) -> None:
        try:
            text = dumps(result)
        except ProtocolError as error:
            self._refuse(call, INTERNAL_ERROR, str(error))
            return
        del self._open[call.id]
        self.send(f'{{"id":{dumps(call.id)},"jsonrpc":"2.0","result":{text}}}')

    def _refuse(self, call: Call, code: int, message: str) -> None:
        """Answers a call with an error."""
        del self._open[call.id]
        self._reject(call.id, code, message)

    def _reject(self, identifier: Id | None, code: int, message: str) -> None:
        """Says what is wrong with a message that became no call."""
        self.send(dumps({"error": {"code": code, "message": message}, "id": identifier, "jsonrpc": "2.0"}))

    # -- what comes in ----------------------------------------------------------------------------

    async def serve(self, pieces: AsyncIterable[bytes]) -> None:
        """Serves until the input has ended and every request has been answered.

        When the input has ended, questions that are open count as refused.
        """
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._serve_lane(tasks), name="requests in order")
            await self._read(pieces)
            self.cut_off()
            self.on_input_end()
            while self._lane:
                await self._wait_for_move()
            while self._background or self._open:
                await self._wait_for_move()
            serving.cancel()

    async def _wait_for_move(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    def cut_off(self) -> None:
        """Nothing more will come: whatever we asked, and will ask, is refused."""
        self._is_cut_off = True
        self._refuse_questions(CLIENT_GONE)

    def _refuse_questions(self, why: str) -> None:
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(RpcError(INTERNAL_ERROR, why))
        self._questions.clear()

    async def _read(self, pieces: AsyncIterable[bytes]) -> None:
        decoder = LineDecoder()
        unaccounted = 0
        async for piece in pieces:
            unaccounted += len(piece)
            for line in decoder.feed(piece):
                self._take(line, unaccounted)
                unaccounted = 0
            await self._output.drain(UNREAD_LIMIT)
            while self._lane_bytes > WAITING_LIMIT and len(self._lane) > 1:
                await self._wait_for_move()
        for line in decoder.finish():
            self._take(line, unaccounted)

    def _take(self, line: Frame | Noise | Unreadable, size: int) -> None:
        match line:
            case Frame(message):
                self._frame(message, size)
            case Unreadable(identifier, has_method=True, problem=problem):
                self._reject(self._unused(identifier), PARSE_ERROR, f"the message cannot be read: {problem}")
            case Unreadable(identifier, problem=problem):
                self._no_answer(identifier, PARSE_ERROR, f"the message cannot be read: {problem}")
            case Noise(text):
                _log.error("a line is no JSON-RPC message")  # and may hold what nobody else is to read
                if text.startswith(("[", '"')):
                    self._reject(None, INVALID_REQUEST, "a message is a JSON object, or a list of them")
                else:
                    self._reject(None, PARSE_ERROR, "a line is not JSON, or no object")

    def _frame(self, message: dict[str, object], size: int) -> None:
        identifier, method = message.get("id"), message.get("method")
        if isinstance(method, str):
            if "id" not in message:
                self._handler.notification(method, message.get("params"))
            elif _is_id(identifier):
                self._enqueue(Call(identifier, method, message.get("params"), size))
            else:
                self._reject(
                    None, INVALID_REQUEST, f"an id is a string or an integer, not {_named(identifier)}"
                )
        elif "result" in message or "error" in message:
            self._answered(identifier, message)
        elif "method" in message:
            self._reject(
                self._unused(identifier), INVALID_REQUEST, f"a method is a string, not {_named(method)}"
            )
        else:
            self._no_answer(
                identifier, INVALID_REQUEST, "a message needs a `method`, a `result` or an `error`"
            )

    def _enqueue(self, call: Call) -> None:
        if call.id in self._open:
            problem = f"a request with the id {dumps(call.id)[:100]} is open already"
            self._reject(None, INVALID_REQUEST, problem)  # with that id it would answer the other
            return
        self._open[call.id] = call
        self._lane.append(call)
        self._lane_bytes += call.size
        self._moved.set()

    def _no_answer(self, identifier: object, code: int, message: str) -> None:
        """Takes what asks nothing and is no answer either: the end of our question, if it names one."""
        number = own_id(identifier)
        if number is None or not 0 <= number < self._next_question:
            self._reject(self._unused(identifier), code, message)
            return
        _log.error("the answer to a question is none: %s", message)
        if (answer := self._asked(number)) is not None:
            answer.set_exception(RpcError(code, message))

    def _unused(self, identifier: object) -> Id | None:
        """The id, but for that of a call: the call is not what is refused, and goes on."""
        return identifier if _is_id(identifier) and identifier not in self._open else None

    def _asked(self, identifier: object) -> asyncio.Future[object] | None:
        """Who waits for the answer to our question of that id, from now on no more."""
        number = own_id(identifier)
        answer = None if number is None else self._questions.pop(number, None)
        return None if answer is None or answer.done() else answer

    def _answered(self, identifier: object, message: Mapping[str, object]) -> None:
        if identifier is None and "error" in message and self._questions:
            # The client could not even read which question it is. None of those that are open may hang.
            self._refuse_questions("the client could not read a question")
            return
        if (answer := self._asked(identifier)) is None:
            _log.warning("an answer came to what nobody asked, or asks any more: id %s", _named(identifier))
            return
        if "result" in message:
            answer.set_result(message["result"])
            return
        error = message["error"]
        code, text = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
        _log.error("the client answered with an error: %s", _named(text))
        answer.set_exception(
            RpcError(
                code if _is_number(code) else INTERNAL_ERROR, text if isinstance(text, str) else "an error"
            )
        )

    # -- serving ----------------------------------------------------------------------------------

    def cancel(self, identifier: object) -> None:
        """The client no longer wants an answer to that request; one that is unknown is ignored."""
        call = self._open.get(identifier) if _is_id(identifier) else None
        if call is None:
            return
        call.is_cancelled = True
        if call.on_cancel is not None:
            call.on_cancel()
        elif (task := self._background.get(call.id)) is not None:
            task.cancel()

    async def _serve_lane(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            while not self._lane:
                if not self._open:
                    self.on_idle()
                await self._wait_for_move()
            call = self._lane[0]
            if call.is_cancelled:
                self._refuse(call, REQUEST_CANCELLED, "cancelled")
            else:
                await self._serve_one(call, tasks)
            self.has_answered = True
            self._lane.popleft()
            self._lane_bytes -= call.size
            self._moved.set()
            await self._output.drain(UNREAD_LIMIT)

    async def _serve_one(self, call: Call, tasks: asyncio.TaskGroup) -> None:
        async def first() -> object:
            return await self._handler.request(call)

        result = await self._guarded(call, first())
        if isinstance(result, Later) and call.is_cancelled:
            result.work.close()
            self._refuse(call, REQUEST_CANCELLED, "cancelled")
        elif isinstance(result, Later):
            work = result.work

            async def rest() -> None:
                outcome = await self._guarded(call, work)
                if outcome is not _ANSWERED:
                    self._reply(call, outcome)

            def ended(task: asyncio.Task[None]) -> None:
                del self._background[call.id]
                work.close()  # it may have been cancelled before it began
                if task.cancelled() and call.id in self._open:
                    self._refuse(call, REQUEST_CANCELLED, "cancelled")
                self._moved.set()

            task = tasks.create_task(rest(), name=f"{call.method} {call.id}"[:100])
            self._background[call.id] = task
            task.add_done_callback(ended)
            await asyncio.sleep(0)  # what need not wait is answered before the next request is looked at
        elif result is not _ANSWERED:
            self._reply(call, result)

    async def _guarded(self, call: Call, work: Awaitable[object]) -> object:
        """The result of the work; `_ANSWERED` if it failed and the client has been told."""
        try:
            return await work
        except RpcError as error:
            self._refuse(call, error.code, error.message)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody stopped this request: something it waited for was. The requests behind it go on.
            _log.exception("%s was cancelled from within", call.method)
            self._refuse(call, INTERNAL_ERROR, "internal error: given up from within")
        except Exception as error:  # noqa: BLE001 - see below
            # The outermost place of a request: a defect of ours costs one answer, not the connection.
            _log.exception("%s ended in an unexpected error", call.method)
            self._refuse(call, INTERNAL_ERROR, f"internal error: {type(error).__name__}: {error}")
        return _ANSWERED


_ANSWERED = object()


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: object) -> TypeGuard[Id]:
    return isinstance(value, str) or _is_number(value)


def _named(value: object) -> str:
    return describe(value)[:200]
