"""The C library calls the confinement needs and Python does not have, with errors as OSError."""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # version 3 of the interface, this thread
_CAPABILITY_SETS = struct.Struct("=6I")  # low halves, then high halves
_SIG_DFL = None  # the value 0 as a function pointer

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
_libc.signal.restype = ctypes.c_void_p


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """The result of system call `number`. Integers are passed at full width, bytes as a pointer.

    Raises: OSError.
    """
    passed = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *passed))


def prctl(option: int, value: int) -> int:
    """The result of prctl(2) with one argument. Raises: OSError."""
    zero = ctypes.c_ulong(0)
    return _checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def reset_signal(number: int) -> None:
    """Gives signal `number` its default action, without the cost of importing `signal`."""
    _libc.signal(number, _SIG_DFL)


def capabilities() -> tuple[int, int, int]:
    """The effective, permitted and inheritable capability sets of this thread, as bit masks."""
    data = ctypes.create_string_buffer(_CAPABILITY_SETS.size)
    _checked(_libc.capget(_CAPABILITY_HEADER, data))
    effective, permitted, inheritable, *high = _CAPABILITY_SETS.unpack(data.raw)
    return effective | high[0] << 32, permitted | high[1] << 32, inheritable | high[2] << 32


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """Replaces the capability sets of this thread. Raises: OSError."""
    masks = (effective, permitted, inheritable)
    words = [mask & 0xFFFFFFFF for mask in masks] + [mask >> 32 for mask in masks]
    _checked(_libc.capset(_CAPABILITY_HEADER, _CAPABILITY_SETS.pack(*words)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
