"""Run the installed console scripts as real processes.

    done = run_script("codex-exec", "--json", "hi", env=home.environ(), cwd=repo.path)
    assert done.check().json_lines()[1] == {"prompt": "hi"}

    async with start_script("codex-exec", "hi", env=home.environ(), cwd=repo.path) as process:
        await process.wait_for_line("exec bash")
        process.interrupt()
        done = await process.finish()
    done.assert_no_processes_left()

A time-out fails the test and shows what was printed until then. The environment must be given, see
`home.isolated_environ`; a mark is added to it by which left-over processes are found.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from codex_core.testing.home import parse_json_lines
from codex_core.testing.processes import MARK_VARIABLE, ProcessInfo, assert_none_left, children_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

TIMEOUT_S = 60.0
READ_BYTES = 65536
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Command: TypeAlias = "str | Sequence[str]"
"""The name of a console script, a path, or a list of words to begin the command line with."""
LineTest: TypeAlias = "str | Callable[[str], bool]"
"""Text that must occur in a line, or a test of the line."""


class ScriptNotInstalledError(LookupError):
    """There is no such console script in this Python environment."""


def script_path(name: str) -> str:
    """Where the console script `name` of this environment is.

    Raises:
        ScriptNotInstalledError: it is not there.
    """
    for directory in (sysconfig.get_path("scripts"), os.path.dirname(sys.executable)):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    raise ScriptNotInstalledError(f"no console script {name!r} in {sysconfig.get_path('scripts')}")


@dataclass(frozen=True, slots=True)
class CompletedScript:
    """A program that has ended."""

    argv: tuple[str, ...]
    exit_code: int
    """As a shell's `$?`, but negative for a signal, as in `subprocess`."""
    stdout: str
    stderr: str
    mark: str

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.stdout.removesuffix("\n").split("\n") if self.stdout else []

    def json_lines(self) -> list[dict[str, Any]]:
        """The lines of stdout as JSON objects; raises `AssertionError` for a line that is none."""
        return parse_json_lines(self.stdout, source="stdout")

    def check(self, exit_code: int = 0) -> CompletedScript:
        """This value, if the program ended so. Raises `AssertionError` with all it printed, if not."""
        if self.exit_code != exit_code:
            raise AssertionError(f"exit code {self.exit_code}, expected {exit_code}\n{self.describe()}")
        return self

    def describe(self) -> str:
        """Command line, exit code and output, for a failure message."""
        return _describe(self.argv, self.exit_code, self.stdout, self.stderr)

    def assert_no_processes_left(self) -> None:
        """Check that nothing the program started is still alive (Linux); what is found is killed."""
        assert_none_left(self.mark)


def run_script(
    command: Command,
    *arguments: str,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    stdin: str | bytes | None = None,
    timeout_s: float = TIMEOUT_S,
) -> CompletedScript:
    """Run a program to its end, blocking.

    Without `stdin` the program reads from /dev/null.

    Raises:
        AssertionError: it did not end in time; its process group was killed.
    """
    argv, environ, mark = _prepare(command, arguments, env)
    data = stdin.encode() if isinstance(stdin, str) else stdin
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_unignoring(),
    )
    try:
        stdout, stderr = process.communicate(data, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        shown = _describe(argv, None, _text(stdout), _text(stderr))
        raise AssertionError(f"did not end within {timeout_s:g} s\n{shown}") from None
    except BaseException:
        _kill_group(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return CompletedScript(tuple(argv), process.returncode, _text(stdout), _text(stderr), mark)


async def run_script_async(
    command: Command,
    *arguments: str,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    stdin: str | bytes | None = None,
    timeout_s: float = TIMEOUT_S,
) -> CompletedScript:
    """`run_script` for a test with an event loop, in which for example the model server runs."""
    async with start_script(command, *arguments, env=env, cwd=cwd, open_stdin=stdin is not None) as process:
        if stdin is not None:
            await process.write(stdin)
            await process.close_stdin()
        return await process.finish(timeout_s=timeout_s)


@asynccontextmanager
async def start_script(
    command: Command,
    *arguments: str,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    open_stdin: bool = False,
) -> AsyncIterator[RunningScript]:
    """A program that runs while the block does; if it still lives then, its process group is killed.

    Without `open_stdin` it reads from /dev/null.
    """
    argv, environ, mark = _prepare(command, arguments, env)
    stdout, stderr = _Output(), _Output()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=environ,
            stdin=asyncio.subprocess.PIPE if open_stdin else asyncio.subprocess.DEVNULL,
            stdout=stdout.write_end,
            stderr=stderr.write_end,
            start_new_session=True,
            preexec_fn=_unignoring(),
        )
    except BaseException:
        for output in (stdout, stderr):
            output.discard()
        raise
    readers: list[asyncio.Task[None]] = []
    try:
        readers.extend(asyncio.create_task(output.read()) for output in (stdout, stderr))
        yield RunningScript(tuple(argv), process, stdout, stderr, readers, mark)
    finally:
        if process.returncode is None:  # once it was reaped its id may be somebody else's
            _kill_group(process.pid, signal.SIGKILL)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for output in (stdout, stderr):
            output.discard()


class RunningScript:
    """A program under way; made by `start_script`."""

    def __init__(
        self,
        argv: tuple[str, ...],
        process: asyncio.subprocess.Process,
        stdout: _Output,
        stderr: _Output,
        readers: list[asyncio.Task[None]],
        mark: str,
    ) -> None:
        self.argv = argv
        self.mark = mark
        self._process = process
        self._stdout = stdout
        self._stderr = stderr
        self._readers = readers
        self._next_line = 0

    @property
    def pid(self) -> int:
        """The process id, which is also that of its process group."""
        return self._process.pid

    @property
    def stdout(self) -> str:
        """What was printed until now."""
        return self._stdout.text

    @property
    def stderr(self) -> str:
        """What was printed to stderr until now."""
        return self._stderr.text

    def children(self) -> list[ProcessInfo]:
        """What the program has started and what lives (Linux)."""
        return children_of(self.pid, self.mark)

    async def next_line(self, *, timeout_s: float = TIMEOUT_S) -> str:
        """The next line of stdout behind the last one that was asked for."""
        return await self.wait_for_line(lambda _: True, timeout_s=timeout_s)

    async def wait_for_line(self, wanted: LineTest, *, timeout_s: float = TIMEOUT_S) -> str:
        """The first line of stdout that is `wanted`, looking behind the last one that was found.

        Raises:
            AssertionError: the program closed its stdout or the time was up before; with all it printed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                async with self._stdout.changed:
                    while True:
                        for line in self._stdout.lines[self._next_line :]:
                            self._next_line += 1
                            if wanted in line if isinstance(wanted, str) else wanted(line):
                                return line
                        if self._stdout.at_end:
                            break
                        await self._stdout.changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"no line {_name(wanted)} within {timeout_s:g} s\n{self.describe()}"
            ) from None
        raise AssertionError(f"ended without a line {_name(wanted)}\n{self.describe()}")

    async def wait_for_json(
        self, wanted: Callable[[dict[str, Any]], bool], *, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """The first line of stdout that is a JSON object and `wanted`."""

        def matches(line: str) -> bool:
            try:
                document = json.loads(line)
            except ValueError:
                return False
            return isinstance(document, dict) and wanted(document)

        found: dict[str, Any] = json.loads(await self.wait_for_line(matches, timeout_s=timeout_s))
        return found

    async def write(self, data: str | bytes) -> None:
        """Send something to stdin; the program need not be there any more."""
        stdin = self._process.stdin
        if stdin is None:
            raise ValueError("the program was started without an open stdin")
        stdin.write(data.encode() if isinstance(data, str) else data)
        try:
            await stdin.drain()
        except ConnectionError:
            return

    async def close_stdin(self) -> None:
        """Let the program see the end of its stdin."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
            try:
                await stdin.wait_closed()
            except ConnectionError:
                return

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the whole process group, as a terminal does it; no error if it has ended."""
        if self._process.returncode is None:
            _kill_group(self.pid, signal.SIGINT)

    def send_signal(self, number: signal.Signals) -> None:
        """A signal to this one process; no error if it has ended."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def finish(self, *, timeout_s: float = TIMEOUT_S) -> CompletedScript:
        """Wait for the end of the program and of its output.

        Raises:
            AssertionError: the time was up; the text shows the output and whether a process that the
                program started holds it open.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._process.wait()
                # Not gather: its cancellation would take the readers along, and their text is shown below.
                await asyncio.wait(self._readers)
        except TimeoutError:
            state = "did not end"
            if self._process.returncode is not None:
                state = f"ended ({self._process.returncode}), but something it started keeps its output open,"
            raise AssertionError(f"{state} within {timeout_s:g} s\n{self.describe()}") from None
        exit_code = await self._process.wait()
        return CompletedScript(self.argv, exit_code, self.stdout, self.stderr, self.mark)

    def describe(self) -> str:
        """Command line, exit code if ended, and output until now, for a failure message."""
        return _describe(self.argv, self._process.returncode, self.stdout, self.stderr)


class _Output:
    """One output of a program: a pipe, its text so far, and a condition for who waits for more."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._data = bytearray()
        self._open = {self._read_end, self.write_end}
        self.changed = asyncio.Condition()
        self.at_end = False

    @property
    def text(self) -> str:
        return _text(bytes(self._data))

    @property
    def lines(self) -> list[str]:
        """Complete lines; at the end of the output also a last one without its newline."""
        complete, _, rest = bytes(self._data).rpartition(b"\n")
        lines = _text(complete).split("\n") if complete or self._data[:1] == b"\n" else []
        return [*lines, _text(rest)] if self.at_end and rest else lines

    async def read(self) -> None:
        """Collect until every writer has closed the pipe."""
        self._close(self.write_end)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        pipe = os.fdopen(self._read_end, "rb", buffering=0)
        self._open.discard(self._read_end)  # the transport closes it from here on
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while data := await reader.read(READ_BYTES):
                self._data += data
                await self._tell()
        finally:
            transport.close()
            self.at_end = True
        await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def discard(self) -> None:
        for descriptor in tuple(self._open):
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            os.close(descriptor)


def _unignoring() -> Callable[[], None] | None:
    """What lets signals end a child that is started where they are ignored, as in a shell's background.

    None where they are not: a child is started faster then.
    """
    ignored = [number for number in _INTERRUPTS if signal.getsignal(number) is signal.SIG_IGN]
    if not ignored:
        return None

    def unignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_DFL)

    return unignore


def _prepare(
    command: Command, arguments: Sequence[str], env: Mapping[str, str]
) -> tuple[list[str], dict[str, str], str]:
    if isinstance(command, str):
        argv = [command if os.sep in command else script_path(command), *arguments]
    else:
        argv = [*command, *arguments]
    mark = _new_mark()
    return argv, {**env, MARK_VARIABLE: mark}, mark


def _new_mark() -> str:
    return os.urandom(8).hex()


def _kill_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # nobody left; macOS says "not permitted" of zombies
        return


def _name(wanted: LineTest) -> str:
    return f"with {wanted!r}" if isinstance(wanted, str) else "that passes the test"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _describe(argv: Sequence[str], exit_code: int | None, stdout: str, stderr: str) -> str:
    state = "still running" if exit_code is None else f"exit code {exit_code}"
    return f"$ {' '.join(argv)}  [{state}]\n--- stdout ---\n{stdout}\n--- stderr ---\n{stderr}"
