"""Terminals in a conversation: offered, kept over turns and interrupts, ended with the conversation."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from typing import Any

import pytest

from codex_core.testing import answer, function_call, message

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX ones")

EXEC = {"experimental_use_exec_command_tool": True}
UNIFIED = {"experimental_use_unified_exec_tool": True}


def run(call_id: str, cmd: str, wait_ms: int = 30_000) -> Any:
    arguments = {"cmd": cmd, "login": False, "yield_time_ms": wait_ms}
    return answer(function_call("exec_command", arguments, call_id))


def write(call_id: str, chars: str, wait_ms: int = 30_000) -> Any:
    arguments = {"session_id": 0, "chars": chars, "yield_time_ms": wait_ms}
    return answer(function_call("write_stdin", arguments, call_id))


async def printed(talk: Any, text: bytes) -> bytes:
    """Reads events until this much of a command's output was announced; all of it."""
    seen = b""
    while text not in seen:
        seen += base64.b64decode((await talk.until("exec_command_output_delta"))["chunk"])
    return seen


async def test_terminals_take_the_place_of_the_shell(talk: Any) -> None:
    await talk.start([answer(message("Nothing to do."))], settings=EXEC)
    await talk.ask("hello")
    names = [tool.get("name") for tool in talk.server.requests[0].json["tools"]]
    assert names[:2] == ["exec_command", "write_stdin"]
    assert "shell" not in names


async def test_unified_exec_takes_the_place_of_all_of_them(talk: Any) -> None:
    await talk.start([answer(message("Nothing to do."))], settings={**EXEC, **UNIFIED})
    await talk.ask("hello")
    names = [tool.get("name") for tool in talk.server.requests[0].json["tools"]]
    assert names[0] == "unified_exec"
    assert not {"shell", "exec_command", "write_stdin"} & set(names)


async def test_a_terminal_lives_on_in_the_next_turn(talk: Any) -> None:
    script = [
        run("c1", "read x; echo got $x", 0),
        answer(message("It waits.")),
        write("c2", "this\n"),
        answer(message("Done.")),
    ]
    await talk.start(script, settings=EXEC)
    await talk.ask("start it")
    await talk.ask("go on")
    outputs = talk.server.requests[3].tool_outputs
    assert "Process running with session ID 0\n" in outputs["c1"]
    assert re.search(r"Process exited with code 0\nOutput:\n.*got this\r\n", outputs["c2"], re.DOTALL)
    kinds = [event["msg"]["type"] for event in talk.events]
    assert (kinds.count("exec_command_begin"), kinds.count("exec_command_end")) == (1, 1)


async def test_an_interrupt_keeps_what_the_model_knows_and_ends_what_it_does_not(talk: Any) -> None:
    script = [
        run("c1", "echo pid $$; read x; echo $x; read x; echo $x", 0),
        write("c2", "one\n"),
        run("c3", "echo pid $$; sleep 1000"),
        write("c4", "two\n"),
        answer(message("Done.")),
    ]
    await talk.start(script, settings=EXEC)
    await talk.say("start, then wait")
    seen = await printed(talk, b"one\r\none\r\n")
    await talk.interrupt()
    await talk.until("turn_aborted")
    known = int(re.search(rb"pid (\d+)", seen)[1])  # type: ignore[index]  # or the test fails
    await talk.say("again")
    unknown = int((await printed(talk, b"pid ")).split()[-1])
    await talk.interrupt()
    await talk.until("turn_aborted")
    with pytest.raises(ProcessLookupError):
        os.kill(unknown, 0)
    os.kill(known, 0)
    await talk.ask("and now")
    outputs = talk.server.requests[4].tool_outputs
    assert "aborted by user" in outputs["c2"]
    assert "aborted by user" in outputs["c3"]
    assert "two\r\ntwo\r\n" in outputs["c4"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody adopts what left the session")
async def test_nothing_outlives_the_conversation(talk: Any) -> None:
    cmd = "trap '' HUP; setsid sleep 1000 & echo pids $! $$; sleep 1000"
    await talk.start([run("c1", cmd, 1_000), answer(message("It runs."))], settings=EXEC)
    await talk.say("start it")
    seen = await printed(talk, b"\n")
    await talk.until("task_complete")
    async with asyncio.timeout(30):
        await talk.manager.__aexit__(None, None, None)
    for pid in seen.split()[1:]:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
