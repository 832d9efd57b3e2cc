"""Confining a command on macOS: the policy text for `sandbox-exec` and the command line that carries it.

Paths never appear in the policy text, only as parameters, so no path can say something in the policy's
language (spec: exec-sandbox.md C.7).
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.sandbox_policy import SandboxPolicy, WritableRoot

SANDBOX_EXEC = "/usr/bin/sandbox-exec"
"""Always this one: a program of that name on PATH could be anybody's."""

SANDBOX_VARIABLE = "CODEX_SANDBOX"
SANDBOX_VALUE = "seatbelt"

_HARDWARE = """
activecpu busfrequency_compat byteorder cacheconfig cachelinesize_compat cpufamily cpufrequency_compat cputype
l1dcachesize_compat l1icachesize_compat l2cachesize_compat l3cachesize_compat logicalcpu_max machine memsize
ncpu nperflevels packages pagesize pagesize_compat physicalcpu_max tbfrequency_compat vectorunit
"""
_KERNEL = """
hostname maxfilesperproc maxproc osproductversion osrelease ostype osvariant_status osversion secure_kernel
usrstack64 version
"""
_SERVICES = ("com.apple.system.opendirectoryd.libinfo", "com.apple.PowerManagement.control")

READABLE_SYSCTLS = (
    *(f"hw.{name}" for name in _HARDWARE.split()),
    *(f"kern.{name}" for name in _KERNEL.split()),
    "sysctl.proc_cputype",
    "vm.loadavg",
)
READABLE_SYSCTL_PREFIXES = (
    "hw.optional.arm.",
    "hw.optional.armv8_",
    "hw.perflevel",
    "kern.proc.pgrp.",
    "kern.proc.pid.",
    "net.routetable.",
)


def seatbelt_command(
    argv: Sequence[str],
    policy: SandboxPolicy,
    *,
    policy_cwd: str,
    tmpdir: str | None,
    settings: Sequence[str] = (),
) -> tuple[str, ...]:
    """The command line that runs `argv` confined; `settings` stay read-only also below a writable root."""
    roots = () if policy.has_full_disk_write_access else policy.writable_roots_for(policy_cwd, tmpdir=tmpdir)
    roots = [_without(root, settings) for root in roots]
    parameters = [f"-D{name}={_canonical(path)}" for name, path in _parameters(roots)]
    return (SANDBOX_EXEC, "-p", policy_text(policy, roots), *parameters, "--", *argv)


def policy_text(policy: SandboxPolicy, roots: Sequence[WritableRoot]) -> str:
    """The policy in Seatbelt's language: everything is denied that is not allowed here."""
    return "\n".join((_base(), "(allow file-read*)", _writing(policy, roots), _network(policy)))


def _base() -> str:
    services = " ".join(f'(global-name "{name}")' for name in _SERVICES)
    sysctls = " ".join(
        (
            *(f'(sysctl-name "{name}")' for name in READABLE_SYSCTLS),
            *(f'(sysctl-name-prefix "{prefix}")' for prefix in READABLE_SYSCTL_PREFIXES),
        )
    )
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow process-exec)",
            "(allow process-fork)",
            "(allow signal (target same-sandbox))",
            "(allow process-info* (target same-sandbox))",
            "(allow user-preference-read)",
            "(allow ipc-posix-sem)",
            '(allow file-write-data (require-all (path "/dev/null") (vnode-type CHARACTER-DEVICE)))',
            '(allow iokit-open (iokit-registry-entry-class "RootDomainUserClient"))',
            f"(allow mach-lookup {services})",
            f"(allow sysctl-read {sysctls})",
        )
    )


def _writing(policy: SandboxPolicy, roots: Sequence[WritableRoot]) -> str:
    if policy.has_full_disk_write_access:
        return '(allow file-write* (regex #"^/"))'
    if not roots:
        return ""
    return f"(allow file-write* {' '.join(_root_rule(index, root) for index, root in enumerate(roots))})"


def _root_rule(index: int, root: WritableRoot) -> str:
    inside = f'(subpath (param "{_root_name(index)}"))'
    if not root.read_only_subpaths:
        return inside
    outside = " ".join(
        f'(require-not (subpath (param "{_protected_name(index, number)}")))'
        for number in range(len(root.read_only_subpaths))
    )
    return f"(require-all {inside} {outside} )"


def _network(policy: SandboxPolicy) -> str:
    if not policy.has_full_network_access:
        return ""
    return "(allow network-outbound)\n(allow network-inbound)\n(allow system-socket)"


def _parameters(roots: Sequence[WritableRoot]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for index, root in enumerate(roots):
        pairs.append((_root_name(index), root.root))
        pairs += [(_protected_name(index, n), path) for n, path in enumerate(root.read_only_subpaths)]
    return pairs


def _without(root: WritableRoot, settings: Sequence[str]) -> WritableRoot:
    inside = _canonical(root.root).rstrip("/") + "/"
    found = [place for place in settings if (_canonical(place) + "/").startswith(inside)]
    return replace(root, read_only_subpaths=(*root.read_only_subpaths, *found)) if found else root


def _root_name(index: int) -> str:
    return f"WRITABLE_ROOT_{index}"


def _protected_name(index: int, number: int) -> str:
    return f"WRITABLE_ROOT_{index}_RO_{number}"


def _canonical(path: str) -> str:
    # The kernel compares resolved paths: /tmp is /private/tmp there.
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return path
