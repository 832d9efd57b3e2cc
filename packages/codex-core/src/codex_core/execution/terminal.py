"""One program on a terminal of its own: it is started there, read, written to, resized, and ended.

The program leads a session whose controlling terminal is a new pseudo-terminal; a keeper process
(`terminal_keeper.py`) stands between it and us. Everything here is callbacks of the loop: no thread, and
nothing a program does, or does not do, holds up another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, NamedTuple

from codex_core.execution.spawn import ExitWatch, SpawnFailed, describe_os_error, to_bytes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

DRAIN_SECONDS = 2.0
"""How long to wait, after the end of the program, for what still holds its terminal (spec: agent.md D13)."""

START_SECONDS = 10.0
END_SECONDS = 5.0
"""How long the keeper may take to start the program, and to end what is left of it."""

BURST_BYTES = 1024 * 1024
REST_SECONDS = 0.02
"""After each burst of output reading rests, so that endless output leaves time for everything else."""

_READ_BYTES = 65_536
_READS_PER_TURN = 16
_LATE_READS = 64
_KEEPER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminal_keeper.py")


class Size(NamedTuple):
    """Of a terminal, in characters."""

    rows: int
    columns: int


DEFAULT_SIZE = Size(24, 80)
"""Spec: agent.md section 23."""


class Terminal:
    """A program on a terminal; made by `start_terminal`."""

    def __init__(
        self,
        keeper: subprocess.Popen[bytes],
        channel: socket.socket,
        master: int,
        slave: int,
        on_output: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._keeper = keeper
        self._channel: socket.socket | None = channel
        self._master = master
        # As long as we have it open too, the terminal is not hung up when the program closes it for a while.
        self._slave = slave
        self._on_output = on_output
        self._on_end = on_end
        self._unread_answer = b""
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._status: int | None = None
        self._pid: int | None = None
        self._is_reading = False
        self._is_paused = False
        self._burst = 0
        self._rest_timer: asyncio.TimerHandle | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self.typed = 0
        self._writable = asyncio.Event()
        self._ended = asyncio.Event()
        self._gone = asyncio.Event()
        self._exit_watch = ExitWatch(keeper, self._loop, self._on_keeper_end)
        self._loop.add_reader(channel, self._read_answers)

    @property
    def pid(self) -> int | None:
        """The process id of the program (of the helper that confines it, where there is one)."""
        return self._pid

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None while the program runs."""
        return self._status

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended and its output is complete."""
        return self._ended.is_set()

    async def wait_ended(self) -> None:
        """Waits until `has_ended`."""
        await self._ended.wait()

    async def wait_gone(self) -> None:
        """Waits until nothing is left of the program, which has ended or was killed, and of its keeper."""
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            self._keeper.kill()  # the kernel kills the program with it
            await self._gone.wait()

    def kill(self) -> None:
        """Ends the program and everything that came of it, without waiting for it.

        Its terminal is gone at once; it is asked to end, and killed a moment later.
        """
        if self._status is None:
            self._status = -signal.SIGKILL
        self._finish()

    def pause(self) -> None:
        """Stops reading: the program waits when it has printed more than a terminal holds."""
        self._is_paused = True
        self._stop_reading()

    def resume(self) -> None:
        """Reads on."""
        self._is_paused = False
        self._read_on()

    def resize(self, size: Size) -> None:
        """Gives the terminal another size, which its foreground programs are told by SIGWINCH."""
        if self._master >= 0:
            _set_size(self._master, size)

    async def write(self, data: bytes) -> None:
        """Types `data`, until the terminal has taken all of it or the program has ended.

        Waits while the program does not read what was typed before. `typed` says how many bytes the terminal
        took, also when the wait was cancelled. One at a time.
        """
        self.typed = 0
        while self.typed < len(data) and self._master >= 0 and not self.has_ended:
            try:
                self.typed += os.write(self._master, data[self.typed : self.typed + _READ_BYTES])
            except BlockingIOError:
                await self._wait_writable()
            except OSError:  # hung up
                break

    async def hand_over(self, request: bytes) -> None:
        """Has the keeper start the program. Raises: SpawnFailed."""
        assert self._channel is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._loop.sock_sendall(self._channel, request)
                await self._started
        except TimeoutError:
            raise SpawnFailed(
                f"the terminal's keeper did not answer within {START_SECONDS:g} seconds"
            ) from None
        except OSError as error:
            raise SpawnFailed(describe_os_error(error)) from error
        self._read_on()

    # -- the keeper -------------------------------------------------------------------------------

    def _read_answers(self) -> None:
        from codex_core.execution.terminal_keeper import ANSWER

        assert self._channel is not None
        try:
            data = self._channel.recv(64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._on_keeper_lost()
            return
        self._unread_answer += data
        while len(self._unread_answer) >= ANSWER.size:
            letter, number = ANSWER.unpack_from(self._unread_answer)
            self._unread_answer = self._unread_answer[ANSWER.size :]
            self._take_answer(letter, number)

    def _take_answer(self, letter: bytes, number: int) -> None:
        from codex_core.execution import terminal_keeper

        if letter == terminal_keeper.STARTED:
            self._pid = number
            if not self._started.done():
                self._started.set_result(None)
        elif letter == terminal_keeper.FAILED:
            if not self._started.done():
                reason = describe_os_error(OSError(number, os.strerror(number)))
                self._started.set_exception(SpawnFailed(reason))
        elif letter == terminal_keeper.ENDED and self._status is None:
            self._take_end(number)

    def _take_end(self, status: int) -> None:
        """The program has ended. What it printed is still to be read, until nobody has its terminal open."""
        self._status = status
        self._close_slave()
        self._drain_timer = self._loop.call_later(DRAIN_SECONDS, self._give_up)

    def _on_keeper_lost(self) -> None:
        """The keeper was killed, and the program with it."""
        assert self._channel is not None
        if not self._started.done():  # `start_terminal` cleans up
            self._loop.remove_reader(self._channel)
            self._started.set_exception(
                SpawnFailed("the terminal's keeper ended before it started the program")
            )
            return
        if self._status is None:
            self._status = -signal.SIGKILL
        self._give_up()

    def _on_keeper_end(self) -> None:
        self._keeper.wait()
        self._gone.set()

    # -- output -----------------------------------------------------------------------------------

    def _read_on(self) -> None:
        is_held = self._is_paused or self._rest_timer is not None
        if not (self._is_reading or is_held or self._master < 0):
            self._is_reading = True
            self._loop.add_reader(self._master, self._read)

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._master)

    def _read(self) -> None:
        for _ in range(_READS_PER_TURN):
            data = self._read_once()
            if data is None or not self._is_reading:
                return
            if not data:
                self._stop_reading()
                if self._status is None:  # cannot be while we have the terminal open, but must not spin
                    self._rest()
                else:
                    self._finish()
                return
            if self._burst >= BURST_BYTES:
                self._rest()
                return

    def _rest(self) -> None:
        self._burst = 0
        self._stop_reading()
        self._rest_timer = self._loop.call_later(REST_SECONDS, self._end_rest)

    def _end_rest(self) -> None:
        self._rest_timer = None
        self._read_on()

    def _read_once(self) -> bytes | None:
        """What there is to read, handed on; b"" when the terminal is hung up; None when there is nothing."""
        try:
            data = os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody has it open any more
            return b""
        if data:
            self._burst += len(data)
            self._on_output(data)
        return data

    def _give_up(self) -> None:
        """Takes what the terminal still holds; who prints on is not waited for."""
        if self._master >= 0:
            for _ in range(_LATE_READS):
                if not self._read_once():
                    break
        self._finish()

    async def _wait_writable(self) -> None:
        """Waits until the terminal takes more, or is closed."""
        self._writable.clear()
        self._loop.add_writer(self._master, self._writable.set)
        try:
            await self._writable.wait()
        finally:
            if self._master >= 0:
                self._loop.remove_writer(self._master)

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Closes everything; the keeper sees it and ends what is left."""
        for timer in (self._rest_timer, self._drain_timer):
            if timer is not None:
                timer.cancel()
        self._stop_reading()
        self._close_slave()
        if self._master >= 0:
            self._loop.remove_writer(self._master)
            os.close(self._master)
            self._master = -1
        if self._channel is not None:
            self._loop.remove_reader(self._channel)
            self._channel.close()
            self._channel = None
        if not self._started.cancel() and not self._started.cancelled():
            self._started.exception()  # or asyncio says that nobody asked
        self._writable.set()
        if not self._ended.is_set():
            self._ended.set()
            self._on_end()

    def _close_slave(self) -> None:
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1


async def start_terminal(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    on_output: Callable[[bytes], None],
    on_end: Callable[[], None] = lambda: None,
    size: Size = DEFAULT_SIZE,
) -> Terminal:
    """Starts `argv` with exactly `env` on a new terminal; the program is looked up in the PATH of `env`.

    `on_output` is called with what is printed, as it is read, `on_end` when the program has ended and its
    output is complete.

    Raises:
        SpawnFailed: when there is no such program or directory, or the system refuses.
    """
    from codex_core.execution.terminal_keeper import encode

    words, directory, environment = _checked(argv, cwd, env)
    try:
        terminal = _start_keeper(size, on_output, on_end)
    except OSError as error:
        raise SpawnFailed(describe_os_error(error)) from error
    try:
        await terminal.hand_over(encode(words, directory, environment))
    except BaseException:
        terminal.kill()
        await terminal.wait_gone()
        raise
    return terminal


def _checked(
    argv: Sequence[str], cwd: str, env: Mapping[str, str]
) -> tuple[list[bytes], bytes, dict[bytes, bytes]]:
    if not argv:
        raise SpawnFailed("command args are empty")
    try:
        words = [to_bytes(word) for word in argv]
        directory = to_bytes(cwd)
        environment = {to_bytes(name): to_bytes(value) for name, value in env.items() if name}
    except ValueError as error:  # half a surrogate pair
        raise SpawnFailed(str(error)) from error
    if any(b"\0" in text for text in (*words, directory, *environment, *environment.values())):
        raise SpawnFailed("embedded null byte")
    if any(b"=" in name for name in environment):
        raise SpawnFailed("illegal environment variable name")
    return words, directory, environment


def _start_keeper(size: Size, on_output: Callable[[bytes], None], on_end: Callable[[], None]) -> Terminal:
    import subprocess

    with contextlib.ExitStack() as stack:
        master, slave = os.openpty()
        for descriptor in (master, slave):
            stack.callback(os.close, descriptor)
        os.set_blocking(master, False)
        _set_size(master, size)
        ours, theirs = socket.socketpair()
        stack.callback(ours.close)
        ours.setblocking(False)
        with theirs:
            command = [sys.executable, "-IS", _KEEPER, str(theirs.fileno()), str(slave), *_packages()]
            keeper = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), slave],
                cwd="/",
                env={},  # what is meant for the program may not change what watches over it
                start_new_session=True,
            )
        stack.pop_all()
    return Terminal(keeper, ours, master, slave, on_output, on_end)


def _packages() -> list[str]:
    """Where the keeper finds what ends processes that left their session."""
    if sys.platform != "linux":
        return []
    try:
        import codex_linux_sandbox
    except ImportError:
        return []
    return [os.path.dirname(os.path.dirname(os.path.abspath(codex_linux_sandbox.__file__)))]


def _set_size(descriptor: int, size: Size) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))
