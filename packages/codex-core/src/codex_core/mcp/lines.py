"""Bytes of the other side in, JSON-RPC frames out. Knows no pipes.

That something else than frames is printed is no reason to give up: such lines are handed on as noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from codex_core.mcp.wire import MAX_MESSAGE_BYTES
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import loads

if TYPE_CHECKING:
    from codex_core.mcp.wire import Message


@dataclass(frozen=True, slots=True)
class Frame:
    """A message."""

    message: Message


@dataclass(frozen=True, slots=True)
class Noise:
    """A line that is no message."""

    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was meant as a message."""

    request_id: str | int | None
    """Whose request or answer it was; None if that cannot be told."""
    has_method: bool
    """Whether it was a request or a notification, not an answer."""
    problem: str


Line: TypeAlias = Frame | Noise | Unreadable
"""What a line says; a batch says several."""

_MAX_NOISE = 500


class LineDecoder:
    """Collects bytes until a line is complete; holds at most `max_bytes` of one."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_bytes
        self._kept = bytearray()
        self._tail: bytes | None = None
        """The end of a line that is too long; of its beginning, about as much is kept."""

    def feed(self, data: bytes) -> list[Line]:
        """What became complete with these bytes."""
        found: list[Line] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._keep(data[start:end])
            found += self._take()
            start = end + 1
        self._keep(data[start:])
        return found

    def finish(self) -> list[Line]:
        """What is left when nothing more comes."""
        return self._take()

    def _keep(self, data: bytes) -> None:
        if self._tail is None and len(self._kept) + len(data) <= self._max:
            self._kept += data
            return
        from codex_core.mcp.envelope import HEAD_BYTES, TAIL_BYTES  # hardly ever needed

        if self._tail is None:
            self._tail = bytes(self._kept[-TAIL_BYTES:])
            self._kept += data[:HEAD_BYTES]
            del self._kept[HEAD_BYTES:]
        self._tail = (self._tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]

    def _take(self) -> list[Line]:
        raw, tail = bytes(self._kept), self._tail
        self._kept, self._tail = bytearray(), None
        if tail is not None:
            from codex_core.mcp.envelope import envelope

            known = envelope(raw, tail)
            return [Unreadable(known.request_id, known.has_method, f"it is longer than {self._max} bytes")]
        raw = raw.strip()
        return _lines(raw) if raw else []


def _lines(raw: bytes) -> list[Line]:
    try:
        value = loads(raw)
    except ProtocolError as error:
        from codex_core.mcp.envelope import envelope_of

        # A laxer reader may take it (half a character, a key twice, very many digits or levels).
        known = envelope_of(raw)
        if known.request_id is None:
            return [Noise(_text(raw))]
        return [Unreadable(known.request_id, known.has_method, str(error))]
    # Revision 2025-03-26 of MCP wants batches taken; to whoever reads messages they are just several.
    messages = value if isinstance(value, list) else [value]
    if messages and all(isinstance(message, dict) for message in messages):
        return [Frame(dict(message)) for message in messages if isinstance(message, dict)]
    return [Noise(_text(raw))]


def _text(raw: bytes) -> str:
    return raw[: 4 * _MAX_NOISE].decode("utf-8", "replace")[:_MAX_NOISE]
