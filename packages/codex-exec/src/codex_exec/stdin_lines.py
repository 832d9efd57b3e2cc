"""Standard input as lines that arrive while the program goes on: from pipes, files and sockets alike."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is no line: its head is handed out and its end is thrown away."""
_CHUNK = 256 * 1024
_WAITING = 16
"""Lines that may wait for the program before the reading waits for it."""


async def read_lines(descriptor: int) -> AsyncGenerator[bytes, None]:
    """The lines of a descriptor without their ends; the last one counts without an end, too.

    The reading is done by a thread, as a file can neither be polled nor a read be taken back. It is
    never waited for: it ends with the input, or with the process.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)

    def hand_in(line: bytes | None) -> bool:
        """Whether there is still somebody who takes lines."""
        putting = lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (RuntimeError, asyncio.CancelledError):  # the loop has ended
            putting.close()
            return False
        return True

    def read() -> None:
        splitter = LineSplitter()
        while chunk := _read(descriptor):
            for line in splitter.feed(chunk):
                if not hand_in(line):
                    return
        for line in splitter.end():
            if not hand_in(line):
                return
        hand_in(None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


class LineSplitter:
    """Puts lines together from pieces."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end in `data`; of one longer than the limit, one byte more than that."""
        *ended, rest = data.split(b"\n")
        lines = []
        for piece in ended:
            self._add(piece)
            lines.append(self._take())
        self._add(rest)
        return lines

    def end(self) -> list[bytes]:
        """What is left when the input has ended: one line, or none."""
        return [self._take()] if self._size else []

    def _add(self, piece: bytes) -> None:
        kept = piece[: self._limit + 1 - self._size]
        if kept:
            self._pieces.append(kept)
            self._size += len(kept)

    def _take(self) -> bytes:
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:  # a terminal that is gone, a closed descriptor: nothing more will come
        return b""
