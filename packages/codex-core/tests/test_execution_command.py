"""Running real commands: output, exit, limits."""

from __future__ import annotations

import asyncio
import os
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from codex_core.errors import ExecutionError
from codex_core.execution import command, spawn
from codex_core.execution.capture import MAX_KEPT_BYTES
from codex_core.execution.command import ExecOutcome, ExecRequest, SpawnFailed, run_command
from codex_protocol.config_types import ExecOutputStream

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def request(
    *argv: str,
    cwd: str = "/",
    env: dict[str, str] | None = None,
    timeout_ms: int = 60_000,
    stdin: bytes | None = None,
) -> ExecRequest:
    return ExecRequest(argv, cwd, {"PATH": PATH} if env is None else env, timeout_ms, stdin)


async def shell(script: str, timeout_ms: int = 60_000) -> ExecOutcome:
    return await run_command(request("sh", "-c", script, timeout_ms=timeout_ms))


class Deltas:
    """Collects what is announced."""

    def __init__(self) -> None:
        self.seen: list[tuple[ExecOutputStream, bytes]] = []

    async def __call__(self, stream: ExecOutputStream, chunk: bytes) -> None:
        self.seen.append((stream, chunk))

    def of(self, stream: ExecOutputStream) -> list[bytes]:
        return [chunk for which, chunk in self.seen if which is stream]


@pytest.fixture(params=["pidfd", "thread"])
def exit_watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to learn of a child's end."""
    if request.param == "thread":
        monkeypatch.setattr(spawn, "_open_pidfd", lambda pid: None)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd_open")
    return str(request.param)


async def test_outcome_has_exit_code_and_both_streams(exit_watch: str) -> None:
    outcome = await shell("echo out; echo err >&2; exit 3")
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (3, None, False)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert sorted(outcome.aggregated.split()) == [b"err", b"out"]
    assert outcome.dropped_lines is None


async def test_aggregated_output_is_in_order_of_arrival(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    writers: list[int] = []

    async def on_output(stream: ExecOutputStream, chunk: bytes) -> None:
        if chunk == b"first\n":
            # The command opens the fifo to read, and goes on as soon as it can.
            writers.append(await asyncio.to_thread(os.open, tmp_path / "go", os.O_WRONLY))

    script = f"echo first >&2; : < {tmp_path}/go; echo second"
    try:
        outcome = await run_command(request("sh", "-c", script), on_output=on_output)
    finally:
        for fd in writers:
            os.close(fd)
    assert outcome.aggregated == b"first\nsecond\n"


@pytest.mark.parametrize("number", [9, 11, 15, 64])
async def test_death_by_signal_has_the_signal_and_no_exit_code(number: int, exit_watch: str) -> None:
    outcome = await shell(f"kill -{number} $$")
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (None, number, False)


async def test_environment_is_exactly_what_was_given() -> None:
    outcome = await run_command(
        request("env", "-0", env={"PATH": PATH, "A": "x=y\nz", "Ä": "ö", "RAW": "\udcff"})
    )
    assert set(outcome.stdout.split(b"\0")) == {
        b"PATH=" + PATH.encode(),
        b"A=x=y\nz",
        "Ä=ö".encode(),
        b"RAW=\xff",
        b"",
    }


async def test_arguments_are_utf8_and_escaped_bytes_are_themselves() -> None:
    outcome = await run_command(request("printf", "%s|", "ö", "", "\udcff", "a b"))
    assert outcome.stdout == "ö||".encode() + b"\xff|a b|"


async def test_program_is_found_on_the_path_of_its_own_environment(tmp_path: Path) -> None:
    tool = tmp_path / "only-here"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    outcome = await run_command(request("only-here", env={"PATH": str(tmp_path)}))
    assert outcome.stdout == b"found\n"


async def test_program_with_a_slash_is_looked_up_in_the_directory_it_runs_in(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\npwd -P\n")
    tool.chmod(0o755)
    outcome = await run_command(request("./tool", cwd=str(tmp_path)))
    assert outcome.stdout == f"{os.path.realpath(tmp_path)}\n".encode()


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (request("no-such-program"), "No such file or directory (os error 2)"),
        (request("/no/such/program"), "No such file or directory (os error 2)"),
        (request("true", cwd="/no/such/directory"), "No such file or directory (os error 2)"),
        (request("true", cwd="/dev/null"), "Not a directory (os error 20)"),
        (request("/etc/passwd"), "Permission denied (os error 13)"),
        (request("true", "x" * 10_000_000), "Argument list too long (os error 7)"),
        (request(), "command args are empty"),
    ],
)
async def test_what_cannot_start_says_why(bad: ExecRequest, text: str) -> None:
    with pytest.raises(SpawnFailed) as caught:
        await run_command(bad)
    assert str(caught.value) == text
    assert isinstance(caught.value, ExecutionError)


@pytest.mark.parametrize("argument", ["a\0b", "\ud800"])
async def test_argument_no_system_can_pass_is_refused(argument: str) -> None:
    with pytest.raises(SpawnFailed):
        await run_command(request("true", argument))


async def test_file_that_is_no_program_is_refused_and_not_given_to_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo ran\n")
    script.chmod(0o755)
    with pytest.raises(SpawnFailed, match=r"^Exec format error \(os error 8\)$"):
        await run_command(request(str(script)))


@on_linux
async def test_failed_start_leaves_no_descriptor_open() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(SpawnFailed):
        await run_command(request("no-such-program", stdin=b"x"))
    assert os.listdir("/proc/self/fd") == before


@on_linux
async def test_run_leaves_no_descriptor_open() -> None:
    await shell("true")  # the loop opens its own at first use
    before = len(os.listdir("/proc/self/fd"))
    await run_command(request("cat", stdin=b"x"))
    assert len(os.listdir("/proc/self/fd")) == before


async def test_standard_input_is_empty_by_default() -> None:
    outcome = await run_command(request("cat"))
    assert (outcome.exit_code, outcome.stdout) == (0, b"")


@pytest.mark.parametrize("size", [0, 1, 300_000])
async def test_standard_input_is_what_was_given(size: int) -> None:
    outcome = await run_command(request("cat", stdin=b"x" * size))
    assert outcome.stdout == b"x" * size


async def test_command_need_not_read_its_input() -> None:
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
    outcome = await run_command(request("sh", "-c", "exec <&-; sleep 0.2; exit 5", stdin=b"x" * 300_000))
    assert outcome.exit_code == 5
    assert problems == []


@on_linux
async def test_command_has_no_descriptor_of_ours() -> None:
    leaky = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaky, True)
    try:
        outcome = await run_command(request("ls", "/proc/self/fd"))
    finally:
        os.close(leaky)
    assert outcome.stdout.split() == [b"0", b"1", b"2", b"3"]  # 3 is the directory it lists


@on_linux
async def test_command_leads_a_session_and_group_of_its_own() -> None:
    outcome = await shell(
        "read -r pid name state parent group session rest < /proc/$$/stat; echo $$ $group $session"
    )
    pid, group, session = outcome.stdout.split()
    assert pid == group == session


@on_linux
async def test_signals_that_python_ignores_are_back_to_normal() -> None:
    outcome = await run_command(request("grep", "SigIgn", "/proc/self/status"))
    ignored = int(outcome.stdout.split()[1], 16)
    assert ignored & (1 << 12 | 1 << 24) == 0  # SIGPIPE, SIGXFSZ


async def test_chunks_are_announced_as_they_come() -> None:
    deltas = Deltas()
    outcome = await run_command(request("sh", "-c", "head -c 100000 /dev/zero; echo e >&2"), on_output=deltas)
    assert b"".join(deltas.of(ExecOutputStream.STDOUT)) == outcome.stdout == bytes(100_000)
    assert deltas.of(ExecOutputStream.STDERR) == [b"e\n"]
    assert max(len(chunk) for _, chunk in deltas.seen) <= 8192


async def test_announcing_stops_after_so_many_chunks_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.MAX_DELTAS == 10_000
    monkeypatch.setattr(command, "MAX_DELTAS", 3)
    deltas = Deltas()
    outcome = await run_command(request("sh", "-c", "head -c 300000 /dev/zero; echo e >&2"), on_output=deltas)
    assert len(deltas.of(ExecOutputStream.STDOUT)) == 3
    assert deltas.of(ExecOutputStream.STDERR) == [b"e\n"]
    assert outcome.stdout == bytes(300_000)


async def test_slow_consumer_holds_the_command_back() -> None:
    first, go_on = asyncio.Event(), asyncio.Event()
    calls = 0

    async def on_output(stream: ExecOutputStream, chunk: bytes) -> None:
        nonlocal calls
        calls += 1
        first.set()
        await go_on.wait()

    run = asyncio.create_task(run_command(request("head", "-c", "1000000", "/dev/zero"), on_output=on_output))
    await first.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    assert calls == 1
    assert not run.done()
    go_on.set()
    assert len((await run).stdout) == 1_000_000


async def test_flood_of_output_stays_within_the_cap() -> None:
    tracemalloc.start()
    try:
        outcome = await shell("echo start; yes | head -c 8000000; echo end; yes e | head -c 5000000 >&2")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.exit_code == 0
    for output in (outcome.stdout, outcome.stderr, outcome.aggregated):
        assert MAX_KEPT_BYTES < len(output) < MAX_KEPT_BYTES + 100
        assert b"\n[... omitted " in output
    assert outcome.stdout.startswith(b"start\ny\n")
    assert outcome.stdout.endswith(b"y\nend\n")
    assert outcome.dropped_lines is not None
    assert outcome.dropped_lines > 5_000_000
    assert peak < 10_000_000


async def test_no_time_at_all_ends_it_at_once(exit_watch: str) -> None:
    outcome = await run_command(request("true", timeout_ms=0))
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (124, None, True)


async def test_time_limit_keeps_what_was_printed_before(exit_watch: str) -> None:
    outcome = await shell("echo before; echo err >&2; while :; do sleep 1; done; echo after", 400)
    assert (outcome.exit_code, outcome.signal, outcome.timed_out) == (124, None, True)
    assert outcome.stdout == b"before\n"
    assert outcome.stderr == b"err\n"
    assert outcome.duration_s >= 0.4


async def test_command_that_ends_in_time_is_not_timed_out(exit_watch: str) -> None:
    outcome = await run_command(request("true", timeout_ms=2**62))
    assert (outcome.exit_code, outcome.timed_out) == (0, False)


async def test_closed_pipes_do_not_end_the_wait(exit_watch: str) -> None:
    outcome = await shell("exec >&- 2>&-; sleep 0.2; exit 7")
    assert outcome.exit_code == 7


async def test_commands_can_run_side_by_side() -> None:
    outcomes = await asyncio.gather(*(shell(f"echo {number}") for number in range(8)))
    assert [int(outcome.stdout) for outcome in outcomes] == list(range(8))
