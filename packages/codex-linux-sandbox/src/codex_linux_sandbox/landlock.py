"""The Landlock layer: which files may be written, enforced by the kernel for this thread and its children.

Three system calls through ctypes. What is asked for is negotiated down to what the kernel's ABI knows;
`Enforced` tells what came out of it. Landlock knows file contents and directory entries. It does not know
metadata (mode, owner, times, extended attributes), and a rule holds for everything beneath a directory, so a
subdirectory of a writable root cannot be taken out again.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from . import libc
from .errors import ConfinementError

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION = 1 << 0
_RULE_PATH_BENEATH = 1
_PATH_BENEATH = struct.Struct("=Qi")
_RULESET = struct.Struct("=QQQ")  # handled_access_fs, handled_access_net (ABI 4), scoped (ABI 6)

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_CHAR = 1 << 6
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
MAKE_SOCK = 1 << 9
MAKE_FIFO = 1 << 10
MAKE_BLOCK = 1 << 11
MAKE_SYM = 1 << 12
REFER = 1 << 13  # ABI 2: moving and linking between directories; without it every such move is refused
TRUNCATE = 1 << 14  # ABI 3
IOCTL_DEV = 1 << 15  # ABI 5

BIND_TCP = 1 << 0  # ABI 4
CONNECT_TCP = 1 << 1

SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0  # ABI 6
SCOPE_SIGNAL = 1 << 1

TRUNCATE_ABI = 3
NETWORK_ABI = 4
SCOPE_ABI = 6

READ = EXECUTE | READ_FILE | READ_DIR
ALL_FILE_SYSTEM = (1 << 16) - 1
# No device nodes below a root: as root they would reach any disk.
WRITE = ALL_FILE_SYSTEM & ~(MAKE_CHAR | MAKE_BLOCK)
# What makes sense for something that is not a directory; the kernel refuses a rule with more.
ON_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

# Devices without state of their own that ordinary programs open for writing, and the controlling terminal.
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 -- POSIX semaphores and shared memory live here


class Enforced:
    """What a ruleset really enforces on this kernel."""

    __slots__ = ("abi", "file_system", "network", "scoped", "writable")

    def __init__(
        self, *, abi: int, file_system: int, network: int, scoped: int, writable: tuple[str, ...]
    ) -> None:
        self.abi = abi
        self.file_system = file_system
        self.network = network
        self.scoped = scoped
        self.writable = writable


def kernel_abi() -> int:
    """The Landlock ABI of the running kernel, at least 1.

    Raises: ConfinementError when the kernel has none or has it switched off.
    """
    try:
        return libc.syscall(_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    except OSError as error:
        match error.errno:
            case errno.ENOSYS:
                reason = "this kernel has no Landlock (Linux 5.13 and newer have it), or a container hides it"
            case errno.EOPNOTSUPP:
                reason = "Landlock is switched off on this kernel (boot with `landlock` in the `lsm=` list)"
            case errno.EPERM:
                reason = "a system call filter around this process forbids Landlock"
            case _:
                reason = f"Landlock cannot be used: {error.strerror}"
        raise ConfinementError(reason) from error


def handled(abi: int, *, network: bool) -> tuple[int, int, int]:
    """The rights a ruleset takes away on ABI `abi`: file system, TCP, scopes. `network` leaves TCP alone."""
    file_system = ALL_FILE_SYSTEM
    if abi < 2:
        file_system &= ~REFER
    if abi < TRUNCATE_ABI:
        file_system &= ~TRUNCATE
    if abi < 5:
        file_system &= ~IOCTL_DEV
    tcp = BIND_TCP | CONNECT_TCP if abi >= NETWORK_ABI and not network else 0
    scoped = 0
    if abi >= SCOPE_ABI:
        scoped = SCOPE_SIGNAL if network else SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET
    return file_system, tcp, scoped


class Ruleset:
    """What is to be enforced, made ready: enforcing it is a single system call, once or in many processes."""

    __slots__ = ("_descriptor", "enforced")

    def __init__(self, writable: list[str], *, network: bool, abi: int, terminals: bool = True) -> None:
        """Everything readable, nothing writable but `writable` and a few devices.

        `writable` are canonical paths; they are opened without following symbolic links, so a link that
        appears meanwhile opens nothing. One that does not exist is left out. `terminals`: whether what is
        open as standard input, output and error now counts, if it is a terminal.

        Raises: ConfinementError.
        """
        file_system, tcp, scoped = handled(abi, network=network)
        attributes = _RULESET.pack(file_system, tcp, scoped)
        size = 24 if abi >= SCOPE_ABI else 16 if abi >= NETWORK_ABI else 8
        try:
            self._descriptor = libc.syscall(_CREATE_RULESET, attributes, size, 0)
        except OSError as error:
            raise ConfinementError(f"Landlock refused the ruleset: {error.strerror}") from error
        try:
            _allow(self._descriptor, "/", READ, file_system)
            for device in DEVICES:
                _allow(self._descriptor, device, ON_FILE, file_system)
            if terminals:
                _allow_inherited_terminals(self._descriptor, file_system)
            granted = [root for root in writable if _allow(self._descriptor, root, WRITE, file_system)]
        except OSError as error:
            self.close()
            raise ConfinementError(f"Landlock refused a rule: {error.strerror}") from error
        self.enforced = Enforced(
            abi=abi, file_system=file_system, network=tcp, scoped=scoped, writable=tuple(granted)
        )

    def restrict(self) -> Enforced:
        """Confines this thread and all it starts. No new privileges must be set. Raises: ConfinementError."""
        try:
            libc.syscall(_RESTRICT_SELF, self._descriptor, 0)
        except OSError as error:
            raise ConfinementError(f"Landlock refused to restrict this process: {error.strerror}") from error
        return self.enforced

    def close(self) -> None:
        os.close(self._descriptor)


def _allow(ruleset: int, path: str, rights: int, known: int) -> bool:
    """Adds a rule for `path`; False when it cannot be opened."""
    descriptor = open_exactly(path)
    if descriptor is None:
        return False
    try:
        _add_rule(ruleset, descriptor, rights & known)
    finally:
        os.close(descriptor)
    return True


def _allow_inherited_terminals(ruleset: int, known: int) -> None:
    """Lets a program open again the terminal it was started on (`> /dev/stdout`); never another one."""
    for descriptor in (0, 1, 2):
        if os.isatty(descriptor):
            _add_rule(ruleset, descriptor, ON_FILE & known)


def _add_rule(ruleset: int, descriptor: int, rights: int) -> None:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= ON_FILE
    libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, _PATH_BENEATH.pack(rights, descriptor), 0)


def open_exactly(path: str, *, link: bool = False) -> int | None:
    """A descriptor for canonical `path`, None when part of it is missing, closed to us or a symbolic link.

    With `link`, the last part may be a symbolic link, and the descriptor is for the link itself.
    """
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    names = [name for name in path.split("/") if name]
    try:
        for name in names:
            step = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = step
        if not link and stat.S_ISLNK(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
