"""Confines the running process: the layers in order, all or an error."""

from __future__ import annotations

import os
import sys

from .errors import ConfinementError
from .isolation import LANDLOCK, NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import Layout
    from .policy import SandboxPolicy
    from .protected import Placeholders


class Confinement:
    """What was applied: the Landlock ABI (0: none), the writable paths, the number of filter rules."""

    __slots__ = ("filter_rules", "landlock_abi", "namespaces", "writable")

    def __init__(
        self, *, namespaces: bool, landlock_abi: int, writable: tuple[str, ...], filter_rules: int
    ) -> None:
        self.namespaces = namespaces
        self.landlock_abi = landlock_abi
        self.writable = writable
        self.filter_rules = filter_rules


def confine(
    policy: SandboxPolicy, *, cwd: str, tmpdir: str | None = None, landlock_abi: int | None = None
) -> Confinement:
    """Applies `policy` to this process and everything it starts, by Landlock and seccomp. It stays so.

    `cwd` is the directory workspace-write is about, `tmpdir` the TMPDIR of the commands to come (default:
    that of this process). `landlock_abi` pretends an older kernel. Under danger-full-access nothing happens.

    Raises: ConfinementError. The process may be partly confined then; do not run what was to be confined.
    """
    if not policy.confines:
        return Confinement(namespaces=False, landlock_abi=0, writable=("/",), filter_rules=0)
    _require_linux()
    _require_one_thread()
    tmpdir = tmpdir if tmpdir is not None else os.environ.get("TMPDIR")
    return _restrict(policy, writable_paths(policy, cwd, tmpdir), in_namespaces=False, abi=landlock_abi)


def confine_command(
    policy: SandboxPolicy,
    *,
    cwd: str,
    tmpdir: str,
    isolation: str,
    settings: tuple[str, ...] = (),
    outlives_parent: bool = False,
) -> Confinement:
    """As `confine`, in namespaces of its own where `isolation` says so and the kernel allows it.

    With namespaces, this returns in a new process, which is to become the command; the calling one waits for
    it, ends as it ends, and never returns from here. `settings` are directories that stay read-only in them.
    `outlives_parent` lets both go on when the caller of the calling one is gone.

    Raises: ConfinementError.
    """
    _require_linux()
    _require_one_thread()
    if isolation == LANDLOCK:
        writable = writable_paths(policy, cwd, tmpdir)
        return _restrict(policy, writable, in_namespaces=False)

    from . import landlock, namespaces

    landlock.kernel_abi()  # fail before anything is set up
    layout, placeholders = _hold_layout(policy, cwd, tmpdir, settings)
    try:
        granted = namespaces.enter(
            layout.writable,
            layout.protected,
            placeholders,
            parent=None if outlives_parent else os.getppid(),
        )
    except namespaces.NamespacesError as error:
        placeholders.release()
        if isolation == NAMESPACES:
            raise ConfinementError(str(error)) from error
        writable = writable_paths(policy, cwd, tmpdir)
        return _restrict(policy, writable, in_namespaces=False)
    return _restrict(policy, granted, in_namespaces=True)


def _hold_layout(
    policy: SandboxPolicy, cwd: str, tmpdir: str, settings: tuple[str, ...]
) -> tuple[Layout, Placeholders]:
    """What is on disk now, and its vacant places held. Raises: OSError."""
    from .layout import survey
    from .protected import Placeholders, PlaceTakenError

    placeholders = Placeholders()
    for is_last in (False, False, True):
        layout = survey(policy, cwd=cwd, tmpdir=tmpdir, settings=settings)
        try:
            placeholders.hold(layout.vacant)
            break
        except PlaceTakenError:  # what is there now is to be protected
            if is_last:
                raise
    return layout, placeholders


class Restriction:
    """Landlock's and seccomp's part of a policy, made ready for one process or for many."""

    __slots__ = ("_filter", "_in_namespaces", "_network", "_privileges", "_ruleset")

    def __init__(
        self,
        policy: SandboxPolicy,
        writable: list[str],
        *,
        in_namespaces: bool,
        abi: int | None = None,
        terminals: bool = True,
    ) -> None:
        """`terminals`: whether terminals that are standard input, output or error now may be opened again.

        Raises: ConfinementError.
        """
        from . import landlock, privileges, seccomp

        self._privileges = privileges
        kernel_abi = landlock.kernel_abi()
        self._in_namespaces = in_namespaces
        self._network = policy.allows_network
        self._ruleset = landlock.Ruleset(
            writable,
            network=policy.allows_network,
            abi=kernel_abi if abi is None else min(abi, kernel_abi),
            terminals=terminals,
        )
        self._filter = seccomp.Filter(
            network=policy.allows_network,
            # Read-only mounts refuse metadata changes by place; without them, all are refused or none.
            writes=in_namespaces or policy.allows_writes,
            truncate_covered=bool(self._ruleset.enforced.file_system & landlock.TRUNCATE),
        )

    def apply(self) -> Confinement:
        """Confines this process and all it starts. Raises: ConfinementError."""
        self._privileges.forbid_new_privileges()
        self._privileges.drop_capabilities(network=self._network)
        enforced = self._ruleset.restrict()
        self._filter.install()
        return Confinement(
            namespaces=self._in_namespaces,
            landlock_abi=enforced.abi,
            writable=enforced.writable,
            filter_rules=self._filter.rules,
        )

    def close(self) -> None:
        self._ruleset.close()


def _restrict(
    policy: SandboxPolicy, writable: list[str], *, in_namespaces: bool, abi: int | None = None
) -> Confinement:
    restriction = Restriction(policy, writable, in_namespaces=in_namespaces, abi=abi)
    try:
        return restriction.apply()
    finally:
        restriction.close()


def writable_paths(policy: SandboxPolicy, cwd: str, tmpdir: str | None) -> list[str]:
    """The canonical places that may be written where there are no namespaces."""
    from .landlock import SHARED_MEMORY
    from .policy import trusted_roots

    requested = policy.requested_roots(cwd, tmpdir=tmpdir)
    if policy.allows_writes:
        requested.append(SHARED_MEMORY)
    return trusted_roots(requested)


def _require_linux() -> None:
    if sys.platform != "linux":
        raise ConfinementError("Landlock and seccomp exist on Linux only")


def _require_one_thread() -> None:
    """Landlock confines the calling thread only; another thread would stay free."""
    try:
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        return
    if threads > 1:
        raise ConfinementError(f"this process has {threads} threads; confine it while it has one")
