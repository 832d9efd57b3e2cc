"""The command server: `codex-linux-sandbox --serve FD` starts commands without a new interpreter for each.

It runs one command at a time, which comes with its descriptors over the socket the server was started with.
A process it has forked ahead takes the request, confines itself and becomes the command, by the same code as
a helper that was started for this one command. The server adopts whatever the command leaves behind, reports
its end, and ends all of it when it is told to, or when the other end is closed, as it is when the agent dies.

Nothing here obeys the environment of a command: that is handed to exec and looked at by nobody else.
"""

from __future__ import annotations

import gc
import os
import select
import sys
from _socket import (
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    SCM_RIGHTS,
    SOL_SOCKET,
    socket,
)

from . import launch, libc
from .request import (
    ACCEPTED,
    ANSWER,
    ENDED,
    FAILED,
    FINISHED,
    HELPER,
    LENGTH,
    REQUEST,
    VERSION,
    Request,
    decode,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, Protocol

    from .seccomp import Programs

    class RunHelper(Protocol):
        def __call__(
            self, arguments: list[str], environment: dict[bytes, bytes], programs: Programs
        ) -> NoReturn: ...


_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9
_DESCRIPTORS = 3
_INT_BYTES = 4
_BROKEN = 70  # the process before the command failed in a way nobody foresaw


def serve(descriptor: int, run_helper: RunHelper) -> NoReturn:
    """Serves until the other end of the socket `descriptor` is closed; then nothing it started is left."""
    from .seccomp import Programs

    channel = socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    os.close(os.pidfd_open(os.getpid()))  # where this is refused, better now than with a command running
    gc.disable()  # its passes write to every object, and so copy the memory that forked processes share
    programs = Programs()
    is_prepared = False
    while (command := _take_request(channel, run_helper, programs)) is not None:
        if not _watch(command, channel):
            break
        if not is_prepared:  # after the first command, so that it did not have to wait
            is_prepared = True
            _load_what_confines()
            programs.prepare()
    end_descendants()
    os._exit(0)


def _take_request(channel: socket, run_helper: RunHelper, programs: Programs) -> int | None:
    """The process of the next command; None when there will be none.

    It is forked ahead, and reads the request itself: when one comes, nothing has to be forked any more.
    """
    server = os.getpid()
    read_end, write_end = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read_end)
        _guarded(lambda: _await_request(channel, write_end, server, run_helper, programs))
    os.close(write_end)
    is_taken = os.read(read_end, 1)
    os.close(read_end)
    return process if is_taken else None


def _await_request(
    channel: socket, taken: int, server: int, run_helper: RunHelper, programs: Programs
) -> None:
    libc.prctl(libc.PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != server:
        os._exit(_BROKEN)
    streams = _next_request(channel)
    body = _read_request(channel)
    if body is None or streams is None or len(streams) != _DESCRIPTORS:
        os._exit(_BROKEN)
    request = decode(body)
    if not _tell(channel, ACCEPTED, VERSION):
        os._exit(_BROKEN)
    os.write(taken, b"+")
    os.close(taken)
    _become(request, streams, channel, run_helper, programs)


def _load_what_confines() -> None:
    """Imports once what every confined child would have to."""
    from . import confinement, errors, landlock, policy, policy_json, privileges  # noqa: F401


def _guarded(act: Callable[[], object]) -> NoReturn:
    """Ends this forked process after `act`, whatever happens: it must not go on as the server."""
    try:
        act()
    finally:
        os._exit(_BROKEN)


def _next_request(channel: socket) -> list[int] | None:
    """The descriptors that come with the next request; None when there will be none."""
    room = CMSG_SPACE(_DESCRIPTORS * _INT_BYTES)
    while True:
        try:
            data, ancillary, _, _ = channel.recvmsg(1, room, MSG_CMSG_CLOEXEC)
        except OSError:
            return None
        if not data:
            return None
        if data != REQUEST:
            continue  # to end something that has ended meanwhile
        numbers: list[int] = []
        for level, kind, content in ancillary:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                whole = len(content) // _INT_BYTES * _INT_BYTES
                numbers += memoryview(content)[:whole].cast("i").tolist()
        return numbers


def _read_request(channel: socket) -> bytes | None:
    header = _read_exactly(channel, LENGTH.size)
    return None if header is None else _read_exactly(channel, LENGTH.unpack(header)[0])


def _read_exactly(channel: socket, size: int) -> bytes | None:
    content = bytearray()
    while len(content) < size:
        try:
            part = channel.recv(size - len(content))
        except ConnectionResetError:
            return None
        if not part:
            return None
        content += part
    return bytes(content)


def _watch(command: int, channel: socket) -> bool:
    """Tells when the command has ended and when nothing is left of it; False when nobody listens."""
    end = os.pidfd_open(command)
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.register(channel.fileno(), select.POLLIN)
    status: int | None = None
    while True:
        ready = [number for number, _ in poll.poll()]
        if end in ready:
            poll.unregister(end)
            os.close(end)
            end = -1
            status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
            if not _has_children():
                return _tell(channel, FINISHED, status)
            _tell(channel, ENDED, status)
        if channel.fileno() in ready:
            break
    if end >= 0:
        os.close(end)
    is_wanted = _read_exactly(channel, 1) is not None
    killed = end_descendants(command)
    return _tell(channel, FINISHED, killed if status is None else status) and is_wanted


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _tell(channel: socket, letter: bytes, number: int) -> bool:
    """Sends an answer; False when there is nobody to read it."""
    try:
        channel.sendall(ANSWER.pack(letter, number))
    except OSError:
        return False
    return True


def end_descendants(command: int | None = None) -> int:
    """Kills and reaps every child, and what those leave behind; how `command` ended, if it is among them.

    A process cannot get out of this: when its parent ends, it becomes a child of this process.
    """
    status = -_SIGKILL
    while True:
        known = children()
        for pid in known or ():
            _kill(pid, group=command)
        try:
            pid, wait_status = os.waitpid(-1, os.WNOHANG if known is None else 0)
        except ChildProcessError:
            return status
        if pid == command:
            status = os.waitstatus_to_exitcode(wait_status)
        if known is None and pid == 0:
            return status


def _kill(child: int, *, group: int | None) -> None:
    try:
        # All of the group at once: who is being killed cannot fork; killed one by one, they could.
        # The number is the group's as long as we have a child in it that we did not reap.
        if group is not None and os.getpgid(child) == group:
            os.killpg(group, _SIGKILL)
        else:
            os.kill(child, _SIGKILL)
    except OSError:
        pass  # of another user: waited for as long as it likes


def children() -> list[int] | None:
    """The process ids of the children of this process, zombies included; None when they cannot be known."""
    own = os.getpid()
    try:
        return [int(word) for word in _read(f"/proc/self/task/{own}/children").split()]
    except OSError:
        pass  # a kernel built without this file
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    return [int(name) for name in names if name.isdigit() and _parent_of(name) == own]


def _read(path: str) -> bytes:
    """As `open` does it, without the import of a text encoding in every process."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = b""
        while part := os.read(descriptor, 65536):
            content += part
        return content
    finally:
        os.close(descriptor)


def _parent_of(pid: str) -> int | None:
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


# --- the process that becomes the command ------------------------------------------------------------


def _become(
    request: Request,
    streams: list[int],
    channel: socket,
    run_helper: RunHelper,
    programs: Programs,
) -> None:
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    try:
        os.chdir(request.cwd)
    except OSError as error:
        _fail(channel, error)
    if request.kind != HELPER:
        _fail(channel, launch.execute(request.words, request.environment, keep_descriptors=True))
    channel.close()
    try:
        run_helper([os.fsdecode(word) for word in request.words], request.environment, programs)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 0)


def _fail(channel: socket, error: OSError) -> NoReturn:
    _tell(channel, FAILED, error.errno or 0)
    os._exit(launch.NOT_FOUND)
