"""One MCP server: reached, greeted, its tools listed and called (spec: agent.md section 17)."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

from codex_core import __version__
from codex_core.mcp.errors import (
    McpError,
    NoAnswer,
    RefusedByServer,
    ServerGone,
    ServerUnreachable,
    SessionEnded,
    UnreadableAnswer,
)
from codex_core.mcp.listing import Listing, read_page, read_tools
from codex_core.mcp.peer import METHOD_NOT_FOUND, Peer
from codex_protocol.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.config.mcp_servers import McpServerConfig
    from codex_core.mcp.wire import Wire
    from codex_core.services import Services
    from codex_protocol.mcp_types import CallToolResult

PROTOCOL_VERSION = "2025-06-18"
CLIENT_NAME = "codex-mcp-client"
MAX_PAGES = 100
"""A list of tools with more pages has no end."""

_TYPES = "codex_protocol.mcp_types"

LISTING_PAUSE_S = 1.0
"""Between two listings of a server that says again and again that its tools have changed."""

_logger = logging.getLogger(__name__)


class ServerConnection:
    """A server for as long as it is connected."""

    def __init__(
        self, config: McpServerConfig, wire: Wire, *, cwd: str, on_change: Callable[[], None] | None = None
    ) -> None:
        self.config = config
        self.listing = Listing()
        """The tools it listed last."""
        self.server_info: str | None = None
        """What it calls itself, with its version."""
        self.startup_s: float | None = None
        """How long it took until its tools were known; None before that."""
        self._wire = wire
        self._on_change = on_change
        self._peer = Peer(config.name, wire, cwd=cwd, on_tools_changed=self._tools_changed)
        self._relisting: asyncio.Task[None] | None = None
        self._is_stale = False
        self._is_closed = False
        self._generation = 0
        self._renewing = asyncio.Lock()

    async def start(self) -> None:
        """Reaches the server, greets it and lists its tools, all within its start-up time.

        Raises: McpError, with the sentence why it cannot be used.
        """
        limit = self.config.startup_timeout_s
        await self._wire.prepare()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(limit):
                await self._wire.open(self._peer)
                await _load_types()
                await self._greet(limit)
                for _ in range(2):  # some add tools when they know us, and say so while they list
                    self._is_stale = False
                    self.listing = await self._list(limit)
                    if not self._is_stale:
                        break
            self.startup_s = loop.time() - began
            if self._is_stale:
                self._tools_changed()
        except TimeoutError:
            raise NoAnswer(self._wire.explain(f"request timed out after {limit:g} s")) from None
        except (ServerGone, ServerUnreachable):
            raise  # these say it all
        except McpError as error:
            raise McpError(self._wire.explain(str(error))) from error

    async def call(self, tool: str, arguments: object) -> CallToolResult:
        """The result of a call, which may well be one that says it failed.

        Raises: McpError when there is none.
        """
        from codex_protocol.mcp_types import CallToolResult

        params: dict[str, object] = {"name": tool}
        if arguments is not None:
            params["arguments"] = arguments
        generation = self._generation
        try:
            answer = await self._peer.request("tools/call", params, timeout_s=self.config.tool_timeout_s)
        except SessionEnded:
            # It never saw the call, so making it again does nothing twice.
            await self._begin_again(generation)
            answer = await self._peer.request("tools/call", params, timeout_s=self.config.tool_timeout_s)
        if not isinstance(answer, dict):
            raise UnreadableAnswer("its result is no object")
        answer.setdefault("content", [])  # what comes with structured content only
        try:
            return CallToolResult.from_wire(answer)
        except ProtocolError as error:
            raise UnreadableAnswer(f"its result cannot be read: {error}") from error

    async def aclose(self) -> None:
        """Ends the connection, and with it what still waits for an answer."""
        self._is_closed = True
        self._peer.close("the session is over")
        relisting, self._relisting = self._relisting, None
        if relisting is not None:
            relisting.cancel()
            await asyncio.wait([relisting])
        await self._wire.aclose()

    async def _begin_again(self, generation: int) -> None:
        """A new session with a server that has forgotten the one of that number. Raises: McpError."""
        limit = self.config.startup_timeout_s
        async with self._renewing:
            if generation != self._generation:
                return  # another call has done it meanwhile
            try:
                async with asyncio.timeout(limit):
                    await self._wire.reopen()
                    await self._greet(limit)
            except TimeoutError:
                raise NoAnswer(self._wire.explain(f"no new session within {limit:g} s")) from None
            self._generation += 1
        self._tools_changed()

    async def _greet(self, limit: float) -> None:
        params = {
            "capabilities": {"roots": {}},
            "clientInfo": {"name": CLIENT_NAME, "title": "Codex", "version": __version__},
            "protocolVersion": PROTOCOL_VERSION,
        }
        try:
            answer = await self._peer.request("initialize", params, timeout_s=limit, can_be_cancelled=False)
        except RefusedByServer as error:
            sentence = f"server returned JSON-RPC error: code = {error.code}, message = {error.message}"
            raise McpError(sentence) from error
        version = answer.get("protocolVersion") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(version, str):
            raise UnreadableAnswer("its answer to `initialize` names no protocol version")
        self._wire.use_version(version)
        self.server_info = _named(answer.get("serverInfo"))
        self._peer.notify("notifications/initialized")

    async def _list(self, limit: float) -> Listing:
        """All pages. Raises: McpError."""
        entries: list[object] = []
        cursor: str | None = None
        seen: set[str] = set()
        try:
            for _ in range(MAX_PAGES):
                params = None if cursor is None else {"cursor": cursor}
                page = read_page(await self._peer.request("tools/list", params, timeout_s=limit))
                entries += page.entries
                cursor = page.next_cursor
                if cursor is None or cursor in seen:
                    break
                seen.add(cursor)
        except RefusedByServer as error:
            if error.code == METHOD_NOT_FOUND:  # it has other things to offer than tools
                return Listing()
            sentence = f"it does not list its tools: code = {error.code}, message = {error.message}"
            raise McpError(sentence) from error
        except ProtocolError as error:
            raise UnreadableAnswer(str(error)) from error
        return read_tools(entries)

    def _tools_changed(self) -> None:
        """The server says that it has other tools now: they are listed anew, once at a time."""
        self._is_stale = True
        if self.startup_s is None or self._is_closed:
            return
        if self._relisting is None or self._relisting.done():
            self._relisting = asyncio.create_task(self._relist(), name=f"tools of {self.config.name}")

    async def _relist(self) -> None:
        while self._is_stale:
            self._is_stale = False
            try:
                self.listing = await self._list(self.config.startup_timeout_s)
            except McpError as error:
                _logger.warning("MCP server %s keeps its old tools: %s", self.config.name, error)
                return
            if self._on_change is not None:
                self._on_change()
            if self._is_stale:
                await asyncio.sleep(LISTING_PAUSE_S)


def make_wire(config: McpServerConfig, *, cwd: str, services: Services) -> Wire:
    """The way to a server, not yet opened. Raises: ServerUnreachable for what cannot work."""
    from codex_core.config.mcp_servers import McpStdioTransport

    transport = config.transport
    if isinstance(transport, McpStdioTransport):
        from codex_core.mcp.environment import server_environment
        from codex_core.mcp.stdio import StdioWire

        return StdioWire(
            config.name,
            (transport.command, *transport.args),
            cwd=os.path.join(cwd, transport.cwd) if transport.cwd else cwd,
            env=server_environment(transport, services.environ),
        )
    from codex_core.mcp.http import HttpWire

    return HttpWire(config.name, transport, services=services)


async def _load_types() -> None:
    """Imports what reads tools while the server starts up, instead of holding up the loop afterwards."""
    if _TYPES not in sys.modules:
        from importlib import import_module

        await asyncio.to_thread(import_module, _TYPES)


def _named(info: object) -> str | None:
    if not isinstance(info, dict) or not isinstance(name := info.get("name"), str):
        return None
    version = info.get("version")
    return f"{name} {version}" if isinstance(version, str) else name
