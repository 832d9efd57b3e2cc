"""What the kernel refuses commands that the command server confines."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from served_commands import (
    FREE,
    LANDLOCK_ABI,
    NETWORK,
    READ_ONLY,
    WORKSPACE,
    Runner,
    needs_server,
)

from codex_linux_sandbox.landlock import SCOPE_ABI

pytestmark = needs_server


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
