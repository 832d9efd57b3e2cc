"""Probes of the system call filter, one for every rule: calls with arguments that can do no harm.

With such arguments the kernel answers EBADF, EFAULT or EINVAL; the filter answers EPERM before it looks.
"""

from __future__ import annotations

import ctypes
import errno
import os

from .. import seccomp_rules
from .calls import by_machine, reaches_kernel
from .catalog import NEVER, READ_ONLY, WHERE_WRITABLE, WITH_NETWORK, Catalog, Probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .props import Props

_CLONE_THREAD = 0x10000  # without the flags it demands, clone() is refused as invalid
_INVALID_UNSHARE_FLAG = 0x1
# Has no arguments to get wrong.
_NOT_TRIED = ("vhangup",)

_IOCTL = by_machine(16, 29)
_UNSHARE, _CLONE = by_machine(272, 97), by_machine(56, 220)


def _probes() -> list[Probe]:
    probes = []
    tables = (
        (seccomp_rules.ALWAYS, NEVER, ()),
        (seccomp_rules.METADATA, WHERE_WRITABLE, (READ_ONLY,)),
        (seccomp_rules.NETWORK, WITH_NETWORK, ()),
    )
    for names, allowed, private in tables:
        probes += [
            _probe(f"call_{name}", f"call {name}", _calling(name), allowed, private)
            for name in names
            if name not in _NOT_TRIED
        ]
    for name, request in seccomp_rules.IOCTL_REQUESTS.items():
        act = _reaching(_IOCTL, -1, request, 0)
        probes.append(_probe(f"ioctl_{name}", f"the device request {name}", act, NEVER, ()))
        act = _reaching(_IOCTL, -1, request | 1 << 32, 0)
        text = f"the device request {name} with bits set that the kernel ignores"
        probes.append(_probe(f"ioctl_{name}_high_bits", text, act, NEVER, ()))
    for name, flag in seccomp_rules.NAMESPACE_FLAGS.items():
        act = _reaching(_UNSHARE, flag | _INVALID_UNSHARE_FLAG)
        probes.append(_probe(f"unshare_{name}", f"unshare with {name}", act, NEVER, ()))
        if flag > 0xFF:
            act = _reaching(_CLONE, flag | _CLONE_THREAD, 0, 0, 0, 0)
            probes.append(_probe(f"clone_{name}", f"clone with {name}", act, NEVER, ()))
    return probes


def _probe(
    name: str,
    summary: str,
    act: Callable[[Props], None],
    allowed: tuple[str, ...],
    private: tuple[str, ...],
) -> Probe:
    act.__name__ = name
    act.__doc__ = summary
    return Probe(
        "system call filter",
        act,
        allowed=allowed,
        beyond_landlock=(),
        private=private,
        root_only=False,
        furnished=False,
    )


def _calling(name: str) -> Callable[[Props], None]:
    def act(_props: Props) -> None:
        reaches_kernel(_number(name), -1, -1, -1, -1, -1, -1)

    return act


def _reaching(number: int, *arguments: int) -> Callable[[Props], None]:
    def act(_props: Props) -> None:
        reaches_kernel(number, *arguments)

    return act


def _number(name: str) -> int:
    """The number of the call on this machine. Raises: OSError where it has none."""
    libseccomp = ctypes.CDLL("libseccomp.so.2")
    number = int(libseccomp.seccomp_syscall_resolve_name(name.encode()))
    if number == -1:
        number = seccomp_rules.NUMBERS.get(name, -1)
    if number < 0:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return number


CATALOG = Catalog("system call filter")
CATALOG.probes += _probes()
