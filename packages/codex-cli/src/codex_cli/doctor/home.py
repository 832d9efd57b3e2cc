"""CODEX_HOME: is it there, ours, private, writable, and how full is it (spec: config-cli.md section 12)."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Result, Status, ok, skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_cli.doctor.result import Patient, Value

GROUP = "CODEX_HOME"
LITTLE_SPACE_BYTES = 100 << 20
NO_SPACE_BYTES = 1 << 20
LARGE_LOG_BYTES = 100 << 20
"""The log is never rotated (spec: config-cli.md section 15)."""
MANY_LEFTOVERS = 20
MAX_ENTRIES = 200_000
"""How many files are counted at most; a size is `at least` after that."""
_YOUNG_SECONDS = 10.0
_PRIVATE = ("auth.json", "history.jsonl", "sessions", "archived_sessions", "log", ".env")
_MEASURED = ("sessions", "archived_sessions", "log", "history.jsonl")


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known of a directory from the outside."""

    path: str
    exists: bool = True
    is_directory: bool = True
    mode: int = 0o700
    is_ours: bool = True
    is_writable: bool = True
    parent: str = ""
    """Of one that is not there: the nearest directory that is."""
    parent_is_writable: bool = True
    free_bytes: int | None = None


def judge_home(found: Directory) -> Result:
    """Whether the directory can be used."""
    data: dict[str, Value] = {
        "path": found.path,
        "exists": found.exists,
        "mode": f"{found.mode:04o}" if found.exists else None,
        "writable": found.is_writable if found.exists else found.parent_is_writable,
    }
    if not found.exists:
        if not found.parent_is_writable:
            return Result(
                Status.FAIL,
                f"{found.path} is not there, and {found.parent} cannot be written in to make it",
                advice="set CODEX_HOME to a directory you can write in",
                data=data,
            )
        return Result(Status.OK, f"{found.path} is not there yet; it is made when it is needed", data=data)
    if not found.is_directory:
        return Result(Status.FAIL, f"{found.path} is not a directory", data=data)
    if not found.is_writable:
        return Result(
            Status.FAIL,
            f"{found.path} cannot be written in: no login, session or setting can be stored",
            advice="set CODEX_HOME to a directory you can write in, or correct owner and mode of this one",
            data=data,
        )
    if not found.is_ours:
        return Result(
            Status.WARN,
            f"{found.path} belongs to another user, who can read and change what is stored there",
            advice="set CODEX_HOME to a directory of your own",
            data=data,
        )
    if found.mode & 0o022:
        return Result(
            Status.WARN,
            f"others can write in {found.path} (mode {found.mode:04o}): they could change your configuration",
            advice=f"chmod go-w {found.path}",
            data=data,
        )
    return Result(Status.OK, f"{found.path} (mode {found.mode:04o})", data=data)


def judge_space(path: str, free_bytes: int) -> Result:
    """Whether there is room for sessions."""
    data: dict[str, Value] = {"free_bytes": free_bytes}
    summary = f"{human_size(free_bytes)} free on the disk of {path}"
    if free_bytes < NO_SPACE_BYTES:
        return Result(Status.FAIL, summary, advice="make room: sessions cannot be recorded", data=data)
    if free_bytes < LITTLE_SPACE_BYTES:
        return Result(Status.WARN, summary, advice="make room: sessions need some", data=data)
    return Result(Status.OK, summary, data=data)


def judge_sizes(sizes: Mapping[str, int], *, is_complete: bool) -> Result:
    """How much is stored."""
    data: dict[str, Value] = {"bytes": dict(sizes), "complete": is_complete}
    least = "" if is_complete else "at least "
    shown = ", ".join(f"{name} {least}{human_size(size)}" for name, size in sizes.items())
    if sizes.get("log", 0) > LARGE_LOG_BYTES:
        advice = "the log is never cut: remove it when it is too large"
        return Result(Status.WARN, shown, advice=advice, data=data)
    return Result(Status.OK, shown or "nothing is stored yet", data=data)


def judge_private(modes: Mapping[str, int]) -> Result:
    """Whether what is private cannot be read by others; modes by path, of what is there."""
    data: dict[str, Value] = {path: f"{mode:04o}" for path, mode in modes.items()}
    open_ones = [path for path, mode in modes.items() if mode & 0o077]
    if not open_ones:
        return Result(Status.OK, "credentials and sessions are readable by you only", data={"modes": data})
    shown = ", ".join(f"{os.path.basename(path)} ({modes[path]:04o})" for path in open_ones)
    return Result(
        Status.WARN,
        f"others can read or change: {shown}",
        advice=f"chmod go= {' '.join(open_ones)}",
        data={"modes": data},
    )


def judge_leftovers(count: int, directory: str) -> Result:
    """Whether directories of our tools are left behind."""
    if count == 0:
        return ok("no helper directories are left behind", count=0)
    summary = f"{count} helper director{'y is' if count == 1 else 'ies are'} left behind in {directory}"
    if count <= MANY_LEFTOVERS:
        return ok(f"{summary}; the next start clears them away", count=count)
    return Result(
        Status.WARN, summary, advice="if they stay after the next run, remove them", data={"count": count}
    )


def human_size(size: float) -> str:
    """`17 bytes`, `1.5 MiB`."""
    if size < 1024:
        return f"{size:.0f} bytes"
    power = min(4, (int(size).bit_length() - 1) // 10)
    return f"{size / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def examine_directory(path: str) -> Directory:
    """What there is to know. Writes nothing."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        parent = os.path.dirname(path)
        while not os.path.isdir(parent) and parent != os.path.dirname(parent):
            parent = os.path.dirname(parent)
        writable = os.access(parent, os.W_OK | os.X_OK)
        return Directory(path, exists=False, parent=parent, parent_is_writable=writable)
    return Directory(
        path,
        is_directory=stat.S_ISDIR(status.st_mode),
        mode=stat.S_IMODE(status.st_mode),
        is_ours=status.st_uid == os.geteuid(),
        is_writable=os.access(path, os.W_OK | os.X_OK),
    )


def size_of(path: str, limit: int = MAX_ENTRIES) -> tuple[int, bool]:
    """Bytes in a file or below a directory, and whether all was counted; links are not followed."""
    total = count = 0
    waiting = [path]
    while waiting:
        current = waiting.pop()
        try:
            status = os.lstat(current)
            total += status.st_size if stat.S_ISREG(status.st_mode) else 0
            if stat.S_ISDIR(status.st_mode):
                with os.scandir(current) as entries:
                    waiting += [entry.path for entry in entries]
        except OSError:
            continue
        count += 1
        if count >= limit:
            return total, not waiting
    return total, True


def abandoned_helpers(directory: str, *, now: float) -> int:
    """How many helper directories nobody holds the lock of. Those just made are left alone."""
    return sum(1 for lock in _locks(directory, now) if _is_free(lock))


def _locks(directory: str, now: float) -> Iterator[str]:
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        lock = os.path.join(directory, name, ".lock")
        try:
            if now - os.lstat(lock).st_mtime > _YOUNG_SECONDS:
                yield lock
        except OSError:
            continue


def _is_free(lock: str) -> bool:
    import fcntl

    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return not _is_running(os.read(descriptor, 64))
    except OSError:  # held by its process
        return False
    finally:
        os.close(descriptor)


def _is_running(content: bytes) -> bool:
    """Whether the lock file names a process, one that turned into another program, that is still there."""
    pid = content.split(b" ")[0]
    return pid.isdigit() and os.path.exists(f"/proc/{int(pid)}")


def _check_home(patient: Patient) -> Result:
    if patient.home is None:
        return Result(
            Status.FAIL,
            patient.home_problem or "CODEX_HOME cannot be told",
            advice="make the directory, or unset CODEX_HOME to use ~/.codex",
        )
    return judge_home(examine_directory(patient.home))


def _check_space(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    found = examine_directory(patient.home)
    path = found.path if found.exists else found.parent
    disk = os.statvfs(path)
    return judge_space(path, disk.f_bavail * disk.f_frsize)


def _check_sizes(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    sizes = {}
    is_complete = True
    for name in _MEASURED:
        path = os.path.join(patient.home, name)
        if os.path.lexists(path):
            sizes[name], whole = size_of(os.path.realpath(path))
            is_complete = is_complete and whole
    return judge_sizes(sizes, is_complete=is_complete)


def _check_private(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    modes = {}
    for name in _PRIVATE:
        path = os.path.join(patient.home, name)
        try:
            modes[path] = stat.S_IMODE(os.stat(path).st_mode)
        except OSError:
            continue
    if modes and not stat.S_IMODE(os.stat(patient.home).st_mode) & 0o077:
        # Nobody gets at what is in a directory that only its owner may enter.
        return judge_private({path: mode & 0o700 for path, mode in modes.items()})
    return judge_private(modes)


def _check_leftovers(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    directory = os.path.join(patient.home, "tmp", "arg0")
    return judge_leftovers(abandoned_helpers(directory, now=time.time()), directory)


CHECKS: tuple[Check, ...] = (
    Check("codex_home", GROUP, _check_home),
    Check("disk_space", GROUP, _check_space),
    Check("stored", GROUP, _check_sizes, 20.0),
    Check("private_files", GROUP, _check_private),
    Check("leftovers", GROUP, _check_leftovers),
)
