"""The C library calls the confinement needs and Python does not have, with errors as OSError."""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_FILTER_INSTRUCTION_BYTES = 8
_FILTER_PROGRAM = struct.Struct("@HP")  # number of instructions, their address

SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2

_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)  # version 3 of the interface, this thread
_CAPABILITY_SETS = struct.Struct("=6I")  # low halves, then high halves
_CLONE = {"x86_64": 56, "aarch64": 220}
_EINTR = 4
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_SIG_DFL = None  # the value 0 as a function pointer
_SIGNAL_SET_BYTES = 128
_SIGNAL_INFO_BYTES = 128
_SIGCHLD = 17

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


def install_filter(program: bytes) -> None:
    """Filters the system calls of this thread by a BPF program, as libseccomp exports it. Raises: OSError."""
    instructions = ctypes.create_string_buffer(program, len(program))
    count = len(program) // _FILTER_INSTRUCTION_BYTES
    header = _FILTER_PROGRAM.pack(count, ctypes.addressof(instructions))
    zero = ctypes.c_ulong(0)
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    _checked(_libc.prctl(ctypes.c_int(_PR_SET_SECCOMP), mode, header, zero, zero))


def mount(source: bytes | None, target: bytes, kind: bytes | None, flags: int, options: bytes | None) -> None:
    """As mount(2). Raises: OSError."""
    _checked(_libc.mount(source, target, kind, ctypes.c_ulong(flags), options))


def unmount(target: bytes) -> None:
    """Takes the topmost mount at `target` away, in use or not. Raises: OSError."""
    _checked(_libc.umount2(target, ctypes.c_int(_MNT_DETACH | _UMOUNT_NOFOLLOW)))


def unshare(flags: int) -> None:
    """As unshare(2). Raises: OSError."""
    _checked(_libc.unshare(ctypes.c_int(flags)))


def clone(flags: int) -> int:
    """As `os.fork()`, with namespace `flags` for the child. Raises: OSError.

    `os.unshare()` is no substitute: it would change this process, which must be able to go on without
    namespaces where the kernel or a container forbids a later step. The interpreter's own fork hooks run, and
    the call is made without letting go of its lock, as its fork does.
    """
    held = ctypes.PyDLL(None, use_errno=True)
    held.syscall.restype = ctypes.c_long
    ctypes.pythonapi.PyOS_BeforeFork()
    zero = ctypes.c_long(0)
    pid: int = held.syscall(
        ctypes.c_long(_CLONE[os.uname().machine]), ctypes.c_long(flags | _SIGCHLD), zero, zero, zero, zero
    )
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, os.strerror(number))
    return pid


def reset_signal(number: int) -> None:
    """Gives signal `number` its default action, without the cost of importing `signal`."""
    _libc.signal(number, _SIG_DFL)


def change_signal_mask(how: int, mask: bytes) -> bytes:
    """Changes which signals are blocked; the mask before. `mask` comes from `signal_mask` or from here."""
    old = ctypes.create_string_buffer(_SIGNAL_SET_BYTES)
    _libc.pthread_sigmask(how, mask, old)  # fails only for a wrong `how`
    return old.raw


def signal_mask(numbers: tuple[int, ...]) -> bytes:
    """The set of the signals `numbers` as the C library keeps it."""
    bits = sum(1 << (number - 1) for number in numbers)
    return bits.to_bytes(8, "little").ljust(_SIGNAL_SET_BYTES, b"\0")


def wait_for_signal(mask: bytes) -> tuple[int, int]:
    """The number and the origin (`si_code`) of the next of the signals in `mask`, which must be blocked."""
    info = ctypes.create_string_buffer(_SIGNAL_INFO_BYTES)
    while _libc.sigwaitinfo(mask, info) < 0:
        if ctypes.get_errno() != _EINTR:
            _checked(-1)
    number, _, origin = struct.unpack_from("=iii", info)
    return number, origin


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
