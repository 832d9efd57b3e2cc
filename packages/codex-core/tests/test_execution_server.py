"""Commands started by the command server: confined, exact, and gone when they are over."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from codex_core.execution import command_server as module
from codex_core.execution.command import ExecOutcome, ExecRequest, SpawnFailed, run_command
from codex_core.execution.command_server import CommandLostError, CommandServer, command_server

if sys.platform != "linux":
    pytest.skip("the command server is for Linux", allow_module_level=True)

from codex_linux_sandbox import ConfinementError, write_launcher
from codex_linux_sandbox.landlock import SCOPE_ABI, kernel_abi

try:
    LANDLOCK_ABI = kernel_abi()
except ConfinementError as no_landlock:
    pytest.skip(str(no_landlock), allow_module_level=True)

READ_ONLY = '{"mode":"read-only"}'
WORKSPACE = '{"mode":"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}'
NETWORK = '{"mode":"workspace-write","network_access":true}'
FREE = '{"mode":"danger-full-access"}'
PATH = "/usr/local/bin:/usr/bin:/bin"


class Runner:
    """Runs commands through one server; says when one of them took the plain way."""

    def __init__(self, helper: str, workspace: Path) -> None:
        self.helper = helper
        self.workspace = workspace
        self.server = CommandServer(helper)

    async def __call__(
        self, *argv: str, policy: str | None = None, on_output: Any = None, **changes: Any
    ) -> ExecOutcome:
        return await run_command(
            self.request(*argv, policy=policy, **changes), on_output=on_output, server=self.server
        )

    def request(
        self,
        *argv: str,
        policy: str | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout_ms: int = 60_000,
        stdin: bytes | None = None,
    ) -> ExecRequest:
        prefix = () if policy is None else (self.helper, str(self.workspace), policy, "--")
        return ExecRequest(
            (*prefix, *argv),
            str(self.workspace) if cwd is None else cwd,
            {"PATH": PATH} if env is None else env,
            timeout_ms,
            stdin,
        )

    @property
    def pid(self) -> int:
        (pid,) = self.server.pids
        return pid

    async def aclose(self) -> None:
        await self.server.aclose()


@pytest.fixture
async def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    """A server of its own. Whatever takes the plain way instead fails, where a test does not undo that."""

    def not_the_plain_way(*args: object, **kwargs: object) -> None:
        raise AssertionError("the command was not started by the server")

    monkeypatch.setattr("codex_core.execution.command.start_child", not_the_plain_way)
    (tmp_path / "workspace").mkdir()
    async with aclosing(Runner(write_launcher(str(tmp_path)), tmp_path / "workspace")) as runner:
        yield runner


class Ready:
    """Collects output and notes that there was some."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.output = b""

    async def __call__(self, stream: object, chunk: bytes) -> None:
        self.output += chunk
        self.event.set()


class Lifeline:
    """Hangs up when no process holds the other end any more."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return any(event & select.POLLHUP for _, event in poll.poll(0))

    def wait_for_end(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        assert poll.poll(60_000), "a process of the command is still alive"

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def lifeline(tmp_path: Path) -> Any:
    line = Lifeline(tmp_path / "lifeline")
    yield line
    line.close()


# --- what the kernel refuses ---------------------------------------------------------------------------


async def test_policy_holds_for_files(run: Runner, tmp_path: Path) -> None:
    inside, outside = run.workspace / "new", tmp_path / "new"
    script = f"echo x > {inside}; echo x > {outside}; cat /etc/passwd > /dev/null && echo read"
    outcome = await run("sh", "-c", script, policy=WORKSPACE)
    assert outcome.stdout == b"read\n"
    assert len(outcome.stderr.splitlines()) == 1
    assert inside.exists()
    assert not outside.exists()


CONNECT = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
    print("connected")
except PermissionError:
    print("refused")
"""


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (READ_ONLY, b"refused\n"),
        (WORKSPACE, b"refused\n"),
        (NETWORK, b"connected\n"),
        (FREE, b"connected\n"),
        (None, b"connected\n"),
    ],
)
async def test_policy_holds_for_the_network(run: Runner, policy: str | None, expected: bytes) -> None:
    listener = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        outcome = await run(sys.executable, "-c", CONNECT, str(port), policy=policy)
    assert (outcome.stdout, outcome.exit_code) == (expected, 0)


async def test_policies_do_not_mix(run: Runner) -> None:
    target = run.workspace / "file"
    modes = [None, READ_ONLY, WORKSPACE, READ_ONLY, FREE, READ_ONLY, NETWORK, READ_ONLY, WORKSPACE, None]
    for number, policy in enumerate(modes):
        outcome = await run("sh", "-c", f"echo {number} > {target} && cat {target}", policy=policy)
        if policy == READ_ONLY:
            assert (outcome.stdout, outcome.exit_code) == (b"", 2), number
        else:
            assert outcome.stdout == b"%d\n" % number


@pytest.mark.parametrize("policy", [FREE, None])
async def test_nothing_is_applied_without_a_sandbox(run: Runner, policy: str | None) -> None:
    await run("true", policy=READ_ONLY)
    own = await asyncio.to_thread(Path("/proc/self/status").read_text)
    wanted = {"NoNewPrivs", "Seccomp", "CapEff", "CapBnd", "SigIgn", "SigBlk"}
    outcome = await run("grep", "-E", "^(" + "|".join(wanted) + "):", "/proc/self/status", policy=policy)
    seen = dict(line.split(":\t") for line in outcome.stdout.decode().splitlines())
    expected = dict(line.split(":\t") for line in own.splitlines() if line.split(":")[0] in wanted)
    # What Python ignores for itself is put back; what our parent ignored stays so.
    ignored = int(expected["SigIgn"], 16) & ~(1 << signal.SIGPIPE - 1) & ~(1 << signal.SIGXFSZ - 1)
    assert seen == {**expected, "SigIgn": f"{ignored:016x}"}


async def test_filter_is_the_same_compiled_ahead_or_not(run: Runner) -> None:
    script = "unshare -U true; chmod 600 .; grep -E 'Seccomp|NoNewPrivs|CapEff' /proc/self/status"
    first = await run("sh", "-c", script, policy=READ_ONLY)
    second = await run("sh", "-c", script, policy=READ_ONLY)
    assert b"Seccomp_filters:" in first.stdout
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)


@pytest.mark.skipif(LANDLOCK_ABI < SCOPE_ABI, reason="this kernel's Landlock does not know signals")
async def test_confined_command_cannot_signal_the_server(run: Runner) -> None:
    await run("true", policy=WORKSPACE)
    script = f"for pid in {run.pid} $PPID {os.getpid()}; do kill -9 $pid && echo sent; done"
    outcome = await run("sh", "-c", script, policy=WORKSPACE)
    assert outcome.stdout == b""
    assert len(outcome.stderr.split(b"kill: ")) == 4  # not permitted, or no such process in here


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


# --- how it ends ---------------------------------------------------------------------------------------


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


async def test_killed_server_is_replaced(run: Runner, caplog: pytest.LogCaptureFixture) -> None:
    await run("true", policy=READ_ONLY)
    pid = run.pid
    os.kill(pid, signal.SIGKILL)
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
