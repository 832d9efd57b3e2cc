"""Session files on disk: there whole or not at all, one writer at a time, lines that are never glued."""

from __future__ import annotations

import contextlib
import errno
import os
import time

from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import loads_object

NURSERY = ".begun"
"""The directory below `sessions` in which a file gets its first lines. No listing enters it."""
_LEFT_BEHIND_S = 3600
"""Nobody takes that long to write them."""
_PIECE = 1 << 16
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV)


def create_whole(path: str, data: bytes, *, root: str) -> int:
    """A new file that holds `data` from the moment it is there; its descriptor appends, and holds its lock.

    It is written in a directory below `root`, then gets its name. What killed processes have left there is
    removed.

    Raises:
        OSError: a directory or the file cannot be made, or there is such a file.
    """
    nursery = os.path.join(root, NURSERY)
    for directory in (os.path.dirname(path), nursery):
        _make_private_directories(directory, below=os.path.dirname(root))
    _remove_left_behind(nursery)
    unborn = os.path.join(nursery, f"{os.path.basename(path)}.part")
    descriptor = os.open(unborn, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        is_ours(descriptor)
        append_line(descriptor, data)
        move_to_free_name(unborn, path)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(unborn)
        raise
    return descriptor


def _remove_left_behind(nursery: str) -> None:
    """Removes what was begun long ago by a process that is no more."""
    with contextlib.suppress(OSError), os.scandir(nursery) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _LEFT_BEHIND_S:
                    _remove_unless_held(entry.path)


def _remove_unless_held(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # With another name besides it is a session; whoever goes on with that must not find it held by us.
        if os.fstat(descriptor).st_nlink > 1 or is_ours(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def move_to_free_name(path: str, target: str) -> None:
    """Gives a file another name, which nothing has; finishes what was killed between the two.

    Raises:
        OSError: it cannot be moved, or something else is there.
    """
    try:
        os.link(path, target)  # unlike a rename, it replaces nothing
    except FileExistsError:
        if not os.path.samefile(path, target):
            raise
        os.unlink(path)
    except OSError as error:
        if error.errno not in _NO_LINKS or os.path.lexists(target):
            raise
        os.rename(path, target)  # a file system without links, or without those between directories
    else:
        _unlink_or_undo(path, target)


def _unlink_or_undo(path: str, target: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:  # somebody has tidied up
        pass
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise


def is_ours(descriptor: int) -> bool:
    """Whether this descriptor is now the only one that may write the file; so until it is closed.

    The lock is advisory, between those that ask. Where a file system knows no locks, nobody has one.
    """
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def mend_last_line(descriptor: int) -> None:
    """Makes the file end behind a whole line: ends it, or takes the torn rest of one away.

    Raises:
        OSError: the file cannot be read or changed.
    """
    end = os.fstat(descriptor).st_size
    if end == 0 or os.pread(descriptor, 1, end - 1) == b"\n":
        return
    start = _start_of_last_line(descriptor, end)
    if _is_json(os.pread(descriptor, end - start, start)):
        append_line(descriptor, b"\n")
    else:
        os.ftruncate(descriptor, start)


def _start_of_last_line(descriptor: int, end: int) -> int:
    while end > 0:
        begin = max(0, end - _PIECE)
        newline = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0


def _is_json(line: bytes) -> bool:
    try:
        loads_object(line)
    except ProtocolError:
        return False
    return True


def append_line(descriptor: int, line: bytes) -> None:
    """Appends `line` whole or not at all, to a file only this process writes.

    Raises:
        OSError: the disk refused; what had been written of the line is taken back.
    """
    start = os.fstat(descriptor).st_size
    rest = line
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, start)
        raise


def _make_private_directories(path: str, *, below: str) -> None:
    missing: list[str] = []
    while not os.path.isdir(path):
        missing.append(path)
        if path in (below, os.path.dirname(path)):
            break
        path = os.path.dirname(path)
    for directory in reversed(missing):
        os.makedirs(directory, mode=0o700, exist_ok=True)
