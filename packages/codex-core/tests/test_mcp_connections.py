"""Several servers of one session: started side by side, named together, ended together."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.config.mcp_servers import McpHttpTransport, McpServerConfig, McpStdioTransport
from codex_core.mcp.connections import McpConnections, failure_message
from codex_core.services import Services
from codex_core.testing.processes import CAN_LOOK, MARK_VARIABLE, assert_none_left, marked_processes

SERVER = Path(__file__).parent / "data" / "mcp_server.py"
MARK = f"mcp-connections-{os.getpid()}"
LONG = "srv__LLLLLLLLLLLLLLLLLLL1aba65b2f3cca8fafcc0df88e23715c515609979"

Start = Callable[..., McpConnections]


def stdio(name: str, *words: str, **more: Any) -> McpServerConfig:
    args = ("-S", "-E", str(SERVER), *words)
    transport = McpStdioTransport(sys.executable, args, env={MARK_VARIABLE: MARK})
    return McpServerConfig(name, transport, **{"startup_timeout_ms": 20_000, "tool_timeout_s": 20.0, **more})


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        def begin(*configs: McpServerConfig, environ: Any = None) -> McpConnections:
            services = Services() if environ is None else Services(environ=environ)
            servers = {config.name: config for config in configs}
            connections = McpConnections.start(servers, cwd=str(tmp_path), services=services)
            stack.push_async_callback(connections.aclose)
            return connections

        yield begin


def names(connections: McpConnections) -> list[str]:
    return [tool.names[0] for tool in connections.tools()]


async def test_tools_of_all_servers_sorted_by_their_names(start: Start) -> None:
    connections = start(stdio("srv"), stdio("an"))
    await connections.ready()
    assert connections.failures == {}
    assert names(connections) == sorted(names(connections))
    assert names(connections)[4:] == [LONG, "srv__echo", "srv__noschema", "srv__weird_name_x"]
    assert connections.tools() is connections.tools()


async def test_wire_tools_are_as_the_server_describes_them(start: Start) -> None:
    connections = start(stdio("srv"))
    await connections.ready()
    tools = connections.wire_tools()
    assert tools["srv__weird_name_x"].to_wire() == {
        "description": "Odd characters",
        "inputSchema": {"type": "object"},
        "name": "weird.name/x",
    }
    assert tools["srv__echo"].to_wire()["inputSchema"]["properties"]["n"] == {"type": "integer"}  # type: ignore[index,call-overload]


async def test_only_what_reads_may_run_in_parallel(start: Start) -> None:
    connections = start(stdio("srv"))
    await connections.ready()
    assert [tool.names[0] for tool in connections.tools() if tool.is_parallel_safe] == [LONG]


async def test_one_that_fails_does_not_hold_up_the_others(start: Start) -> None:
    connections = start(
        stdio("srv"),
        stdio("dead", "die"),
        stdio("bad name"),
        replace(stdio("none"), transport=McpStdioTransport("no-such-program-anywhere")),
        stdio("off", enabled=False),
        stdio("slow", "silent", startup_timeout_ms=300),
        replace(stdio("web"), transport=McpHttpTransport("ftp://example.invalid/")),
    )
    await connections.ready()
    assert list(connections.connections) == ["srv"]
    assert dict(connections.failures) == {
        "bad name": "invalid server name 'bad name': must match pattern ^[a-zA-Z0-9_-]+$",
        "dead": "it ended with exit code 3; its last words on stderr: cannot find my settings",
        "none": "No such file or directory (os error 2)",
        "slow": "request timed out after 0.3 s",
        "web": "its `url` ftp://example.invalid/ is not an http or https address",
    }


async def test_tools_can_be_chosen(start: Start) -> None:
    chosen = stdio("srv", enabled_tools=("echo", "noschema", "nonesuch"), disabled_tools=("noschema",))
    connections = start(chosen)
    await connections.ready()
    assert names(connections) == ["srv__echo"]
    assert connections.notes() == {
        "srv": ("the configuration names a tool `nonesuch`, which it does not have",)
    }


async def test_a_tool_listed_twice_is_offered_once_and_told(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    connections = start(stdio("srv", "odd"))
    await connections.ready()
    assert names(connections).count("srv__echo") == 1
    assert "MCP server srv: tool `echo` is listed 2 times; the first one counts" in caplog.text
    assert "MCP server srv: tool `huge` is left out" in caplog.text
    assert connections.wire_tools()["srv__echo"].description == "Echoes"


async def test_new_tools_of_a_running_server_are_offered(start: Start) -> None:
    connections = start(stdio("srv"))
    await connections.ready()
    before = connections.tools()
    connection = connections.connections["srv"]
    await connection.call("echo", {"msg": "change"})
    async with asyncio.timeout(20):
        # Each call gives the listing that runs beside it the time it needs.
        while "srv__newcomer" not in names(connections):
            await connection.call("echo", {"msg": "hi"})
    assert connections.tools() is not before


async def test_nothing_waits_before_ready(start: Start) -> None:
    connections = start(stdio("srv"))
    assert connections.tools() == ()
    assert connections.wire_tools() == {}
    assert connections.failures == {}


async def test_who_asks_when_all_are_up_is_answered_at_once(start: Start) -> None:
    connections = start(stdio("srv"))
    await connections.ready()
    asking = connections.ready()
    with pytest.raises(StopIteration):  # it has not waited for anything, not even for its turn
        asking.send(None)


async def test_waiting_can_be_given_up_and_taken_up_again(start: Start) -> None:
    connections = start(stdio("srv"))
    waiting = asyncio.create_task(connections.ready())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await connections.ready()
    assert "srv__echo" in names(connections)


@pytest.mark.skipif(not CAN_LOOK, reason="processes of others cannot be looked at here")
async def test_closing_ends_all_also_those_still_starting(start: Start) -> None:
    connections = start(stdio("srv", "child"), stdio("slow", "silent", "child"))
    await connections._starting["srv"]
    assert marked_processes(MARK)
    await connections.aclose()
    assert_none_left(MARK)


async def test_no_servers_cost_nothing(start: Start) -> None:
    connections = start()
    await connections.ready()
    assert connections.tools() == ()


async def test_without_the_sdk_a_server_over_http_is_refused_with_a_sentence(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "mcp.client.streamable_http", raising=False)
    connections = start(
        stdio("srv"), replace(stdio("web"), transport=McpHttpTransport("https://x.invalid/mcp"))
    )
    await connections.ready()
    assert list(connections.connections) == ["srv"]
    assert connections.failures["web"].startswith("servers with a `url` need the Python package `mcp`")


def test_how_a_failure_is_told() -> None:
    told = failure_message("x", "No such file or directory (os error 2)")
    assert told == "MCP client for `x` failed to start: No such file or directory (os error 2)"
