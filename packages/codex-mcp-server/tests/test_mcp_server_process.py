"""The server as a process: how it starts, ends, and takes what no client should do."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
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
    read_json_lines,
    script_path,
    shell_call,
    sse,
    start_script,
)
from mcp_server_client import INITIALIZE, Client, piped_server, server_process

FREE = {"approval-policy": "never", "sandbox": "danger-full-access"}


def codex(prompt: str = "go", **arguments: Any) -> dict[str, Any]:
    return {"name": "codex", "arguments": {"prompt": prompt, **arguments}}


async def test_it_ends_with_its_input_after_the_calls_that_are_open(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer([sse(created(), gate, message("late"), completed())]) as model:
        scratch_home.use_model_server(model.base_url)
        async with server_process(scratch_home, cwd=git_repo.path) as (client, process):
            call = await client.ask("tools/call", codex())
            await gate.reached.wait()
            await process.close_stdin()
            gate.open()
            reply = await client.reply(call)
            done = (await process.finish()).check()
    assert reply["result"]["content"][0]["text"] == "late"
    assert done.stderr == ""
    done.assert_no_processes_left()


async def test_at_the_end_of_the_input_turns_of_editors_are_interrupted_and_recorded(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["sleep", "60"]))]) as model:
        scratch_home.use_model_server(
            model.base_url, settings={"sandbox_mode": "danger-full-access", "approval_policy": "never"}
        )
        async with server_process(scratch_home, cwd=git_repo.path) as (client, process):
            begun = await client.call("newConversation", {})
            identifier = {"conversationId": begun["conversationId"]}
            await client.call("addConversationListener", identifier)
            await client.call(
                "sendUserMessage", {**identifier, "items": [{"type": "text", "data": {"text": "go"}}]}
            )
            await client.event("exec_command_begin", start=0)
            await process.close_stdin()
            done = (await process.finish()).check()
    done.assert_no_processes_left()
    assert '"turn_aborted"' in done.stdout
    kinds = [line["payload"].get("type") for line in read_json_lines(begun["rolloutPath"])]
    assert "function_call_output" in kinds  # what ran is not forgotten


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_in_order(
    number: signal.Signals, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["sleep", "60"]))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with server_process(scratch_home, cwd=git_repo.path) as (client, process):
            await client.ask("tools/call", codex(**FREE))
            await client.event("exec_command_begin")
            process.send_signal(number)
            done = await process.finish()
    assert done.exit_code == 128 + number
    done.assert_no_processes_left()
    assert '"turn_aborted"' in scratch_home.rollouts()[0].read_text() or '"function_call_output"' in (
        scratch_home.rollouts()[0].read_text()
    )


async def test_a_signal_that_is_ignored_at_the_start_stays_so(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer([sse(created(), gate, message("late"), completed())]) as model:
        scratch_home.use_model_server(model.base_url)
        argv = ["sh", "-c", 'trap "" INT HUP; exec "$0"', script_path("codex-mcp-server")]
        async with start_script(
            argv, env=scratch_home.environ(), cwd=git_repo.path, open_stdin=True
        ) as process:
            client = Client(process)
            call = await client.ask("tools/call", codex())
            await gate.reached.wait()
            for number in (signal.SIGINT, signal.SIGHUP):
                os.kill(process.pid, number)
            gate.open()
            assert (await client.reply(call))["result"]["content"][0]["text"] == "late"
            process.send_signal(signal.SIGTERM)
            done = await process.finish()
    assert done.exit_code == 128 + signal.SIGTERM


async def test_a_client_that_dies_in_the_middle_of_a_turn_takes_everything_with_it(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    """The turn is silent, so nothing is written that could fail: that nobody reads has to be looked for."""
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed())]) as model:
        scratch_home.use_model_server(model.base_url)
        # A shell between us and the server: when its `cat` dies, nobody reads the server's output.
        argv = ["sh", "-c", 'codex-mcp-server | { read -r line; echo "$line"; read -r line; echo "$line"; }']
        path = os.path.dirname(sys.executable) + os.pathsep + scratch_home.environ()["PATH"]
        environ = {**scratch_home.environ(), "PATH": path}
        async with start_script(argv, env=environ, cwd=git_repo.path, open_stdin=True) as process:
            frame = {"id": 1, "method": "tools/call", "params": codex(**FREE)}
            await process.write(json.dumps(frame) + "\n")
            await gate.reached.wait()
            await process.close_stdin()
            done = await process.finish()
    assert done.exit_code == 0  # of the reader; the server is what did not stay behind
    done.assert_no_processes_left()


async def test_a_client_that_stops_reading_for_good_ends_the_server(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["sleep", "60"]))]) as model:
        scratch_home.use_model_server(model.base_url)
        reader, end = os.pipe()
        with subprocess.Popen(  # noqa: ASYNC220 - its output is a pipe of ours
            [script_path("codex-mcp-server")],
            env=scratch_home.environ(),
            cwd=git_repo.path,
            stdin=subprocess.PIPE,
            stdout=end,
        ) as process:
            os.close(end)
            os.close(reader)
            assert process.stdin is not None
            frame = {"id": 1, "method": "tools/call", "params": codex(**FREE)}
            process.stdin.write(json.dumps(frame).encode() + b"\n")
            process.stdin.flush()
            try:
                assert await asyncio.to_thread(process.wait, 15) == 141
            finally:
                process.kill()


@pytest.mark.parametrize(
    ("arguments", "config", "problem"),
    [
        (
            ("-c", "nonsense"),
            "",
            "Error: error parsing -c overrides: Invalid override (missing '='): nonsense\n",
        ),
        ((), "model = 5\n", "Error: error loading config: "),
        (("-c", "profile=zzz"), "", "Error: error loading config: "),
    ],
)
async def test_what_cannot_be_used_is_told_at_the_start(
    arguments: tuple[str, ...], config: str, problem: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    scratch_home.write("config.toml", config)
    async with server_process(scratch_home, *arguments, cwd=git_repo.path) as (_, process):
        done = await process.finish()
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(problem)


async def test_overrides_of_the_command_line_reach_conversations(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer(["one"]) as model:
        scratch_home.use_model_server(model.base_url)
        arguments = ("-c", 'model="from-c"', "mcp", "-c", 'model_verbosity="low"', "serve")
        async with server_process(scratch_home, *arguments, cwd=git_repo.path, command="codex") as (
            client,
            process,
        ):
            await client.call("tools/call", codex())
            await process.close_stdin()
            (await process.finish()).check()
        assert model.requests[0].json["model"] == "from-c"


async def test_ten_thousand_bad_frames_are_answered_or_ignored_and_nothing_grows(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    chance = random.Random(11)
    good = [
        json.dumps({"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": INITIALIZE}),
        json.dumps({"id": "x", "method": "tools/call", "params": codex()}),
        json.dumps({"id": 3, "method": "newConversation", "params": {"config": {"a": [1, {"b": None}]}}}),
        json.dumps({"id": 0, "result": {"decision": "approved"}}),
        json.dumps({"method": "notifications/cancelled", "params": {"requestId": 3}}),
    ]
    odd = [
        "", " ", "[]", '[{"id":1,"method":"ping"}]', '"text"', "5", "null", "{}", '{"id":null,"method":"ping"}',
        '{"id":1.5,"method":"ping"}', '{"id":{},"method":"ping"}', '{"id":true,"method":"ping"}', '{"method":5,"id":1}',
        '{"id":1,"id":2,"method":"ping"}', '{"id":9,"method":"ping","params":"\\ud800"}', '{"id":1,"method":"nope"}',
        '{"id":5,"method":"tools/call"}', '{"id":6,"method":"sendUserMessage","params":{"items":{}}}',
        "[" * 5000, '{"id":4,"method":"ping","params":' + '{"a":' * 500 + "1" + "}" * 501, '{"id":8,"error":5}',
        '{"id":1e400,"method":"ping"}', '{"id":' + "9" * 5000 + ',"method":"ping"}', '{"id":77,"result":1}',
        '{"id":"' + "i" * 100_000 + '","method":"ping"}',
    ]  # fmt: skip

    def frame() -> bytes:
        kind = chance.randrange(10)
        if kind < 3:
            return chance.choice(odd).encode()
        if kind < 5:
            return chance.randbytes(chance.randrange(200)).replace(b"\n", b"")
        raw = bytearray(chance.choice(good).encode())
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3)).replace(b"\n", b"")
        return bytes(raw)

    async with ModelServer(lambda _: "said") as model:
        scratch_home.use_model_server(model.base_url)
        async with piped_server(scratch_home.environ(RUST_LOG="off"), git_repo.path) as (client, process):
            assert await client.call("ping") == {}
            before = resident_kib(process.pid)
            assert process.stdin is not None
            process.stdin.write(b"\n".join(frame() for _ in range(10_000)) + b"\n")
            await client.reply(await client.ask("ping", id="all read"))
            process.stdin.write(
                b'{"id":"giant","method":"ping","params":"' + b"x" * (40 * 1024 * 1024) + b'"}\n'
            )
            await client.reply(await client.ask("ping", id="still there"))
            after = resident_kib(process.pid)
    codes = {frame["error"]["code"] for frame in client.frames if "error" in frame}
    assert codes >= {-32700, -32600, -32601, -32602}
    assert any("longer than 33554432 bytes" in str(frame.get("error")) for frame in client.frames)
    assert after - before < 200 * 1024


async def test_a_slow_reader_slows_the_turn_and_loses_nothing(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    deltas = [f"{number:06d} " * 60 for number in range(3000)]  # more than a pipe and the queues hold
    async with ModelServer([answer(message("".join(deltas), deltas=deltas))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with piped_server(scratch_home.environ(), git_repo.path, limit=1024) as (client, process):
            call = await client.ask("tools/call", codex())
            await model.wait_for_outcome(1)  # the model has told all, and nobody has read anything
            ping = await client.ask("ping")
            output = b""
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            while piece := await process.stdout.read(65536):
                output += piece
    frames = [json.loads(line) for line in output.splitlines()]
    told = [frame["params"]["msg"].get("delta") for frame in frames if "msg" in frame.get("params", {})]
    assert "".join(each for each in told if each is not None) == "".join(deltas)  # quick ones are joined
    assert {frame["id"] for frame in frames if "result" in frame} == {call, ping}


async def test_a_signal_ends_it_though_nobody_reads(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    flood = "x" * 400_000
    async with ModelServer(lambda _: answer(message(flood, deltas=[flood]))) as model:
        scratch_home.use_model_server(model.base_url)
        with subprocess.Popen(  # noqa: ASYNC220 - asyncio waits for the end of its output, too
            [script_path("codex-mcp-server")],
            env=scratch_home.environ(),
            cwd=git_repo.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # of which nothing is read
        ) as process:
            assert process.stdin is not None
            try:
                for number in range(12):  # more than may wait for a reader
                    frame = {"id": number, "method": "tools/call", "params": codex()}
                    process.stdin.write(json.dumps(frame).encode() + b"\n")
                process.stdin.flush()
                await model.wait_for_outcome(12)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 15) == 128 + signal.SIGTERM
            finally:
                process.kill()


async def test_twenty_conversations_at_once(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    def said(request: Any) -> Any:
        word = str(request.json["input"]).split("word-")[1].split("!")[0]
        return answer(message(f"heard {word}", deltas=["heard ", word]))

    async with ModelServer(said) as model:
        scratch_home.use_model_server(model.base_url)
        async with server_process(scratch_home, cwd=git_repo.path) as (client, process):
            calls = [await client.ask("tools/call", codex(f"word-{number}!")) for number in range(10)]
            begun = [await client.call("newConversation", {}) for _ in range(10)]
            for number, each in enumerate(begun):
                identifier = {"conversationId": each["conversationId"]}
                for _ in range(2):
                    await client.call("addConversationListener", identifier)
                items = [{"type": "text", "data": {"text": f"word-{number}!"}}]
                await client.call("sendUserMessage", {**identifier, "items": items})
            for number, call in enumerate(calls):
                reply = await client.reply(call)
                assert reply["result"]["content"][0]["text"] == f"heard {number}"

            def finished() -> int:
                return sum(
                    1
                    for frame in client.frames
                    if frame.get("method") == "codex/event/task_complete"
                    and "conversationId" in frame["params"]
                )

            while finished() < 20:
                await client.next()
            await process.close_stdin()
            (await process.finish()).check().assert_no_processes_left()
    for number, each in enumerate(begun):
        deltas = [
            frame["params"]["msg"]["delta"]
            for frame in client.events("agent_message_delta")
            if frame["params"].get("conversationId") == each["conversationId"]
        ]
        assert sorted(deltas) == sorted(["heard ", str(number)] * 2)


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
