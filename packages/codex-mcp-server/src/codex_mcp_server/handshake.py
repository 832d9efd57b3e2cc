"""The methods of MCP itself but for calling tools (spec: servers.md section 2, protocol.md section 11).

Read by hand, not by models: a client waits for these before it can do anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_mcp_server import __version__
from codex_mcp_server.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    RESOURCE_NOT_FOUND,
    RpcError,
)
from codex_protocol.jsonio import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_protocol.jsonio import JSON

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions with the handshake we know; what we use of them is the same in all."""
PREFERRED_VERSION = "2025-06-18"

_EMPTY: Mapping[str, JSON] = {
    "ping": {},
    "resources/list": {"resources": []},
    "resources/templates/list": {"resourceTemplates": []},
    "prompts/list": {"prompts": []},
}


class McpMethods:
    """Serves the handshake, the list of tools, and the lists that are empty."""

    def __init__(self, user_agent: Callable[[str | None], str]) -> None:
        """`user_agent` is what we call ourselves, given the client."""
        self._user_agent = user_agent
        self.client: str | None = None
        """Name and version of the client, once it has said who it is."""

    def serve(self, method: str, params: object) -> JSON:
        """The result. Raises: RpcError."""
        if (empty := _EMPTY.get(method)) is not None:
            return empty
        match method:
            case "initialize":
                return self._initialize(params)
            case "tools/list":
                from codex_mcp_server.tool_list import tools

                return {"tools": tools()}
            case "resources/read":
                raise RpcError(RESOURCE_NOT_FOUND, "this server has no resources")
            case "prompts/get":
                raise RpcError(INVALID_PARAMS, "this server has no prompts")
            case _:
                raise RpcError(METHOD_NOT_FOUND, f"unknown method: {method[:200]}")

    def _initialize(self, params: object) -> JSON:
        if self.client is not None:
            raise RpcError(INVALID_REQUEST, "initialize called more than once")
        said = _object(params, "params")
        wanted = _text(said, "protocolVersion")
        client = _object(said.get("clientInfo"), "clientInfo")
        if "capabilities" in said:
            _object(said["capabilities"], "capabilities")
        self.client = f"{_text(client, 'name')}; {_text(client, 'version')}"
        return {
            "capabilities": {"tools": {"listChanged": True}},
            "protocolVersion": wanted if wanted in VERSIONS else PREFERRED_VERSION,
            "serverInfo": {
                "name": "codex-mcp-server",
                "title": "Codex",
                "version": __version__,
                "user_agent": self._user_agent(self.client),
            },
        }


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise RpcError(INVALID_PARAMS, f"initialize: `{name}`: expected an object, not {describe(value)}")
    return value


def _text(table: Mapping[str, object], name: str) -> str:
    if name not in table:
        raise RpcError(INVALID_PARAMS, f"initialize: missing field `{name}`")
    value = table[name]
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"initialize: `{name}`: expected a string, not {describe(value)}")
    return value
