"""Standard input as lines that arrive while the program goes on: from pipes, files and sockets alike."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is no line: its head is handed out and its end is thrown away."""


async def read_lines(descriptor: int) -> AsyncGenerator[bytes, None]:
    """The lines of a descriptor without their ends; the last one counts without an end, too."""
    from codex_core.stdin_pieces import read_pieces

    splitter = LineSplitter()
    async with contextlib.aclosing(read_pieces(descriptor)) as pieces:
        async for piece in pieces:
            for line in splitter.feed(piece):
                yield line
    for line in splitter.end():
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
