"""Writes a conversation to its rollout file, one JSON line at a time.

Every line reaches the kernel in one append before the caller goes on, so a killed process loses nothing
that was recorded; a line that could not be written whole is taken back.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import dumps, loads_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.rollout import CompactedItem, SessionMeta, TurnContextItem

_RECORDED_ITEMS = frozenset(
    {
        "message", "reasoning", "local_shell_call", "function_call", "function_call_output",
        "custom_tool_call", "custom_tool_call_output",
    }
)  # fmt: skip
"""All but web searches and types unknown here (spec: protocol.md section 9.2)."""


_PIECE = 1 << 16


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
            "End that one first, or go on in a copy: codex exec fork."
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
        cls, codex_home: str, conversation_id: str, started: datetime, now: Callable[[], datetime]
    ) -> RolloutRecorder:
        """A new, empty rollout file, readable by its owner only.

        Raises:
            SessionError: the directory or the file cannot be made.
        """
        path = rollout_path(codex_home, conversation_id, started)
        try:
            _make_private_directories(os.path.dirname(path), below=codex_home)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            is_ours(descriptor)
        except OSError as error:
            raise SessionError(
                f"The session cannot be recorded at {path}: {error.strerror}. "
                "Make that directory writable, or set CODEX_HOME to one that is."
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
                mend_last_line(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise SessionError(f"The session file {path} cannot be continued: {error.strerror}.") from error
        return cls(path, descriptor, now)

    def write_copy(self, kind: str, payload: object) -> None:
        """A line of another rollout, as it was there."""
        self._append(kind, payload)

    def write_meta(self, meta: SessionMeta) -> None:
        """The first line: who, where, when."""
        self._append("session_meta", meta.to_wire())

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

    def write_compacted(self, item: CompactedItem) -> None:
        """The summary that replaced everything before it."""
        self._append("compacted", item.to_wire())

    def close(self) -> None:
        """Ends the recording; later writes do nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, kind: str, payload: object) -> None:
        if self._fd is None:
            return
        line = {"timestamp": format_timestamp(self._now()), "type": kind, "payload": payload}
        append_line(self._fd, dumps(line).encode() + b"\n")


def is_ours(descriptor: int) -> bool:
    """Whether this descriptor is now the only one that may write the file; so until it is closed.

    The lock is advisory, between those that ask. Where a file system knows no locks, nobody has one.
    """
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def mend_last_line(descriptor: int) -> None:
    """Makes the file end behind a whole line: ends it, or takes the torn rest of one away.

    Raises:
        OSError: the file cannot be read or changed.
    """
    end = os.fstat(descriptor).st_size
    if end == 0 or os.pread(descriptor, 1, end - 1) == b"\n":
        return
    start = _start_of_last_line(descriptor, end)
    if _is_json(os.pread(descriptor, end - start, start)):
        append_line(descriptor, b"\n")
    else:
        os.ftruncate(descriptor, start)


def _start_of_last_line(descriptor: int, end: int) -> int:
    while end > 0:
        begin = max(0, end - _PIECE)
        newline = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0


def _is_json(line: bytes) -> bool:
    try:
        loads_object(line)
    except ProtocolError:
        return False
    return True


def append_line(descriptor: int, line: bytes) -> None:
    """Appends `line` whole or not at all, to a file only this process writes.

    Raises:
        OSError: the disk refused; what had been written of the line is taken back.
    """
    start = os.fstat(descriptor).st_size
    rest = line
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, start)
        raise


def _make_private_directories(path: str, *, below: str) -> None:
    missing: list[str] = []
    while not os.path.isdir(path):
        missing.append(path)
        if path in (below, os.path.dirname(path)):
            break
        path = os.path.dirname(path)
    for directory in reversed(missing):
        os.makedirs(directory, mode=0o700, exist_ok=True)
