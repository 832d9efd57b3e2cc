"""Confines the running process: the layers in order, all or an error."""

from __future__ import annotations

import os
import sys

from .errors import ConfinementError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import SandboxPolicy


class Confinement:
    """What was applied: the Landlock ABI (0: none), the writable paths, the number of filter rules."""

    __slots__ = ("filter_rules", "landlock_abi", "writable")

    def __init__(self, *, landlock_abi: int, writable: tuple[str, ...], filter_rules: int) -> None:
        self.landlock_abi = landlock_abi
        self.writable = writable
        self.filter_rules = filter_rules


def confine(
    policy: SandboxPolicy, *, cwd: str, tmpdir: str | None = None, landlock_abi: int | None = None
) -> Confinement:
    """Applies `policy` to this process and everything it starts. It cannot be undone.

    `cwd` is the directory workspace-write is about, `tmpdir` the TMPDIR of the commands to come (default:
    that of this process). `landlock_abi` pretends an older kernel. Under danger-full-access nothing happens.

    Raises: ConfinementError. The process may be partly confined then; do not run what was to be confined.
    """
    if not policy.confines:
        return Confinement(landlock_abi=0, writable=("/",), filter_rules=0)
    if sys.platform != "linux":
        raise ConfinementError("Landlock and seccomp exist on Linux only")
    from . import landlock, privileges, seccomp
    from .policy import trusted_roots

    _require_one_thread()
    abi = landlock.kernel_abi()
    if landlock_abi is not None:
        abi = min(abi, landlock_abi)
    requested = policy.requested_roots(cwd, tmpdir=tmpdir if tmpdir is not None else os.environ.get("TMPDIR"))
    if policy.allows_writes:
        requested.append(landlock.SHARED_MEMORY)
    network = policy.allows_network

    privileges.forbid_new_privileges()
    privileges.drop_capabilities(network=network)
    enforced = landlock.restrict(trusted_roots(requested), network=network, abi=abi)
    rules = seccomp.install_filter(
        network=network,
        writes=policy.allows_writes,
        truncate_covered=bool(enforced.file_system & landlock.TRUNCATE),
    )
    return Confinement(landlock_abi=abi, writable=enforced.writable, filter_rules=rules)


def _require_one_thread() -> None:
    """Landlock confines the calling thread only; another thread would stay free."""
    try:
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        return
    if threads > 1:
        raise ConfinementError(f"this process has {threads} threads; confine it while it has one")
