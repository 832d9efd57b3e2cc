"""Running one command: start it, stream what it prints, stop it in time, and leave nothing of it behind.

One coroutine reads the pipes and hands the chunks on; exit and time limit are callbacks of the loop that kill
and take note, so a slow consumer holds back the command's output but never its end.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from codex_core.execution.capture import CappedBytes
from codex_core.execution.spawn import SpawnFailed, start_child
from codex_protocol.config_types import ExecOutputStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Self

    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.spawn import RunningChild

__all__ = ["ExecOutcome", "ExecRequest", "OnOutput", "SpawnFailed", "run_command"]

TIMEOUT_EXIT_CODE = 124
"""What a command that ran out of time is said to have returned (spec: exec-sandbox.md A.3)."""

MAX_DELTAS = 10_000
"""Chunks announced per stream and command; capturing goes on after that (spec: exec-sandbox.md A.3)."""

DRAIN_SECONDS = 2.0
"""How long to wait, after the end of the command, for pipes that something else holds open."""

_DELTA_BYTES = 8192
_SILENT_READ_BYTES = 65_536  # what a pipe holds; nobody sees the chunk borders
_READS_PER_TURN = 8
_MAX_LATE_ROUNDS = 128  # more than a pipe holds

OnOutput: TypeAlias = "Callable[[ExecOutputStream, bytes], Awaitable[None]]"
"""Takes a chunk of output; reading goes on when it returns."""


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """What to run, where, with which environment, and for how long at most."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    """All of it: nothing is inherited. Its PATH finds the program."""
    timeout_ms: int
    """0 ends it at once."""
    stdin: bytes | None = None
    """None: /dev/null."""


@dataclass(frozen=True, slots=True)
class ExecOutcome:
    """How a command ended and what it printed, each stream capped as `capture.py` says."""

    exit_code: int | None
    """None when a signal ended it; 124 when it ran out of time."""
    signal: int | None
    """The signal that ended it, unless that was our own after the time limit."""
    timed_out: bool
    stdout: bytes
    stderr: bytes
    aggregated: bytes
    """Both streams, chunk by chunk in the order they arrived."""
    duration_s: float
    """From before the start until its output was complete or given up."""
    dropped_lines: int | None = None
    """Line ends in the part of `aggregated` that did not fit; None if all of it is there."""


async def run_command(
    request: ExecRequest, *, on_output: OnOutput | None = None, server: CommandServer | None = None
) -> ExecOutcome:
    """Runs the command to its end, or to its time limit, whichever comes first.

    With a `server`, and where that works, the command is started by it and not by this process.

    `on_output` gets the chunks, at most 8,192 bytes each, as they are read, one at a time, until there were
    `MAX_DELTAS` of a stream; reading waits for it, so a slow consumer slows the command down. When this
    returns or raises, also by cancellation, no process of the command's session is left; with a server, none
    that came of it at all.

    Raises:
        SpawnFailed: when it cannot be started.
        CommandLostError: when what watched over it was killed.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    child = await _start(request, server)
    with _Run(child, loop, on_output, request.stdin or b"") as run:
        run.limit_time(started + request.timeout_ms / 1000)
        try:
            await run.collect()
        finally:
            await run.end()
    child.raise_failure()
    return run.outcome(loop.time() - started)


async def _start(request: ExecRequest, server: CommandServer | None) -> RunningChild:
    with_input = request.stdin is not None
    if server is not None:
        child = await server.start(request.argv, cwd=request.cwd, env=request.env, with_input=with_input)
        if child is not None:
            return child
    return start_child(request.argv, cwd=request.cwd, env=request.env, with_input=with_input)


@dataclass(slots=True)
class _Source:
    stream: ExecOutputStream
    fd: int
    kept: CappedBytes = field(default_factory=CappedBytes)
    deltas: int = 0
    is_open: bool = True


class _Run:
    """One running command; as a context manager it frees the pipes and callbacks."""

    def __init__(
        self, child: RunningChild, loop: asyncio.AbstractEventLoop, on_output: OnOutput | None, stdin: bytes
    ) -> None:
        self._child = child
        self._loop = loop
        self._on_output = on_output
        self._sources = (
            _Source(ExecOutputStream.STDOUT, child.stdout),
            _Source(ExecOutputStream.STDERR, child.stderr),
        )
        self._aggregated = CappedBytes()
        self._stdin = memoryview(stdin)
        self._stdin_fd = child.stdin
        self._wake = asyncio.Event()
        self._deadline = 0.0
        self._timers: list[asyncio.TimerHandle] = []
        self._has_ended = False
        self._is_gone = False
        self._timed_out = False
        self._gave_up = False
        child.watch(self._on_end, self._on_gone)
        if self._stdin_fd is not None:
            loop.add_writer(self._stdin_fd, self._feed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._child.close()
        self._close_stdin()
        for source in self._sources:
            os.close(source.fd)

    def limit_time(self, deadline: float) -> None:
        """Ends the command at `deadline`, in the loop's time."""
        self._deadline = deadline
        if deadline <= self._loop.time():
            self._on_deadline()
        else:
            self._timers.append(self._loop.call_at(deadline, self._on_deadline))

    async def collect(self) -> None:
        """Reads until the command has ended and its pipes are closed, or until that takes too long."""
        rounds = 0
        while not self._gave_up and not (self._has_ended and not self._open_sources()):
            if await self._read_round():
                rounds += 1
                if rounds % _READS_PER_TURN == 0:
                    await asyncio.sleep(0)
            else:
                await self._wait_readable()
        if self._gave_up:
            await self._read_rest()

    async def end(self) -> None:
        """Kills what is left of the command and reaps it; a cancellation meanwhile is held back."""
        self._child.kill_all()
        if not self._is_gone:
            self._gave_up = False
            self._give_up_after(DRAIN_SECONDS)
        cancelled: asyncio.CancelledError | None = None
        while not self._is_gone and not self._gave_up:
            self._wake.clear()
            try:
                await self._wake.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        self._child.reap()
        if cancelled is not None:
            raise cancelled

    def outcome(self, duration_s: float) -> ExecOutcome:
        """What to tell of it, once it has ended."""
        status = self._child.returncode
        exit_code: int | None = None
        signal: int | None = None
        if self._timed_out:
            exit_code = TIMEOUT_EXIT_CODE
        elif status is not None and status < 0:
            signal = -status
        else:
            exit_code = status
        stdout, stderr = self._sources
        return ExecOutcome(
            exit_code=exit_code,
            signal=signal,
            timed_out=self._timed_out,
            stdout=stdout.kept.content(),
            stderr=stderr.kept.content(),
            aggregated=self._aggregated.content(),
            duration_s=duration_s,
            dropped_lines=self._aggregated.dropped_lines,
        )

    def _open_sources(self) -> list[_Source]:
        return [source for source in self._sources if source.is_open]

    async def _read_round(self) -> bool:
        """One read of each stream, in turn; false when there was nothing to read."""
        took = [await self._take(source) for source in self._open_sources()]
        return any(took)

    async def _take(self, source: _Source) -> bool:
        announce = self._on_output if source.deltas < MAX_DELTAS else None
        try:
            data = os.read(source.fd, _DELTA_BYTES if announce else _SILENT_READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            source.is_open = False
            return True
        source.kept.append(data)
        self._aggregated.append(data)
        if announce:
            source.deltas += 1
            await announce(source.stream, data)
        return True

    async def _read_rest(self) -> None:
        """Takes what lies in the pipes already; who writes on is not waited for."""
        for _ in range(_MAX_LATE_ROUNDS):
            if not await self._read_round():
                return

    async def _wait_readable(self) -> None:
        """Waits for output, for the end, or for the time limit."""
        fds = [source.fd for source in self._open_sources()]
        for fd in fds:
            self._loop.add_reader(fd, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            for fd in fds:
                self._loop.remove_reader(fd)
        self._wake.clear()

    def _on_end(self) -> None:
        self._has_ended = True
        self._wake.set()
        if not self._timed_out:
            self._give_up_after(min(DRAIN_SECONDS, self._deadline - self._loop.time()))

    def _on_gone(self) -> None:
        self._is_gone = True
        self._wake.set()

    def _on_deadline(self) -> None:
        if self._has_ended:
            return  # on time; `_on_end` has set the limit for its output
        self._timed_out = True
        self._child.kill_all()
        self._give_up_after(DRAIN_SECONDS)

    def _give_up_after(self, seconds: float) -> None:
        self._timers.append(self._loop.call_later(seconds, self._on_give_up))

    def _on_give_up(self) -> None:
        self._gave_up = True
        self._wake.set()

    def _feed(self) -> None:
        """Writes on to the command's standard input as it makes room."""
        assert self._stdin_fd is not None
        try:
            written = os.write(self._stdin_fd, self._stdin[:_SILENT_READ_BYTES])
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to read (on)
            written = len(self._stdin)
        self._stdin = self._stdin[written:]
        if not self._stdin:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin_fd is not None:
            self._loop.remove_writer(self._stdin_fd)
            os.close(self._stdin_fd)
            self._stdin_fd = None
