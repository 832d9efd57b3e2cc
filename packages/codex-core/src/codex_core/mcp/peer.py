"""Our half of a conversation in JSON-RPC: requests and their answers, and what the server asks of us.

Knows methods and parameters only as far as every MCP client has to answer them (spec: agent.md section 17).
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from codex_core.mcp.errors import McpError, NoAnswer, RefusedByServer, ServerGone, UnreadableAnswer
from codex_core.mcp.wire import own_id
from codex_protocol.jsonio import describe, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_core.mcp.wire import Message, Wire

METHOD_NOT_FOUND = -32601
JSONRPC = "2.0"

_MAX_SHOWN_MESSAGE = 2000  # characters of an error message
_MAX_SHOWN_LOG = 500

_logger = logging.getLogger(__name__)


class Peer:
    """Asks a server over a wire, and answers what it asks."""

    def __init__(self, server: str, wire: Wire, *, cwd: str, on_tools_changed: Callable[[], None]) -> None:
        self._server = server
        self._wire = wire
        self._cwd = cwd
        self._on_tools_changed = on_tools_changed
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[object]] = {}
        self._end: str | None = None

    async def request(
        self,
        method: str,
        params: Mapping[str, object] | None = None,
        *,
        timeout_s: float,
        can_be_cancelled: bool = True,
    ) -> object:
        """The result of a request. When we stop waiting, the server is told.

        Raises:
            ServerGone: when the server is, or goes, away.
            NoAnswer: after `timeout_s`.
            RefusedByServer: for an error of the server's.
            UnreadableAnswer: for an answer that is none.
        """
        if self._end is not None:
            raise ServerGone(self._end)
        self._last_id += 1
        identifier = self._last_id
        message: Message = {"jsonrpc": JSONRPC, "id": identifier, "method": method}
        if params is not None:
            message["params"] = dict(params)
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._pending[identifier] = answer
        try:
            self._wire.post(message)
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            if can_be_cancelled:
                self._cancel(identifier, "no answer in time")
            raise NoAnswer(f"no answer within {timeout_s:g} s") from None
        except asyncio.CancelledError:
            if can_be_cancelled:
                self._cancel(identifier, "cancelled by the user")
            raise
        finally:
            del self._pending[identifier]
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # read, so that asyncio does not complain when nobody waits any more

    def notify(self, method: str, params: Mapping[str, object] | None = None) -> None:
        """Tells the server something. Raises: McpError."""
        message: Message = {"jsonrpc": JSONRPC, "method": method}
        if params is not None:
            message["params"] = dict(params)
        self._wire.post(message)

    # -- what comes (Receiver) ------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """Takes a frame of the server."""
        identifier, method = message.get("id"), message.get("method")
        if isinstance(method, str):
            if identifier is None:
                self._notice(method, message.get("params"))
            else:
                self._answer(identifier, method)
        elif (waiting := self._waiting(identifier)) is not None:
            if "error" in message:
                waiting.set_exception(_refusal(message["error"]))
            elif "result" in message:
                waiting.set_result(message["result"])
            else:
                waiting.set_exception(UnreadableAnswer("its answer has neither a result nor an error"))
        elif identifier is None and "error" in message:
            # The server could not even read whose request it refuses.
            self.fail(None, _refusal(message["error"]))
        else:
            _logger.debug("MCP server %s answered what nobody waits for", self._server)

    def fail(self, request_id: object, error: McpError) -> None:
        """Ends the request of that id, or all if it is None, with an error."""
        waiting = self._waiting(request_id)
        ended = [waiting] if waiting is not None else []
        if request_id is None:
            ended = [future for future in self._pending.values() if not future.done()]
        for future in ended:
            future.set_exception(error)

    def close(self, why: str) -> None:
        """Ends everything that waits, now and later, with `ServerGone`; the first reason counts."""
        if self._end is None:
            self._end = why
            self.fail(None, ServerGone(why))

    # -------------------------------------------------------------------------------------------

    def _waiting(self, identifier: object) -> asyncio.Future[object] | None:
        number = own_id(identifier)
        future = None if number is None else self._pending.get(number)
        return None if future is None or future.done() else future

    def _cancel(self, identifier: int, reason: str) -> None:
        if self._end is not None:
            return
        try:
            self.notify("notifications/cancelled", {"requestId": identifier, "reason": reason})
        except McpError as error:
            _logger.debug("MCP server %s was not told of a cancelled request: %s", self._server, error)

    def _notice(self, method: str, params: object) -> None:
        if method == "notifications/tools/list_changed":
            self._on_tools_changed()
        elif method == "notifications/message":
            _logger.debug("MCP server %s logs: %s", self._server, _short(params, _MAX_SHOWN_LOG))

    def _answer(self, identifier: object, method: str) -> None:
        """Answers a request of the server at once; nothing of what it may ask needs time."""
        reply: Message = {"jsonrpc": JSONRPC, "id": identifier}
        match method:
            case "ping":
                reply["result"] = {}
            case "roots/list":
                from urllib.parse import quote

                from codex_core.execution.spawn import to_bytes

                uri = "file://" + quote(to_bytes(self._cwd))
                reply["result"] = {"roots": [{"uri": uri, "name": os.path.basename(self._cwd) or self._cwd}]}
            case "elicitation/create":
                # Nobody is asked: the question would come from a program, in the middle of a turn.
                reply["result"] = {"action": "decline"}
            case _:
                problem = f"this client does not offer {method[:100]}"
                reply["error"] = {"code": METHOD_NOT_FOUND, "message": problem}
        try:
            self._wire.post(reply)
        except McpError as error:
            _logger.debug("MCP server %s did not get an answer to %s: %s", self._server, method, error)


def _refusal(error: object) -> McpError:
    if not isinstance(error, dict):
        return UnreadableAnswer(f"its error is no object but {describe(error)}")
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or isinstance(code, bool):
        code = 0
    text = message if isinstance(message, str) else _short(message, _MAX_SHOWN_MESSAGE)
    return RefusedByServer(code, text[:_MAX_SHOWN_MESSAGE])


def _short(value: object, limit: int) -> str:
    text = dumps(value)
    return text if len(text) <= limit else text[:limit] + "…"
