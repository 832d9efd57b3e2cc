"""What stays read-only below a writable root: the repository's own data, the agent's settings.

Whoever can write them decides what runs outside the sandbox later: a hook, an alias, a policy. Only the
namespace layer can enforce this. A missing one must not be created either, so an empty directory holds its
place while a command runs. Every helper that relies on it holds a shared lock on it; the last one removes it.
Who holds one always has a second process that does so too, and removes it when the first is killed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

NAMES = (".git", ".codex", ".agents")

_GITDIR = "gitdir:"
_COMMON_DIRECTORY = "commondir"
_MAX_GIT_FILE_BYTES = 8192
# How a place holder left by a killed helper is told from a directory of the user's: empty, and this mode.
_PLACEHOLDER_MODE = 0o1755
_USUAL_MODE = 0o755
# Where we cannot make a directory for one of these reasons, a command that is us cannot either.
_CLOSED_TO_ALL = (
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
_MAX_TRIES = 100


class PlaceTakenError(OSError):
    """Somebody has put something in a vacant place since it was looked at."""


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
        if mode == stat.S_IFDIR | _PLACEHOLDER_MODE and _is_empty(path):
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
        """Puts empty directories in these places. Where nobody can create anything, nothing is done.

        Raises: OSError, with none of it held, when a place cannot be kept vacant (a full disk);
        PlaceTakenError when it is not vacant any more.
        """
        try:
            for path in vacant:
                if path not in self.held and (descriptor := _hold_place(path)) is not None:
                    self.held[path] = descriptor
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Removes the place holders nobody else needs."""
        for path, descriptor in self.held.items():
            _give_up(path, descriptor)
        self.held.clear()


def sweep(places: list[str]) -> None:
    """Removes the place holders that killed processes have left in these places."""
    for path in places:
        try:
            descriptor = _open_place(path)
        except OSError:
            continue
        if stat.S_IMODE(os.fstat(descriptor).st_mode) == _PLACEHOLDER_MODE:
            _give_up(path, descriptor)
        else:
            os.close(descriptor)


def _give_up(path: str, descriptor: int) -> None:
    """Removes the place holder that is open, unless another helper relies on it, and closes it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who finds it locked so waits, and looks again: the name cannot come to mean another one's meanwhile.
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            os.rmdir(path)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:  # somebody has begun to use it
            try:
                os.fchmod(descriptor, _USUAL_MODE)
            except OSError:
                pass  # not ours
    finally:
        os.close(descriptor)


def _hold_place(path: str) -> int | None:
    """A locked descriptor of the place holder at `path`; None where nobody can create anything.

    Raises: OSError; PlaceTakenError.
    """
    for _ in range(_MAX_TRIES):
        try:
            # The umask must not take any of the mode, by which others tell what it is.
            mask = os.umask(0)
            try:
                os.mkdir(path, _PLACEHOLDER_MODE)
            finally:
                os.umask(mask)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno in _CLOSED_TO_ALL:
                return None
            raise OSError(error.errno, f"cannot keep {path} from being created: {error.strerror}") from error
        try:
            descriptor = _open_place(path)
        except FileNotFoundError:
            continue  # whoever held it has just removed it
        except OSError as error:
            raise PlaceTakenError(error.errno, f"{path} has been made meanwhile") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for who is about to remove it
            here = os.fstat(descriptor)
            if here.st_nlink == 0:
                is_taken = False
            elif stat.S_IMODE(here.st_mode) != _PLACEHOLDER_MODE or os.listdir(descriptor):
                is_taken = True
            elif os.path.samestat(here, os.lstat(path)):
                return descriptor
            else:
                is_taken = False
        except FileNotFoundError:
            is_taken = False
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if is_taken:
            break
    raise PlaceTakenError(errno.EEXIST, f"{path} has been made meanwhile")


def _open_place(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _is_empty(path: str) -> bool:
    try:
        return not os.listdir(path)
    except OSError:
        return False


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
