"""The namespace layer: the command in user, mount, process and IPC namespaces of its own.

Three processes: the one the caller started stays as it is, passes signals on and ends as the command ends.
Its child is the first process of the new process namespace: it arranges the mounts, adopts and reaps what the
command leaves behind, and takes everything down with it when it ends. Its child becomes the command.
Whichever of the first two is killed, the other one tidies up.
"""

from __future__ import annotations

import os
import select

from . import libc
from .protected import sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .protected import Placeholders

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
_CAP_SYS_ADMIN = 1 << 21

_SIGHUP, _SIGINT, _SIGQUIT, _SIGKILL, _SIGUSR1, _SIGUSR2, _SIGALRM, _SIGTERM, _SIGCHLD = (
    1,
    2,
    3,
    9,
    10,
    12,
    14,
    15,
    17,
)
_PASSED_ON = (_SIGHUP, _SIGINT, _SIGQUIT, _SIGUSR1, _SIGUSR2, _SIGALRM, _SIGTERM)
_FROM_KERNEL = 0x80  # si_code of what a terminal sends to the whole group, the command included

_READY = b"+"


class NamespacesError(RuntimeError):
    """The kernel, or a container around us, forbids what this layer needs. Nothing has changed."""


def enter(  # noqa: RET503
    writable: list[str], protected: list[str], placeholders: Placeholders, *, parent: int | None
) -> list[str]:
    """Goes on in new namespaces, as the process that is to become the command; the paths it may write.

    The places held are kept read-only like what is `protected`, and released when the command has ended. The
    process that called stays behind, waits, and never returns from here. It ends the command when `parent` is
    its parent no longer; None lets it outlive whoever started it.

    Raises: NamespacesError, in the process that called; everything is still held then.
    """
    old_mask = libc.change_signal_mask(libc.SIG_BLOCK, libc.signal_mask((*_PASSED_ON, _SIGCHLD)))
    try:
        child, identity, report, life = _clone_with_pipes()
    except (NamespacesError, OSError):
        libc.change_signal_mask(libc.SIG_SETMASK, old_mask)
        raise
    if child == 0:
        granted = _be_first_process(report, life, writable, protected, placeholders, identity)
        libc.change_signal_mask(libc.SIG_SETMASK, old_mask)
        return granted
    answer = _read_line(report)
    if not answer.startswith(_READY):
        os.waitpid(child, 0)
        os.close(report)
        os.close(life)
        libc.change_signal_mask(libc.SIG_SETMASK, old_mask)
        raise NamespacesError(_reason(answer))
    status = _supervise(child, int(answer[1:]), report, parent)
    placeholders.release()
    _end_as(status)


def settle(writable: list[str], protected: list[str], vacant: list[str]) -> tuple[int, int, list[str]]:
    """Makes a process in new namespaces that goes on from here, as the first process in them.

    There, 0, a descriptor that ends when the process that called does, and the paths that may be written are
    returned; in the process that called, the process id, which is to be given to `outlast`. The places
    `vacant` are to be covered before each command.

    Raises: NamespacesError, in the process that called.
    """
    child, identity, report, life = _clone_with_pipes()
    if child == 0:
        granted = _set_up(report, writable, protected, vacant, None, identity)
        os.write(report, _READY)
        os.close(report)
        return 0, life, granted
    answer = _read_line(report)
    os.close(report)
    if answer != _READY:
        os.waitpid(child, 0)
        os.close(life)
        raise NamespacesError(_reason(answer))
    return child, life, []


def outlast(process: int, vacant: list[str]) -> None:
    """Waits for the end of the process that `settle` made, and tidies up if it was killed."""
    os.waitpid(process, 0)  # when it is over, so is everything in its namespace
    sweep(vacant)


def _clone_with_pipes() -> tuple[int, tuple[int, int] | None, int, int]:
    """As `_clone`, with two pipes between both processes, of which each is given its end.

    Through the first the new process reports; the second ends there when the process that called does.
    """
    read_end, write_end = os.pipe()
    life, held_by_us = os.pipe()
    try:
        child, identity = _clone()
    except NamespacesError:
        for descriptor in (read_end, write_end, life, held_by_us):
            os.close(descriptor)
        raise
    theirs, ours = (write_end, life), (read_end, held_by_us)
    kept, left = (theirs, ours) if child == 0 else (ours, theirs)
    for descriptor in left:
        os.close(descriptor)
    return child, identity, *kept


def _clone() -> tuple[int, tuple[int, int] | None]:
    """As fork, with new namespaces; the second part is the user and group to be mapped, if there is need."""
    identity = None if libc.capabilities()[0] & _CAP_SYS_ADMIN else (os.geteuid(), os.getegid())
    flags = _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWPID | (0 if identity is None else _CLONE_NEWUSER)
    try:
        return libc.clone(flags), identity
    except OSError as error:
        raise NamespacesError(f"new namespaces are refused: {error.strerror}") from error


def _reason(report: bytes) -> str:
    return report.decode(errors="replace") or "the set-up ended without a word"


def _set_up(
    report: int,
    writable: list[str],
    protected: list[str],
    vacant: list[str],
    placeholders: Placeholders | None,
    identity: tuple[int, int] | None,
) -> list[str]:
    """Arranges the new namespaces; the paths that may be written. Ends this process where that fails."""
    from . import mounts

    try:
        if identity is not None:
            _map_identity(*identity)
        held = {} if placeholders is None else placeholders.held
        return mounts.arrange(writable, protected, vacant, held)
    except OSError as error:
        os.write(report, f"{error.strerror or error}\n".encode())
        os._exit(1)


def renew_ipc() -> None:
    """Leaves the System V objects that commands in here have made behind; only right for `settle`'s process.

    Raises: OSError.
    """
    libc.unshare(_CLONE_NEWIPC)


def _be_first_process(  # noqa: RET503 -- the last call does not return
    report: int,
    life: int,
    writable: list[str],
    protected: list[str],
    placeholders: Placeholders,
    identity: tuple[int, int] | None,
) -> list[str]:
    """Sets up the namespaces, starts the process that returns, and stays as the reaper of all others."""
    try:
        libc.prctl(libc.PR_SET_PDEATHSIG, _SIGTERM)  # blocked here: `_reap_until` takes it
        outer_proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        os.write(report, f"{error.strerror}\n".encode())
        os._exit(1)
    granted = _set_up(report, writable, protected, [], placeholders, identity)
    command = os.fork()
    if command == 0:
        # Our number as the waiting process knows it.
        number = os.readlink("self", dir_fd=outer_proc)
        os.close(outer_proc)
        os.close(life)
        os.write(report, _READY + number.encode() + b"\n")
        os.close(report)
        return granted
    os.close(outer_proc)
    os.setsid()  # who kills the command's whole session must not take with it what tidies up
    _let_go_of_standard_streams()
    _reap_until(command, report, life, placeholders)


def _map_identity(user: int, group: int) -> None:
    """Keeps the numbers of the user and the group; all others are unknown inside."""
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def _reap_until(command: int, report: int, life: int, placeholders: Placeholders) -> NoReturn:
    """Reaps until the command has ended or the process outside has; ends everything in here and tidies up."""
    mask = libc.signal_mask((_SIGTERM, _SIGCHLD))
    status: int | None = None
    while status is None and _goes_on(life):
        libc.wait_for_signal(mask)
        status = _reap(command)
    _end_all()
    _uncover(placeholders)
    placeholders.release()
    if status is not None:
        try:
            os.write(report, f"{status}\n".encode())
        except OSError:
            pass  # nobody is there to read it
    os._exit(0)


def _reap(command: int) -> int | None:
    """Reaps whatever has ended; the status of the command if it has."""
    status: int | None = None
    while True:
        try:
            pid, ended_as = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == command:
            status = ended_as


def _goes_on(life: int) -> bool:
    """Whether the process at the other end of this pipe, which never writes, is there."""
    poll = select.poll()
    poll.register(life, select.POLLIN)
    return not poll.poll(0)


def _end_all() -> None:
    """Kills and reaps every other process in this process namespace."""
    while True:
        try:
            os.kill(-1, _SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _uncover(placeholders: Placeholders) -> None:
    from . import mounts

    for path in placeholders.paths:
        try:
            mounts.uncover(path)
        except OSError:
            pass  # somebody has removed it outside, and with it what was mounted there


def _supervise(child: int, command: int, read_end: int, parent: int | None) -> int:
    """Passes signals on to the command until it ends; its status as wait(2) gives it."""
    _let_go_of_standard_streams()
    mask = libc.signal_mask((*_PASSED_ON, _SIGCHLD))
    while True:
        number, origin = libc.wait_for_signal(mask)
        if number == _SIGCHLD:
            pid, _ = os.waitpid(child, os.WNOHANG)
            if pid == child:
                break
        elif origin != _FROM_KERNEL:
            try:
                os.kill(command, number)
            except OSError:
                pass  # it has just ended
        if parent is not None and os.getppid() != parent:
            # Our caller is gone. The command has been told; it gets no time it could use to outlive it.
            os.kill(child, _SIGKILL)
    text = _read_line(read_end)
    return int(text) if text else _SIGKILL  # no word: it was killed with everything else


def _end_as(status: int) -> NoReturn:
    """Ends this process as one with wait status `status` ended."""
    if not os.WIFSIGNALED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    libc.prctl(libc.PR_SET_DUMPABLE, 0)  # one core dump is enough
    libc.reset_signal(number)
    libc.change_signal_mask(libc.SIG_UNBLOCK, libc.signal_mask((number,)))
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _let_go_of_standard_streams() -> None:
    """So that whoever reads the command's output sees its end when the command closes it."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


def _read_line(descriptor: int) -> bytes:
    """The next line, or what there is before the end. Not a byte more: the one after may be there already."""
    text = b""
    while not text.endswith(b"\n"):
        character = os.read(descriptor, 1)
        if not character:
            break
        text += character
    return text.strip()
