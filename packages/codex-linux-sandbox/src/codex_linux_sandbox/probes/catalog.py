"""What a probe is: an act, and under which policies it must be possible."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .props import Props

READ_ONLY = "read-only"
WORKSPACE = "workspace-write"
NETWORK = "workspace-write with network"
POLICIES = (READ_ONLY, WORKSPACE, NETWORK)

NEVER: tuple[str, ...] = ()
WHERE_WRITABLE = (WORKSPACE, NETWORK)
WITH_NETWORK = (NETWORK,)
ALWAYS = POLICIES


class Probe:
    """One act. `act` returns when it succeeded and raises OSError when the kernel refused it.

    `allowed` names the policies under which it must succeed. `beyond_landlock`: the policies under which
    Landlock and seccomp alone may fail to refuse it. `private`: the policies under which it succeeds in
    namespaces because what it acts on is the command's own there. `root_only`: an ordinary user cannot do it
    in any case. `furnished`: it needs directories of its own.
    """

    __slots__ = (
        "act",
        "allowed",
        "beyond_landlock",
        "furnished",
        "group",
        "name",
        "private",
        "root_only",
        "summary",
    )

    def __init__(
        self,
        group: str,
        act: Callable[[Props], None],
        *,
        allowed: tuple[str, ...],
        beyond_landlock: tuple[str, ...],
        private: tuple[str, ...],
        root_only: bool,
        furnished: bool,
    ) -> None:
        self.group = group
        self.name = act.__name__
        self.summary = (act.__doc__ or "").strip().rstrip(".")
        self.act = act
        self.allowed = allowed
        self.beyond_landlock = beyond_landlock
        self.private = private
        self.root_only = root_only
        self.furnished = furnished

    def must_succeed(self, policy: str, *, in_namespaces: bool) -> bool | None:
        """What has to become of it; None where both are right."""
        if policy in self.allowed or (in_namespaces and policy in self.private):
            return True
        if not in_namespaces and policy in self.beyond_landlock:
            return None
        return False


class Catalog:
    """The probes of one group, in the order they are written."""

    def __init__(self, group: str, *, furnished: bool = False) -> None:
        self.group = group
        self._furnished = furnished
        self.probes: list[Probe] = []

    def probe(
        self,
        allowed: tuple[str, ...],
        *,
        beyond_landlock: tuple[str, ...] = (),
        private: tuple[str, ...] = (),
        root_only: bool = False,
        furnished: bool = False,
    ) -> Callable[[Callable[[Props], None]], Callable[[Props], None]]:
        """Adds the decorated function; its docstring says in a few words what it tries."""

        def add(act: Callable[[Props], None]) -> Callable[[Props], None]:
            probe = Probe(
                self.group,
                act,
                allowed=allowed,
                beyond_landlock=beyond_landlock,
                private=private,
                root_only=root_only,
                furnished=furnished or self._furnished,
            )
            self.probes.append(probe)
            return act

        return add


def all_probes() -> list[Probe]:
    """Every probe there is; names are unique."""
    from . import files, kernel, metadata, network, processes, repository, system_calls, work

    modules = (files, metadata, repository, network, processes, kernel, system_calls, work)
    return [probe for module in modules for probe in module.CATALOG.probes]
