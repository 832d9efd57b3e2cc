"""Turns this process into the command: signals, descriptors and environment as the user had them; exec."""

from __future__ import annotations

import errno
import os

from . import libc

NOT_EXECUTABLE = 126
NOT_FOUND = 127

_SIGPIPE, _SIGTERM, _SIGXFSZ = 13, 15, 25
_CLOSE_RANGE = 436
_DEFAULT_PATH = b"/usr/local/bin:/bin:/usr/bin"


class LaunchError(OSError):
    """The command could not be executed. `exit_code` is what a shell answers in the same case."""

    @property
    def exit_code(self) -> int:
        return NOT_FOUND if self.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE


def die_with_parent(parent: int | None) -> None:
    """Has the kernel send SIGTERM to the command when the process that started us dies.

    `parent` is its process id if the caller was told it: when it is already gone, the signal is sent at once.
    """
    before = os.getppid() if parent is None else parent
    libc.prctl(libc.PR_SET_PDEATHSIG, _SIGTERM)
    if os.getppid() != before:
        os.kill(os.getpid(), _SIGTERM)
        os._exit(128 + _SIGTERM)  # where SIGTERM is ignored


def original_environment() -> dict[bytes, bytes]:
    """The environment this process was started with.

    CPython sets LC_CTYPE for itself and its children under a C locale (PEP 538); the command must see what
    the user had.
    """
    environment = dict(os.environb)
    environment.pop(b"", None)  # exec refuses it
    name = b"LC_CTYPE"
    if name in environment:
        try:
            with open("/proc/self/environ", "rb") as file:
                entries = file.read().split(b"\0")
        except OSError:
            return environment
        before = [entry for entry in entries if entry.startswith(name + b"=")]
        if before:
            environment[name] = before[0][len(name) + 1 :]
        else:
            del environment[name]
    return environment


def read_environment(descriptor: int) -> dict[bytes, bytes]:
    """The environment that `descriptor` holds, which is closed. Raises: OSError."""
    content = b""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        while part := os.read(descriptor, 1 << 16):
            content += part
    finally:
        os.close(descriptor)
    entries = (entry.partition(b"=") for entry in content.split(b"\0"))
    return {name: value for name, equals, value in entries if name and equals}


def execute(
    command: list[bytes], environment: dict[bytes, bytes], *, keep_descriptors: bool = False
) -> LaunchError:
    """Replaces this process by `command`, looked up in the PATH of `environment`. Returns only on failure.

    The command gets standard input, output and error only; with `keep_descriptors`, also what has no
    close-on-exec flag, and all of them are still open when this returns.
    """
    for number in (_SIGPIPE, _SIGXFSZ):  # CPython ignores both, and exec hands that on
        libc.reset_signal(number)
    if not keep_descriptors:
        _close_descriptors()
    program = command[0]
    if not program:
        return LaunchError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    denied = False
    last = errno.ENOENT
    for candidate in _candidates(program, environment):
        try:
            os.execve(candidate, command, environment)
        except OSError as error:
            last = error.errno or errno.EINVAL
            denied = denied or last == errno.EACCES
            if last not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                break
    if denied and last in (errno.ENOENT, errno.ENOTDIR):
        last = errno.EACCES
    return LaunchError(last, os.strerror(last), program)


def _candidates(program: bytes, environment: dict[bytes, bytes]) -> list[bytes]:
    if b"/" in program:
        return [program]
    return [
        os.path.join(directory, program) if directory else program
        for directory in environment.get(b"PATH", _DEFAULT_PATH).split(b":")
    ]


def _close_descriptors() -> None:
    """Closes everything above standard error, whatever its close-on-exec flag says."""
    try:
        libc.syscall(_CLOSE_RANGE, 3, 0xFFFFFFFF, 0)
    except OSError:  # before Linux 5.9, or refused by a filter around us
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                try:
                    os.close(int(name))
                except OSError:
                    pass  # the one that listed them
