"""What a terminal printed and nobody has taken yet: bounded, and never cut within a character."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from codex_core.execution.capture import MAX_KEPT_BYTES, CappedBytes


@dataclass(frozen=True, slots=True)
class PrintedText:
    """Output as it is handed to a reader."""

    text: str
    """With U+FFFD for what is no UTF-8; only the beginning and the end of what was too much to keep."""
    size: int
    """How many bytes were printed."""


class UnreadOutput:
    """Takes any amount of output; keeps the beginning and the end of what was not taken out again."""

    def __init__(self, limit: int = MAX_KEPT_BYTES) -> None:
        self._limit = limit
        self._kept = CappedBytes(limit)
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def size(self) -> int:
        """How many bytes came since they were last taken."""
        return self._size

    def append(self, data: bytes) -> None:
        """Takes what comes next."""
        self._kept.append(data)
        self._size += len(data)

    def take(self, *, is_complete: bool) -> PrintedText:
        """What came since the last time; unless `is_complete`, a character that is not whole yet waits."""
        size = self._size
        text = self._decoder.decode(self.take_bytes(), is_complete)
        return PrintedText(text, size)

    def take_bytes(self) -> bytes:
        """What came since the last time, as it is."""
        content = self._kept.content()
        self._kept = CappedBytes(self._limit)
        self._size = 0
        return content
