"""The terminal device: raw mode and back, size, writing everything, asking where the cursor is.

Imported before the first frame: only modules that are compiled in.
"""

from __future__ import annotations

import errno
import os
import select
import termios
import time

from codex_tui.term.surface import ASK_CURSOR, MODES_OFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES = 65536
CURSOR_REPLY_S = 0.25
"""How long a terminal may take to say where its cursor is; all that can, do within a few milliseconds."""
DEFAULT_SIZE = (80, 24)
_MAX_REPORT_BYTES = 16
_GONE = frozenset({errno.EIO, errno.EPIPE, errno.ENXIO, errno.EBADF})


def is_terminal(*fds: int) -> bool:
    """Whether all of these are terminals."""
    return all(os.isatty(fd) for fd in fds)


class Terminal:
    """One terminal, raw between `enter` and `leave`.

    `leave` may be called by anybody and any number of times, in an `atexit` function too; it writes what
    `farewell` returns and puts the line settings back. A terminal that went away (`is_gone`) takes writes
    in silence: the reader learns of it by its end of file.
    """

    def __init__(self, in_fd: int = 0, out_fd: int = 1) -> None:
        self.in_fd = in_fd
        self.out_fd = out_fd
        self.is_gone = False
        self.farewell: Callable[[], str] = lambda: MODES_OFF
        """What to write when leaving; set by whoever knows what is on the screen."""
        self.unanswered = 0
        """Questions for the cursor that got no answer in time; it may come yet, and is no key then."""
        self._saved: list[int | list[bytes | int]] | None = None
        self._original: list[int | list[bytes | int]] | None = None
        self._typed = bytearray()
        self._is_registered = False
        self._owner_pid = 0

    @property
    def is_raw(self) -> bool:
        """Whether the terminal is ours now."""
        return self._saved is not None

    def size(self) -> tuple[int, int]:
        """(columns, rows) now; 80 by 24 if the terminal does not know."""
        try:
            cols, rows = os.get_terminal_size(self.out_fd)
        except OSError:
            return DEFAULT_SIZE
        return (cols, rows) if cols > 0 and rows > 0 else DEFAULT_SIZE

    def enter(self) -> None:
        """Raw: every byte comes as it is typed, nothing is echoed, a line feed only feeds.

        What held before is what `leave` puts back; if it is what some program left behind, what held before
        the first call.

        Raises:
            OSError: it is no terminal, or it is gone.
        """
        try:
            saved = termios.tcgetattr(self.in_fd)
            raw = termios.tcgetattr(self.in_fd)
            raw[0] &= ~(
                termios.BRKINT
                | termios.ICRNL
                | termios.IGNCR
                | termios.INLCR
                | termios.INPCK
                | termios.ISTRIP
                | termios.IXON
                | termios.IXOFF
            )
            raw[1] &= ~termios.OPOST
            raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
            raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self.in_fd, termios.TCSANOW, raw)
        except termios.error as error:
            self.is_gone = True
            raise OSError(*error.args) from error
        if self._saved is None:
            self._saved = saved if self._original is None or _is_usual(saved) else self._original
            if self._original is None:
                self._original = self._saved = _repaired(saved)
        self._owner_pid = os.getpid()
        if not self._is_registered:
            self._is_registered = True
            import atexit

            atexit.register(self.leave)

    def leave(self) -> None:
        """Writes the farewell and puts the line settings back; nothing if the terminal is not raw."""
        saved, self._saved = self._saved, None
        if saved is None or os.getpid() != self._owner_pid:  # a forked child has no business here
            return
        self.write(self.farewell())
        try:
            termios.tcsetattr(self.in_fd, termios.TCSANOW, saved)
        except termios.error:
            self.is_gone = True

    def write(self, text: str) -> None:
        """Writes all of it, waiting for a slow terminal; nothing if the terminal is gone."""
        if self.is_gone or not text:
            return
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            try:
                data = data[os.write(self.out_fd, data) :]
            except BlockingIOError:  # somebody who shares the terminal made it so
                select.select((), (self.out_fd,), ())
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                self.is_gone = True
                return

    def read(self) -> bytes:
        """What was typed, empty if the terminal is gone. Blocks if nothing was."""
        if self._typed:
            data = bytes(self._typed)
            self._typed.clear()
            return data
        try:
            return os.read(self.in_fd, READ_BYTES)
        except BlockingIOError:
            select.select((self.in_fd,), (), ())
            return self.read()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self.is_gone = True
            return b""

    def take_typed(self) -> bytes:
        """What was read beside the answers to questions and is nobody's yet."""
        data = bytes(self._typed)
        self._typed.clear()
        return data

    def ask_cursor(self, timeout_s: float = CURSOR_REPLY_S) -> tuple[int, int] | None:
        """(column, row) of the cursor, from 0; None without an answer in time. What else comes is kept."""
        self.write(ASK_CURSOR)
        deadline = time.monotonic() + timeout_s
        received = bytearray()
        found = None
        while found is None and not self.is_gone:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select((self.in_fd,), (), (), left)[0]:
                break
            try:
                data = os.read(self.in_fd, READ_BYTES)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                data = b""
            if not data:
                self.is_gone = True
                break
            received += data
            found = cut_cursor_report(received)
        self._typed += received
        if found is None:
            self.unanswered += 1
        return found


_USUAL_LINES = termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN


def _is_usual(settings: list[int | list[bytes | int]]) -> bool:
    """Whether a shell may have set it so: lines are edited, and shown as they are."""
    lines, outputs = settings[3], settings[1]
    assert isinstance(lines, int)
    assert isinstance(outputs, int)
    return lines & _USUAL_LINES == _USUAL_LINES and bool(outputs & termios.OPOST)


def _repaired(settings: list[int | list[bytes | int]]) -> list[int | list[bytes | int]]:
    """`settings`, unless they are what somebody left behind who was killed: then those of any terminal."""
    inputs, outputs, _, lines = settings[:4]
    assert isinstance(inputs, int)
    assert isinstance(outputs, int)
    assert isinstance(lines, int)
    if lines & _USUAL_LINES or outputs & termios.OPOST or inputs & termios.ICRNL:
        return settings
    found = list(settings)
    found[0] = inputs | termios.BRKINT | termios.ICRNL | termios.IXON
    found[1] = outputs | termios.OPOST | termios.ONLCR
    found[3] = lines | _USUAL_LINES | termios.ECHOE | termios.ECHOK
    return found


def cut_cursor_report(data: bytearray) -> tuple[int, int] | None:
    """Takes the first `CSI row ; column R` out of `data`: (column, row), from 0."""
    start = data.find(b"\x1b[")
    while start >= 0:
        end = start + 2
        while end < len(data) and data[end] in b"0123456789;":
            end += 1
        if end < len(data) and data[end : end + 1] == b"R":
            row, separator, column = data[start + 2 : end].partition(b";")
            # More digits than any screen has rows are somebody else's, and `int` refuses thousands of them.
            if separator and row.isdigit() and column.isdigit() and end - start < _MAX_REPORT_BYTES:
                del data[start : end + 1]
                return max(int(column) - 1, 0), max(int(row) - 1, 0)
        start = data.find(b"\x1b[", start + 1)
    return None
