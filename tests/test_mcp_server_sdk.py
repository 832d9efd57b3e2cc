"""The server driven by the official Python SDK, which knows nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    message,
    script_path,
    shell_call,
    sse,
)

pytest.importorskip("mcp", reason="the MCP SDK is not installed")

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import ElicitResult

ASKS = {"approval-policy": "untrusted", "sandbox": "danger-full-access"}


@asynccontextmanager
async def connected(home: ScratchHome, cwd: Path, **options: Any) -> AsyncIterator[Client]:
    server = StdioServerParameters(command=script_path("codex-mcp-server"), env=home.environ(), cwd=cwd)
    async with Client(server, **options) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_handshake_and_the_lists(
    mode: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with connected(scratch_home, git_repo.path, mode=mode) as client:
        assert client.server_info.name == "codex-mcp-server"
        assert client.protocol_version in ("2025-06-18", "2025-11-25")
        assert [tool.name for tool in (await client.list_tools()).tools] == ["codex", "codex-reply"]
        assert (await client.list_resources()).resources == []
        assert (await client.list_prompts()).prompts == []


async def test_a_call_its_progress_and_a_reply(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    told: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, text: str | None) -> None:
        assert total is None
        told.append((progress, text))

    async with ModelServer(["one", "two"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with connected(scratch_home, git_repo.path) as client:
            first = await client.call_tool("codex", {"prompt": "hi"}, progress_callback=on_progress)
            assert first.structured_content is not None
            assert (first.is_error, first.structured_content["content"]) == (False, "one")
            arguments = {"conversationId": first.structured_content["conversationId"], "prompt": "more"}
            second = await client.call_tool("codex-reply", arguments)
    assert second.structured_content == {"conversationId": arguments["conversationId"], "content": "two"}
    assert told == [(1.0, "Thinking"), (2.0, "one")]


@pytest.mark.parametrize(("action", "runs"), [("accept", True), ("decline", False), ("cancel", False)])
async def test_an_elicitation_decides_about_a_command(
    action: Any, runs: bool, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    asked: list[str] = []

    async def on_question(context: object, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action=action)

    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with connected(scratch_home, git_repo.path, elicitation_callback=on_question) as client:
            result = await client.call_tool("codex", {"prompt": "go", **ASKS})
    assert asked == [f"Allow Codex to run `touch made` in `{git_repo.path}`?"]
    assert result.is_error is (action == "cancel")
    assert (git_repo.path / "made").exists() is runs


async def test_a_client_that_cannot_be_asked_has_said_no(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with connected(scratch_home, git_repo.path) as client:
            result = await client.call_tool("codex", {"prompt": "go", **ASKS})
    assert result.structured_content is not None
    assert result.structured_content["content"] == "Done."
    assert not (git_repo.path / "made").exists()


async def test_a_call_given_up_stops_the_turn(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed()), answer(message("after"))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with connected(scratch_home, git_repo.path) as client:
            calling = asyncio.create_task(client.call_tool("codex", {"prompt": "go"}))
            await gate.reached.wait()
            calling.cancel()
            await asyncio.wait([calling])
            await model.wait_for_outcome(1)  # the request to the model was dropped
            assert str(model.log[0].outcome) == "abandoned"
            result = await client.call_tool("codex", {"prompt": "next"})
    assert result.structured_content is not None
    assert result.structured_content["content"] == "after"


async def test_a_question_of_a_call_that_is_given_up_is_taken_back(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    asked, taken_back = asyncio.Event(), asyncio.Event()

    async def on_question(context: object, params: Any) -> ElicitResult:
        asked.set()
        try:
            await asyncio.Event().wait()  # the user has not made up their mind
        finally:
            taken_back.set()
        raise AssertionError("nobody wakes it")

    async with ModelServer([answer(shell_call(["touch", "made"]))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with connected(scratch_home, git_repo.path, elicitation_callback=on_question) as client:
            calling = asyncio.create_task(client.call_tool("codex", {"prompt": "go", **ASKS}))
            await asked.wait()
            calling.cancel()
            async with asyncio.timeout(20):
                await taken_back.wait()
    assert not (git_repo.path / "made").exists()
