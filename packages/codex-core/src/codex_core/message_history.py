"""`history.jsonl`: the prompts a user typed, shared by every session (spec: protocol.md section 10).

Sessions of several processes append to it, each whole line under an advisory lock. A file that has grown
beyond its limit is replaced by one with its newest lines; as its id changes with that, nobody takes a line
of the new one for a line of the old.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_protocol.history_entry import HistoryLine

FILE_NAME = "history.jsonl"

_LOCK_TRIES = 10
_LOCK_WAIT_S = 0.1
_KEPT_SHARE = 0.8
"""What is left of the limit after a cut, so that not every further line cuts again."""
_PIECE = 1 << 16


class HistoryBusy(OSError):  # noqa: N818 - the name says what happened, as BlockingIOError does
    """Other processes keep the file locked."""

    def __init__(self) -> None:
        super().__init__("could not acquire exclusive lock on history file after multiple attempts")


def history_path(codex_home: str) -> str:
    """Where the prompts are kept."""
    return os.path.join(codex_home, FILE_NAME)


def history_metadata(codex_home: str) -> tuple[int, int]:
    """The log's id (its inode number) and how many entries it holds; (0, 0) when there is none."""
    try:
        descriptor = os.open(history_path(codex_home), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0, 0
    entries = 0
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return 0, 0  # linked to /dev/null, say, by somebody who wants no history
        while chunk := os.read(descriptor, _PIECE):
            entries += chunk.count(b"\n")
    except OSError:
        return 0, 0
    finally:
        os.close(descriptor)
    return status.st_ino, entries


async def append_entry(
    codex_home: str,
    line: HistoryLine,
    *,
    max_bytes: int | None,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Adds a prompt; the file is then readable by its owner only. Nothing is added to what is no file.

    Raises:
        OSError: it cannot be written, or stays locked by others for a second.
    """
    from codex_core.rollout.disk import append_line

    os.makedirs(codex_home, mode=0o700, exist_ok=True)
    path = os.path.realpath(history_path(codex_home))  # where it is a link, its target is cut, too
    descriptor = await _open_locked(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, exclusive=True, sleep=sleep)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        os.fchmod(descriptor, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            append_line(descriptor, b"\n")  # another program's line that was torn
        append_line(descriptor, line.to_json().encode() + b"\n")
        if max_bytes is not None and os.fstat(descriptor).st_size > max_bytes:
            _keep_newest(descriptor, path, int(max_bytes * _KEPT_SHARE))
    finally:
        os.close(descriptor)


async def read_entry(
    codex_home: str, log_id: int, offset: int, *, sleep: Callable[[float], Awaitable[None]]
) -> HistoryLine | None:
    """Line `offset`, from 0, of the log with that id; None if it is not there or not to be read.

    Raises:
        OSError: the file stays locked by others for a second.
    """
    try:
        descriptor = await _open_locked(history_path(codex_home), os.O_RDONLY, exclusive=False, sleep=sleep)
    except FileNotFoundError:
        return None
    return _line(descriptor, log_id, offset)


def _line(descriptor: int, log_id: int, offset: int) -> HistoryLine | None:
    from itertools import islice

    from codex_protocol.errors import ProtocolError
    from codex_protocol.history_entry import HistoryLine

    with open(descriptor, "rb") as file:
        if os.fstat(descriptor).st_ino != log_id or offset > sys.maxsize:
            return None
        text = next(islice(file, offset, None), None)
    try:
        return None if text is None else HistoryLine.from_json(text)
    except ProtocolError:
        return None


async def _open_locked(
    path: str, flags: int, *, exclusive: bool, sleep: Callable[[float], Awaitable[None]]
) -> int:
    """The file, open and locked; also if another process is just replacing it."""
    import fcntl

    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    for attempt in range(_LOCK_TRIES):
        if attempt:
            await sleep(_LOCK_WAIT_S)
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:  # else it was replaced while we waited for it
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise HistoryBusy


def _keep_newest(descriptor: int, path: str, limit: int) -> None:
    """Replaces the file by its newest whole lines, at most `limit` bytes but at least one line."""
    from codex_core.rollout.disk import append_line

    size = os.fstat(descriptor).st_size
    start = max(0, size - limit)
    tail = _read_from(descriptor, max(0, start - 1), size)
    if start > 0:
        cut = tail.find(b"\n") + 1
        if cut >= len(tail):  # one line is longer than the limit: it stays alone
            tail = _read_from(descriptor, 0, size)
            cut = tail.rfind(b"\n", 0, len(tail) - 1) + 1
        tail = tail[cut:]
    temporary = f"{path}.{os.getpid()}.tmp"
    replacement = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        append_line(replacement, tail)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(replacement)


def _read_from(descriptor: int, start: int, end: int) -> bytes:
    pieces = []
    while start < end and (piece := os.pread(descriptor, min(_PIECE, end - start), start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
