"""One terminal kept right: views and history in, frames out, resizes and suspensions survived.

`Viewport` decides when the surface writes. It knows no Textual and no event loop: the clock and the timer
come in, so that tests drive it by hand.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from codex_tui.term.surface import ASK_CURSOR, MODES_OFF, View, notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from codex_tui.term.rows import Row
    from codex_tui.term.surface import Surface

RESIZE_DELAY_S = 0.075
"""Quiet time after which a resize is taken to be over."""
RECENT_FRAME_S = 0.3
"""A frame this close before a resize may have met a screen of the new size already: nobody knows.

tmux tells a program up to 250 ms after it changed the screen.
"""
CURSOR_REPLY_S = 0.4
"""How long the terminal may take to say where its cursor is; on a busy machine that is not at once."""
LAYOUT_DELAY_S = 0.5
"""How long the app may take to lay out a view for the new size before the old one is shown clipped."""
SLICE_S = 0.008
"""How long the history may be made anew before keys and events get their turn."""
MAX_HISTORY_ROWS = 10_000
"""Rows of history written again after a resize; what is above is dropped from the scrollback."""


class ResizePolicy(StrEnum):
    """What happens to history that is on the terminal when the window changes."""

    SMART = "smart"
    """Written again at the new width when lines may be lost or doubled, else left alone."""
    REBUILD = "rebuild"
    """Always written again. Clears the terminal's scrollback, what was there before the session, too."""
    ANCHOR = "anchor"
    """Left alone with its wrapping.

    What is written in the moment between the terminal's change and its notice may be lost.
    """


class _Phase(Enum):
    STEADY = "steady"
    SETTLING = "settling"  # the size changes
    LAYOUT = "layout"  # a view for the new size is awaited
    LOCATING = "locating"  # the terminal was asked for its cursor
    GATHERING = "gathering"  # the history is made anew, slice by slice
    AWAY = "away"  # the terminal is somebody else's


class TimerHandle(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """The call does not happen."""


class TerminalPort(Protocol):
    """What a viewport needs of a terminal; `codex_tui.term.tty.Terminal` is one."""

    def size(self) -> tuple[int, int]:
        """(columns, rows) now."""

    def write(self, text: str) -> None:
        """Writes all of it."""

    def enter(self) -> None:
        """Takes the terminal."""

    def leave(self) -> None:
        """Says farewell and gives the terminal back."""

    def ask_cursor(self) -> tuple[int, int] | None:
        """(column, row) of the cursor, waiting for it."""


class Viewport:
    """What is shown on one terminal, from the start of a session to its end.

    Args:
        history: gives all committed rows at a width, newest first, those not yet written included; it is
            asked for a part of them at a time.
        on_resize: called with (columns, rows) when a view for that size is wanted.
        expect_cursor_report: called before the terminal is asked for one; it comes by `cursor_report`.
    """

    def __init__(
        self,
        terminal: TerminalPort,
        surface: Surface,
        *,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], TimerHandle],
        history: Callable[[int], Iterable[Row]],
        on_resize: Callable[[int, int], None],
        expect_cursor_report: Callable[[], None],
        policy: ResizePolicy = ResizePolicy.SMART,
    ) -> None:
        self._terminal = terminal
        self._surface = surface
        self._clock = clock
        self._call_later = call_later
        self._history = history
        self._on_resize = on_resize
        self._expect_cursor_report = expect_cursor_report
        self.policy = policy
        self._phase = _Phase.STEADY
        self._timer: TimerHandle | None = None
        self._view: View | None = None
        self._pending: list[Row] = []
        self._gathered: list[Row] = []
        self._rest: Iterator[Row] = iter(())
        self._written_at = float("-inf")
        self._must_rebuild = False
        self._must_locate = False
        self._hold_count = 0
        self._is_position_known = False
        self._unanswered = 0

    @property
    def cols(self) -> int:
        """Columns that rows are to be made for."""
        return self._surface.cols

    @property
    def rows(self) -> int:
        """Rows of the screen."""
        return self._surface.rows

    @property
    def is_steady(self) -> bool:
        """Whether what was shown last is on the terminal, and nothing is under way."""
        return self._phase is _Phase.STEADY and not self._pending and not self._hold_count

    # --- what to show --------------------------------------------------------------------------------

    def commit(self, rows: Iterable[Row]) -> None:
        """Rows, made for `cols` columns, to be written above the next view, once and in order."""
        self._pending.extend(rows)

    def show(self, view: View) -> None:
        """The view from now on; written at once, with what was committed, unless something holds it back."""
        self._view = view
        if self._phase is _Phase.LAYOUT:
            if view.size in (None, self._surface.size):
                self._laid_out()
            return
        self.flush()

    def flush(self) -> None:
        """Writes what is there to be written, if it can be written now."""
        if self._phase is not _Phase.STEADY or self._hold_count or self._view is None:
            return
        if self._terminal.size() != self._surface.size:  # the signal is still on its way
            self.window_changed()
            return
        view = self._view
        if view.overlay:
            self._write(self._surface.frame(view))
        elif self._must_rebuild:
            self._must_locate = False
            self._rebuild()
        elif self._must_locate:
            self._must_locate = False
            self._write(self._surface.leave_overlay())
            self._locate()
        else:
            pending, self._pending = self._pending, []
            self._write(self._surface.frame(view, pending))

    def redraw(self) -> None:
        """Writes all history again at the present width; waits for the main screen if an overlay is up."""
        self._must_rebuild = True
        self.flush()

    def write(self, text: str) -> None:
        """Passes something that does not draw (bell, title, clipboard) to the terminal."""
        if self._phase is not _Phase.AWAY:
            self._terminal.write(text)

    def set_title(self, text: str) -> None:
        """The window's title, until the terminal is given away."""
        if self._phase is not _Phase.AWAY:
            self._terminal.write(self._surface.title(text))

    def notify(self, text: str) -> None:
        """A message on the desktop where the terminal can do that."""
        self.write(notification(text))

    def hold(self) -> None:
        """No frames until `release`; may be nested."""
        self._hold_count += 1

    def release(self) -> None:
        """Ends a `hold`."""
        self._hold_count -= 1
        self.flush()

    # --- the window ----------------------------------------------------------------------------------

    def window_changed(self) -> None:
        """SIGWINCH came. Frames wait until the size has been quiet for a while."""
        if self._phase is _Phase.AWAY:
            return
        if self._phase is _Phase.STEADY and self._clock() - self._written_at < RECENT_FRAME_S:
            self._must_rebuild |= self.policy is ResizePolicy.SMART
        if self._phase is _Phase.LOCATING:
            # The answer will be about a screen that is no more.
            self._must_rebuild |= self.policy is ResizePolicy.SMART
        self._is_position_known = False
        self._stop_gathering()
        self._phase = _Phase.SETTLING
        self._arm(RESIZE_DELAY_S, self._settled)

    def cursor_report(self, row: int) -> None:
        """The terminal says its cursor is in this row, counted from 0."""
        self._unanswered = max(self._unanswered - 1, 0)
        if self._phase is not _Phase.LOCATING or self._unanswered:  # an answer that came late
            return
        self._disarm()
        self._phase = _Phase.STEADY
        if not self._surface.anchor(row):
            if self.policy is ResizePolicy.ANCHOR:
                self._surface.anchor_at(0)
            else:
                self._must_rebuild = True
        self.flush()

    def _settled(self) -> None:
        self._timer = None
        size = self._terminal.size()
        cols, rows = self._surface.size
        if size == (cols, rows) and not self._must_rebuild and self._view is not None:
            # There and back again; where things are now, the terminal knows.
            self._locate()
            return
        if size[0] != cols and self.policy is ResizePolicy.SMART:
            self._must_rebuild = True
        if self.policy is ResizePolicy.REBUILD:
            self._must_rebuild = True
        if self._view is not None and self._view.overlay:
            self._lost_main_screen()
        self._surface.resize(*size)
        self._phase = _Phase.LAYOUT
        self._arm(LAYOUT_DELAY_S, self._laid_out)
        self._on_resize(*size)

    def _lost_main_screen(self) -> None:
        """What happened to it below an overlay cannot be asked before that is closed."""
        if self.policy is ResizePolicy.ANCHOR:
            self._must_locate = True
        else:
            self._must_rebuild = True

    def _laid_out(self) -> None:
        self._disarm()
        if self._is_position_known or self._must_rebuild or self._view is None or self._view.overlay:
            self._is_position_known = False
            self._phase = _Phase.STEADY
            self.flush()
        else:
            self._locate()

    def _locate(self) -> None:
        self._phase = _Phase.LOCATING
        self._unanswered += 1
        self._expect_cursor_report()
        self._terminal.write(ASK_CURSOR)
        self._arm(CURSOR_REPLY_S, self._not_located)

    def _not_located(self) -> None:
        self._timer = None
        self._phase = _Phase.STEADY
        if self.policy is ResizePolicy.ANCHOR:
            self._surface.anchor_at(self._surface.rows - max(self._surface.height, 1))
        else:
            self._must_rebuild = True
        self.flush()

    # --- giving the terminal away --------------------------------------------------------------------

    def give_away(self) -> None:
        """The view erased, modes off, cursor below the history: the terminal is somebody else's."""
        if self._phase is _Phase.AWAY:
            return
        self._disarm()
        self._stop_gathering()
        self._phase = _Phase.AWAY
        self._terminal.leave()

    def take_back(self) -> None:
        """The terminal is ours again; the view is shown below what was written meanwhile.

        Raises:
            OSError: the terminal is gone.
        """
        if self._phase is not _Phase.AWAY:
            return
        self._terminal.enter()
        cursor = self._terminal.ask_cursor()
        size = self._terminal.size()
        is_resized = size != self._surface.size
        if size[0] != self._surface.cols and self.policy is not ResizePolicy.ANCHOR:
            self._must_rebuild = True
        self._terminal.write(self._surface.resume(cursor, size))
        self._phase = _Phase.STEADY
        if is_resized:
            self._phase = _Phase.LAYOUT
            self._is_position_known = True
            self._arm(LAYOUT_DELAY_S, self._laid_out)
            self._on_resize(*size)
        else:
            self.flush()

    def was_stopped(self) -> None:
        """The process was stopped without warning and goes on; the shell has written and set what it liked.

        Raises:
            OSError: the terminal is gone.
        """
        if self._phase is _Phase.AWAY:
            return
        self._disarm()
        self._stop_gathering()
        self._phase = _Phase.AWAY
        if self._surface.is_overlay:
            self._lost_main_screen()
        self._terminal.write(MODES_OFF)
        self.take_back()

    # --- writing -------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        self._must_rebuild = False
        self._pending = []
        self._gathered = []
        self._rest = islice(self._history(self._surface.cols), MAX_HISTORY_ROWS)
        self._phase = _Phase.GATHERING
        self._gather()

    def _gather(self) -> None:
        """Makes history for a moment; when there is enough, it is written."""
        self._timer = None
        end = self._clock() + SLICE_S
        for row in self._rest:
            self._gathered.append(row)
            if self._clock() > end:
                self._arm(0.0, self._gather)
                return
        gathered, self._gathered = self._gathered, []
        self._phase = _Phase.STEADY
        assert self._view is not None
        if self._view.overlay:  # it came up meanwhile; the main screen is out of reach
            self._must_rebuild = True
            self.flush()
            return
        pending, self._pending = self._pending, []
        self._write(self._surface.rebuild(self._view, (*reversed(gathered), *pending)))

    def _stop_gathering(self) -> None:
        """What was made so far is for a terminal that is no more as it was."""
        if self._phase is _Phase.GATHERING:
            self._must_rebuild = True
        self._gathered, self._rest = [], iter(())

    def _write(self, text: str) -> None:
        if text:
            self._terminal.write(text)
            self._written_at = self._clock()

    def _arm(self, delay_s: float, call: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self._call_later(delay_s, call)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
