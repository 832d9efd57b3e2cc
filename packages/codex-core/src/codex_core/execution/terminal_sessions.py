"""The open terminals of a conversation: numbered, limited, talked to by calls that come and go.

A terminal outlives the call that opened it. While no call waits its program runs on, and what it prints is
kept within bounds; while one waits, output is announced as it comes, and a front end that is behind slows the
program down.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.capture import CappedBytes
from codex_core.execution.command import MAX_DELTAS
from codex_core.execution.terminal import DEFAULT_SIZE, Size, start_terminal
from codex_core.execution.terminal_output import UnreadOutput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import TypeAlias

    from codex_core.execution.terminal import Terminal
    from codex_core.execution.terminal_output import PrintedText
    from codex_protocol.sandbox_policy import SandboxPolicy

    OnOutput: TypeAlias = Callable[[bytes], Awaitable[None]]
    OnEnd: TypeAlias = Callable[["TerminalSession"], Awaitable[None]]

MAX_SESSIONS = 64
"""Terminals that may be open at once, finished ones included (spec: agent.md section 26)."""

_log = logging.getLogger(__name__)

_DELTA_BYTES = 8192  # as of other commands: exec-sandbox.md A.3
_UNANNOUNCED_BYTES = 256 * 1024
_PAUSE_BYTES = _UNANNOUNCED_BYTES // 2  # one read more must still fit


class TooManyTerminalsError(ExecutionError):
    """No terminal can be opened before another one has ended."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """The sandbox a program runs in."""

    policy: SandboxPolicy
    cwd: str
    """The workspace the policy is about."""


@dataclass(frozen=True, slots=True)
class TerminalRequest:
    """What to run on a terminal."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    """All of it: nothing is inherited. Its PATH finds the program."""
    size: Size = DEFAULT_SIZE
    confinement: Confinement | None = None
    """What `argv` confines the program with; None: nothing does."""
    is_harmless: bool = False
    """Whether the program is known to do no harm, whatever it reads."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of talking to a terminal for a while."""

    printed: PrintedText
    exit_code: int | None
    """None while the program runs; 128 + signal when a signal ended it."""
    untyped: int = 0
    """Bytes of the input that the terminal did not take in time."""


class TerminalSession:
    """One terminal, open or finished; `TerminalSessions.open` makes it."""

    def __init__(self, number: int, request: TerminalRequest, on_output: OnOutput, on_end: OnEnd) -> None:
        self.id = number
        self.request = request
        self.trusts_input = False
        """Whether the user lets the model type into it without being asked again."""
        self.transcript = CappedBytes()
        """Everything it printed, both ends of it if that was much."""
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._ended_at: float | None = None
        self._announce_output = on_output
        self._announce_end = on_end
        self._unread = UnreadOutput()
        self._unannounced = UnreadOutput(_UNANNOUNCED_BYTES)
        self._deltas = 0
        self._is_end_announced = False
        self._is_attached = False
        self._woken = asyncio.Event()
        self._talking = asyncio.Lock()
        self._announcing = asyncio.Lock()
        self._terminal: Terminal | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its program has ended and its output is complete."""
        return self._terminal is not None and self._terminal.has_ended

    @property
    def exit_code(self) -> int | None:
        """None while the program runs; 128 + signal when a signal ended it."""
        if self._terminal is None or not self._terminal.has_ended or self._terminal.returncode is None:
            return None
        status = self._terminal.returncode
        return status if status >= 0 else 128 - status

    @property
    def signal(self) -> int | None:
        """The signal that ended the program."""
        status = self._terminal.returncode if self._terminal is not None else None
        return -status if status is not None and status < 0 else None

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end, or to now."""
        return (self._loop.time() if self._ended_at is None else self._ended_at) - self._opened_at

    async def start(self) -> None:
        """Starts the program. Raises: SpawnFailed."""
        request = self.request
        self._terminal = await start_terminal(
            request.argv,
            cwd=request.cwd,
            env=request.env,
            on_output=self._take,
            on_end=self._note_end,
            size=request.size,
        )

    async def talk(self, data: bytes, seconds: float) -> Exchange:
        """Types `data`, then takes what is printed, until the program has ended or the time is over.

        One call at a time: another one waits for its turn, which is not counted.
        """
        async with self._talking:
            untyped = await self._talk_until(data, self._loop.time() + seconds)
            await self.announce()
            is_complete = self.has_ended
            return Exchange(self._unread.take(is_complete=is_complete), self.exit_code, untyped)

    def resize(self, size: Size) -> None:
        """Gives the terminal another size."""
        if self._terminal is not None:
            self._terminal.resize(size)

    async def announce(self) -> None:
        """Announces what was not announced yet, and once the end, if it has come."""
        async with self._announcing:
            while self._unannounced.size:
                await self._announce_chunks(self._unannounced.take_bytes())
            if self.has_ended and not self._is_end_announced:
                await self._announce_end(self)
                self._is_end_announced = True

    async def watch(self) -> None:
        """Returns when nothing is left of the program and its end has been announced, by whomever."""
        if self._terminal is not None:
            await self._terminal.wait_ended()
            await self._terminal.wait_gone()
            await self.announce()

    def kill(self) -> None:
        """Ends the program and everything that came of it, without waiting."""
        if self._terminal is not None:
            self._terminal.kill()

    async def wait_gone(self) -> None:
        """Waits until nothing is left of a program that was killed or has ended."""
        if self._terminal is not None:
            await self._terminal.wait_gone()

    async def _talk_until(self, data: bytes, deadline: float) -> int:
        """Bytes that were not typed when the time was over."""
        terminal = self._terminal
        assert terminal is not None
        if terminal.has_ended:
            return len(data)
        typing = asyncio.create_task(terminal.write(data), name=f"typing into terminal {self.id}")
        self._is_attached = True
        try:
            while not terminal.has_ended:
                self._woken.clear()
                # Not under the time limit: what was begun to be announced must be announced whole.
                await self.announce()
                terminal.resume()
                async with asyncio.timeout_at(deadline):
                    await self._woken.wait()
        except TimeoutError:
            pass
        finally:
            self._is_attached = False
            terminal.resume()
            typing.cancel()
            await asyncio.wait([typing])
        return len(data) - terminal.typed

    async def _announce_chunks(self, data: bytes) -> None:
        start = 0
        try:
            while start < len(data) and self._deltas < MAX_DELTAS:
                await self._announce_output(data[start : start + _DELTA_BYTES])
                self._deltas += 1
                start += _DELTA_BYTES
        except asyncio.CancelledError:
            later = self._unannounced.take_bytes()
            self._unannounced.append(data[start:] + later)
            raise

    def _note_end(self) -> None:
        self._ended_at = self._loop.time()
        self._woken.set()

    def _take(self, data: bytes) -> None:
        self._unread.append(data)
        self.transcript.append(data)
        if self._deltas < MAX_DELTAS:
            self._unannounced.append(data)
            if self._is_attached and self._unannounced.size >= _PAUSE_BYTES and self._terminal is not None:
                self._terminal.pause()
        self._woken.set()


class TerminalSessions:
    """The terminals of one conversation, which closes them. Used from one event loop."""

    def __init__(self) -> None:
        self._sessions: dict[int, TerminalSession] = {}
        self._watchers: dict[TerminalSession, asyncio.Task[None]] = {}  # also of forgotten ones
        self._next_id = 0
        self._opening = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    def new_id(self) -> int:
        """The number of the next terminal; every try to open one has its own (spec: agent.md section 23)."""
        number = self._next_id
        self._next_id += 1
        return number

    def find(self, number: int) -> TerminalSession | None:
        """The terminal of that number, unless it was forgotten."""
        return self._sessions.get(number)

    def require_room(self) -> None:
        """Forgets the oldest finished terminals so that another one can be opened.

        Raises: TooManyTerminalsError when all of them are running.
        """
        for number in [number for number, session in self._sessions.items() if session.has_ended]:
            if len(self._sessions) + self._opening < MAX_SESSIONS:
                return
            self.forget(number)
        if len(self._sessions) + self._opening >= MAX_SESSIONS:
            raise TooManyTerminalsError(
                f"{MAX_SESSIONS} terminals are open and none of their programs has ended; end one first"
            )

    async def open(
        self, number: int, request: TerminalRequest, *, on_output: OnOutput, on_end: OnEnd
    ) -> TerminalSession:
        """Starts a program on a new terminal.

        `on_output` is given what it prints while a call waits for it, and before the next answer what it
        printed in between; `on_end` is called once, when it has ended and its output is complete.

        Raises:
            TooManyTerminalsError: when as many as may be are running.
            SpawnFailed: when it cannot be started, or the conversation is over.
        """
        from codex_core.execution.spawn import SpawnFailed

        self.require_room()
        session = TerminalSession(number, request, on_output, on_end)
        self._opening += 1
        try:
            await session.start()
        finally:
            self._opening -= 1
        if self._is_closed:
            session.kill()
            await session.wait_gone()
            raise SpawnFailed("the conversation is over")
        self._sessions[number] = session
        watcher = asyncio.create_task(session.watch(), name=f"terminal {number}")
        self._watchers[session] = watcher
        watcher.add_done_callback(lambda _: self._forget_watcher(session))
        return session

    async def end(self, session: TerminalSession) -> None:
        """Kills a program with everything that came of it, and forgets its terminal."""
        session.kill()
        self._sessions.pop(session.id, None)
        await session.wait_gone()

    def forget(self, number: int) -> None:
        """Lets go of a terminal whose program has ended."""
        self._sessions.pop(number, None)

    def _forget_watcher(self, session: TerminalSession) -> None:
        watcher = self._watchers.pop(session)
        if not watcher.cancelled() and (error := watcher.exception()) is not None:
            _log.warning("the end of terminal %s was not announced: %s", session.id, error)

    async def aclose(self) -> None:
        """Ends all programs and whatever came of them; when this returns, nothing is left."""
        self._is_closed = True
        self._sessions.clear()
        sessions, watchers = list(self._watchers), list(self._watchers.values())
        for session in sessions:
            session.kill()
        for watcher in watchers:
            watcher.cancel()  # nobody may be reading what it has to announce
        async with asyncio.TaskGroup() as group:
            for session in sessions:
                group.create_task(session.wait_gone())
        await asyncio.gather(*watchers, return_exceptions=True)
