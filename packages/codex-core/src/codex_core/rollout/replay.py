"""Reads a rollout file back: tolerant line by line, whoever wrote it, however it ended.

Besides the lines this version writes it reads flat lines of very old releases and what newer ones add
(spec: protocol.md sections 9.5 and 14). A line that cannot be read is passed over and logged.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_protocol.jsonio import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem

_log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_EMPTY = "; nobody has said anything in it (`codex sessions prune --empty` removes such files)"
_FLAT_ITEMS = frozenset(
    {
        "message", "reasoning", "local_shell_call", "function_call", "function_call_output",
        "custom_tool_call", "custom_tool_call_output",
    }
)  # fmt: skip


class RolloutError(SessionError):
    """A session file cannot be used; `reason` is the reference's text for it (protocol.md 9.5)."""

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        super().__init__(f"The session file {path} cannot be resumed: {reason}{advice}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """One line of a rollout: its type, and its payload as it is in the file."""

    kind: str
    payload: Mapping[str, object]
    is_flat: bool = False
    """Whether a very old release wrote it, which kept no events."""


@dataclass(frozen=True, slots=True)
class RecordedConversation:
    """A conversation as its file has it."""

    conversation_id: str
    path: str
    lines: tuple[RecordedLine, ...]
    skipped: int
    """Lines that could not be read."""
    size: int = 0
    """Bytes of the file when it was read."""


def read_rollout(path: str) -> RecordedConversation:
    """The conversation in a rollout file.

    Raises:
        RolloutError: it cannot be read, is empty, or does not say which conversation it holds.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise RolloutError(path, f"{error.strerror} (os error {error.errno})") from error
    except ValueError as error:  # a NUL byte in the path
        raise RolloutError(path, str(error)) from error
    if not data.strip():
        raise RolloutError(path, "empty session file", _EMPTY)
    lines, skipped = [], 0
    for text in data.split(b"\n"):
        if not text or text.isspace():
            continue
        line = _parse_quickly(text)
        if line is None:
            skipped += 1
        else:
            lines.append(line)
    if skipped:
        _log.warning("%d lines of %s cannot be read and are passed over", skipped, path)
    identifier = next((found for line in lines if (found := conversation_id_of(line))), None)
    if identifier is None:
        reason = "failed to parse conversation ID from rollout file"
        raise RolloutError(path, reason, "" if lines or b"\n" in data else _EMPTY)
    return RecordedConversation(identifier, path, tuple(lines), skipped, len(data))


def up_to_date(recorded: RecordedConversation) -> RecordedConversation:
    """The same conversation, read again if its file has changed since.

    Raises:
        RolloutError: it has to be read again and cannot be.
    """
    try:
        is_same = os.stat(recorded.path).st_size == recorded.size
    except OSError as error:
        raise RolloutError(recorded.path, f"{error.strerror} (os error {error.errno})") from error
    return recorded if is_same else read_rollout(recorded.path)


def parse_line(text: bytes) -> RecordedLine | None:
    """The line that some bytes of a rollout hold; None when they hold none."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.jsonio import loads_object

    try:
        return _line_of(loads_object(text))
    except ProtocolError:
        return None


def _parse_quickly(text: bytes) -> RecordedLine | None:
    """The same in a quarter of the time, for very many; it takes a repeated key, of which the last counts."""
    from pydantic_core import from_json

    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        return parse_line(text)
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    return _line_of(value) if isinstance(value, dict) else None


def _line_of(line: Mapping[str, object]) -> RecordedLine | None:
    kind, payload = line.get("type"), line.get("payload")
    if isinstance(kind, str) and isinstance(payload, dict):
        return RecordedLine(kind, payload)
    if kind is None and "id" in line and "timestamp" in line:
        return RecordedLine("session_meta", line, is_flat=True)
    if kind in _FLAT_ITEMS:
        return RecordedLine("response_item", line, is_flat=True)
    return None


def conversation_id_of(line: RecordedLine) -> str | None:
    """The conversation's id, if this is the line that says it."""
    identifier = line.payload.get("id")
    if line.kind != "session_meta" or not isinstance(identifier, str):
        return None
    return identifier.lower() if _UUID.fullmatch(identifier) else None


def response_item(payload: Mapping[str, object]) -> ResponseItem | None:
    """The item of a `response_item` line; None when it has not the shape of its type."""
    return next(response_items((payload,)), None)


def response_items(payloads: Iterable[Mapping[str, object]]) -> Iterator[ResponseItem]:
    """The items of `response_item` lines; one that has not the shape of its type is left out."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.rollout import parse_rollout_item

    for payload in payloads:
        data = payload
        if isinstance(output := payload.get("output"), list):
            # Newer releases answer calls with parts; this one knows texts.
            data = {**payload, "output": "\n".join(_text_of_part(part) for part in output)}
        try:
            yield parse_rollout_item("response_item", data)  # type: ignore[misc]  # of that kind
        except ProtocolError as error:
            _log.warning("an item is passed over: %s", error)


def _text_of_part(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else "[an image]"


def event_messages(lines: Iterable[RecordedLine]) -> Iterator[EventMsg]:
    """The recorded events, to be shown again; those of types unknown here are left out."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.events import UnknownEvent, parse_event_msg

    for line in lines:
        if line.kind != "event_msg":
            continue
        try:
            msg = parse_event_msg(line.payload)
        except ProtocolError as error:
            _log.warning("an event is passed over: %s", error)
            continue
        if not isinstance(msg, UnknownEvent):
            yield msg
