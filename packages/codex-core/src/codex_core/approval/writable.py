"""Which files of a change lie where commands may not write.

Names are compared after `.` and `..` are taken out, and again after symbolic links are followed: a file is
outside unless both ways it lies below a writable root and in no protected place (spec: exec-sandbox.md
sections C.1 and D.5, agent.md D17).
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from codex_protocol.sandbox_policy import SandboxPolicy

PROTECTED_NAMES = (".git", ".codex", ".agents")
"""What is read-only directly below every writable root, whether it exists yet or not: whoever writes there
decides what later runs without a sandbox."""


def repository_of(cwd: str) -> tuple[str, ...]:
    """The data of the repository that `cwd` lies in, also where a worktree keeps it; for `settings`."""
    try:
        from codex_linux_sandbox.protected import repository_around
    except ImportError:  # not on Linux
        return ()
    return tuple(repository_around(os.path.realpath(cwd)))


def paths_outside(
    paths: Iterable[str],
    *,
    sandbox_policy: SandboxPolicy,
    cwd: str,
    tmpdir: str | None,
    settings: Sequence[str] = (),
    resolve: Callable[[str], str] = os.path.realpath,
) -> list[str]:
    """Those of `paths` that `sandbox_policy` does not let commands write, in order.

    `cwd` is the directory of the session, which is a writable root of its own and what relative paths start
    from. `tmpdir` is the session's TMPDIR. `settings` are protected as well where they lie below a writable
    root; a root inside one of them is writable all the same. `resolve` follows symbolic links as far as a
    path exists.
    """
    if sandbox_policy.has_full_disk_write_access:
        return []
    roots = sandbox_policy.writable_roots_for(cwd, tmpdir=tmpdir)
    if not roots:
        return list(paths)
    allowed = [os.path.join(cwd, root.root) for root in roots]
    protected = [os.path.join(root, name) for root in allowed for name in PROTECTED_NAMES]
    protected += [os.path.join(cwd, sub) for root in roots for sub in root.read_only_subpaths]
    places = [os.path.join(cwd, place) for place in settings]
    by_name = _Places([*map(_normal, allowed)], [*map(_normal, protected)], [*map(_normal, places)])
    by_link = _Places(
        [_normal(resolve(root)) for root in allowed],
        [_normal(resolve(sub)) for sub in protected],
        [_normal(resolve(place)) for place in places],
    )

    def is_inside(path: str) -> bool:
        absolute = os.path.join(cwd, path)
        # Links are followed from the path as given: `link/../x` is not `x` to the kernel.
        return by_name.hold(_normal(absolute)) and by_link.hold(_normal(resolve(absolute)))

    return [path for path in paths if not is_inside(path)]


class _Places:
    """Directories that may be written and places in them that may not, all absolute and normal."""

    __slots__ = ("_allowed", "_protected")

    def __init__(self, allowed: Sequence[str], protected: Sequence[str], settings: Sequence[str]) -> None:
        self._allowed = allowed
        inside = [place for place in settings if any(_is_below(place, root) for root in allowed)]
        # On some file systems `.GIT` is `.git`.
        self._protected = [place.casefold() for place in (*protected, *inside)]

    def hold(self, path: str) -> bool:
        if not any(_is_below(path, root) for root in self._allowed):
            return False
        folded = path.casefold()
        return not any(_is_below(folded, place) for place in self._protected)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _normal(path: str) -> str:
    normal = os.path.normpath(path)
    # POSIX lets two leading slashes mean something of their own; nothing we run on does.
    return normal[1:] if normal.startswith("//") else normal
