"""The writing end of a stdio connection: lines that wait for their reader.

The descriptor may be a pipe, socket, file or terminal, and may be shared with other processes, so it is never
made non-blocking: a thread of its own blocks for it, and is never waited for.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITE_BYTES = 64 * 1024


class LineWriter:
    """Writes lines to a descriptor in the order they are put; whoever puts many awaits `drain`.

    A reader that is gone is found out by a write; from then on everything is thrown away.
    """

    def __init__(self, descriptor: int, *, keep_at_most: int | None = None) -> None:
        """With `keep_at_most` bytes waiting, further lines are dropped: for what nobody has to read."""
        self._descriptor = descriptor
        self._keep_at_most = keep_at_most
        self._changed = threading.Condition()  # guards what follows; never held during a write
        self._waiting: deque[bytes] = deque()
        self._unwritten = 0
        self._thread: threading.Thread | None = None
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._moved = asyncio.Event()
        self._is_hurried = False
        self.on_failure: Callable[[], None] = lambda: None
        """Called on the event loop when a write has failed."""

    @property
    def failure(self) -> OSError | None:
        """Why nothing can be written any more; None while it can."""
        return self._failure

    @property
    def unwritten(self) -> int:
        """Bytes that wait."""
        return self._unwritten

    def has_reader(self) -> bool:
        """Whether anybody can still read what is written; a pipe or socket tells, as long as it is asked."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        is_gone = any(state & (select.POLLERR | select.POLLHUP) for _, state in poll.poll(0))
        return self._failure is None and not is_gone

    def put(self, line: str) -> None:
        """Hands in a line, without its end."""
        data = line.encode("utf-8", "replace") + b"\n"
        with self._changed:
            is_full = self._keep_at_most is not None and self._unwritten + len(data) > self._keep_at_most
            if self._failure is not None or is_full:
                return
            self._waiting.append(data)
            self._unwritten += len(data)
            if self._thread is None:
                self._loop = _running_loop()
                self._thread = threading.Thread(target=self._write, name="messages", daemon=True)
                self._thread.start()
            self._changed.notify()

    def write(self, text: str, /) -> None:
        """Hands in lines with their ends, as a log does."""
        for line in text.splitlines():
            self.put(line)

    def flush(self) -> None:
        """Nothing: what was handed in is written as soon as it can be."""

    def hurry(self) -> None:
        """From now on nobody waits in `drain` for a reader that is slow."""
        self._is_hurried = True
        self._moved.set()

    async def drain(self, limit: int) -> None:
        """Returns when at most `limit` bytes wait, or that is not to be waited for."""
        while self._unwritten > limit and not self._is_hurried and self._failure is None:
            await self._until_moved(limit)

    async def written(self) -> None:
        """Returns when everything is written, or nothing can be written any more."""
        while self._unwritten and self._failure is None:
            await self._until_moved(0)

    async def _until_moved(self, limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._moved.clear()
        if self._unwritten > limit and self._failure is None:  # the thread may have been quicker
            await self._moved.wait()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                pieces: list[bytes] = []
                size = 0
                while self._waiting and size < _WRITE_BYTES:
                    pieces.append(self._waiting.popleft())
                    size += len(pieces[-1])
            data = memoryview(b"".join(pieces))
            try:
                while data:
                    written = os.write(self._descriptor, data[:_WRITE_BYTES])
                    data = data[written:]
                    self._written(written)
            except OSError as error:
                with self._changed:
                    self._failure = error
                    self._waiting.clear()
                    self._unwritten = 0
                self._tell(failed=True)
                return

    def _written(self, count: int) -> None:
        with self._changed:
            self._unwritten -= count
        self._tell(failed=False)

    def _tell(self, *, failed: bool) -> None:
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._moved.set)
            if failed:
                self._loop.call_soon_threadsafe(self.on_failure)
        except RuntimeError:  # the loop has ended
            return


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
