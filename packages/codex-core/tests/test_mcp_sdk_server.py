"""Servers made with the official Python SDK, which knows nothing of this client: over stdio and over HTTP."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from codex_core.config.mcp_servers import McpHttpTransport, McpServerConfig, McpStdioTransport
from codex_core.mcp.connections import McpConnections
from codex_core.mcp.results import model_view
from codex_core.services import Services

pytest.importorskip("mcp", reason="the MCP SDK is not installed")

SERVER = '''
from typing import Literal
from mcp.server.mcpserver import Context, Image, MCPServer

server = MCPServer("made-with-the-sdk", version="7")

@server.tool()
def add(a: int, b: int = 1) -> int:
    """Adds."""
    return a + b

@server.tool()
def paint(color: Literal["red", "blue"] | None, sizes: dict[str, float]) -> Image:
    """Paints."""
    return Image(data=bytes.fromhex("89504e470d0a1a0a"), format="png")

@server.tool()
async def slow(context: Context) -> str:
    """Tells how far it is."""
    await context.report_progress(1, 2)
    return "done"

@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("on purpose")
'''


@asynccontextmanager
async def over_stdio(tmp_path: Path) -> AsyncIterator[tuple[Any, Services]]:
    script = tmp_path / "server.py"
    script.write_text(SERVER + "\nserver.run()\n")
    yield McpStdioTransport(sys.executable, (str(script),)), Services()


@asynccontextmanager
async def over_http(tmp_path: Path) -> AsyncIterator[tuple[Any, Services]]:
    names: dict[str, Any] = {"__name__": "server_of_the_test"}
    exec(SERVER, names)
    server = names["server"]
    app = server.streamable_http_app()
    async with server.session_manager.run():
        services = Services(http_transport=httpx.ASGITransport(app))
        yield McpHttpTransport("http://127.0.0.1:8000/mcp"), services


@pytest.mark.parametrize("served", [over_stdio, over_http])
async def test_tools_of_an_sdk_server(served: Any, tmp_path: Path) -> None:
    async with served(tmp_path) as (transport, services):
        config = McpServerConfig("sdk", transport, startup_timeout_ms=60_000)
        connections = McpConnections.start({"sdk": config}, cwd=str(tmp_path), services=services)
        try:
            await connections.ready()
            assert connections.failures == {}
            server = connections.connections["sdk"]
            assert server.server_info == "made-with-the-sdk 7"
            offered = {tool.address.tool: tool.listed.parameters for tool in connections.tools()}
            assert offered["add"] == {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 1}},
                "required": ["a"],
            }
            assert offered["paint"]["properties"] == {
                "color": {"anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}]},
                "sizes": {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}},
            }
            assert model_view(await server.call("add", {"a": 2})).text == '{"result":3}'
            painted = model_view(await server.call("paint", {"color": None, "sizes": {}}))
            assert painted.images == ("data:image/png;base64,iVBORw0KGgo=",)
            assert model_view(await server.call("slow", {})).success
            failed = model_view(await server.call("fail", {}))
            assert (failed.success, "Error executing tool fail" in failed.text) == (False, True)
            invalid = model_view(await server.call("add", {"a": "x"}))
            assert invalid.success is False
        finally:
            await connections.aclose()
