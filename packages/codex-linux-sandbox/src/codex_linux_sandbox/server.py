"""The command server: `codex-linux-sandbox --serve FD` starts commands without a new interpreter for each.

It runs one command at a time, which comes with its descriptors over the socket the server was started with.
A process it has forked ahead, and that has confined itself ahead where it is known how, takes the request and
becomes the command. What confines is the code of a helper started for one command. The server adopts whatever
the command leaves behind, reports its end, and ends all of it when it is told to, or when the other end is
closed, as it is when the agent dies.

The first request decides what the server is for. If it is one with a policy, the server makes that ready, in
namespaces if it asks for them, and is there for commands of the same policy only (`Enclosure`). A request for
anything else ends it, and so does a change of what the policy is about on disk.

Nothing here obeys the environment of a command: that is handed to exec and looked at by nobody else.
"""

from __future__ import annotations

import gc
import os
import select
import sys
from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    SCM_RIGHTS,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
    socketpair,
)

from . import launch, libc
from .request import (
    ACCEPTED,
    ANSWER,
    END_OF_OPTIONS,
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

    from .enclosure import Enclosure

    class RunHelper(Protocol):
        def __call__(self, arguments: list[str], environment: dict[bytes, bytes]) -> NoReturn: ...

    class RunEnclosed(Protocol):
        def __call__(
            self,
            enclosure: Enclosure,
            command: list[bytes],
            environment: dict[bytes, bytes],
            *,
            is_confined: bool,
        ) -> NoReturn: ...

    class MakeEnclosure(Protocol):
        def __call__(self, arguments: list[str], environment: dict[bytes, bytes]) -> Enclosure | None: ...


_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9
_DESCRIPTORS = 3
_INT_BYTES = 4
_TAKEN = b"+"  # a process says to the server that it has a request, and what places to hold
_MAX_MESSAGE_BYTES = 1 << 17
_BROKEN = 70  # the process before the command failed in a way nobody foresaw


def serve(
    descriptor: int, run_helper: RunHelper, run_enclosed: RunEnclosed, make_enclosure: MakeEnclosure
) -> NoReturn:
    """Serves until the other end of the socket `descriptor` is closed; then nothing it started is left."""
    channel = socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    os.close(os.pidfd_open(os.getpid()))  # where this is refused, better now than with a command running
    gc.disable()  # its passes write to every object, and so copy the memory that forked processes share
    first = _receive(channel)
    if first is None:
        os._exit(0)
    _Server(channel, run_helper, run_enclosed, make_enclosure, first).serve(first)


class _Server:
    """The server from its first request on, which is in the namespaces that one asks for."""

    def __init__(
        self,
        channel: socket,
        run_helper: RunHelper,
        run_enclosed: RunEnclosed,
        make_enclosure: MakeEnclosure,
        first: _Arrived,
    ) -> None:
        self._channel = channel
        self._run_helper = run_helper
        self._run_enclosed = run_enclosed
        self._purpose = first.request.purpose
        self._enclosure: Enclosure | None = None
        if self._purpose is not None:
            self._enclose(first, make_enclosure)

    def _enclose(self, first: _Arrived, make_enclosure: MakeEnclosure) -> None:
        """Makes the policy of the first request ready, and goes on in its namespaces. Where that is not
        possible nothing changes, and the process of each command finds out again and says why."""
        from .errors import ConfinementError

        words = [os.fsdecode(word) for word in first.request.words]
        try:
            self._enclosure = make_enclosure(words, first.request.environment)
        except (ConfinementError, OSError, SystemExit):
            return
        if self._enclosure is not None and self._enclosure.process != 0:
            # The one inside serves. It has to be alone with the channel and the descriptors of the command.
            self._channel.close()
            first.close()
            self._enclosure.outlast()
            os._exit(0)

    def serve(self, arrived: _Arrived | None) -> NoReturn:
        while (command := self._take_request(arrived)) is not None:
            arrived = None
            if not _watch(command, self._channel, self._life, self._clear):
                break
            if self._enclosure is not None:
                self._enclosure.renew()
        end_descendants()
        self._clear()
        os._exit(0)

    @property
    def _life(self) -> int | None:
        """What ends with the process outside; None where there is none."""
        return None if self._enclosure is None else self._enclosure.life

    def _clear(self) -> None:
        """Takes away what was made for the command that has ended."""
        if self._enclosure is not None:
            self._enclosure.release()

    def _take_request(self, arrived: _Arrived | None) -> int | None:
        """The process of the next command; None when there will be none.

        It is forked ahead, unless the request has `arrived`, and reads the request itself: when one comes,
        nothing has to be forked any more.
        """
        server = os.getpid()
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        process = os.fork()
        if process == 0:
            ours.close()
            _guarded(lambda: self._await_request(theirs, server, arrived))
        theirs.close()
        if arrived is not None:
            arrived.close()
        try:
            # Whoever waits outside for our end tidies up if we are killed. Without it there is nobody.
            if self._life is not None and self._life in _wait_for(ours.fileno(), self._life):
                return None
            taken = ours.recv(_MAX_MESSAGE_BYTES)
            if not taken:
                return None
            if self._enclosure is not None and len(taken) > len(_TAKEN):
                # It is confined already and could not do this itself.
                self._enclosure.hold(os.fsdecode(taken[len(_TAKEN) :]).split("\0"))
                ours.send(_TAKEN)
        except OSError:
            return None
        finally:
            ours.close()
        return process

    def _await_request(self, server_end: socket, server: int, arrived: _Arrived | None) -> None:
        libc.prctl(libc.PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != server:
            os._exit(_BROKEN)
        enclosure = self._enclosure
        is_confined = False
        if arrived is None:
            if enclosure is not None:
                enclosure.confine()
                is_confined = True
                if not enclosure.wait_for(self._channel.fileno()):
                    os._exit(_BROKEN)
            arrived = _receive(self._channel)
            if arrived is None:
                os._exit(_BROKEN)
        vacant: list[str] = []
        if enclosure is not None:
            found = enclosure.vacant() if arrived.request.purpose == self._purpose else None
            if found is None:
                os._exit(_BROKEN)
            vacant = found
        server_end.send(_TAKEN + os.fsencode("\0".join(vacant)))
        if vacant and server_end.recv(len(_TAKEN)) != _TAKEN:
            os._exit(_BROKEN)
        server_end.close()
        if not _tell(self._channel, ACCEPTED, VERSION):
            os._exit(_BROKEN)
        self._become(arrived, is_confined=is_confined)

    def _become(self, arrived: _Arrived, *, is_confined: bool) -> None:
        request = arrived.request
        os.setsid()
        for number, stream in enumerate(arrived.streams):
            os.dup2(stream, number)
        try:
            os.chdir(request.cwd)
        except OSError as error:
            _fail(self._channel, error)
        if request.kind != HELPER:
            _fail(self._channel, launch.execute(request.words, request.environment, keep_descriptors=True))
        self._channel.close()
        try:
            if self._enclosure is not None:
                command = request.words[request.words.index(END_OF_OPTIONS) + 1 :]
                self._run_enclosed(self._enclosure, command, request.environment, is_confined=is_confined)
            self._run_helper([os.fsdecode(word) for word in request.words], request.environment)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else 0)


class _Arrived:
    """A request and the descriptors that came with it."""

    __slots__ = ("request", "streams")

    def __init__(self, request: Request, streams: list[int]) -> None:
        self.request = request
        self.streams = streams

    def close(self) -> None:
        for descriptor in self.streams:
            os.close(descriptor)


def _guarded(act: Callable[[], object]) -> NoReturn:
    """Ends this forked process after `act`, whatever happens: it must not go on as the server."""
    try:
        act()
    finally:
        os._exit(_BROKEN)


def _receive(channel: socket) -> _Arrived | None:
    """The next request; None when there will be none, or when it is none."""
    streams = _next_request(channel)
    body = _read_request(channel)
    if body is None or streams is None or len(streams) != _DESCRIPTORS:
        return None
    try:
        return _Arrived(decode(body), streams)
    except ValueError:
        return None


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
        if data == REQUEST:
            return _descriptors_in(ancillary)
        # Else it is to end something that has ended meanwhile.


def _descriptors_in(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
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


def _wait_for(*descriptors: int) -> list[int]:
    """Waits until there is something to read in any of them, or its end; those where there is."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [number for number, _ in poll.poll()]


def _watch(command: int, channel: socket, life: int | None, clear: Callable[[], None]) -> bool:
    """Tells when the command has ended and when nothing is left of it; False when nobody listens.

    When `life` ends, that is as if the other end of the channel did.

    `clear` is called when nothing is left, before that is told.
    """
    end = os.pidfd_open(command)
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.register(channel.fileno(), select.POLLIN)
    if life is not None:
        poll.register(life, select.POLLIN)
    status: int | None = None
    while True:
        ready = [number for number, _ in poll.poll()]
        if end in ready:
            poll.unregister(end)
            os.close(end)
            end = -1
            status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
            if not _has_children():
                clear()
                return _tell(channel, FINISHED, status)
            _tell(channel, ENDED, status)
        if life in ready or channel.fileno() in ready:
            break
    if end >= 0:
        os.close(end)
    is_wanted = life not in ready and _read_exactly(channel, 1) is not None
    killed = end_descendants(command)
    clear()
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


def _fail(channel: socket, error: OSError) -> NoReturn:
    _tell(channel, FAILED, error.errno or 0)
    os._exit(launch.NOT_FOUND)
