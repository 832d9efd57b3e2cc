"""One program, several names: what to do for the name we were started under, and where commands find them.

Any console script of ours that is started through a link called `apply_patch`, `applypatch` or
`codex-linux-sandbox` is that tool (spec: config-cli.md section 14). This is asked before anything else is
imported, so the module itself imports nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Self

SANDBOX_NAME = "codex-linux-sandbox"
PATCH_NAMES = ("apply_patch", "applypatch")
PATCH_FLAG = "--codex-run-as-apply-patch"

SCRIPT_NAMES = frozenset({"codex", "codex-exec", "codex-mcp-server", "codex-tui"})
"""Console scripts that ask `dispatch` first, so that a link to them does its work."""

_LOCK_NAME = ".lock"
_OWN_NAMES = (SANDBOX_NAME, *PATCH_NAMES, _LOCK_NAME)
_MAX_ATTEMPTS = 3
_UNLOCKED_GRACE_SECONDS = 3600


def dispatch(argv: Sequence[str]) -> Callable[[], int] | None:
    """The tool that `argv` asks for, to be called instead of the program; None if it asks for the program."""
    name = os.path.basename(argv[0]) if argv else ""
    if name == SANDBOX_NAME:
        return _run_sandbox
    if name in PATCH_NAMES:
        return _run_apply_patch
    if len(argv) > 1 and argv[1] == PATCH_FLAG:
        return _run_apply_patch_of_flag
    return None


class HelperDirectory:
    """A private directory with our tools under their names, to go first on the PATH of commands.

    It lies below CODEX_HOME, or where that cannot be written, in a directory for temporary files. It goes
    away with the process; what a killed process left behind, the next one clears away: a directory is in use
    as long as somebody holds the lock on its lock file.

    Not being able to make one is no error: `path` is None then and `warning` says why.
    """

    def __init__(self, environ: Mapping[str, str], *, argv: Sequence[str] | None = None) -> None:
        self.path: str | None = None
        self.warning: str | None = None
        self._given = environ
        self._script = _running_script(sys.argv if argv is None else argv)
        self._is_out_of_reach = False
        self._lock: int | None = None
        self._owner = os.getpid()
        first_problem: OSError | None = None
        for directories, is_out_of_reach in _places(environ):
            try:
                self.path, self._lock = _create_locked(_make_private(directories))
                self._is_out_of_reach = is_out_of_reach
                self._fill(self.path)
                break
            except OSError as problem:
                self.close()
                first_problem = first_problem or problem
        if self.path is None:
            reason = first_problem and (first_problem.strerror or str(first_problem))
            self.warning = f"WARNING: proceeding, even though we could not update PATH: {reason}"
            return
        import atexit

        atexit.register(self.close)
        _sweep(os.path.dirname(self.path), keep=self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def linux_sandbox_exe(self) -> str | None:
        """The program that confines a command on Linux, or None if there is none.

        Not from a place for temporary files if it can be helped: confined commands may write there.
        """
        own = self._existing(SANDBOX_NAME)
        if own is not None and self._is_out_of_reach:
            return own
        return next(_installed((SANDBOX_NAME,), self._script), own)

    @property
    def apply_patch_exe(self) -> str | None:
        """The program that applies a patch, or None if there is none."""
        return self._existing(PATCH_NAMES[0]) or next(_installed(PATCH_NAMES, self._script), None)

    @property
    def environ(self) -> dict[str, str]:
        """The given environment with the directory first on its PATH."""
        if self.path is None:
            return dict(self._given)
        search = self._given.get("PATH")
        return {**self._given, "PATH": self.path if search is None else f"{self.path}{os.pathsep}{search}"}

    def keep_for_exec(self) -> None:
        """Keeps the directory for the program this process is about to turn into.

        That program does not know of it and does not hold the lock, so the lock file names the process
        instead; who sweeps after its end removes the directory.
        """
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()} {_start_time(os.getpid())}\n".encode(), 0)

    def close(self) -> None:
        """Removes the directory; does nothing the second time, or in a forked child."""
        if os.getpid() != self._owner:
            return
        if self.path is not None:
            _remove(self.path)
            self.path = None
            if "atexit" in sys.modules:
                sys.modules["atexit"].unregister(self.close)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _fill(self, directory: str) -> None:
        for name in PATCH_NAMES:
            target = self._script or next(_installed((name,), None), None)
            if target is not None:
                os.symlink(target, os.path.join(directory, name))
        if sys.platform != "linux":
            return
        if not os.statvfs(directory).f_flag & os.ST_NOEXEC:
            try:
                from codex_linux_sandbox.launcher import write_launcher
            except ImportError:
                pass
            else:
                write_launcher(directory, name=SANDBOX_NAME)
                return
        target = self._script or next(_installed((SANDBOX_NAME,), None), None)
        if target is not None:
            os.symlink(target, os.path.join(directory, SANDBOX_NAME))

    def _existing(self, name: str) -> str | None:
        if self.path is None:
            return None
        path = os.path.join(self.path, name)
        return path if os.path.lexists(path) else None


def _run_sandbox() -> int:
    from codex_linux_sandbox.__main__ import main

    main()


def _run_apply_patch() -> int:
    from codex_core.patch.__main__ import main

    return main()


def _run_apply_patch_of_flag() -> int:
    from codex_core.patch.__main__ import main_of_flag

    return main_of_flag()


def _running_script(argv: Sequence[str]) -> str | None:
    """The console script we were started as, links resolved; None if it was something else."""
    if not argv or not argv[0]:
        return None
    path = os.path.realpath(argv[0])
    return path if os.path.basename(path) in SCRIPT_NAMES and os.access(path, os.X_OK) else None


def installed_tool(name: str) -> str | None:
    """The installed console script of that name, for programs that embed the agent; None if there is none."""
    return next(_installed((name,), None), None)


def _installed(names: Sequence[str], script: str | None) -> Iterator[str]:
    """Installed scripts of these names: beside the running one, beside Python, where pip puts them."""
    directories = [os.path.dirname(path) for path in (script, sys.executable) if path]
    yield from _executables(directories, names)
    import sysconfig

    yield from _executables([sysconfig.get_path("scripts")], names)


def _executables(directories: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    for directory in directories:
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def _places(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Where the directory may be made, best first, and whether confined commands are kept from writing there.

    A place is its last directory; those before it are made on the way there.
    """
    home = environ.get("CODEX_HOME")
    if home:
        home = os.path.abspath(home)
        # One that was named and is not there is somebody's mistake, which making it would hide.
        yield (os.path.join(home, "tmp"), os.path.join(home, "tmp", "arg0")), True
    else:
        home = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".codex")
        yield (home, os.path.join(home, "tmp"), os.path.join(home, "tmp", "arg0")), True
    name = f"codex-arg0-{os.geteuid()}"
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime:
        yield (os.path.join(runtime, name),), True
    yield (os.path.join(environ.get("TMPDIR") or "/tmp", name),), False  # noqa: S108 - checked to be ours


def _make_private(directories: Sequence[str]) -> str:
    """Makes what is missing, mode 0700, and gives the last; refuses one that others can write."""
    for directory in directories:
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            pass
    base = directories[-1]
    status = os.lstat(base)
    if status.st_mode & 0o170022 != 0o040000 or status.st_uid != os.geteuid():
        raise PermissionError(f"{base} is not a directory only we can write")
    return base


def _create_locked(base: str) -> tuple[str, int]:
    """A new directory below `base` and the descriptor that holds its lock."""
    import fcntl

    for _ in range(_MAX_ATTEMPTS):
        path = os.path.join(base, os.urandom(6).hex())
        os.mkdir(path, 0o700)
        lock = os.open(os.path.join(path, _LOCK_NAME), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_nlink:
                return path, lock
        except BlockingIOError:
            pass
        except BaseException:
            os.close(lock)
            _remove(path)
            raise
        # Somebody who clears up was faster than our lock and took the directory for abandoned.
        os.close(lock)
    raise BlockingIOError(f"new directories below {base} are removed at once")


def _sweep(base: str, *, keep: str) -> None:
    """Removes the directories below `base` whose owner is gone."""
    try:
        names = os.listdir(base)
    except OSError:
        return
    for name in names:
        path = os.path.join(base, name)
        if path != keep:
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: str) -> None:
    import fcntl

    try:
        lock = os.open(os.path.join(path, _LOCK_NAME), os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Not locked yet, by somebody who makes it at this moment; or nobody ever will.
        if _age_seconds(path) > _UNLOCKED_GRACE_SECONDS:
            _remove(path)
        return
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_kept(lock):
            _remove(path)
    except OSError:  # in use
        pass
    finally:
        os.close(lock)


def _is_kept(lock: int) -> bool:
    """Whether the lock file names a process that is still there (see `keep_for_exec`)."""
    words = os.pread(lock, 64, 0).split()
    if not words or not words[0].isdigit():
        return False
    pid = int(words[0])
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (ProcessLookupError, OverflowError):
        return False
    return _start_time(pid).encode() == b"".join(words[1:])


def _start_time(pid: int) -> str:
    """When a process began, in ticks since the system did: tells it from a later one with its id.

    Empty where the system does not say (no /proc).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name stands in parentheses and may hold anything; the 22nd field counts from before it.
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def _remove(path: str) -> None:
    """Removes a directory of ours, unless there is something in it that we did not put there."""
    for name in _OWN_NAMES:
        try:
            os.unlink(os.path.join(path, name))
        except OSError:
            pass
    try:
        os.rmdir(path)
    except OSError:
        pass


def _age_seconds(path: str) -> float:
    import time

    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0
