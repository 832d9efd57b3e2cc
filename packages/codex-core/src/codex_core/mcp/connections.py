"""All MCP servers of a session, started side by side, and their tools under one set of names."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from codex_core.mcp.errors import McpError
from codex_core.mcp.naming import SERVER_NAME_PATTERN, ToolAddress, assign_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from codex_core.config.mcp_servers import McpServerConfig
    from codex_core.mcp.connection import ServerConnection
    from codex_core.mcp.listing import ListedTool
    from codex_core.services import Services
    from codex_core.tools.mcp import McpTool
    from codex_protocol.mcp_types import Tool

_logger = logging.getLogger(__name__)


def failure_message(server: str, sentence: str) -> str:
    """What users are told of a server that could not be started (spec: agent.md section 17)."""
    return f"MCP client for `{server}` failed to start: {sentence}"


class McpConnections:
    """The servers of one session. Nothing in it blocks the session: who needs the tools waits for `ready`."""

    def __init__(self, *, cwd: str, services: Services) -> None:
        self._cwd = cwd
        self._services = services
        self._connections: dict[str, ServerConnection] = {}
        self._failures: dict[str, str] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._tools: tuple[McpTool, ...] | None = None

    @classmethod
    def start(cls, servers: Mapping[str, McpServerConfig], *, cwd: str, services: Services) -> Self:
        """Begins to start every enabled server and returns at once; needs a running event loop."""
        self = cls(cwd=cwd, services=services)
        for name, config in servers.items():
            if config.enabled:
                self._starting[name] = asyncio.create_task(
                    self._start(name, config), name=f"MCP server {name}"
                )
        return self

    async def ready(self) -> None:
        """Returns when every server is up, has failed, or has used up its start-up time."""
        starting = [task for task in self._starting.values() if not task.done()]
        if starting:  # waiting takes turns of the loop even where all is done, and a shutdown may come first
            await asyncio.wait(starting)
        for task in self._starting.values():
            if not task.cancelled():
                task.result()  # a defect of ours; what servers do is in `failures`

    @property
    def failures(self) -> Mapping[str, str]:
        """Why servers could not be started, by name: a sentence each, for `failure_message`."""
        return dict(sorted(self._failures.items()))

    @property
    def connections(self) -> Mapping[str, ServerConnection]:
        """The servers that are up, or were, by name."""
        return dict(sorted(self._connections.items()))

    def tools(self) -> tuple[McpTool, ...]:
        """What the servers that are up offer by now, sorted by name; the same objects until that changes."""
        if self._tools is None:
            self._tools = self._collect()
        return self._tools

    def notes(self) -> Mapping[str, tuple[str, ...]]:
        """What is odd about the tools of servers that are up, by server; no entry where nothing is."""
        seen: dict[ToolAddress, int] = {}
        for name, connection in self._connections.items():
            for listed in connection.listing.tools:
                address = ToolAddress(name, listed.name)
                seen[address] = seen.get(address, 0) + 1
        found: dict[str, tuple[str, ...]] = {}
        for name, connection in sorted(self._connections.items()):
            config = connection.config
            wanted = dict.fromkeys((*(config.enabled_tools or ()), *config.disabled_tools))
            notes = (
                *connection.listing.problems,
                *(
                    f"tool `{address.tool}` is listed {count} times; the first one counts"
                    for address, count in seen.items()
                    if address.server == name and count > 1
                ),
                *(
                    f"the configuration names a tool `{tool}`, which it does not have"
                    for tool in wanted
                    if ToolAddress(name, tool) not in seen
                ),
            )
            if notes:
                found[name] = notes
        return found

    def wire_tools(self) -> Mapping[str, Tool]:
        """The tools as their servers describe them, by the name the model knows them under."""
        return {tool.names[0]: tool.listed.wire for tool in self.tools()}

    async def aclose(self) -> None:
        """Ends every server, also those still starting; takes a bounded time and leaves no process."""
        for task in self._starting.values():
            task.cancel()
        starting = [task for task in self._starting.values() if not task.done()]
        if starting:  # waiting takes turns of the loop even where all is done, and a shutdown may come first
            await asyncio.wait(starting)
        connections = list(self._connections.values())
        results = await asyncio.gather(*(each.aclose() for each in connections), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _start(self, name: str, config: McpServerConfig) -> None:
        from codex_core.config.mcp_servers import is_valid_server_name
        from codex_core.mcp.connection import ServerConnection, make_wire

        if not is_valid_server_name(name):
            self._failures[name] = f"invalid server name '{name}': must match pattern {SERVER_NAME_PATTERN}"
            return
        connection: ServerConnection | None = None
        is_up = False
        try:
            wire = make_wire(config, cwd=self._cwd, services=self._services)
            connection = ServerConnection(config, wire, cwd=self._cwd, on_change=self._forget_tools)
            await connection.start()
            is_up = True
        except McpError as error:
            self._failures[name] = str(error)
            _logger.info("MCP server %s failed to start: %s", name, error)
        finally:
            if connection is not None and not is_up:
                await connection.aclose()
        if is_up and connection is not None:
            self._connections[name] = connection
            self._forget_tools()

    def _forget_tools(self) -> None:
        self._tools = None

    def _collect(self) -> tuple[McpTool, ...]:
        from codex_core.tools.mcp import McpTool

        offered: dict[ToolAddress, tuple[ServerConnection, ListedTool]] = {}
        addresses: list[ToolAddress] = []
        for name, notes in self.notes().items():
            for note in notes:
                _logger.warning("MCP server %s: %s", name, note)
        for name, connection in self._connections.items():
            for listed in connection.listing.tools:
                if connection.config.offers(listed.name):
                    address = ToolAddress(name, listed.name)
                    addresses.append(address)
                    offered.setdefault(address, (connection, listed))
        naming = assign_names(addresses)
        return tuple(McpTool(name, address, *offered[address]) for name, address in naming.addresses.items())
