"""A server as a process: its environment, its end, its words, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from codex_core.config.mcp_servers import McpServerConfig, McpStdioTransport
from codex_core.mcp.connection import ServerConnection, make_wire
from codex_core.mcp.errors import McpError, NoAnswer, ServerGone, ServerUnreachable, UnreadableAnswer
from codex_core.services import Services
from codex_protocol.mcp_types import TextContent

SERVER = Path(__file__).parent / "data" / "mcp_server.py"
Connect = Callable[..., Coroutine[Any, Any, ServerConnection]]


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Connect]:
    """Starts the test server with these words on its command line."""
    async with AsyncExitStack() as stack:

        async def start(
            *words: str, startup_ms: int = 20_000, tool_s: float = 20.0, environ: Any = None, **transport: Any
        ) -> ServerConnection:
            given = {"command": sys.executable, "args": ("-S", "-E", str(SERVER), *words), **transport}
            given["env"] = {"MCP_LOG": str(tmp_path / "log"), **given.get("env", {})}
            config = McpServerConfig(
                "srv", McpStdioTransport(**given), startup_timeout_ms=startup_ms, tool_timeout_s=tool_s
            )
            services = Services() if environ is None else Services(environ=environ)
            connection = ServerConnection(
                config, make_wire(config, cwd=str(tmp_path), services=services), cwd=str(tmp_path)
            )
            stack.push_async_callback(connection.aclose)
            await connection.start()
            return connection

        yield start


async def say(connection: ServerConnection, word: str, **more: object) -> str:
    result = await connection.call("echo", {"msg": word, **more})
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def wait_for_end(pid: int) -> None:
    """Waits until a process that is not our child has ended; fails when it does not."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(watched, ended.set)
    try:
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)


def requests(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


async def test_handshake_listing_and_call(connect: Connect, tmp_path: Path) -> None:
    connection = await connect()
    assert connection.server_info == "test-server 1.2"
    assert [tool.name for tool in connection.listing.tools][:1] == ["echo"]
    assert await say(connection, "hi") == 'echo:{"msg": "hi"}'
    initialize, initialized, listing, call = requests(tmp_path)
    assert initialize["params"]["clientInfo"]["name"] == "codex-mcp-client"
    assert initialize["params"]["protocolVersion"] == "2025-06-18"
    assert initialized == {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert listing == {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert call["params"] == {"name": "echo", "arguments": {"msg": "hi"}}


async def test_without_arguments_none_are_sent(connect: Connect, tmp_path: Path) -> None:
    connection = await connect()
    await connection.call("noschema", None)
    assert requests(tmp_path)[-1]["params"] == {"name": "noschema"}


async def test_all_pages_of_tools_are_read(connect: Connect) -> None:
    assert len((await connect("pages")).listing.tools) == 4


async def test_a_server_may_ask_for_the_roots_before_it_lists(connect: Connect) -> None:
    assert len((await connect("roots")).listing.tools) == 4


async def test_broken_tools_cost_only_themselves(connect: Connect) -> None:
    listing = (await connect("odd")).listing
    assert [tool.name for tool in listing.tools][4:] == ["echo", "schemaless", "badhint"]
    assert [problem.split(" is left out")[0] for problem in listing.problems] == [
        "tool number 5",
        "tool number 6",
        "tool `huge`",
    ]


async def test_noise_on_stdout_does_not_disturb(connect: Connect) -> None:
    assert await say(await connect("noise"), "hi")


async def test_the_environment_is_the_small_base_and_what_was_asked_for(connect: Connect) -> None:
    environ = {
        "HOME": "/h",
        "PATH": os.environ["PATH"],
        "OPENAI_API_KEY": "secret",
        "WANTED": "w",
        "LANG": "C",
    }
    connection = await connect(
        environ=environ, env={"EXTRA": "e", "HOME": "/other"}, env_vars=("WANTED", "NOT_THERE")
    )
    seen = json.loads(await say(connection, "environment"))
    for name in ("MCP_LOG", "LC_CTYPE"):
        seen.pop(name, None)
    assert seen == {"HOME": "/other", "PATH": environ["PATH"], "WANTED": "w", "LANG": "C", "EXTRA": "e"}


async def test_it_runs_in_the_sessions_directory_or_its_own(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert await say(await connect(), "cwd") == str(tmp_path)
    assert await say(await connect(cwd="sub"), "cwd") == str(tmp_path / "sub")


async def test_a_program_that_is_not_there(connect: Connect) -> None:
    with pytest.raises(ServerUnreachable, match=r"^No such file or directory \(os error 2\)$"):
        await connect(command="no-such-program-anywhere")


async def test_a_server_that_ends_at_once_is_told_with_its_last_words(connect: Connect) -> None:
    with pytest.raises(
        ServerGone, match=r"^it ended with exit code 3; its last words on stderr: cannot find my settings$"
    ):
        await connect("die")


async def test_a_server_that_refuses(connect: Connect) -> None:
    sentence = "^server returned JSON-RPC error: code = -32000, message = no thanks$"
    with pytest.raises(McpError, match=sentence):
        await connect("refuse")


async def test_a_server_that_closes_its_output_is_gone(connect: Connect) -> None:
    with pytest.raises(ServerGone, match="it closed its output"):
        await connect("close")


async def test_a_silent_server_has_its_time_and_no_more(connect: Connect) -> None:
    with pytest.raises(NoAnswer, match=r"^request timed out after 0.3 s"):
        await connect("silent", startup_ms=300)


async def test_noise_explains_a_server_that_speaks_something_else(connect: Connect) -> None:
    with pytest.raises(McpError, match=r"no thanks; it wrote to stdout what is no message: \[1,2\]$"):
        await connect("refuse", "noise")


async def test_a_server_that_dies_fails_its_calls_at_once(connect: Connect) -> None:
    connection = await connect(tool_s=600)
    waiting = asyncio.create_task(say(connection, "never"))
    with pytest.raises(ServerGone, match=r"exit code 3; its last words on stderr: starting \| out of luck"):
        await say(connection, "die")
    with pytest.raises(ServerGone, match="exit code 3"):
        await waiting
    with pytest.raises(ServerGone, match="exit code 3"):
        await say(connection, "hi")


async def test_a_killed_server_is_told_by_its_signal(connect: Connect) -> None:
    with pytest.raises(ServerGone, match=r"a signal ended it \(SIGKILL\)"):
        await say(await connect(), "kill")


async def test_a_call_has_its_time_and_the_server_goes_on(connect: Connect, tmp_path: Path) -> None:
    connection = await connect(tool_s=0.2)
    with pytest.raises(NoAnswer, match=r"^no answer within 0.2 s$"):
        await say(connection, "never")
    connection.config = McpServerConfig("srv", connection.config.transport, tool_timeout_s=20)
    assert await say(connection, "hi")
    assert requests(tmp_path)[-2]["method"] == "notifications/cancelled"


async def test_a_cancelled_call_is_cancelled_at_the_server(connect: Connect, tmp_path: Path) -> None:
    connection = await connect()
    call = asyncio.create_task(say(connection, "never"))
    await say(connection, "hi")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await say(connection, "hi")
    seen = requests(tmp_path)
    (never,) = (each for each in seen if "never" in str(each))
    assert seen[-2]["params"] == {"requestId": never["id"], "reason": "cancelled by the user"}


async def test_calls_run_side_by_side(connect: Connect) -> None:
    connection = await connect()
    answers = await asyncio.gather(*(say(connection, f"m{number}") for number in range(50)))
    assert answers == [f'echo:{{"msg": "m{number}"}}' for number in range(50)]


async def test_large_messages_pass_both_ways(connect: Connect) -> None:
    connection = await connect()
    assert len(await say(connection, "huge", n=3_000_000)) == 3_000_000
    assert len(await say(connection, "y" * 1_000_000)) > 1_000_000


async def test_too_large_a_message_fails_its_call_and_nothing_else(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect()
    monkeypatch.setattr(connection._wire._decoder, "_max", 100_000)  # type: ignore[attr-defined]  # the stdio wire
    with pytest.raises(UnreadableAnswer, match="longer than 100000 bytes"):
        await say(connection, "huge", n=200_000)
    assert await say(connection, "hi")


@pytest.mark.parametrize("word", ["unreadable", "surrogate"])
async def test_an_answer_that_cannot_be_read_fails_its_call(connect: Connect, word: str) -> None:
    with pytest.raises(UnreadableAnswer, match="cannot be read"):
        await say(await connect(), word)


async def test_a_question_that_cannot_be_read_is_no_answer_to_the_call_with_its_id(connect: Connect) -> None:
    assert await say(await connect(), "odd question") == "asked"


async def test_what_a_server_asks_in_a_call_is_answered(connect: Connect, tmp_path: Path) -> None:
    answers = json.loads(await say(await connect(), "ask"))
    assert answers["roots/list"] == {"roots": [{"uri": tmp_path.as_uri(), "name": tmp_path.name}]}
    assert answers["elicitation/create"] == {"action": "decline"}
    assert answers["sampling/createMessage"]["code"] == -32601
    assert answers["ping"] == {}
    assert answers["tools/odd"]["code"] == -32601


async def test_stderr_is_logged_at_debug(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "codex_core.mcp"), pytest.raises(ServerGone):
        await say(await connect(), "die")
    assert "MCP server srv: out of luck" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by pidfd")
@pytest.mark.parametrize("words", [("child",), ("child", "stubborn"), ("child", "die")])
async def test_nothing_of_a_server_is_left(
    connect: Connect, caplog: pytest.LogCaptureFixture, words: tuple[str, ...]
) -> None:
    with caplog.at_level(logging.DEBUG, "codex_core.mcp.stdio"):
        try:
            connection = await connect(*words)
        except ServerGone:
            assert "die" in words
        else:
            await connection.aclose()
    (line,) = (record.getMessage() for record in caplog.records if ": child " in record.getMessage())
    child = int(line.rsplit(" ", 1)[1])
    await wait_for_end(child)


async def test_closing_twice_and_calling_after_it(connect: Connect) -> None:
    connection = await connect()
    await connection.aclose()
    await connection.aclose()
    with pytest.raises(ServerGone, match="the session is over"):
        await say(connection, "hi")


async def test_a_start_that_is_cancelled_leaves_nothing(connect: Connect) -> None:
    task = asyncio.create_task(connect("silent"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
