"""The command server: what it gives a command, and how it starts, serves, dies and is replaced."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from served_commands import (
    FREE,
    PATH,
    READ_ONLY,
    WORKSPACE,
    Lifeline,
    Ready,
    Runner,
    needs_server,
)

from codex_core.execution import command_server as module
from codex_core.execution.command import ExecRequest, SpawnFailed, run_command
from codex_core.execution.command_server import CommandLostError, command_server
from codex_linux_sandbox import write_launcher

pytestmark = needs_server


# --- what a command is given ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [None, READ_ONLY])
async def test_environment_is_exactly_the_given_one(run: Runner, policy: str | None) -> None:
    env = {"PATH": PATH, "ODD": "a=b\nc", "EMPTY": "", "ü": "ö", "RAW": "\udcff"}
    outcome = await run("env", "-0", policy=policy, env=env)
    entries = [entry.decode("utf-8", "surrogateescape") for entry in outcome.stdout.split(b"\0") if entry]
    assert dict(entry.split("=", 1) for entry in entries) == env


async def test_environment_of_a_command_does_not_reach_what_confines_it(run: Runner, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (run.workspace / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    env = {"PATH": PATH, "PYTHONPATH": str(run.workspace), "LD_PRELOAD": "/nowhere.so", "PYTHONSTARTUP": "/x"}
    outcome = await run("env", policy=READ_ONLY, env=env)
    assert b"PYTHONPATH=" + bytes(run.workspace) in outcome.stdout
    # One complaint of the loader, for the command: the server and the confinement never saw the variable.
    assert outcome.stderr.count(b"cannot be preloaded") == 1
    assert not mark.exists()


@pytest.mark.parametrize("policy", [None, READ_ONLY])
async def test_directory_and_words_are_the_given_ones(
    run: Runner, policy: str | None, tmp_path: Path
) -> None:
    directory = tmp_path / "d ö"
    directory.mkdir()
    outcome = await run(
        "sh",
        "-c",
        'pwd; printf "%s|" "$@"',
        "sh",
        "",
        "ö",
        "\udcff",
        "a b",
        policy=policy,
        cwd=str(directory),
    )
    assert outcome.stdout == str(directory).encode() + "\n|ö|".encode() + b"\xff|a b|"


@pytest.mark.parametrize("policy", [None, READ_ONLY])
async def test_program_is_found_in_the_path_of_the_command(
    run: Runner, policy: str | None, tmp_path: Path
) -> None:
    tool = tmp_path / "only-here"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    outcome = await run("only-here", policy=policy, env={"PATH": str(tmp_path)})
    assert outcome.stdout == b"found\n"


@pytest.mark.parametrize("policy", [None, READ_ONLY])
async def test_only_the_standard_descriptors_are_open(run: Runner, policy: str | None) -> None:
    outcome = await run("sh", "-c", "ls /proc/$$/fd; :", policy=policy)
    assert outcome.stdout.split() == [b"0", b"1", b"2"]


@pytest.mark.parametrize("policy", [None, READ_ONLY])
async def test_input_arrives_whole(run: Runner, policy: str | None) -> None:
    data = bytes(range(256)) * 4000
    outcome = await run("cat", policy=policy, stdin=data)
    assert outcome.stdout == data
    assert (await run("cat", policy=policy)).stdout == b""


async def test_command_leads_its_own_session(run: Runner) -> None:
    outcome = await run("sh", "-c", "ps -o sid=,pgid= -p $$; echo $$", policy=READ_ONLY)
    assert len(set(outcome.stdout.split())) == 1


async def test_large_command_line_fits(run: Runner) -> None:
    words = ["x" * 100_000] * 10
    outcome = await run("sh", "-c", "echo $# ${#10}", "sh", *words, env={"PATH": PATH, "BIG": "y" * 100_000})
    assert outcome.stdout == b"10 100000\n"


# --- the server itself ---------------------------------------------------------------------------------


def wait_until_settled(server: int) -> None:
    """Returns when the server holds no more than it needs; fails when it does not come to that."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        # Standard streams, the socket, and what the process it keeps in reserve reports to.
        descriptors = len(os.listdir(f"/proc/{server}/fd"))
        children = len(Path(f"/proc/{server}/task/{server}/children").read_text().split())
        if descriptors <= 5 and children <= 1:
            return
    raise AssertionError(f"the server still holds {descriptors} descriptors and {children} children")


async def test_no_descriptor_and_no_process_is_left_over(run: Runner) -> None:
    for policy in (WORKSPACE, None, WORKSPACE, None):  # before the second one it has prepared itself
        await run("true", policy=policy)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        await run("true", policy=WORKSPACE if number % 2 else None, stdin=b"x" if number % 3 else None)
    assert len(os.listdir("/proc/self/fd")) == before
    # They clear up behind the last command after having told its end.
    assert len(run.server.pids) == 2
    for pid in run.server.pids:
        await asyncio.to_thread(wait_until_settled, pid)


async def test_server_is_started_when_it_is_needed(run: Runner) -> None:
    assert run.server.pids == []
    await run("true")
    pid = run.pid
    await run.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def kill_and_wait(server: int) -> None:
    """Kills a server; back when all of its processes are gone, for the last one may take a command till then."""
    pids = [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]
    gone = [os.pidfd_open(pid) for pid in pids]
    os.kill(server, signal.SIGKILL)
    for descriptor in gone:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(60_000), "a process of the server is still alive"
        os.close(descriptor)


async def test_killed_server_is_replaced(run: Runner, caplog: pytest.LogCaptureFixture) -> None:
    await run("true", policy=READ_ONLY)
    pid = run.pid
    kill_and_wait(pid)
    with caplog.at_level(logging.INFO):
        assert (await run("echo", "next", policy=READ_ONLY)).stdout == b"next\n"
    assert run.pid != pid
    assert "a command server is gone" in caplog.text


async def test_server_killed_meanwhile_is_a_clear_error_and_takes_the_command_along(
    run: Runner, lifeline: Lifeline
) -> None:
    ready = Ready()
    script = f"exec 9>{lifeline.path}; echo ready; exec sleep 1000"
    task = asyncio.create_task(run("sh", "-c", script, policy=FREE, on_output=ready))
    await ready.event.wait()
    os.kill(run.pid, signal.SIGKILL)
    with pytest.raises(CommandLostError, match="was killed; how the command ended is not known"):
        await task
    lifeline.wait_for_end()
    assert (await run("echo", "next", policy=READ_ONLY)).stdout == b"next\n"


async def test_one_server_serves_again_after_a_kill(run: Runner) -> None:
    await run("true")
    pid = run.pid
    assert (await run("sleep", "1000", timeout_ms=100)).timed_out
    assert (await run("sh", "-c", "sleep 1000 & echo done")).stdout == b"done\n"
    assert run.pid == pid


@pytest.mark.parametrize(
    "body", ["exit 3", "exec sleep 1000"], ids=["knows no such option", "does not answer"]
)
async def test_helper_that_cannot_serve_is_started_for_each_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    monkeypatch.setattr(module, "ACCEPT_SECONDS", 0.5)
    helper = tmp_path / "helper"
    real = write_launcher(str(tmp_path), name="real")
    helper.write_text(
        f'#!/bin/sh\ncase $1 in --serve*) echo x >> {tmp_path}/starts; {body};; esac\nexec {real} "$@"\n'
    )
    helper.chmod(0o755)
    async with aclosing(Runner(str(helper), tmp_path)) as run:
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                outcome = await run("sh", "-c", f"echo x > {tmp_path}/new", policy=READ_ONLY)
                assert b"cannot create" in outcome.stderr
    assert "commands are started one by one" in caplog.text
    assert len((tmp_path / "starts").read_text().splitlines()) == 2  # not for ever
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("isolation", ["landlock", "auto"])
async def test_without_a_server_the_environment_is_the_commands_alone(tmp_path: Path, isolation: str) -> None:
    helper = write_launcher(str(tmp_path))
    env = {"PATH": PATH, "LD_PRELOAD": "/nowhere/x.so", "PYTHONPATH": "/nowhere", "EMPTY": "", "X": "a=b\nc"}
    argv = (helper, "--isolation", isolation, "/", READ_ONLY, "--", "env", "-0")
    outcome = await run_command(ExecRequest(argv, "/", env, 60_000))
    assert dict(entry.split("=", 1) for entry in outcome.stdout.decode().split("\0") if entry) == env
    assert outcome.stderr.count(b"cannot be preloaded") <= 1
    with pytest.raises(SpawnFailed, match="null byte"):
        await run_command(ExecRequest(argv, "/", {"A": "x\0B=y"}, 60_000))


async def test_helper_that_is_not_there_never_means_unconfined(tmp_path: Path) -> None:
    async with aclosing(Runner(str(tmp_path / "missing"), tmp_path)) as run:
        with pytest.raises(SpawnFailed, match="No such file or directory"):
            await run("sh", "-c", f"echo x > {tmp_path}/new", policy=READ_ONLY)
    assert not (tmp_path / "new").exists()


def test_without_a_helper_there_is_no_server() -> None:
    assert command_server(None) is None
