"""What MCP costs who does not use it, and who uses stdio servers only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SERVER = Path(__file__).parent / "data" / "mcp_server.py"
HEAVY = {"mcp", "mcp_types", "httpx", "httpx2", "anyio", "pydantic", "tomlkit"}
STDIO_SESSION = """
import asyncio, sys
from codex_core.config.mcp_servers import McpServerConfig, McpStdioTransport
from codex_core.mcp.connections import McpConnections
from codex_core.services import Services

async def main():
    transport = McpStdioTransport(sys.executable, ("-S", "-E", sys.argv[1]))
    config = McpServerConfig("srv", transport, startup_timeout_ms=20000)
    connections = McpConnections.start({"srv": config}, cwd="/", services=Services())
    await connections.ready()
    assert len(connections.tools()) == 4, connections.failures
    await connections.connections["srv"].call("echo", {"msg": "hi"})
    await connections.aclose()

asyncio.run(main())
print(*sys.modules)
"""


def loaded(source: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "module", ["codex_core.mcp.connections", "codex_core.tools.mcp", "codex_core.mcp.http"]
)
def test_importing_the_client_imports_nothing_heavy(module: str) -> None:
    modules = loaded(f"import sys, {module}; print(*sys.modules)")
    assert not modules & HEAVY


def test_stdio_servers_need_no_sdk_and_no_http() -> None:
    modules = loaded(STDIO_SESSION, str(SERVER))
    assert not modules & (HEAVY - {"pydantic"})
