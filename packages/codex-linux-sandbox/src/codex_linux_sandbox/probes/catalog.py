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
    Landlock and seccomp alone may fail to refuse it. `root_only`: an ordinary user cannot do it in any case.
    """

    __slots__ = ("act", "allowed", "beyond_landlock", "group", "name", "root_only", "summary")

    def __init__(
        self,
        group: str,
        act: Callable[[Props], None],
        *,
        allowed: tuple[str, ...],
        beyond_landlock: tuple[str, ...] = (),
        root_only: bool = False,
    ) -> None:
        self.group = group
        self.name = act.__name__
        self.summary = (act.__doc__ or "").strip().rstrip(".")
        self.act = act
        self.allowed = allowed
        self.beyond_landlock = beyond_landlock
        self.root_only = root_only


class Catalog:
    """The probes of one group, in the order they are written."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.probes: list[Probe] = []

    def probe(
        self,
        allowed: tuple[str, ...],
        *,
        beyond_landlock: tuple[str, ...] = (),
        root_only: bool = False,
    ) -> Callable[[Callable[[Props], None]], Callable[[Props], None]]:
        """Adds the decorated function; its docstring says in a few words what it tries."""

        def add(act: Callable[[Props], None]) -> Callable[[Props], None]:
            self.probes.append(
                Probe(self.group, act, allowed=allowed, beyond_landlock=beyond_landlock, root_only=root_only)
            )
            return act

        return add


def all_probes() -> list[Probe]:
    """Every probe there is; names are unique."""
    from . import files, kernel, metadata, network, processes, work

    modules = (files, metadata, network, processes, kernel, work)
    return [probe for module in modules for probe in module.CATALOG.probes]
