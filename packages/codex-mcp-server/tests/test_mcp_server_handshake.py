"""The methods of MCP but for calling tools, and frames that are none (spec: servers.md sections 1, 2 and 11)."""

from __future__ import annotations

from typing import Any

import pytest

from codex_core.testing import ScratchHome, ScratchRepo
from codex_protocol.mcp_tools import CodexReplyToolCallParams, CodexToolCallParams
from codex_protocol.mcp_types import InitializeResult, ListToolsResult
from mcp_server_client import INITIALIZE, local_server


async def test_the_handshake(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        result = await client.call("initialize", INITIALIZE)
        assert InitializeResult.from_wire(result).to_wire() == result
        assert result["protocolVersion"] == "2025-06-18"
        assert result["capabilities"] == {"tools": {"listChanged": True}}
        info = result["serverInfo"]
        assert (info["name"], info["title"], info["version"]) == ("codex-mcp-server", "Codex", "0.36.0")
        assert info["user_agent"].endswith(" (test-client; 1.2.3)")
        await client.notify("notifications/initialized")
        assert await client.error("initialize", INITIALIZE) == (-32600, "initialize called more than once")
        assert (await client.call("getUserAgent"))["userAgent"] == info["user_agent"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-06-18"),
    ],
)
async def test_protocol_versions(
    asked: str, given: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        result = await client.call("initialize", {**INITIALIZE, "protocolVersion": asked})
    assert result["protocolVersion"] == given


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {},
        {**INITIALIZE, "clientInfo": None},
        {**INITIALIZE, "protocolVersion": 5},
        {**INITIALIZE, "capabilities": 1},
    ],
)
async def test_a_handshake_that_says_too_little_can_be_repeated(
    params: Any, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        code, text = await client.error("initialize", params)
        assert (code, text.startswith("initialize: ")) == (-32602, True)
        assert await client.call("initialize", INITIALIZE)


async def test_everything_works_without_a_handshake_and_without_jsonrpc(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.send('{"id":"a","method":"ping"}')
        await client.send('{"jsonrpc":"1.0","id":2,"method":"ping","params":[1]}')
        assert [await client.reply("a"), await client.reply(2)] == [
            {"id": "a", "jsonrpc": "2.0", "result": {}},
            {"id": 2, "jsonrpc": "2.0", "result": {}},
        ]


async def test_the_list_of_tools_fits_what_the_tools_take(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        result = await client.call("tools/list", {"cursor": "anything"})
    assert ListToolsResult.from_wire(result).to_wire() == result
    shapes = {"codex": CodexToolCallParams, "codex-reply": CodexReplyToolCallParams}
    for tool in result["tools"]:
        fields = shapes[tool["name"]].model_fields
        assert list(tool["inputSchema"]["properties"]) == sorted(
            field.alias or name for name, field in fields.items()
        )
        assert tool["inputSchema"]["required"] == [
            field.alias or name for name, field in fields.items() if field.is_required()
        ]
        assert all(each["description"] for each in tool["inputSchema"]["properties"].values())


async def test_what_there_is_nothing_of(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        assert await client.call("resources/list") == {"resources": []}
        assert await client.call("resources/templates/list") == {"resourceTemplates": []}
        assert await client.call("prompts/list") == {"prompts": []}
        assert (await client.error("resources/read", {"uri": "x:"}))[0] == -32002
        assert (await client.error("prompts/get", {"name": "x"}))[0] == -32602
        for method in ("logging/setLevel", "completion/complete", "server/discover", "nope"):
            assert await client.error(method, {}) == (-32601, f"unknown method: {method}")


@pytest.mark.parametrize(
    ("line", "identifier", "code"),
    [
        ("{not json", None, -32700),
        ("\xff", None, -32700),
        ("true", None, -32700),
        ("[]", None, -32600),
        ('[{"id":1,"method":"nope"}]', 1, -32601),
        ('[{"id":1,"method":"ping"},5]', None, -32600),
        ("{}", None, -32600),
        ('{"id":1}', 1, -32600),
        ('{"id":null,"method":"ping"}', None, -32600),
        ('{"id":1.5,"method":"ping"}', None, -32600),
        ('{"id":true,"method":"ping"}', None, -32600),
        ('{"id":3,"method":"ping","method":"ping"}', 3, -32700),
        ('{"id":4,"method":"ping","params":"\\ud800"}', 4, -32700),
        ('{"id":5,"method":"nope"}', 5, -32601),
        ('{"id":6,"method":"tools/call"}', 6, -32602),
        ('{"id":7,"method":"tools/call","params":{"name":5}}', 7, -32602),
        ('{"id":8,"method":"newConversation"}', 8, -32602),
        ('{"id":9,"method":"newConversation","params":{"model":5}}', 9, -32602),
        ('{"id":10,"method":"sendUserMessage","params":{"conversationId":"x","items":[]}}', 10, -32602),
    ],
)
async def test_a_frame_that_cannot_be_served_is_refused(
    line: str, identifier: object, code: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.send(line.encode("latin-1"))
        frame = await client.next()
        assert (frame["id"], frame["error"]["code"]) == (identifier, code)
        assert frame["error"]["message"]
        assert (await client.reply(await client.ask("ping", id="p")))["result"] == {}


@pytest.mark.parametrize(
    "line", ["", "  \t", '{"method":"notifications/nope"}', '{"id":5,"result":1}', '{"id":"x","error":1}']
)
async def test_what_wants_no_answer_gets_none(
    line: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.send(line)
        assert await client.call("ping") == {}
        assert len(client.frames) == 1


async def test_an_id_may_be_used_again_only_when_it_is_answered(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        command = {
            "command": ["sleep", "60"],
            "sandboxPolicy": {"mode": "danger-full-access"},
            "timeoutMs": 60_000,
        }
        await client.ask("execOneOffCommand", command, id=1)
        await client.ask("ping", id=1)
        assert (await client.next())["error"] == {
            "code": -32600,
            "message": "a request with the id 1 is open already",
        }
        await client.notify("notifications/cancelled", {"requestId": 1})
        assert (await client.next())["error"]["code"] == -32800
        assert (await client.reply(await client.ask("ping", id=1)))["id"] == 1
