"""A call of an MCP tool as the model makes it: its events, its output, and the recording of the reference."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codex_core.config.mcp_servers import McpServerConfig, McpStdioTransport
from codex_core.mcp.connections import McpConnections
from codex_core.model.tool_spec import FunctionTool
from codex_core.services import Services
from codex_core.tools.registry import ToolRegistry
from codex_core.tools.runtime import CallKind, ToolCall, ToolOutput

DATA = Path(__file__).parent / "data"
PNG = "iVBORw0KGgo="


class Turn:
    """As much of a running turn as an MCP tool sees."""

    def __init__(self, connections: McpConnections) -> None:
        self.connections = connections
        self.services = SimpleNamespace(monotonic=iter(range(1000)).__next__)
        self.events: list[dict[str, Any]] = []
        self.injected: list[Any] = []

    async def emit(self, msg: Any) -> None:
        self.events.append(msg.to_wire())

    def inject(self, item: Any) -> None:
        self.injected.append(item.to_wire())

    async def call(self, name: str, arguments: str) -> ToolOutput:
        registry = ToolRegistry(self.connections.tools())
        return await registry.run(ToolCall(CallKind.FUNCTION, "c1", name, arguments), self)  # type: ignore[arg-type]

    async def echo(self, word: str, **more: object) -> ToolOutput:
        return await self.call("srv__echo", json.dumps({"msg": word, **more}))


@pytest.fixture
async def turn(tmp_path: Path) -> AsyncIterator[Turn]:
    args = ("-S", "-E", str(DATA / "mcp_server.py"))
    config = McpServerConfig("srv", McpStdioTransport(sys.executable, args), startup_timeout_ms=20_000)
    connections = McpConnections.start({"srv": config}, cwd=str(tmp_path), services=Services())
    try:
        await connections.ready()
        yield Turn(connections)
    finally:
        await connections.aclose()


async def test_a_call_is_told_before_and_after(turn: Turn) -> None:
    output = await turn.echo("hi")
    assert output == ToolOutput('[{"text":"echo:{\\"msg\\": \\"hi\\"}","type":"text"}]', success=True)
    invocation = {"server": "srv", "tool": "echo", "arguments": {"msg": "hi"}}
    assert turn.events == [
        {"type": "mcp_tool_call_begin", "call_id": "c1", "invocation": invocation},
        {
            "type": "mcp_tool_call_end",
            "call_id": "c1",
            "invocation": invocation,
            "duration": {"secs": 1, "nanos": 0},
            "result": {"Ok": {"content": [{"text": 'echo:{"msg": "hi"}', "type": "text"}]}},
        },
    ]


async def test_structured_content_is_the_output(turn: Turn) -> None:
    assert await turn.echo("structured") == ToolOutput('{"ok":true,"v":[1]}', success=True)
    assert turn.events[1]["result"]["Ok"]["structuredContent"] == {"ok": True, "v": [1]}


async def test_an_error_of_the_tool(turn: Turn) -> None:
    assert await turn.echo("error") == ToolOutput('[{"text":"bad","type":"text"}]', success=False)
    assert turn.events[1]["result"]["Ok"]["isError"] is True


async def test_an_error_of_the_protocol_has_the_servers_words(turn: Turn) -> None:
    sentence = "tool call error: tool call failed for `srv/echo`: no such thing"
    assert await turn.echo("rpcerr") == ToolOutput(sentence, success=False)
    assert turn.events[1]["result"] == {"Err": sentence}


@pytest.mark.parametrize("arguments", ["{bad", '{"a":1,"a":2}', "{} x"])
async def test_arguments_that_are_no_json(turn: Turn, arguments: str) -> None:
    output = await turn.call("srv__echo", arguments)
    assert output.text.startswith("err: ")
    assert output.success is False
    assert turn.events == []


@pytest.mark.parametrize("arguments", ["", "  "])
async def test_blank_arguments_are_none(turn: Turn, arguments: str) -> None:
    await turn.call("srv__echo", arguments)
    assert turn.events[0]["invocation"]["arguments"] is None


async def test_a_dead_server_is_told_to_the_model(turn: Turn) -> None:
    died = await turn.echo("die")
    assert died.text == (
        "tool call error: tool call failed for `srv/echo`: it ended with exit code 3; its last words on "
        "stderr: starting | out of luck"
    )
    assert (await turn.echo("hi")).text == died.text
    assert [event["type"] for event in turn.events] == ["mcp_tool_call_begin", "mcp_tool_call_end"] * 2


async def test_a_huge_result_is_bounded_for_model_and_events(turn: Turn) -> None:
    output = await turn.echo("huge", n=5_000_000)
    assert len(output.text) < 50_000
    assert len(json.dumps(turn.events[1])) < 2_000_000


async def test_an_interrupted_call_ends_at_once(turn: Turn) -> None:
    call = asyncio.create_task(turn.echo("never"))
    await turn.echo("hi")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await turn.echo("hi")).success


async def test_a_picture_is_injected_behind_the_output(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    from codex_core.mcp.connection import ServerConnection
    from codex_protocol.mcp_types import CallToolResult

    async def answer(*_: object) -> CallToolResult:
        return CallToolResult.from_wire(
            {"content": [{"type": "image", "data": PNG, "mimeType": "image/png"}]}
        )

    monkeypatch.setattr(ServerConnection, "call", answer)
    output = await turn.echo("hi")
    assert PNG not in output.text
    assert turn.injected == [{"type": "image", "image_url": f"data:image/png;base64,{PNG}"}]


# -- beside the recording ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording() -> dict[str, Any]:
    """What the reference offered, ran and told the model (`07-mcp-call.json`)."""
    loaded: dict[str, Any] = json.loads((DATA / "transcripts" / "07-mcp-call.json").read_text())
    return loaded


def test_tools_are_offered_as_recorded(turn: Turn, recording: dict[str, Any]) -> None:
    recorded = {
        tool["name"].replace("weird.name/x", "weird_name_x"): tool
        for tool in recording["exchanges"][0]["request"]["body"]["tools"]
        if tool["name"].startswith("srv__")
    }
    offered: dict[str, Any] = {}
    for tool in turn.connections.tools():
        spec = tool.spec(None)  # type: ignore[arg-type]  # the same in every turn
        assert isinstance(spec, FunctionTool)
        offered[spec.name] = spec.to_responses()
    for name, ours in offered.items():
        assert list(ours) == list(recorded[name])
        assert ours["strict"] is recorded[name]["strict"]
    ours, theirs = offered["srv__echo"]["parameters"], recorded["srv__echo"]["parameters"]
    assert list(ours) == list(theirs)
    assert ours["required"] == theirs["required"]
    assert ours["properties"]["n"] == {"type": "integer"}
    assert theirs["properties"]["n"] == {"type": "number"}  # the reference knows no integers


async def test_calls_go_as_recorded(turn: Turn, recording: dict[str, Any]) -> None:
    items = recording["exchanges"][1]["request"]["body"]["input"]
    calls = {item["call_id"]: item for item in items if item["type"] == "function_call"}
    outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
    for call_id in ("c1", "c2", "c3"):
        output = await turn.call(calls[call_id]["name"], calls[call_id]["arguments"])
        assert output.text == outputs[call_id]
    refused = await turn.call(calls["c4"]["name"], calls["c4"]["arguments"])
    assert refused.text == outputs["c4"] + ": no such thing"  # the reference loses the server's words
    invalid = await turn.call(calls["c5"]["name"], calls["c5"]["arguments"])
    assert invalid.text.startswith("err: ")
    assert outputs["c5"].startswith("err: ")

    recorded = [event["msg"] for event in recording["events"] if event["msg"]["type"].startswith("mcp_")]
    for event in (*recorded, *turn.events):
        event.pop("call_id", None)
        event.pop("duration", None)
    recorded[-1]["result"]["Err"] += ": no such thing"
    assert turn.events == recorded
