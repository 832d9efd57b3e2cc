"""Writes log records to a stream or a private file; a write that fails costs the record and nothing else."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

from codex_core.logs import log_line, passes

if TYPE_CHECKING:
    from codex_core.logs import LogFilter, LogStream

_WARNING = 30


class LogHandler(logging.Handler):
    """The one handler of a program."""

    def __init__(self, destination: LogStream | str, chosen: LogFilter, *, colored: bool) -> None:
        """`destination` is a stream, or the path of a file that is opened with the first record."""
        super().__init__()
        self._destination = destination
        self._chosen = chosen
        self._colored = colored
        self._passing: dict[tuple[str, int], bool] = {}
        self._descriptor: int | None = None
        self._is_closed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record if it passes the filter."""
        key = (record.name, record.levelno)
        if key not in self._passing:
            self._passing[key] = passes(record.name, record.levelno, self._chosen)
        if self._passing[key]:
            message = _message(record)
            line = log_line(record.created, record.levelno, record.name, message, colored=self._colored)
            self._write(line)

    def tell(self, message: str) -> None:
        """Writes a warning of the log about itself, which no filter keeps back."""
        import time

        line = log_line(time.time(), _WARNING, "codex_core.logs", message, colored=self._colored)
        self.acquire()
        try:
            self._write(line)
        finally:
            self.release()

    def close(self) -> None:
        """Closes the file, if there is one; records that come later are dropped."""
        self.acquire()
        try:
            self._is_closed = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
        finally:
            self.release()
        super().close()

    def _write(self, line: str) -> None:
        if self._is_closed:
            return
        try:
            if not isinstance(self._destination, str):
                self._destination.write(line)
                self._destination.flush()
                return
            if self._descriptor is None:
                self._descriptor = open_private(self._destination)
            # One write for a whole line: several processes may append to the file.
            os.write(self._descriptor, line.encode("utf-8", "replace"))
        except (OSError, ValueError):  # full, gone, unread, or closed
            # A file that could not be opened is not tried again with every record.
            self._is_closed = isinstance(self._destination, str) and self._descriptor is None


def open_private(path: str) -> int:
    """A descriptor to append to the file; it is made readable by the user only.

    A directory that is missing is made, 0700.

    Raises: OSError, also when `path` is no regular file.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(path, flags, 0o600)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(f"{path} is not a regular file")
        if mode & 0o077:
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _message(record: logging.LogRecord) -> str:
    """The text of a record with the traceback it carries."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError, KeyError):
        text = f"{record.msg} {record.args}"
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return text
