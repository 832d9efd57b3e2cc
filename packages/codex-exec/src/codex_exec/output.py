"""Output that waits for its reader without holding up the program.

A write to a full pipe or a stopped terminal blocks. It does so in a thread of its own here, so that time
limits and signals go on working; whoever prints awaits `drain` from time to time, which is the back-pressure.
What the system takes at once is written at once: waking a thread for every line costs more than the line.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections import deque
from os import write
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

UNREAD_LIMIT = 64 * 1024
"""Bytes that may wait for the reader before those who print wait too."""
GRACE_SECONDS = 1.0
"""How long a run that was told to stop waits for a reader that takes nothing."""
_CHUNK = 16 * 1024

_NO_WAIT = getattr(os, "RWF_NOWAIT", 0) if hasattr(os, "pwritev") else 0
"""Has Linux say that a write would block, whether or not the descriptor blocks; 0 elsewhere."""
_CANNOT_SAY = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ESPIPE, errno.EPERM)
_CURRENT_POSITION = -1


class Sink(Protocol):
    """What printers write text to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class OutputError(Exception):
    """Output cannot be written; `reason` says why."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Output:
    """Writes to any number of streams, in the order of the writes, and waits for all of it on leaving.

    Nothing is lost unless `hurry` was called: then a reader that takes nothing for `GRACE_SECONDS`, or an
    output that fails, is not written to any more.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards all that follows; never held during a write that waits
        self._queue: deque[tuple[int, bytes]] = deque()
        self._unwritten = 0
        self._failure: OSError | None = None
        self._thread: threading.Thread | None = None
        self._only_by_thread: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._hurried = False
        self.dropped = False
        """Whether output was thrown away because nobody took it."""

    def to(self, stream: TextIO) -> Sink:
        """A sink for the descriptor of `stream`, which must not be used in other ways meanwhile."""
        return _Lane(self, stream)

    def put(self, descriptor: int, data: bytes) -> None:
        """Hands in what is to be written next."""
        with self._changed:
            if self.dropped or self._failure is not None or not data:
                return
            if not self._unwritten:
                data = data[self._write_at_once(descriptor, data) :]
                if not data or self._failure is not None:
                    return
            self._queue.extend((descriptor, data[at : at + _CHUNK]) for at in range(0, len(data), _CHUNK))
            self._unwritten += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="output", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _write_at_once(self, descriptor: int, data: bytes) -> int:
        """How much of it could be written without waiting."""
        if descriptor in self._only_by_thread:
            return 0
        try:
            if _NO_WAIT:
                try:
                    return os.pwritev(descriptor, [data], _CURRENT_POSITION, _NO_WAIT)
                except OSError as error:
                    if error.errno not in _CANNOT_SAY:
                        raise
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return write(descriptor, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._failure = error
            return 0
        self._only_by_thread.add(descriptor)
        return 0

    async def drain(self, limit: int = UNREAD_LIMIT) -> None:
        """Returns when at most `limit` bytes are still to be written.

        Raises:
            OutputError: they cannot be written, and nobody is in a hurry.
        """
        while not self.dropped:
            with self._changed:
                if self._failure is not None:
                    break
                if self._unwritten <= limit:
                    return
                self._loop = asyncio.get_running_loop()
                self._woken.clear()
            try:
                async with asyncio.timeout(GRACE_SECONDS if self._hurried else None):
                    await self._woken.wait()
            except TimeoutError:
                self._drop()
            finally:
                with self._changed:
                    self._loop = None
        if self._failure is not None and not self._hurried:
            raise OutputError(self._failure)

    def hurry(self) -> None:
        """From now on output is only for readers that take it."""
        self._hurried = True
        self._woken.set()

    def _drop(self) -> None:
        with self._changed:
            self.dropped = True
            self._queue.clear()
            self._unwritten = 0

    def _write(self) -> None:
        """What the thread does. It is never waited for: nothing ends a write that nobody reads."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                descriptor, data = self._queue.popleft()
            try:
                while data:
                    data = data[self._written(_write_or_wait(descriptor, data)) :]
            except OSError as error:
                with self._changed:
                    self._failure = error
                    self._queue.clear()
                    self._unwritten = 0
                    self._wake()
                return

    def _written(self, count: int) -> int:
        with self._changed:
            self._unwritten = max(0, self._unwritten - count)
            self._wake()
        return count

    def _wake(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, OutputError):
            await self.drain(0)


def _write_or_wait(descriptor: int, data: bytes) -> int:
    """How much was written, be it nothing: also somebody else can have made a descriptor not block."""
    try:
        return write(descriptor, data)
    except BlockingIOError:
        from select import select

        select([], [descriptor], [])
        return 0


class _Lane:
    """One stream of an output."""

    def __init__(self, output: Output, stream: TextIO) -> None:
        stream.flush()
        self._output = output
        self._descriptor = stream.fileno()
        self._encoding = stream.encoding
        self._errors = stream.errors or "strict"

    def write(self, text: str, /) -> None:
        """Hands `text` in; see `Output.drain`."""
        self._output.put(self._descriptor, text.encode(self._encoding, self._errors))

    def flush(self) -> None:
        """Nothing: what was handed in is written as soon as it can be."""
