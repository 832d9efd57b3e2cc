"""Nothing of a command stays behind, however its run ends.

A lifeline is a fifo whose writing end the processes of a command hold: it reads as ended when the last of them is
gone, which is waited for, not timed.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from codex_core.execution import command, spawn
from codex_core.execution.command import ExecRequest, run_command
from codex_core.execution.spawn import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from codex_protocol.config_types import ExecOutputStream

LIMIT_MS = 60_000
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs what only Linux has")


class Lifeline:
    """Hangs up when no process holds the other end any more."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def wait_for_end(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while not any(event & select.POLLHUP for _, event in poll.poll(60_000)):
            assert os.read(self._fd, 4096), "a process of the command is still alive"

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    line = Lifeline(str(tmp_path / "lifeline"))
    yield line
    line.close()


@pytest.fixture(params=["pidfd", "thread"])
def exit_watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to learn of a child's end."""
    if request.param == "thread":
        monkeypatch.setattr(spawn, "_open_pidfd", lambda pid: None)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd_open")
    return str(request.param)


@pytest.fixture
def short_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DRAIN_SECONDS", 0.1)


def bash(script: str, timeout_ms: int = LIMIT_MS) -> ExecRequest:
    return ExecRequest(("bash", "-c", script), "/", {"PATH": "/usr/local/bin:/usr/bin:/bin"}, timeout_ms)


class Ready:
    """Notes that the command has printed something."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.output = b""

    async def __call__(self, stream: ExecOutputStream, chunk: bytes) -> None:
        self.output += chunk
        self.event.set()


def is_our_child(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


BRANCHES = {
    "child": "echo ready; sleep 1000",
    "grandchildren": "(sleep 1000 & sleep 1000) & echo ready; wait",
    "another group": "set -m; sleep 1000 & echo ready; wait",
    "ignoring": "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done",
}


@pytest.mark.parametrize("branch", BRANCHES)
async def test_time_limit_ends_all_of_it(branch: str, lifeline: Lifeline, exit_watch: str) -> None:
    if branch == "another group" and sys.platform != "linux":
        pytest.skip("only the group is found here")
    outcome = await run_command(bash(f"exec 9>{lifeline.path}; {BRANCHES[branch]}", 500))
    assert outcome.timed_out
    assert outcome.stdout == b"ready\n"
    lifeline.wait_for_end()


@pytest.mark.parametrize("branch", BRANCHES)
async def test_cancellation_ends_all_of_it(branch: str, lifeline: Lifeline, exit_watch: str) -> None:
    if branch == "another group" and sys.platform != "linux":
        pytest.skip("only the group is found here")
    ready = Ready()
    run = asyncio.create_task(
        run_command(bash(f"exec 9>{lifeline.path}; {BRANCHES[branch]}"), on_output=ready)
    )
    await ready.event.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    lifeline.wait_for_end()


@on_linux
async def test_cancelled_child_is_reaped(exit_watch: str) -> None:
    ready = Ready()
    run = asyncio.create_task(run_command(bash("echo $$; sleep 1000"), on_output=ready))
    await ready.event.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not is_our_child(int(ready.output))


async def test_second_cancellation_waits_for_the_end(
    lifeline: Lifeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[Child] = []
    kill_all = Child.kill_all
    monkeypatch.setattr(Child, "kill_all", lambda child: children.append(child))
    ready = Ready()
    run = asyncio.create_task(
        run_command(bash(f"exec 9>{lifeline.path}; echo ready; sleep 1000"), on_output=ready)
    )
    await ready.event.wait()
    for _ in range(2):
        run.cancel()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not run.done()
    kill_all(children[0])
    with pytest.raises(asyncio.CancelledError):
        await run
    lifeline.wait_for_end()


async def test_failing_consumer_ends_the_command(lifeline: Lifeline) -> None:
    async def on_output(stream: ExecOutputStream, chunk: bytes) -> None:
        raise LookupError("no reader")

    with pytest.raises(LookupError, match="no reader"):
        await run_command(bash(f"exec 9>{lifeline.path}; echo ready; sleep 1000"), on_output=on_output)
    lifeline.wait_for_end()


async def test_blocked_consumer_does_not_put_off_the_time_limit(
    lifeline: Lifeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "DRAIN_SECONDS", 0.0)
    os.mkfifo(tmp_path / "go")
    go_on = asyncio.Event()

    async def on_output(stream: ExecOutputStream, chunk: bytes) -> None:
        if chunk == b"ready\n":
            os.close(await asyncio.to_thread(os.open, tmp_path / "go", os.O_WRONLY))
            await go_on.wait()

    script = f"exec 9>{lifeline.path}; echo ready; : <{tmp_path}/go; echo more; sleep 1000"
    run = asyncio.create_task(run_command(bash(script, 1000), on_output=on_output))
    await asyncio.to_thread(lifeline.wait_for_end)
    go_on.set()
    outcome = await run
    assert outcome.timed_out
    # What was printed in time lay in the pipe all the while.
    assert outcome.stdout == b"ready\nmore\n"


async def test_background_job_with_the_output_ends_with_the_command(
    lifeline: Lifeline, exit_watch: str, short_drain: None
) -> None:
    outcome = await run_command(bash(f"exec 9>{lifeline.path}; sleep 1000 & echo done"))
    assert (outcome.exit_code, outcome.timed_out, outcome.stdout) == (0, False, b"done\n")
    lifeline.wait_for_end()


async def test_background_job_without_the_output_ends_with_the_command(
    lifeline: Lifeline, exit_watch: str
) -> None:
    outcome = await run_command(bash(f"exec 9>{lifeline.path}; sleep 1000 >/dev/null 2>&1 & echo done"))
    assert (outcome.exit_code, outcome.stdout) == (0, b"done\n")
    lifeline.wait_for_end()


async def test_late_output_of_a_background_job_is_still_read() -> None:
    outcome = await run_command(bash("(sleep 0.1; echo late) & echo done"))
    assert (outcome.exit_code, outcome.stdout) == (0, b"done\nlate\n")


async def test_waiting_for_late_output_ends_at_the_time_limit() -> None:
    outcome = await run_command(bash("sleep 1000 & echo done", 300))
    assert (outcome.exit_code, outcome.timed_out, outcome.stdout) == (0, False, b"done\n")
    assert outcome.duration_s < command.DRAIN_SECONDS


@on_linux
async def test_process_that_left_the_session_cannot_hold_the_result(short_drain: None) -> None:
    ready = Ready()
    script = "setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000"
    outcome = await run_command(bash(script, 500), on_output=ready)
    assert outcome.timed_out
    os.kill(int(outcome.stdout), signal.SIGKILL)


@on_linux
async def test_endless_output_of_such_a_process_is_not_read_for_ever(short_drain: None) -> None:
    outcome = await run_command(bash("exec setsid -f yes"))
    assert (outcome.exit_code, outcome.timed_out) == (0, False)


async def test_writer_as_fast_as_we_read_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def always_more(run: object) -> bool:
        return True

    monkeypatch.setattr(command, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(command._Run, "_read_round", always_more)
    assert (await run_command(bash("exit 3"))).exit_code == 3


@on_linux
def test_command_dies_with_us(lifeline: Lifeline) -> None:
    program = f"""
import asyncio
from codex_core.execution.command import ExecRequest, run_command

async def say(stream, chunk):
    print("ready", flush=True)

script = "exec 9>{lifeline.path}; echo; exec sleep 1000"
asyncio.run(run_command(ExecRequest(("sh", "-c", script), "/", {{"PATH": "/usr/bin:/bin"}}, 60_000), on_output=say))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"ready\n"
        agent.kill()
    lifeline.wait_for_end()
