"""The seccomp layer: a filter on system calls, built with libseccomp through pyseccomp.

Calls of another architecture than the interpreter's own (32-bit, x32) kill the process: their numbers mean
other calls, so no rule would hold for them.
"""

from __future__ import annotations

import errno
import os

from . import libc, seccomp_rules
from .errors import ConfinementError
from .seccomp_binding import load_pyseccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from pyseccomp import SyscallFilter

    from .seccomp_rules import Rule

_UNKNOWN_NAME = -1  # what libseccomp answers for a name it does not know


class Filter:
    """A filter made ready: installing it is a single system call, once or in many processes."""

    __slots__ = ("_program", "rules")

    def __init__(self, *, network: bool, writes: bool, truncate_covered: bool) -> None:
        """Raises: ConfinementError."""
        try:
            pyseccomp = _usable_pyseccomp()
            table, self.rules = _table(
                pyseccomp, network=network, writes=writes, truncate_covered=truncate_covered
            )
            self._program = _exported(table)
        except OSError as error:
            raise ConfinementError(f"the system call filter cannot be made: {error.strerror}") from error

    def install(self) -> None:
        """Filters the system calls of this thread and its children from now on. No new privileges must be
        set. Raises: ConfinementError."""
        try:
            libc.install_filter(self._program)
        except OSError as error:
            raise ConfinementError(f"the system call filter cannot be installed: {error.strerror}") from error


def _usable_pyseccomp() -> ModuleType:
    pyseccomp = load_pyseccomp()
    if pyseccomp.system_arch() not in (pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64):
        raise ConfinementError("the system call filter is written for x86_64 and aarch64 only")
    return pyseccomp


def _table(
    pyseccomp: ModuleType, *, network: bool, writes: bool, truncate_covered: bool
) -> tuple[SyscallFilter, int]:
    table = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    table.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = seccomp_rules.refusals(network=network, writes=writes, truncate_covered=truncate_covered)
    count = sum(_add(pyseccomp, table, refuse, rule) for rule in rules)
    missing = pyseccomp.ERRNO(errno.ENOSYS)
    for name in seccomp_rules.unavailable(openat2=not truncate_covered):
        count += _add(pyseccomp, table, missing, (name, ()))
    return table, count


def _exported(table: SyscallFilter) -> bytes:
    with open(os.memfd_create("filter"), "r+b", buffering=0) as file:
        table.export_bpf(file)
        file.seek(0)
        return file.read()


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
