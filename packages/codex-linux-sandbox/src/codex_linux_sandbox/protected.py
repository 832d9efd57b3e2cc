"""What stays read-only below a writable root: the repository's own data, the agent's settings.

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
_COMMON_DIRECTORY = "commondir"
_MAX_GIT_FILE_BYTES = 8192
# How a place holder left by a killed helper is told from a directory of the user's: empty, and this mode.
_PLACEHOLDER_MODE = 0o1755


def names_in(root: str) -> tuple[list[str], list[str]]:
    """Of the protected names in canonical directory `root`: what is there, with what that refers to, and
    the places where nothing is (but perhaps a place holder)."""
    present: list[str] = []
    vacant: list[str] = []
    for name in NAMES:
        path = os.path.join(root, name)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            vacant.append(path)
            continue
        except OSError:
            continue
        if mode == stat.S_IFDIR | _PLACEHOLDER_MODE:
            vacant.append(path)
        present += _with_what_it_names(path, mode)
    return present, vacant


def repository_around(directory: str) -> list[str]:
    """`.git` of the repository that canonical `directory` lies in, with what that refers to."""
    while True:
        path = os.path.join(directory, ".git")
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            if directory == "/":
                return []
            directory = os.path.dirname(directory)
            continue
        return _with_what_it_names(path, mode)


def settings_at(path: str) -> tuple[list[str], list[str]]:
    """A directory of settings, and what is linked from it; the second list has `path` if it is missing."""
    canonical = os.path.realpath(path)
    if not os.path.lexists(canonical):
        return [], [canonical] if os.path.isdir(os.path.dirname(canonical)) else []
    present = [canonical]
    try:
        with os.scandir(canonical) as entries:
            present += [os.path.realpath(entry.path) for entry in entries if entry.is_symlink()]
    except OSError:
        pass  # no directory, or closed to us and so to the command
    return [place for place in present if os.path.lexists(place)], []


def _with_what_it_names(path: str, mode: int) -> list[str]:
    """`path` and the places that decide what it means: where a link leads, where a .git file points."""
    if stat.S_ISLNK(mode):
        target = os.path.realpath(path)
        return [path, target] if os.path.lexists(target) else [path]
    if not stat.S_ISREG(mode):
        return [path]
    named = _directory_named_in(path, _GITDIR)
    if named is None:
        return [path]
    # A worktree's own directory lies inside the main repository's, which the first line of a file names.
    common = _directory_named_in(os.path.join(named, _COMMON_DIRECTORY), "")
    return [path, named] if common is None else [path, named, common]


class Placeholders:
    """The empty directories that keep names vacant while a command runs, with the lock on each."""

    def __init__(self, held: dict[str, int] | None = None) -> None:
        self.held = held or {}

    @property
    def paths(self) -> list[str]:
        return list(self.held)

    def hold(self, vacant: list[str]) -> None:
        """Puts empty directories in these places, as far as they are vacant still."""
        for path in vacant:
            descriptor = _hold_place(path)
            if descriptor is not None:
                self.held[path] = descriptor

    def release(self) -> None:
        """Removes the place holders nobody else needs."""
        for path, descriptor in self.held.items():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.rmdir(path)
            except OSError:
                pass  # another helper relies on it, or somebody has filled it
            os.close(descriptor)
        self.held.clear()


def _hold_place(path: str) -> int | None:
    """A locked descriptor of the place holder at `path`; None where it cannot be one."""
    is_new = True
    try:
        os.mkdir(path, _PLACEHOLDER_MODE)
    except FileExistsError:
        is_new = False
    except OSError:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        here = os.fstat(descriptor)
        if is_new and stat.S_IMODE(here.st_mode) != _PLACEHOLDER_MODE:  # the umask took some of it
            os.fchmod(descriptor, _PLACEHOLDER_MODE)
            here = os.fstat(descriptor)
        if (
            stat.S_IMODE(here.st_mode) == _PLACEHOLDER_MODE
            and here.st_nlink > 0
            and os.path.samestat(here, os.lstat(path))
            and (is_new or not os.listdir(descriptor))
        ):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _directory_named_in(path: str, keyword: str) -> str | None:
    """The canonical directory that a file of git names after `keyword`, relative to the file's own."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_MAX_GIT_FILE_BYTES)
    except (OSError, ValueError):
        return None
    if not text.startswith(keyword):
        return None
    try:
        named = os.path.join(os.path.dirname(path), text[len(keyword) :].strip())
        return os.path.realpath(named) if os.path.isdir(named) else None
    except ValueError:  # a null character
        return None
