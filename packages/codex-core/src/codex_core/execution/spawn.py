"""Starting a child in a session of its own, learning of its end, and ending all that came of it.

The child leads a new session and process group, so no signal of the terminal reaches it and it can be killed
together with its descendants. On Linux the kernel sends it SIGTERM when we die, however that happens.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codex_core.errors import ExecutionError

if TYPE_CHECKING:
    import asyncio
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

_MAX_KILL_ROUNDS = 5


class SpawnFailed(ExecutionError):  # noqa: N818 - says what happened
    """The program could not be started; says why, as `No such file or directory (os error 2)`."""


class RunningChild(Protocol):
    """What a command is run with, whoever started it."""

    @property
    def stdin(self) -> int | None:
        """Our end of the pipe; None: the child reads from /dev/null."""
        ...

    @property
    def stdout(self) -> int: ...

    @property
    def stderr(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None until it is known."""
        ...

    def watch(self, on_end: Callable[[], None], on_gone: Callable[[], None]) -> None:
        """Calls back once when the child has ended, and once, not before, when all it left has."""
        ...

    def kill_all(self) -> None:
        """SIGKILL for the child and what came of it."""
        ...

    def reap(self) -> None:
        """Frees its process id; the end has been announced."""
        ...

    def raise_failure(self) -> None:
        """Raises why it did not run, if it did not."""
        ...

    def close(self) -> None:
        """Ends the watch. The pipes stay open."""
        ...


@dataclass(slots=True)
class Pipes:
    """Both ends of what a child reads from and writes to; ours do not block."""

    stdin: int | None
    stdout: int
    stderr: int
    their_stdin: int
    their_stdout: int
    their_stderr: int

    @classmethod
    def open(cls, *, with_input: bool) -> Self:
        """New pipes; without input, the child's end is /dev/null. Raises: OSError."""
        fds: list[int] = []
        try:
            for _ in range(2):
                fds += os.pipe()
            if with_input:
                fds += os.pipe()
            else:
                fds.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            stdout, their_stdout, stderr, their_stderr, their_stdin, *rest = fds
            for fd in (stdout, stderr, *rest):
                os.set_blocking(fd, False)
        except OSError:
            _close(fds)
            raise
        return cls(rest[0] if rest else None, stdout, stderr, their_stdin, their_stdout, their_stderr)

    def close_ours(self) -> None:
        """Closes what we read from and write to."""
        _close([fd for fd in (self.stdin, self.stdout, self.stderr) if fd is not None])
        self.stdin, self.stdout, self.stderr = None, -1, -1

    def close_theirs(self) -> None:
        """Closes what the child has its own copies of; does nothing the second time."""
        if self.their_stdout >= 0:
            _close([self.their_stdin, self.their_stdout, self.their_stderr])
            self.their_stdin = self.their_stdout = self.their_stderr = -1


@dataclass(slots=True)
class Child:
    """A running child of this process and our ends of its pipes."""

    process: subprocess.Popen[bytes]
    pipes: Pipes
    _exit_watch: ExitWatch | None = None

    @property
    def stdin(self) -> int | None:
        """None: the child reads from /dev/null."""
        return self.pipes.stdin

    @property
    def stdout(self) -> int:
        return self.pipes.stdout

    @property
    def stderr(self) -> int:
        return self.pipes.stderr

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None until it is known."""
        return self.process.returncode

    def watch(self, on_end: Callable[[], None], on_gone: Callable[[], None]) -> None:
        """Calls back when the child has ended. What it left is gone as soon as it is killed."""
        import asyncio

        def ended() -> None:
            on_end()
            on_gone()

        self._exit_watch = ExitWatch(self.process, asyncio.get_running_loop(), ended)

    def reap(self) -> None:
        """Frees its process id."""
        self.process.poll()

    def raise_failure(self) -> None:
        """Does nothing: a child that could not be started is never made."""

    def close(self) -> None:
        """Ends the watch. The pipes stay open."""
        if self._exit_watch is not None:
            self._exit_watch.close()

    def kill_all(self) -> None:
        """SIGKILL for every process of the child's session; only right as long as the child is not reaped.

        The group alone would miss what made a group of its own, as `timeout` and shells with job control do.
        """
        leader = self.process.pid
        _kill_group(leader)
        if sys.platform != "linux":
            return
        for _ in range(_MAX_KILL_ROUNDS):  # a process may fork between being seen and being killed
            others = _session_members(leader)
            if not others:
                return
            for pid in others:
                _kill_member(pid, leader)


def start_child(argv: Sequence[str], *, cwd: str, env: Mapping[str, str], with_input: bool) -> Child:
    """Starts `argv` with exactly `env`; the program is looked up in the PATH of `env`.

    Text becomes UTF-8 bytes whatever the locale says, escaped bytes become what they were. On Linux the child
    dies with the calling thread: call this from one that lives as long as the process. The sandbox helper
    sees to that itself; any other program is started by a small launcher, which does.

    Raises:
        SpawnFailed: when there is no such program or directory, or the system refuses.
    """
    import subprocess

    if not argv:
        raise SpawnFailed("command args are empty")
    try:
        pipes = Pipes.open(with_input=with_input)
    except OSError as error:
        raise SpawnFailed(describe_os_error(error)) from error
    try:
        words = [to_bytes(word) for word in argv]
        variables = {to_bytes(name): to_bytes(value) for name, value in env.items()}
        with _Launcher(words, variables) as launcher:
            process = subprocess.Popen(
                launcher.argv,
                stdin=pipes.their_stdin,
                stdout=pipes.their_stdout,
                stderr=pipes.their_stderr,
                cwd=to_bytes(cwd),
                env=launcher.env,
                pass_fds=launcher.pass_fds,
                start_new_session=True,
                restore_signals=True,  # CPython ignores SIGPIPE and SIGXFSZ; commands expect the defaults
            )
            launcher.wait(process)
    except OSError as error:
        pipes.close_ours()
        raise SpawnFailed(describe_os_error(error)) from error
    except ValueError as error:  # a NUL byte, half a surrogate pair, or `=` in a variable's name
        pipes.close_ours()
        raise SpawnFailed(str(error)) from error
    finally:
        pipes.close_theirs()
    return Child(process, pipes)


_HELPER_NAME = b"codex-linux-sandbox"

_LAUNCHER = """\
import ctypes, os, signal, sys
report, parent, *command = map(os.fsencode, sys.argv[1:])
report = int(report)
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)  # SIGTERM when whoever started this dies
if os.getppid() != int(parent):
    os._exit(1)
os.set_inheritable(report, False)
for number in (signal.SIGPIPE, signal.SIGXFSZ):  # this interpreter ignores them, too
    signal.signal(number, signal.SIG_DFL)
with open("/proc/self/environ", "rb") as file:  # as it was given: under a C locale Python adds to it
    environ = dict(entry.split(b"=", 1) for entry in file.read().split(b"\\0") if b"=" in entry[1:])
try:
    os.execvpe(command[0], command, environ)
except OSError as error:
    os.write(report, str(error.errno or 0).encode())
    os._exit(127)
"""


def environment_aside(
    command: list[bytes], env: dict[bytes, bytes]
) -> tuple[list[bytes], dict[bytes, bytes], int | None]:
    """How to start `command` so that `env` has no influence on what confines it.

    For the sandbox helper: it reads the environment from a descriptor, to be inherited and then closed, and
    is started with an empty one; else a library that LD_LIBRARY_PATH names could act before the sandbox does.
    Anything else stays as it is.

    Raises:
        OSError: the system refuses.
        ValueError: this is no environment.
    """
    if sys.platform != "linux" or os.path.basename(command[0]) != _HELPER_NAME:
        return command, env, None
    if any(b"\0" in text for entry in env.items() for text in entry):
        raise ValueError("embedded null byte")
    if any(b"=" in name for name in env):
        raise ValueError("illegal environment variable name")
    descriptor = os.memfd_create("environment")
    try:
        rest = memoryview(b"".join(name + b"=" + value + b"\0" for name, value in env.items()))
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.close(descriptor)
        raise
    return [command[0], b"--environment=%d" % descriptor, *command[1:]], {}, descriptor


class _Launcher:
    """Starts a program so that it dies with us, on Linux, without running Python between fork and exec in
    this process, which is unsafe beside other threads."""

    def __init__(self, command: list[bytes], env: dict[bytes, bytes]) -> None:
        self.argv, self.env, self._environment = environment_aside(command, env)
        self.pass_fds = [] if self._environment is None else [self._environment]
        self._report = -1
        if sys.platform == "linux" and self._environment is None:
            self._report, theirs = os.pipe()
            self.pass_fds = [theirs]
            numbers = (str(theirs).encode(), str(os.getpid()).encode())
            self.argv = [os.fsencode(sys.executable), b"-IS", b"-c", _LAUNCHER.encode(), *numbers, *command]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        _close(self.pass_fds)
        if self._report >= 0:
            os.close(self._report)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Waits until the program runs. Raises: OSError when it does not, the process being gone then."""
        if self._report < 0:
            return
        _close([self.pass_fds.pop()])
        number = os.read(self._report, 16)
        if number:
            process.wait()
            raise OSError(int(number), os.strerror(int(number)))


def describe_os_error(error: OSError) -> str:
    """What the system says, with its number: `Permission denied (os error 13)`."""
    if error.errno is None:
        return str(error)
    return f"{os.strerror(error.errno)} (os error {error.errno})"


class ExitWatch:
    """Calls back once, on the loop, when the child has ended.

    Where the system can (Linux, and wherever `waitid` is), the child is left a zombie: its process id, which
    is also its group's and its session's, cannot be given to anybody else before the caller reaps it.
    """

    __slots__ = ("_callback", "_closed", "_loop", "_pidfd")

    def __init__(
        self, process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, callback: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._callback = callback
        self._closed = False
        self._pidfd = _open_pidfd(process.pid)
        if self._pidfd is not None:
            loop.add_reader(self._pidfd, self._ended)
        else:
            import threading

            threading.Thread(target=self._wait_in_thread, args=(process,), daemon=True).start()

    def close(self) -> None:
        """Forgets the child; nothing is called from now on."""
        self._closed = True
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _ended(self) -> None:
        if not self._closed:
            self.close()
            self._callback()

    def _wait_in_thread(self, process: subprocess.Popen[bytes]) -> None:
        if hasattr(os, "waitid"):
            try:
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:  # reaped before we came to look
                pass
        else:
            process.wait()
        try:
            self._loop.call_soon_threadsafe(self._ended)
        except RuntimeError:  # the loop is closed: nobody waits any more
            pass


def _open_pidfd(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a filter above us that does not know the call
        return None


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # nobody left; or only processes of other users
        pass


def _session_members(session: int) -> list[int]:
    """Processes of the session besides its leader."""
    try:
        names = os.listdir("/proc")
    except OSError:  # not mounted here
        return []
    pids = (int(name) for name in names if name.isdigit())
    return [pid for pid in pids if pid != session and _session_of(pid) == session]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _kill_member(pid: int, session: int) -> None:
    """Kills the process if it really is of the session, which an id alone, being reused, does not prove."""
    pidfd = _open_pidfd(pid)
    try:
        if _session_of(pid) != session:
            return
        if pidfd is None:
            os.kill(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        if pidfd is not None:
            os.close(pidfd)


def to_bytes(text: str) -> bytes:
    """Text as the system takes it: UTF-8, escaped bytes as they were. Raises: ValueError."""
    return text.encode("utf-8", "surrogateescape")


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
