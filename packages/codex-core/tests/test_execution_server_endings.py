"""How commands of the command server end: all of them, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_commands import (
    FREE,
    READ_ONLY,
    WORKSPACE,
    Lifeline,
    Ready,
    Runner,
    needs_server,
)

from codex_core.execution.command import ExecRequest, SpawnFailed, run_command
from codex_linux_sandbox import write_launcher

pytestmark = needs_server


@pytest.mark.parametrize("policy", [None, READ_ONLY])
@pytest.mark.parametrize(
    ("script", "exit_code", "number"),
    [("exit 0", 0, None), ("exit 7", 7, None), ("exit 255", 255, None), ("kill -TERM $$", None, 15)],
)
async def test_status_is_told(
    run: Runner, policy: str | None, script: str, exit_code: int | None, number: int | None
) -> None:
    outcome = await run("sh", "-c", script, policy=policy)
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (exit_code, number, False)


BAD: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "program": (lambda _: {"argv": ["no-such-program"]}, "No such file or directory (os error 2)"),
    "absolute program": (lambda _: {"argv": ["/no/such"]}, "No such file or directory (os error 2)"),
    "not executable": (lambda _: {"argv": ["/etc/passwd"]}, "Permission denied (os error 13)"),
    "directory": (lambda _: {"argv": ["true"], "cwd": "/no/such"}, "No such file or directory (os error 2)"),
    "null byte": (lambda _: {"argv": ["echo", "a\0b"]}, "embedded null byte"),
    "name": (lambda _: {"argv": ["true"], "env": {"a=b": ""}}, "illegal environment variable name"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_started_is_said_as_without_the_server(run: Runner, case: str) -> None:
    make, message = BAD[case]
    arguments = make(run.workspace)
    with pytest.raises(SpawnFailed) as caught:
        await run(*arguments.pop("argv"), **arguments)
    assert str(caught.value) == message
    assert (await run("echo", "next")).stdout == b"next\n"


async def test_missing_directory_of_a_confined_command_is_said_too(run: Runner) -> None:
    with pytest.raises(SpawnFailed, match=r"^No such file or directory \(os error 2\)$"):
        await run("true", policy=READ_ONLY, cwd="/no/such")


async def test_empty_command_is_refused(run: Runner) -> None:
    with pytest.raises(SpawnFailed, match=r"^command args are empty$"):
        await run()


def started_alone(request: ExecRequest) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(request.argv, env=request.env, cwd=request.cwd, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("argv", "policy", "exit_code"),
    [
        (("no-such-program",), READ_ONLY, 127),
        (("/etc/passwd",), READ_ONLY, 126),
        (("true",), '{"mode":"bogus"}', 2),
        ((), READ_ONLY, 2),
    ],
)
async def test_helper_says_the_same_as_when_it_is_started_by_itself(
    run: Runner, argv: tuple[str, ...], policy: str, exit_code: int
) -> None:
    request = run.request(*argv, policy=policy)
    served = await run_command(request, server=run.server)
    plain = await asyncio.to_thread(started_alone, request)
    assert (served.exit_code, served.stdout, served.stderr) == (exit_code, plain.stdout, plain.stderr)
    assert plain.returncode == exit_code
    assert served.stderr


async def test_fifty_commands_in_a_row_by_one_server(run: Runner) -> None:
    pids = set()
    for number in range(50):
        assert (await run("echo", str(number), policy=WORKSPACE)).stdout == b"%d\n" % number
        pids.add(run.pid)
    assert len(pids) == 1


async def test_commands_run_side_by_side(run: Runner, tmp_path: Path) -> None:
    # Each waits for the other.
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
    one = run("sh", "-c", f"echo 1 > {tmp_path}/a; cat {tmp_path}/b", policy=FREE)
    two = run("sh", "-c", f"cat {tmp_path}/a; echo 2 > {tmp_path}/b")
    outcomes = await asyncio.gather(one, two)
    assert [outcome.stdout for outcome in outcomes] == [b"2\n", b"1\n"]


LEAVERS = {
    "child": "echo ready; sleep 1000",
    "background": "sleep 1000 & echo ready; wait",
    "another group": "set -m; sleep 1000 & echo ready; wait",
    "another session": "setsid sleep 1000 & echo ready; wait",
    "daemon": "(setsid sh -c '(setsid sleep 1000 &)' &); echo ready; sleep 1000",
    "ignoring": "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done",
}


@pytest.mark.parametrize("policy", [None, WORKSPACE])
@pytest.mark.parametrize("leaver", LEAVERS)
async def test_time_limit_ends_all_of_it(
    run: Runner, lifeline: Lifeline, leaver: str, policy: str | None
) -> None:
    script = f"exec 9>{lifeline.path}; {LEAVERS[leaver]}"
    policy = policy and policy.replace("}", f',"writable_roots":["{lifeline.path.parent}"]}}')
    outcome = await run("bash", "-c", script, policy=policy, timeout_ms=500)
    assert outcome.timed_out
    assert outcome.stdout == b"ready\n"
    assert lifeline.has_ended


@pytest.mark.parametrize("leaver", LEAVERS)
async def test_cancellation_ends_all_of_it(run: Runner, lifeline: Lifeline, leaver: str) -> None:
    ready = Ready()
    script = f"exec 9>{lifeline.path}; {LEAVERS[leaver]}"
    task = asyncio.create_task(run("bash", "-c", script, on_output=ready))
    await ready.event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lifeline.has_ended
    assert (await run("echo", "next")).stdout == b"next\n"


async def test_daemon_ends_with_its_command(run: Runner, lifeline: Lifeline) -> None:
    script = f"exec 9>{lifeline.path}; setsid sleep 1000 >/dev/null 2>&1 & echo done"
    outcome = await run("bash", "-c", script)
    assert (outcome.exit_code, outcome.stdout) == (0, b"done\n")
    assert lifeline.has_ended


async def test_end_of_one_command_spares_the_daemon_of_another(run: Runner, tmp_path: Path) -> None:
    ready = Ready()
    os.mkfifo(tmp_path / "go")
    script = f"setsid -f sh -c 'cat {tmp_path}/go'; echo ready; sleep 1000"
    task = asyncio.create_task(run("bash", "-c", script, on_output=ready))
    await ready.event.wait()
    await run("true")
    ready.event.clear()
    (await asyncio.to_thread(open, tmp_path / "go", "w")).close()  # would wait for ever for a dead reader
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancellation_before_the_start_leaves_nothing_open(run: Runner) -> None:
    await run("true")
    before = set(os.listdir("/proc/self/fd"))
    task = asyncio.create_task(run("echo", "x"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(before - set(os.listdir("/proc/self/fd"))) == 1  # the server, which does not serve on
    assert run.server.pids == []
    assert (await run("echo", "next")).stdout == b"next\n"


AGENT = """
import asyncio, sys
from codex_core.execution.command import ExecRequest, run_command
from codex_core.execution.command_server import CommandServer

async def say(stream, chunk):
    print("ready", flush=True)

async def main():
    helper, *command = sys.argv[1:]
    server = CommandServer(helper)
    request = ExecRequest((helper, "/", '{"mode":"danger-full-access"}', "--", *command), "/", {"PATH": "/usr/bin:/bin"}, 60_000)
    await run_command(request, on_output=say, server=server)

asyncio.run(main())
"""


@pytest.mark.parametrize("leaver", LEAVERS)
def test_nothing_outlives_a_killed_agent(tmp_path: Path, lifeline: Lifeline, leaver: str) -> None:
    helper = write_launcher(str(tmp_path))
    script = f"exec 9>{lifeline.path}; {LEAVERS[leaver]}"
    command = [sys.executable, "-c", AGENT, helper, "bash", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
        servers = [os.pidfd_open(int(pid)) for pid in children]
        assert servers
        agent.kill()
    lifeline.wait_for_end()
    for server in servers:
        poll = select.poll()
        poll.register(server, select.POLLIN)
        assert poll.poll(60_000), "the server is still alive"
        os.close(server)
