"""MCP servers nobody here wrote, used through a turn: over stdio and over streamable HTTP.

Install them once and say where, then run this file:

    npm install --prefix DIR @modelcontextprotocol/server-everything @modelcontextprotocol/server-filesystem
    CODEX_MCP_SERVERS=DIR/node_modules pytest tests/test_mcp_servers_npm.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codex_core.config.mcp_servers import McpHttpTransport, McpServerConfig, McpStdioTransport
from codex_core.mcp.connections import McpConnections
from codex_core.mcp.results import model_view
from codex_core.services import Services
from codex_core.testing import ScratchHome, ScratchRepo, answer, function_call, isolated_environ, message
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer

MODULES = os.environ.get("CODEX_MCP_SERVERS", "")
NODE = shutil.which("node") or ""

pytestmark = [
    pytest.mark.skipif(not MODULES, reason="CODEX_MCP_SERVERS does not name a node_modules with MCP servers"),
    pytest.mark.skipif(not NODE, reason="there is no node"),
]

EVERYTHING = os.path.join(MODULES, "@modelcontextprotocol", "server-everything", "dist", "index.js")
FILESYSTEM = os.path.join(MODULES, "@modelcontextprotocol", "server-filesystem", "dist", "index.js")


def stdio(name: str, *words: str) -> McpServerConfig:
    return McpServerConfig(name, McpStdioTransport(NODE, words), startup_timeout_ms=30_000)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of server-everything over streamable HTTP."""
    pytest.importorskip("mcp", reason="the MCP SDK is not installed")
    home = tmp_path_factory.mktemp("site")
    log = (home / "log").open("w+")
    environ = isolated_environ(home, extra={"PORT": str(_free_port())})
    with subprocess.Popen(
        [NODE, EVERYTHING, "streamableHttp"], env=environ, stdout=log, stderr=log
    ) as server:
        try:
            _wait_for_port(int(environ["PORT"]), server)
            yield f"http://127.0.0.1:{environ['PORT']}/mcp"
        finally:
            server.kill()
            log.close()


@pytest.fixture(params=["stdio", "http"])
def everything(request: pytest.FixtureRequest) -> McpServerConfig:
    """server-everything over either transport."""
    if request.param == "stdio":
        return stdio("ev", EVERYTHING, "stdio")
    transport = McpHttpTransport(request.getfixturevalue("site"))
    return McpServerConfig("ev", transport, startup_timeout_ms=30_000)


@asynccontextmanager
async def connected(cwd: Path, *configs: McpServerConfig) -> AsyncIterator[McpConnections]:
    servers = {config.name: config for config in configs}
    connections = McpConnections.start(servers, cwd=str(cwd), services=Services())
    try:
        await connections.ready()
        assert connections.failures == {}
        yield connections
    finally:
        await connections.aclose()


async def test_everything_answers(everything: McpServerConfig, tmp_path: Path) -> None:
    async with connected(tmp_path, everything) as connections:
        names = [tool.names[0] for tool in connections.tools()]
        assert {"ev__echo", "ev__get-sum", "ev__get-tiny-image", "ev__get-roots-list"} <= set(names)
        assert connections.notes() == {}
        server = connections.connections["ev"]
        said = model_view(await server.call("echo", {"message": "grüße"}))
        assert said.text == '[{"text":"Echo: grüße","type":"text"}]'
        picture = model_view(await server.call("get-tiny-image", {}))
        assert len(picture.images) == 1
        assert picture.images[0].startswith("data:image/png;base64,")
        roots = model_view(await server.call("get-roots-list", {}))
        assert tmp_path.as_uri() in roots.text
        structured = await server.call("get-structured-content", {"location": "Chicago"})
        assert json.loads(model_view(structured).text) == structured.structured_content
        refused = model_view(await server.call("get-sum", {"a": "x"}))
        assert refused.success is False


async def test_filesystem_keeps_to_its_directory(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    async with connected(inside, stdio("fs", FILESYSTEM, str(inside))) as connections:
        server = connections.connections["fs"]
        written = await server.call("write_file", {"path": str(inside / "a.txt"), "content": "from a tool\n"})
        assert model_view(written).success
        assert (inside / "a.txt").read_text() == "from a tool\n"
        refused = model_view(await server.call("read_text_file", {"path": str(tmp_path / "b.txt")}))
        assert refused.success is False
        assert "denied" in refused.text
        parallel = {tool.names[0] for tool in connections.tools() if tool.is_parallel_safe}
        assert "fs__read_text_file" in parallel
        assert "fs__write_file" not in parallel


def test_a_turn_uses_them(
    everything: McpServerConfig,
    run_codex: RunCodex,
    git_repo: ScratchRepo,
    scratch_home: ScratchHome,
    model_server: StartModelServer,
) -> None:
    file = str(git_repo.path / "made.txt")
    server = model_server(
        [
            answer(function_call("ev__get-sum", {"a": 20, "b": 22}, call_id="sum")),
            answer(function_call("fs__write_file", {"path": file, "content": "42\n"}, call_id="write")),
            answer(message("It is 42.")),
        ]
    )
    settings = _settings(everything) + _settings(stdio("fs", FILESYSTEM, str(git_repo.path)))
    done = run_codex("exec", *settings, "add them and write it down").check()
    offered = [tool.get("name") for tool in server.requests[0].json["tools"]]
    assert {"ev__get-sum", "fs__write_file"} <= set(offered)
    assert "20 and 22 is 42" in server.requests[1].tool_outputs["sum"]
    assert "Successfully wrote" in server.requests[2].tool_outputs["write"]
    assert git_repo.read("made.txt") == "42\n"
    assert "It is 42." in done.stdout
    done.assert_no_processes_left()


def test_check_lists_them(everything: McpServerConfig, run_codex: RunCodex) -> None:
    done = run_codex("mcp", *_settings(everything), "check", "ev").check()
    assert done.stdout.startswith("ev: ok, ")
    assert "  ev__echo " in done.stdout
    done.assert_no_processes_left()


def _settings(config: McpServerConfig) -> list[str]:
    transport = config.transport
    if isinstance(transport, McpHttpTransport):
        entry: dict[str, Any] = {"url": transport.url}
    else:
        entry = {"command": transport.command, "args": list(transport.args)}
    entry["startup_timeout_sec"] = 30
    words = []
    for key, value in entry.items():
        words += ["-c", f"mcp_servers.{config.name}.{key}={json.dumps(value)}"]
    return words


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Waits until somebody listens; the server tells it in words that change from version to version."""
    import socket
    import time

    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not listen"
            os.sched_yield()
        else:
            return
