"""Bytes of a server's stdout in, JSON-RPC frames out. Knows no pipes.

A server that prints something else than frames is no reason to give it up: such lines are handed on as noise.
"""

from __future__ import annotations

import json
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
    """What was meant as a message; `request_id` is whose answer it was, None if that cannot be told."""

    request_id: object
    problem: str


Line: TypeAlias = Frame | Noise | Unreadable

_MAX_NOISE = 500


class LineDecoder:
    """Collects bytes until a line is complete; holds at most `max_bytes` of one."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._is_too_long = False

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
        if not data or self._is_too_long:
            return
        self._size += len(data)
        if self._size > self._max:
            self._is_too_long = True
            self._parts.clear()
        else:
            self._parts.append(data)

    def _take(self) -> list[Line]:
        raw, too_long = b"".join(self._parts).strip(), self._is_too_long
        self._parts.clear()
        self._size, self._is_too_long = 0, False
        if too_long:
            return [Unreadable(None, f"it sent a message of more than {self._max} bytes")]
        return [_line(raw)] if raw else []


def _line(raw: bytes) -> Line:
    try:
        value = loads(raw)
    except ProtocolError as error:
        return _not_quite_json(raw, str(error))
    if isinstance(value, dict):
        return Frame(dict(value))
    return Noise(_text(raw))


def _not_quite_json(raw: bytes, problem: str) -> Line:
    """Tells a message only a laxer reader takes (half a character, a key twice) from plain noise."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return Noise(_text(raw))
    if isinstance(value, dict) and ("id" in value or "method" in value):
        return (
            Unreadable(value.get("id"), f"its answer cannot be read: {problem}")
            if "id" in value
            else Noise(_text(raw))
        )
    return Noise(_text(raw))


def _text(raw: bytes) -> str:
    return raw[: 4 * _MAX_NOISE].decode("utf-8", "replace")[:_MAX_NOISE]
