"""Output of a command kept within a fixed size: its beginning and its end, with the middle dropped.

What is cut out is marked by a line of its own, `[... omitted N bytes ...]`, and cut at UTF-8 character
borders, so that text stays text.
"""

from __future__ import annotations

MAX_KEPT_BYTES = 1024 * 1024
"""How much of a stream is kept (spec: exec-sandbox.md A.3, newer reference)."""


class CappedBytes:
    """Takes any amount of bytes and remembers the first and the last half of its limit."""

    __slots__ = ("_dropped_bytes", "_dropped_lines", "_half", "_head", "_tail")

    def __init__(self, limit: int = MAX_KEPT_BYTES) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped_bytes = 0
        self._dropped_lines = 0

    @property
    def dropped_lines(self) -> int | None:
        """Line ends among the bytes that `content` leaves out; None if it leaves out nothing."""
        self._trim_tail(self._half)
        return self._dropped_lines if self._dropped_bytes else None

    def append(self, data: bytes) -> None:
        """Takes what comes next in the stream."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        # Trimming only at twice the size moves every byte once, not once per append.
        self._trim_tail(2 * self._half)

    def content(self) -> bytes:
        """All of it if it fitted; otherwise head, marker line and tail."""
        self._trim_tail(self._half)
        if not self._dropped_bytes:
            return bytes(self._head + self._tail)
        head_end = len(self._head) - _unfinished_character(self._head)
        tail_start = _continuation_bytes(self._tail)
        dropped = self._dropped_bytes + len(self._head) - head_end + tail_start
        marker = f"\n[... omitted {dropped} bytes ...]\n".encode()
        return bytes(self._head[:head_end] + marker + self._tail[tail_start:])

    def _trim_tail(self, allowed: int) -> None:
        if len(self._tail) <= allowed:
            return
        excess = len(self._tail) - self._half
        self._dropped_bytes += excess
        self._dropped_lines += self._tail.count(b"\n", 0, excess)
        del self._tail[:excess]


def _continuation_bytes(data: bytearray) -> int:
    """How many bytes at the start belong to a character that began earlier."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


def _unfinished_character(data: bytearray) -> int:
    """How many bytes at the end belong to a character that goes on after it."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return back if needed > back else 0
    return 0
