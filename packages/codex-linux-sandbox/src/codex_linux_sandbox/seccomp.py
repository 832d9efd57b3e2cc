"""The seccomp layer: a filter on system calls, built with libseccomp through pyseccomp.

Calls of another architecture than the interpreter's own (32-bit, x32) kill the process: their numbers mean
other calls, so no rule would hold for them.
"""

from __future__ import annotations

import errno

from . import seccomp_rules
from .errors import ConfinementError
from .seccomp_binding import load_pyseccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from pyseccomp import SyscallFilter

    from .seccomp_rules import Rule

_UNKNOWN_NAME = -1  # what libseccomp answers for a name it does not know


def install_filter(*, network: bool, writes: bool, truncate_covered: bool) -> int:
    """Filters the system calls of this thread and its children from now on; the number of rules.

    No new privileges must be set.

    Raises: ConfinementError.
    """
    pyseccomp = load_pyseccomp()
    if pyseccomp.system_arch() not in (pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64):
        raise ConfinementError("the system call filter is written for x86_64 and aarch64 only")
    try:
        return _install(pyseccomp, network=network, writes=writes, truncate_covered=truncate_covered)
    except OSError as error:
        raise ConfinementError(f"the system call filter cannot be installed: {error.strerror}") from error


def _install(pyseccomp: ModuleType, *, network: bool, writes: bool, truncate_covered: bool) -> int:
    table = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    table.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = seccomp_rules.refusals(network=network, writes=writes, truncate_covered=truncate_covered)
    count = sum(_add(pyseccomp, table, refuse, rule) for rule in rules)
    missing = pyseccomp.ERRNO(errno.ENOSYS)
    for name in seccomp_rules.unavailable(openat2=not truncate_covered):
        count += _add(pyseccomp, table, missing, (name, ()))
    table.load()
    return count


def _add(pyseccomp: ModuleType, table: SyscallFilter, action: int, rule: Rule) -> int:
    name, conditions = rule
    number = _number(pyseccomp, name)
    if number < 0:
        return 0  # this architecture never had the call
    arguments = [
        pyseccomp.Arg(at, pyseccomp.NE, value)
        if mask == seccomp_rules.ANY_BUT
        else pyseccomp.Arg(at, pyseccomp.MASKED_EQ, mask, value)
        for at, mask, value in conditions
    ]
    table.add_rule_exactly(action, number, *arguments)
    return 1


def _number(pyseccomp: ModuleType, name: str) -> int:
    number: int = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    if number != _UNKNOWN_NAME:
        return number
    known = seccomp_rules.NUMBERS.get(name)
    if known is None:
        raise ConfinementError(f"libseccomp does not know the system call {name}")
    return known
