"""The process between us and a program on a terminal: starts it, tells how it ended, leaves nothing of it.

Run by its path as `python -IS terminal_keeper.py CHANNEL TERMINAL [PACKAGES]`: two descriptors, and the
directory of `codex_linux_sandbox`. It adopts what the program leaves behind, so that a process which left
the terminal's session is ended with the rest, and ends all of it when the other end of CHANNEL is closed, as
it is when the agent dies, however that happens.
"""

from __future__ import annotations

import os
import select
import struct
import sys
import time

# The core of `signal`, without the enums that take 9 ms to import. Type stubs do not list it.
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGKILL,
    SIGPIPE,
    SIGTERM,
    SIGXFSZ,
    set_wakeup_fd,
    signal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

HEADER = struct.Struct("!II")
"""Length of what follows, and number of the words of the command line in it."""

ANSWER = struct.Struct("!ci")
STARTED = b"S"  # the program runs; the number is its process id
FAILED = b"F"  # it could not be started; the number is the system's error
ENDED = b"E"  # it has ended; the number is its exit code, or the signal as a negative number

GRACE_SECONDS = 0.15
"""How long a program that still runs has after each of the two signals that ask it to end."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_NOT_STARTED = 127


def encode(words: list[bytes], cwd: bytes, environment: dict[bytes, bytes]) -> bytes:
    """What the keeper is to start. No part may hold a NUL character."""
    body = b"\0".join([cwd, *words, *(name + b"=" + value for name, value in environment.items())])
    return HEADER.pack(len(body), len(words)) + body


def _main() -> NoReturn:
    channel, terminal = int(sys.argv[1]), int(sys.argv[2])
    for descriptor in (channel, terminal):
        os.set_inheritable(descriptor, False)
    sys.path += sys.argv[3:]
    _system_call(_PR_SET_CHILD_SUBREAPER, 1)
    woken, waker = os.pipe()
    for descriptor in (woken, waker):
        os.set_blocking(descriptor, False)
    set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal(SIGCHLD, lambda *_: None)
    length, count = HEADER.unpack(_read_exactly(channel, HEADER.size))
    command = _start(_read_exactly(channel, length).split(b"\0"), count, terminal, channel)
    os.close(terminal)
    _tell(channel, STARTED, command)
    is_running = True
    while channel not in select.select([channel, woken], [], [])[0]:
        os.read(woken, 4096)
        is_running = not _reap(command, channel) and is_running
    if is_running:
        _ask_to_end(command, channel, woken)
    _end_all(command)
    os._exit(0)


def _start(parts: list[bytes], count: int, terminal: int, channel: int) -> int:
    """The process id of the program, which runs; does not return if it does not."""
    cwd, words, entries = parts[0], parts[1 : 1 + count], parts[1 + count :]
    environment = dict(entry.split(b"=", 1) for entry in entries)
    failure_end, failed_end = os.pipe()
    keeper = os.getpid()
    command = os.fork()
    if command == 0:
        number = 0
        try:
            _become(words, cwd, environment, terminal, keeper)
        except OSError as error:
            number = error.errno or 0
        finally:
            os.write(failed_end, struct.pack("!i", number))
            os._exit(_NOT_STARTED)
    os.close(failed_end)
    failure = os.read(failure_end, 4)
    os.close(failure_end)
    if failure:
        os.waitpid(command, 0)
        _tell(channel, FAILED, struct.unpack("!i", failure)[0])
        os._exit(_NOT_STARTED)
    return command


def _become(
    words: list[bytes], cwd: bytes, environment: dict[bytes, bytes], terminal: int, keeper: int
) -> None:
    import fcntl
    import termios

    _system_call(_PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != keeper:
        os._exit(_NOT_STARTED)
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    for number in (SIGPIPE, SIGXFSZ):  # CPython ignores both, and exec hands that on
        signal(number, SIG_DFL)
    os.chdir(cwd)
    os.execvpe(words[0], words, environment)


def _reap(command: int, channel: int) -> bool:
    """Frees every child that has ended; whether the program was among them, which is then told."""
    has_ended = False
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return has_ended
        if pid == 0:
            return has_ended
        if pid == command:
            has_ended = True
            _tell(channel, ENDED, os.waitstatus_to_exitcode(status))


def _ask_to_end(command: int, channel: int, woken: int) -> None:
    """Gives the program a moment to end by itself, and the helper that confines it to clean up behind it."""
    for number in (SIGHUP, SIGTERM):
        try:
            os.kill(command, number)
            os.kill(command, SIGCONT)
        except OSError:  # it runs as another user
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := deadline - time.monotonic()) > 0 and select.select([woken], [], [], left)[0]:
            os.read(woken, 4096)
            if _reap(command, channel):
                return


def _end_all(command: int) -> None:
    """Kills the program and what came of it, and waits until it is gone."""
    try:
        from codex_linux_sandbox.server import end_descendants
    except ImportError:  # not on this system
        _end_group(command)
    else:
        end_descendants(command)


def _end_group(command: int) -> None:
    try:
        if os.getpgid(command) == command:
            os.killpg(command, SIGKILL)
        else:
            os.kill(command, SIGKILL)
    except OSError:
        pass  # it has ended; the terminal's hang-up tells the others
    try:
        os.waitpid(command, 0)
    except ChildProcessError:
        pass


def _system_call(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _read_exactly(channel: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = os.read(channel, size - len(content))
        if not part:
            os._exit(0)  # nobody waits any more
        content += part
    return bytes(content)


def _tell(channel: int, letter: bytes, number: int) -> None:
    try:
        os.write(channel, ANSWER.pack(letter, number))
    except OSError:
        pass  # nobody listens; the end of the channel is seen next


if __name__ == "__main__":
    _main()
