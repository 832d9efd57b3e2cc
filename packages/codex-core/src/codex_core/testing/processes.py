"""Which processes a test has left behind, found by a mark in their environment (Linux, through /proc).

A process that a command started and forgot has lost its parent, so the family tree does not lead
to it. The environment it was started with does.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from dataclasses import dataclass

MARK_VARIABLE = "CODEX_TEST_RUN"
"""Set by `scripts` to a value of its own for each program it starts."""

CAN_LOOK = sys.platform == "linux"
"""Whether this system tells the environment of other processes; without it the functions raise."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A living process."""

    pid: int
    parent_pid: int
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.pid} {' '.join(self.argv)}"


def marked_processes(mark: str) -> list[ProcessInfo]:
    """All living processes that were started with this mark, by process id.

    Raises:
        NotImplementedError: this system has no /proc.
    """
    if not CAN_LOOK:
        raise NotImplementedError("processes can be found by their environment on Linux only")
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and wanted in _read(name, "environ").split(b"\0"):
            info = _info(int(name))
            if info is not None:
                found.append(info)
    return sorted(found, key=lambda info: info.pid)


def children_of(pid: int, mark: str) -> list[ProcessInfo]:
    """The marked processes without the one with this id: what it started, also by detours."""
    return [info for info in marked_processes(mark) if info.pid != pid]


def assert_none_left(mark: str, *, grace_s: float = 5.0) -> None:
    """Check that no process with this mark lives on; those being killed get `grace_s` seconds to go.

    Raises:
        AssertionError: the processes that stayed. They are killed, so that they harm no other test.
    """
    for info in marked_processes(mark):
        _wait_gone(info.pid, grace_s)
    left = marked_processes(mark)
    for info in left:
        try:
            os.kill(info.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    if left:
        raise AssertionError("processes were left behind:\n" + "\n".join(f"- {info}" for info in left))


def _wait_gone(pid: int, timeout_s: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # it is gone already
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(timeout_s * 1000)
    finally:
        os.close(handle)


def _info(pid: int) -> ProcessInfo | None:
    status = _read(str(pid), "stat")
    # The name stands in parentheses and may hold any character, so what counts begins behind the last one.
    fields = status.rpartition(b")")[2].split()
    if len(fields) < 2 or fields[0] in (b"Z", b"X"):
        return None
    argv = _read(str(pid), "cmdline").rstrip(b"\0").split(b"\0")
    return ProcessInfo(pid, int(fields[1]), tuple(word.decode(errors="replace") for word in argv))


def _read(pid: str, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:  # gone meanwhile, or not ours
        return b""
