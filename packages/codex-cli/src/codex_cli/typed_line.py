"""What is typed or pasted while something else is going on: whole lines, and Esc. Nothing is echoed.

A pasted address can hold a secret, and may be longer than what a terminal takes as one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 64 * 1024
_READ_BYTES = 4096
_ESCAPE = 0x1B
_ENTER = (0x0A, 0x0D)
_BACKSPACE = (0x08, 0x7F)
_CLEAR = 0x15
_END = 0x04


@dataclass(frozen=True, slots=True)
class Escape:
    """The Esc key, and nothing with it."""


class LineReader:
    """Turns the bytes of a terminal into lines and Esc; what other keys send is dropped."""

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, data: bytes) -> list[str | Escape]:
        """What is complete with these bytes. An Esc that stands alone in one read is the key."""
        if data == bytes([_ESCAPE]):
            self._line.clear()
            return [Escape()]
        found: list[str | Escape] = []
        for byte in _without_sequences(data):
            if byte in _ENTER:
                if line := self._line.decode("utf-8", "replace").strip():
                    found.append(line)
                self._line.clear()
            elif byte in _BACKSPACE:
                del self._line[-1:]
            elif byte == _CLEAR:
                self._line.clear()
            elif byte == _END and not self._line:
                found.append(Escape())
            elif byte >= 0x20 and len(self._line) < MAX_LINE_BYTES:
                self._line.append(byte)
        return found


def _without_sequences(data: bytes) -> Iterator[int]:
    """The bytes that are no part of an escape sequence (arrow keys, bracketed paste)."""
    position = 0
    while position < len(data):
        byte = data[position]
        position += 1
        if byte != _ESCAPE:
            yield byte
        elif data[position : position + 1] in (b"[", b"O"):
            position += 1
            while position < len(data) and not 0x40 <= data[position] <= 0x7E:
                position += 1
            position += 1


class TypedLines:
    """Lines and Esc from a terminal, as long as the block lasts; then the terminal is as it was."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._found: asyncio.Queue[str | Escape] = asyncio.Queue()
        self._reader = LineReader()

    async def next(self) -> str | Escape:
        """The next line that is not blank, or Esc; waits for it."""
        return await self._found.get()

    def read(self) -> None:
        """Takes what the terminal has; a terminal that is gone is not asked again."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        for each in self._reader.feed(data):
            self._found.put_nowait(each)


def can_be_typed_on(descriptor: int) -> bool:
    """Whether it is a terminal, and this process is the one that it is for."""
    try:
        return os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False


@contextlib.contextmanager
def typed_lines(descriptor: int) -> Iterator[TypedLines]:
    """What is typed on a terminal. Ctrl-C stays a signal.

    Raises: OSError when it is no terminal.
    """
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error as error:
        raise OSError(*error.args) from error
    mode = list(before)
    mode[3] = int(mode[3]) & ~(termios.ICANON | termios.ECHO)
    lines = TypedLines(descriptor)
    loop = asyncio.get_running_loop()
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, mode)
        loop.add_reader(descriptor, lines.read)
        yield lines
    finally:
        loop.remove_reader(descriptor)
        # What was typed too late must not end up on the command line of the shell.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
