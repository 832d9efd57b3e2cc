"""Writes a conversation to its rollout file, one JSON line at a time.

Every line reaches the kernel in one append before the caller goes on, so a killed process loses nothing
that was recorded; a line that could not be written whole is taken back.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_core.rollout.disk import append_line, create_whole, is_ours, mend_last_line
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.rollout import CompactedItem, SessionMeta, TurnContextItem

KEEPS_PROMPT = "keeps_prompt"
"""A field of ours in a compacted line: what the user had said last stands behind the summary, not in it."""
_RECORDED_ITEMS = frozenset(
    {
        "message", "reasoning", "local_shell_call", "function_call", "function_call_output",
        "custom_tool_call", "custom_tool_call_output",
    }
)  # fmt: skip
"""All but web searches and types unknown here (spec: protocol.md section 9.2)."""


def format_timestamp(moment: datetime) -> str:
    """`2026-11-22T08:34:04.539Z`: UTC with milliseconds, as every time inside a rollout."""
    from datetime import UTC

    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def rollout_path(codex_home: str, conversation_id: str, started: datetime) -> str:
    """Where a conversation that started then is kept; the name carries local time (protocol.md 9.1)."""
    local = started.astimezone()
    directory = os.path.join(codex_home, "sessions", f"{local:%Y}", f"{local:%m}", f"{local:%d}")
    return os.path.join(directory, f"rollout-{local:%Y-%m-%dT%H-%M-%S}-{conversation_id}.jsonl")


class SessionInUseError(SessionError):
    """A session that somebody else goes on with at this moment."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The session in {path} is in use by another running Codex. "
            "End that one first, or go on in a copy: codex fork, or codex exec fork."
        )
        self.path = path


class RolloutRecorder:
    """An open rollout file. Methods raise `OSError` when the disk refuses; the file stays readable."""

    def __init__(self, path: str, descriptor: int, now: Callable[[], datetime]) -> None:
        self.path = path
        self._fd: int | None = descriptor
        self._now = now

    @classmethod
    def create(
        cls,
        codex_home: str,
        meta: SessionMeta,
        started: datetime,
        now: Callable[[], datetime],
        beginning: Iterable[tuple[str, object]] = (),
    ) -> RolloutRecorder:
        """A new rollout file, readable by its owner only: who, where and when, then the lines given.

        It is there with all of them or not at all, whenever the process is killed.

        Raises:
            SessionError: the directory or the file cannot be made.
        """
        path = rollout_path(codex_home, meta.id, started)
        lines = [_line(now, "session_meta", meta.to_wire())]
        for kind, payload in beginning:
            with contextlib.suppress(ProtocolError):  # a number too large for JSON, which others skip, too
                lines.append(_line(now, kind, payload))
        try:
            descriptor = create_whole(path, b"".join(lines), root=os.path.join(codex_home, "sessions"))
        except OSError as error:
            raise SessionError(
                f"The session cannot be recorded at {path}: {error.strerror}. "
                "Make that directory writable and see that there is room, or set CODEX_HOME to another one."
            ) from error
        return cls(path, descriptor, now)

    @classmethod
    def resume(cls, path: str, now: Callable[[], datetime]) -> RolloutRecorder:
        """An existing rollout file, to be continued; a last line that was torn by a crash is mended.

        Raises:
            SessionInUseError: another process, or another conversation of this one, is writing it.
            SessionError: the file cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                if not is_ours(descriptor):
                    raise SessionInUseError(path)
                os.stat(path)  # it may have been deleted or put away while we opened it
                mend_last_line(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise SessionError(f"The session file {path} cannot be continued: {error.strerror}.") from error
        return cls(path, descriptor, now)

    def write_item(self, item: ResponseItem) -> None:
        """One item of the model-visible history; others are passed over."""
        if item.type in _RECORDED_ITEMS:
            self._append("response_item", item.to_wire())

    def write_event(self, msg: EventMsg) -> None:
        """One event that a resumed session shows again."""
        self._append("event_msg", msg.to_wire())

    def write_turn_context(self, context: TurnContextItem) -> None:
        """The settings of the request that follows."""
        self._append("turn_context", context.to_wire())

    def write_compacted(self, item: CompactedItem, *, keeps_prompt: bool = False) -> None:
        """The summary that replaced everything before it, but for the last message where that is kept."""
        self._append("compacted", {**item.to_wire(), **({KEEPS_PROMPT: True} if keeps_prompt else {})})

    def close(self) -> None:
        """Ends the recording; later writes do nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, kind: str, payload: object) -> None:
        if self._fd is None:
            return
        append_line(self._fd, _line(self._now, kind, payload))


def _line(now: Callable[[], datetime], kind: str, payload: object) -> bytes:
    return dumps({"timestamp": format_timestamp(now()), "type": kind, "payload": payload}).encode() + b"\n"
