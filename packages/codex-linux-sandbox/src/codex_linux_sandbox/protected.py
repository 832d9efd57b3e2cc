"""The directories below a writable root that stay read-only: the repository's own data, the agent's settings.

Whoever can write them decides what runs outside the sandbox later: a hook, an alias, a policy. Only the
namespace layer can enforce this. A missing one must not be created either, so an empty directory holds its
place while a command runs. Every helper that relies on it holds a shared lock on it; the last one removes it.
"""

from __future__ import annotations

import fcntl
import os
import stat

NAMES = (".git", ".codex", ".agents")

_GITDIR = "gitdir:"
_MAX_GIT_FILE_BYTES = 8192
# How a place holder left by a killed helper is told from a directory of the user's: empty, and this mode.
_PLACEHOLDER_MODE = 0o1755


class Protection:
    """The paths to keep read-only. `release` removes the place holders made for them."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._placeholders: list[tuple[str, int]] = []

    def add_existing(self, root: str) -> None:
        """Adds what exists of the protected names in canonical directory `root`, and what it refers to."""
        for name in NAMES:
            path = os.path.join(root, name)
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                continue
            self._add(path)
            if stat.S_ISLNK(mode):
                self._add(os.path.realpath(path))
            elif stat.S_ISREG(mode):
                self._add(_named_git_directory(path))

    def add_missing(self, root: str) -> None:
        """Puts empty directories in the places of the protected names missing in `root`, and adds those."""
        for name in NAMES:
            path = os.path.join(root, name)
            descriptor = _hold_place(path)
            if descriptor is not None:
                self._placeholders.append((path, descriptor))
                self._add(path)

    def release(self) -> None:
        """Removes the place holders nobody else needs."""
        for path, descriptor in self._placeholders:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rmdir(path)
            except OSError:
                pass  # another helper relies on it, or somebody has filled it
            os.close(descriptor)
        self._placeholders.clear()

    def _add(self, path: str | None) -> None:
        if path is not None and path != "/" and path not in self.paths:
            self.paths.append(path)


def _hold_place(path: str) -> int | None:
    """A locked descriptor of the place holder at `path`; None where it cannot be one."""
    try:
        os.mkdir(path)
        os.chmod(path, _PLACEHOLDER_MODE)
    except FileExistsError:
        pass
    except OSError:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        here = os.fstat(descriptor)
        if (
            stat.S_IMODE(here.st_mode) == _PLACEHOLDER_MODE
            and here.st_nlink > 0
            and os.path.samestat(here, os.lstat(path))
            and not os.listdir(descriptor)
        ):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _named_git_directory(path: str) -> str | None:
    """The canonical directory that the file `.git` of a worktree or submodule names."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_MAX_GIT_FILE_BYTES)
    except (OSError, ValueError):
        return None
    if not text.startswith(_GITDIR):
        return None
    named = os.path.join(os.path.dirname(path), text[len(_GITDIR) :].strip())
    return os.path.realpath(named) if os.path.isdir(named) else None
