"""What a session is about, from one pass over its file: where, when, how long, and what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.rollout.replay import conversation_id_of, parse_line

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from codex_core.rollout.catalog import SessionFile
    from codex_core.rollout.replay import RecordedLine

MAX_PREVIEW_CHARACTERS = 400
MAX_TEXT_CHARACTERS = 4 * 1024 * 1024
"""What is kept of one session for searching; who says more than that is found by the beginning of it."""
_HEAD_BYTES = 256
"""The type of a line and of its payload stand within that, whoever wrote it."""
_SAID = (b'"user_message"', b'"agent_message"')


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session of a listing."""

    conversation_id: str
    path: str
    started: str
    """As in the file's name: local time, `2026-11-22T08-34-04`."""
    modified: float
    """When something was last written, in seconds since 1970."""
    size: int
    """Bytes of the file."""
    is_archived: bool
    cwd: str | None
    branch: str | None
    """The git branch it began on."""
    model: str | None
    """The one that was asked last."""
    originator: str | None
    """The program that recorded it."""
    preview: str
    """What the user said first."""
    turns: int
    """How often the user said something."""
    tokens: int
    """All tokens that were used, as last counted."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a session is about, and all that was said in it, folded for searching."""

    summary: SessionSummary
    text: str


def read_summary(file: SessionFile, status: os.stat_result, *, is_archived: bool) -> Said | None:
    """What is in a session file; None if no user has said anything in it.

    Raises:
        OSError: it cannot be read.
    """
    reader = _Reader()
    with open(file.path, "rb") as lines:
        for text in lines:
            reader.read(text)
    return reader.result(file, status, is_archived=is_archived)


def is_empty_session(path: str) -> bool:
    """Whether nobody has said or done anything in a session file: it holds what a start writes, or less.

    What cannot be understood counts as something, but for a first line that was torn by a crash.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as lines:
        for number, text in enumerate(lines):
            is_torn_meta = number == 0 and not text.endswith(b"\n") and parse_line(text) is None
            if text.strip() and not is_torn_meta and not _is_of_start(text):
                return False
    return True


def _is_of_start(text: bytes) -> bool:
    from codex_protocol.config_types import InputMessageKind
    from codex_protocol.message_kind import kind_of_message

    line = parse_line(text)
    if line is None or line.kind not in ("session_meta", "response_item"):
        return False
    if line.kind == "session_meta":
        return True
    content = line.payload.get("content")
    if line.payload.get("type") != "message" or line.payload.get("role") != "user":
        return False
    texts = (
        [part.get("text") for part in content if isinstance(part, dict)]
        if isinstance(content, list)
        else [None]
    )
    return all(
        isinstance(text, str) and kind_of_message(text) is not InputMessageKind.PLAIN for text in texts
    )


class _Reader:
    """Parses the lines that matter; of those of which only the last counts, only the last."""

    def __init__(self) -> None:
        self._meta: RecordedLine | None = None
        self._said: list[str] = []
        self._characters = 0
        self._preview: str | None = None
        self._turns = 0
        self._context: bytes | None = None
        self._tokens: bytes | None = None

    def read(self, text: bytes) -> None:
        head = text[:_HEAD_BYTES]
        if self._meta is None:
            line = parse_line(text)
            if line is not None and conversation_id_of(line) is not None:
                self._meta = line
        elif any(word in head for word in _SAID):
            self._read_event(text)
        elif b'"turn_context"' in head:
            self._context = text
        elif b'"token_count"' in head:
            self._tokens = text
        elif self._meta.is_flat and b'"message"' in head:
            self._read_old_message(text)

    def _read_event(self, text: bytes) -> None:
        line = parse_line(text)
        if line is None or line.kind != "event_msg":
            return
        message = line.payload.get("message")
        if isinstance(message, str):
            self._hear(message, is_user=line.payload.get("type") == "user_message")

    def _read_old_message(self, text: bytes) -> None:
        line = parse_line(text)
        if line is None or line.payload.get("type") != "message":
            return
        content = line.payload.get("content")
        for part in content if isinstance(content, list) else ():
            said = part.get("text") if isinstance(part, dict) else None
            if isinstance(said, str):
                self._hear(said, is_user=line.payload.get("role") == "user")

    def _hear(self, text: str, *, is_user: bool) -> None:
        from codex_protocol.config_types import InputMessageKind
        from codex_protocol.message_kind import kind_of_message, request_in

        if is_user:
            if kind_of_message(text) is not InputMessageKind.PLAIN:
                return
            self._turns += 1
            if not self._preview:
                self._preview = request_in(text)[:MAX_PREVIEW_CHARACTERS]
        if self._characters < MAX_TEXT_CHARACTERS:
            self._said.append(text[: MAX_TEXT_CHARACTERS - self._characters])
            self._characters += len(text)

    def result(self, file: SessionFile, status: os.stat_result, *, is_archived: bool) -> Said | None:
        if self._meta is None or not self._turns:
            return None
        meta = self._meta.payload
        git = meta.get("git")
        summary = SessionSummary(
            conversation_id=file.conversation_id,
            path=file.path,
            started=file.place.timestamp,
            modified=status.st_mtime,
            size=status.st_size,
            is_archived=is_archived,
            cwd=_text(meta, "cwd"),
            branch=_text(git, "branch") if isinstance(git, dict) else None,
            model=_text(_payload(self._context), "model"),
            originator=_text(meta, "originator"),
            preview=self._preview or "",
            turns=self._turns,
            tokens=_total_tokens(_payload(self._tokens)),
        )
        return Said(summary, "\n".join(self._said).casefold())


def _payload(text: bytes | None) -> Mapping[str, object]:
    line = None if text is None else parse_line(text)
    return {} if line is None else line.payload


def _text(fields: Mapping[str, object], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) else None


def _total_tokens(payload: Mapping[str, object]) -> int:
    info = payload.get("info")
    total = info.get("total_token_usage") if isinstance(info, dict) else None
    count = total.get("total_tokens") if isinstance(total, dict) else None
    return count if isinstance(count, int) else 0
