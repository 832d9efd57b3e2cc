"""A server that we start and talk to over its stdin and stdout, one JSON object per line.

It runs in a session of its own with the few variables `environment.py` gives it, and goes with us: killed
with everything it started when the connection is closed, and by the kernel (Linux) when we die. What it
writes to stderr is logged, and its end kept for messages.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import TYPE_CHECKING

from codex_core.execution.spawn import SpawnFailed, start_child
from codex_core.mcp.errors import ServerGone, ServerUnreachable, UnreadableAnswer
from codex_core.mcp.lines import Frame, LineDecoder, Noise, Unreadable
from codex_core.presentation.safe_text import safe_text
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.execution.spawn import Child
    from codex_core.mcp.lines import Line
    from codex_core.mcp.wire import Receiver

CLOSE_GRACE_S = 0.1
"""How long a server may take to end by itself when its input is closed."""
TERMINATE_GRACE_S = 0.4
"""How long it may take after SIGTERM, before it is killed."""
KILL_GRACE_S = 2.0
"""How long the end of a killed server is waited for."""
END_GRACE_S = 0.2
"""How long a server that closed its output may take to end."""
MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""What is held for a server that does not read its input."""
KEPT_STDERR_BYTES = 8192
SHOWN_STDERR_LINES = 5
SHOWN_STDERR_CHARACTERS = 600

_READ_BYTES = 65_536
_READS_PER_TURN = 8
_LAST_READS = 128  # more than a pipe holds

_logger = logging.getLogger(__name__)


class StdioWire:
    """A child process as a `Wire`."""

    def __init__(self, name: str, argv: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> None:
        self._name = name
        self._argv = argv
        self._cwd = cwd
        self._env = env
        self._child: Child | None = None
        self._receiver: Receiver | None = None
        self._decoder = LineDecoder()
        self._stderr = bytearray()
        self._stderr_row = bytearray()
        self._noise: str | None = None
        self._unsent = bytearray()
        self._is_writing = False
        self._ended = asyncio.Event()
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_over = False

    async def prepare(self) -> None:
        """Does nothing: starting a program needs no preparation."""

    async def open(self, receiver: Receiver) -> None:
        """Starts the program. Raises: ServerUnreachable, with what the system says."""
        try:
            child = start_child(self._argv, cwd=self._cwd, env=self._env, with_input=True)
        except SpawnFailed as error:
            raise ServerUnreachable(str(error)) from error
        self._child, self._receiver = child, receiver
        loop = asyncio.get_running_loop()
        child.watch(self._on_end, _nothing)
        loop.add_reader(child.stdout, self._read_stdout)
        loop.add_reader(child.stderr, self._read_stderr)

    async def reopen(self) -> None:
        """Never works: a program that has ended is not started again. Raises: ServerGone."""
        raise ServerGone(self.explain("it is not started a second time"))

    def post(self, message: Mapping[str, object]) -> None:
        """Queues the line and writes what the pipe takes."""
        if self._child is None or self._child.stdin is None or self._is_over:
            raise ServerGone("it is not running")
        line = dumps(message).encode() + b"\n"
        if len(self._unsent) + len(line) > MAX_UNSENT_BYTES:
            raise ServerGone("it does not read what it is sent")
        self._unsent += line
        if not self._is_writing:
            self._write()

    def use_version(self, version: str) -> None:
        """Does nothing: the lines do not name it."""

    def explain(self, sentence: str) -> str:
        """The sentence, and the end of what the server wrote to stderr, or the noise on its stdout."""
        if tail := self._stderr_tail():
            return f"{sentence}; its last words on stderr: {tail}"
        if self._noise is not None:
            return f"{sentence}; it wrote to stdout what is no message: {_one_line(self._noise)}"
        return sentence

    async def aclose(self) -> None:
        """Closes its input, gives it a moment, asks it to end, and kills whatever is left of it."""
        child = self._child
        if child is None:
            return
        try:
            if not self._is_over:
                self._close_input()
                await self._wait_for_end(CLOSE_GRACE_S)
                self._terminate()
                await self._wait_for_end(TERMINATE_GRACE_S)
        finally:
            self._kill("we closed it")
            try:
                await self._wait_for_end(KILL_GRACE_S)
            finally:
                child.reap()
                child.close()

    def _terminate(self) -> None:
        """Asks it, and what it started, to end."""
        if self._child is not None and not self._ended.is_set():
            try:
                os.killpg(self._child.process.pid, signal.SIGTERM)
            except (ProcessLookupError, PermissionError):  # it ends just now; or it is another user's
                pass

    async def _wait_for_end(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            pass

    # -- from the loop --------------------------------------------------------------------------

    def _read_stdout(self) -> None:
        assert self._child is not None
        for _ in range(_READS_PER_TURN):
            try:
                data = os.read(self._child.stdout, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                loop = asyncio.get_running_loop()
                loop.remove_reader(self._child.stdout)
                self._take(self._decoder.finish())
                # Most often it is about to end, and how it ends says more.
                self._end_timer = loop.call_later(END_GRACE_S, self._kill, "it closed its output")
                return
            self._take(self._decoder.feed(data))
            if self._is_over:
                return

    def _read_stderr(self) -> None:
        assert self._child is not None
        for _ in range(_READS_PER_TURN):
            try:
                data = os.read(self._child.stderr, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                asyncio.get_running_loop().remove_reader(self._child.stderr)
                return
            self._keep_stderr(data)

    def _write(self) -> None:
        assert self._child is not None
        stdin = self._child.stdin
        if stdin is None:
            return
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                written = os.write(stdin, bytes(self._unsent[:_READ_BYTES]))
                del self._unsent[:written]
        except BlockingIOError:
            if not self._is_writing:
                self._is_writing = True
                loop.add_writer(stdin, self._write)
            return
        except OSError:  # it closed its input; its end tells the rest
            self._unsent.clear()
        if self._is_writing:
            self._is_writing = False
            loop.remove_writer(stdin)

    def _on_end(self) -> None:
        """The program has ended: what it still said counts."""
        child = self._child
        assert child is not None
        self._ended.set()
        if not self._is_over:
            for data in _rest_of(child.stdout):
                self._take(self._decoder.feed(data))
            self._take(self._decoder.finish())
        child.kill_all()  # what it left behind; must come before its process id is free again
        child.reap()
        child.close()
        self._finish(_describe_end(child.returncode))

    def _kill(self, why: str) -> None:
        """Kills what is left of it. That it has ended is learned from the loop."""
        if self._child is not None and not self._ended.is_set():
            self._child.kill_all()
        self._finish(why)

    # -------------------------------------------------------------------------------------------

    def _take(self, lines: Sequence[Line]) -> None:
        receiver = self._receiver
        assert receiver is not None
        for line in lines:
            match line:
                case Frame(message):
                    receiver.receive(message)
                case Unreadable(request_id, has_method=False, problem=problem):
                    receiver.fail(request_id, UnreadableAnswer(f"its answer cannot be read: {problem}"))
                case Unreadable(problem=problem):
                    _logger.debug("MCP server %s asked what cannot be read: %s", self._name, problem)
                case Noise(text):
                    self._noise = text
                    _logger.debug("MCP server %s wrote what is no message: %s", self._name, _one_line(text))

    def _keep_stderr(self, data: bytes) -> None:
        self._stderr += data
        del self._stderr[:-KEPT_STDERR_BYTES]
        if not _logger.isEnabledFor(logging.DEBUG):
            return
        self._stderr_row += data
        *rows, rest = bytes(self._stderr_row).split(b"\n")
        self._stderr_row = bytearray(rest[-KEPT_STDERR_BYTES:])
        for row in rows:
            _logger.debug("MCP server %s: %s", self._name, _one_line(row.decode("utf-8", "replace")))

    def _stderr_tail(self) -> str:
        text = self._stderr.decode("utf-8", "replace")
        rows = [row for row in (_one_line(each) for each in text.splitlines()) if row]
        tail = " | ".join(rows[-SHOWN_STDERR_LINES:])
        return tail if len(tail) <= SHOWN_STDERR_CHARACTERS else "…" + tail[-SHOWN_STDERR_CHARACTERS:]

    def _close_input(self) -> None:
        child = self._child
        assert child is not None
        stdin = child.stdin
        if stdin is None:
            return
        asyncio.get_running_loop().remove_writer(stdin)
        child.pipes.stdin = None
        os.close(stdin)

    def _finish(self, why: str) -> None:
        """Ends everything once: the processes, the pipes, and whoever waits for an answer."""
        if self._is_over:
            return
        self._is_over = True
        if self._end_timer is not None:
            self._end_timer.cancel()
        child, loop = self._child, asyncio.get_running_loop()
        assert child is not None
        loop.remove_reader(child.stdout)
        loop.remove_reader(child.stderr)
        for data in _rest_of(child.stderr):
            self._keep_stderr(data)
        self._close_input()
        child.pipes.close_ours()
        if self._receiver is not None:
            self._receiver.close(self.explain(why))


def _rest_of(fd: int) -> list[bytes]:
    """What lies in a pipe already; who writes on is not waited for."""
    found: list[bytes] = []
    try:
        while len(found) < _LAST_READS and (data := os.read(fd, _READ_BYTES)):
            found.append(data)
    except OSError:
        pass
    return found


def _describe_end(status: int | None) -> str:
    if status is None:
        return "it ended"
    if status < 0:
        return f"a signal ended it ({_signal_name(-status)})"
    return f"it ended with exit code {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _one_line(text: str) -> str:
    return " ".join(safe_text(text).split())


def _nothing() -> None:
    pass
