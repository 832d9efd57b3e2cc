"""Where a command may write under a policy, and what stays read-only there, as things are on disk now."""

from __future__ import annotations

import os

from .policy import is_below, trusted_roots
from .protected import names_in, repository_around, settings_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import SandboxPolicy


class Layout:
    """Canonical paths: `writable` roots, `protected` places in them, and `vacant` ones to be kept so."""

    __slots__ = ("protected", "vacant", "writable")

    def __init__(self, writable: list[str], protected: list[str], vacant: list[str]) -> None:
        self.writable = writable
        self.protected = protected
        self.vacant = vacant

    def identity(self) -> tuple[tuple[str, int, int], ...]:
        """What mounts made for this layout depend on: the same places, and the same things there."""
        counts = ("", len(self.writable), len(self.vacant))
        return counts, *(_identify(path) for path in (*self.writable, *self.protected))


def survey(policy: SandboxPolicy, *, cwd: str, tmpdir: str, settings: tuple[str, ...] = ()) -> Layout:
    """The layout of `policy` for the workspace `cwd`. Nothing is changed by looking.

    Protected are the names in `protected.NAMES` at the top of every root, the repository around `cwd`, and
    the directories `settings`. Missing ones are kept missing in the workspace and in the roots the user
    named, not in shared temporary directories.
    """
    requested = policy.requested_roots(cwd, tmpdir=tmpdir)
    writable = trusted_roots(requested)
    if not writable:
        return Layout([], [], [])
    own = [os.path.join(cwd, root) for root in (*policy.writable_roots, cwd)]
    protected: dict[str, None] = {}  # a dict keeps the order
    vacant: dict[str, None] = {}
    for root in requested:
        for path in trusted_roots([root]):
            present, missing = names_in(path)
            protected.update(dict.fromkeys(present))
            if root in own:
                vacant.update(dict.fromkeys(missing))
    protected.update(dict.fromkeys(repository_around(os.path.realpath(cwd))))
    for path in settings:
        present, missing = settings_at(path)
        protected.update(dict.fromkeys(present))
        vacant.update(dict.fromkeys(missing))

    def counts(path: str) -> bool:
        return path != "/" and any(path == root or is_below(path, root) for root in writable)

    return Layout(
        writable,
        [path for path in protected if path not in vacant and counts(path)],
        [path for path in vacant if counts(path)],
    )


def _identify(path: str) -> tuple[str, int, int]:
    try:
        status = os.lstat(path)
    except OSError:
        return path, 0, 0
    return path, status.st_dev, status.st_ino
