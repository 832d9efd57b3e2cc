"""System calls by number for the probes, with errors as OSError."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

IS_X86_64 = platform.machine() == "x86_64"


def syscall(number: int, *arguments: object) -> int:
    """The result of system call `number`; integers are passed at full width. Raises: OSError."""
    passed = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *passed)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def by_machine(x86_64: int, aarch64: int) -> int:
    """The number of a call that differs between the architectures."""
    return x86_64 if IS_X86_64 else aarch64


def reaches_kernel(number: int, *arguments: object) -> None:
    """Succeeds unless the call is answered with EPERM.

    For calls that would do harm with good arguments: bad ones give another error when nothing is in the way.
    """
    try:
        syscall(number, *arguments)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise
