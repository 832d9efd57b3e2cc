"""What is on the terminal: committed rows above, the live view below, an overlay on the alternate screen.

The surface does no I/O: its methods return the one string that takes the terminal from what it shows to
what it shall show. Invariants: the rows from `top` on show exactly what was painted last; coordinates are
absolute; nobody else writes; committed rows leave the screen only by line feeds at its bottom, so that every
terminal keeps them in its own scrollback.
"""

from __future__ import annotations

from codex_tui.term.rows import BLANK, Row, fit_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BEGIN = "\x1b[?2026h\x1b[?7l"  # one update, and no wrapping: a wrong guess at a width cannot add a row
_END = "\x1b[?7h\x1b[?2026l"
_CLEAR_DOWN = "\x1b[J"
_CLEAR_ALL = "\x1b[r\x1b[0m\x1b[H\x1b[2J\x1b[3J\x1b[H"
# Kitty's flags are kept for each screen apart, so the alternate one needs its own push and pop.
_PUSH_KEYS, _POP_KEYS = "\x1b[>1u", "\x1b[<u"
_ENTER_OVERLAY = f"\x1b[?1049h{_PUSH_KEYS}\x1b[?1007h"
_LEAVE_OVERLAY = f"{_POP_KEYS}\x1b[?1007l\x1b[?1049l"
_SHOW_CURSOR, _HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"

MODES_ON = f"\x1b[?2004h\x1b[?1004h{_PUSH_KEYS}"
"""Bracketed paste, focus reports, unambiguous keys. No mouse: selecting and the wheel stay the terminal's."""
MODES_OFF = (
    # A string or sequence cut off by a signal ends here; `CSI r` homes the cursor, so that is kept.
    f"\x1b\\\x1b[?2026l\x1b[?7h\x1b7\x1b[r\x1b8\x1b[0m{_SHOW_CURSOR}\x1b[?1007l\x1b[?1004l\x1b[?2004l{_POP_KEYS}"
)
ASK_CURSOR = "\x1b[6n"
_KEEP_TITLE, _GIVE_TITLE_BACK = "\x1b[22;0t", "\x1b[23;0t"


def plain_text(text: str) -> str:
    """`text` in one line without anything that could end the sequence it is put in."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def notification(text: str) -> str:
    """A message on the desktop, from terminals that have that (OSC 9); others ignore it."""
    return f"\x1b]9;{plain_text(text)}\x07"


class View:
    """What shall be below the history, or as overlay in place of everything.

    `cursor` is (column, row) within the view, None to hide it; `size` the (columns, rows) of the screen the
    view was laid out for, None if that does not matter.
    """

    __slots__ = ("cursor", "overlay", "rows", "size")

    def __init__(
        self,
        rows: Sequence[Row],
        cursor: tuple[int, int] | None = None,
        *,
        overlay: bool = False,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.rows = rows
        self.cursor = cursor
        self.overlay = overlay
        self.size = size


class Surface:
    """The state of one terminal. What a method returns must be written before the next one is called."""

    def __init__(self, cols: int, rows: int) -> None:
        self.cols = max(cols, 1)
        self.rows = max(rows, 1)
        self.top = 0
        """The screen row the view begins in, counted from 0."""
        self.is_overlay = False
        self._painted: list[Row] | None = None  # None: from `top` on the screen is ours, and unknown
        self._overlay_painted: list[Row] | None = None  # None: clear it first
        self._cursor: tuple[int, int] | None = None
        self._cursor_cell = (0, 0)  # where it really is, within the view, hidden or not
        self._is_cursor_shown = True
        self._title: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the screen."""
        return self.cols, self.rows

    @property
    def height(self) -> int:
        """Rows of the view as painted."""
        return len(self._painted or ())

    # --- coming and going ----------------------------------------------------------------------------

    def start(self, cursor: tuple[int, int] | None) -> str:
        """Modes on; what the screen shows above the cursor goes to the scrollback and the view begins on top.

        `cursor` is (column, row) as the terminal reported it, None if it did not.
        """
        column, row = (1, self.rows - 1) if cursor is None else cursor
        feeds = min(row, self.rows - 1) + (column > 0)
        self.top, self._painted = 0, None
        # Erased only when it is repainted, with what the frame does anyway.
        # Whoever was killed here before may have left a region, colours and no cursor.
        begin = f"\x1b[r\x1b[0m{_SHOW_CURSOR}{MODES_ON}"
        return begin + (f"\x1b[{self.rows};1H" + "\n" * feeds if feeds else "")

    def leave(self) -> str:
        """The view erased, modes off, the cursor where the view began: for exit and suspension."""
        out = "\x1b\\"
        if self.is_overlay:
            out += _LEAVE_OVERLAY
            self.is_overlay = False
        if self._title is not None:
            out += _GIVE_TITLE_BACK
        out += f"\x1b[0m\x1b[{self.top + 1};1H{_CLEAR_DOWN}{MODES_OFF}"
        self._painted, self._is_cursor_shown = None, True
        self._overlay_painted = None
        return out

    def resume(self, cursor: tuple[int, int] | None, size: tuple[int, int]) -> str:
        """Modes on again after `leave`; the view begins where the cursor is now, in a fresh line."""
        self.resize(*size)
        column, row = (0, self.rows - 1) if cursor is None else cursor
        self.top = min(row + (column > 0), self.rows - 1)
        self._painted, self._is_cursor_shown = None, True
        title = "" if self._title is None else f"{_KEEP_TITLE}\x1b]0;{self._title}\x07"
        return MODES_ON + title + ("\r\n" if column > 0 else "")

    def resize(self, cols: int, rows: int) -> None:
        """The terminal has a new size; where the view is, only `anchor` or `rebuild` find out."""
        self.cols, self.rows = max(cols, 1), max(rows, 1)
        self._overlay_painted = None

    def title(self, text: str) -> str:
        """The window's title; the one it had comes back with `leave`."""
        text = plain_text(text)
        if text == self._title:
            return ""
        keep = _KEEP_TITLE if self._title is None else ""
        self._title = text
        return f"{keep}\x1b]0;{text}\x07"

    # --- frames --------------------------------------------------------------------------------------

    def frame(self, view: View, commits: Iterable[Row] = ()) -> str:
        """Shows `view`, `commits` written above it once and for all; empty if nothing changes.

        With an overlay there can be no commits: the main screen is out of reach.
        """
        if view.overlay:
            return self._overlay_frame(view)
        rows, cursor = self._clipped(view)
        out: list[str] = []
        if self.is_overlay:
            out.append(self.leave_overlay())  # both screens share one cursor: it is placed in any case
        lines = list(fit_rows(commits, self.cols))
        if lines or self._painted is None:
            self._flow(out, lines, rows)
        else:
            self._repaint(out, rows)
        return self._finish(out, cursor, self.top)

    def leave_overlay(self) -> str:
        """Back to the main screen as the terminal kept it; where the view is there, `anchor` finds out."""
        if not self.is_overlay:
            return ""
        self.is_overlay = False
        self._cursor = (-1, -1)
        return _LEAVE_OVERLAY

    def rebuild(self, view: View, history: Iterable[Row]) -> str:
        """Everything anew: the screen and the scrollback are cleared, `history` and `view` written."""
        out = [_LEAVE_OVERLAY] if self.is_overlay else []
        self.is_overlay = False
        out.append(_CLEAR_ALL)
        self.top, self._painted = 0, []
        rows, cursor = self._clipped(view)
        self._flow(out, list(fit_rows(history, self.cols)), rows)
        return self._finish(out, cursor, self.top)

    def anchor(self, cursor_row: int) -> bool:
        """Finds the view again after the terminal moved things, from the row its cursor is in now.

        False if the view's beginning left the screen; only `rebuild` helps then. The next `frame` paints all.
        """
        column, row = self._cursor_cell
        above = sum(max(1, -(-line.width // self.cols)) for line in (self._painted or ())[:row])
        top = cursor_row - above - column // self.cols
        if not 0 <= top < self.rows:
            return False
        self.anchor_at(top)
        return True

    def anchor_at(self, row: int) -> None:
        """The view begins in `row`, as far as anybody can tell; the next `frame` paints all of it."""
        self.top, self._painted = min(max(row, 0), self.rows - 1), None

    # --- how -----------------------------------------------------------------------------------------

    def _clipped(self, view: View) -> tuple[list[Row], tuple[int, int] | None]:
        """The rows that fit the screen (those around the cursor), none too wide, at least one."""
        rows = [row if row.width <= self.cols else next(fit_rows((row,), self.cols)) for row in view.rows]
        cursor = view.cursor
        if len(rows) > self.rows:
            last = len(rows) if cursor is None else max(self.rows, min(len(rows), cursor[1] + 1))
            rows = rows[last - self.rows : last]
            if cursor is not None:
                cursor = (cursor[0], cursor[1] - (last - self.rows))
        if cursor is not None:
            if not 0 <= cursor[1] < max(len(rows), 1):
                cursor = None
            else:
                cursor = (min(max(cursor[0], 0), self.cols - 1), cursor[1])
        return rows or [BLANK], cursor

    def _flow(self, out: list[str], lines: Sequence[Row], rows: list[Row]) -> None:
        """Lines and view written one below the other from `top` on; what does not fit scrolls off the top."""
        out.append(f"\x1b[{self.top + 1};1H")
        if self._painted is None:
            out.append(_CLEAR_DOWN)
            old_bottom = 0
        else:
            old_bottom = self.top + len(self._painted)
        out.extend(self._text(line) + "\r\n" for line in lines)
        out.append("\r\n".join(map(self._text, rows)))
        bottom = self.top + len(lines) + len(rows)
        scrolled = max(0, bottom - self.rows)
        self.top = bottom - len(rows) - scrolled
        if old_bottom > bottom:
            out.append(f"\x1b[{bottom + 1};1H{_CLEAR_DOWN}")
        self._painted = rows

    def _repaint(self, out: list[str], rows: list[Row]) -> None:
        """Only what differs; a view that grows past the bottom lets rows above it scroll off."""
        painted = self._painted or []
        scrolled = self.top + len(rows) - self.rows
        if scrolled > 0:
            out.append(f"\x1b[{self.rows};1H" + "\n" * scrolled)
            self.top -= scrolled
        for index, row in enumerate(rows):
            if index >= len(painted) or painted[index].ansi != row.ansi:
                out.append(f"\x1b[{self.top + index + 1};1H{self._text(row)}")
        if len(rows) < len(painted):
            out.append(f"\x1b[{self.top + len(rows) + 1};1H{_CLEAR_DOWN}")
        self._painted = rows

    def _overlay_frame(self, view: View) -> str:
        rows, cursor = self._clipped(view)
        out: list[str] = []
        if not self.is_overlay:
            self.is_overlay = True
            out.append(_ENTER_OVERLAY)
            self._overlay_painted = None
            self._cursor = (-1, -1)
        if self._overlay_painted is None:
            out.append("\x1b[H\x1b[2J")
        painted = self._overlay_painted or []
        for index in range(max(len(rows), len(painted))):
            row = rows[index] if index < len(rows) else BLANK
            if index >= len(painted) or painted[index].ansi != row.ansi:
                out.append(f"\x1b[{index + 1};1H{self._text(row)}")
        self._overlay_painted = rows
        return self._finish(out, cursor, 0, overlay=True)

    def _text(self, row: Row) -> str:
        return row.ansi if row.width >= self.cols else f"{row.ansi}\x1b[K"

    def _finish(
        self, out: list[str], cursor: tuple[int, int] | None, top: int, *, overlay: bool = False
    ) -> str:
        if not out and cursor == self._cursor:
            return ""
        column, row = cursor or (0, 0)
        out.append(f"\x1b[{top + row + 1};{column + 1}H")
        if (cursor is not None) != self._is_cursor_shown:
            self._is_cursor_shown = cursor is not None
            out.append(_SHOW_CURSOR if cursor is not None else _HIDE_CURSOR)
        self._cursor = cursor
        if not overlay:
            self._cursor_cell = (column, row)
        return f"{_BEGIN}{''.join(out)}{_END}"
