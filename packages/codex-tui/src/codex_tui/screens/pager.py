"""A pager on the alternate screen: diff, help, and the frame of the transcript (spec: tui.md section 14)."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual.message import Message

from codex_core.presentation.spans import Line, Paragraph, Span, Style
from codex_tui.history.wrapping import wrapped
from codex_tui.screens.panel import key_hints
from codex_tui.screens.scroll import Scroll
from codex_tui.term.textual_bridge import OverlayScreen
from codex_tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from codex_tui.history.themes import Theme

SCROLLING = (("↑/↓", "scroll"), ("PgUp/PgDn", "page"), ("Home/End", "jump"))
_PART_ROWS = 200
_SLICE_S = 0.008
"""How long rows are made for before keys and frames have their turn …"""
_PAUSE_S = 0.01
"""… and how long that lasts."""


class PagerView(Lines, can_focus=True):
    """The rows of a page with a title above and the keys below."""

    DEFAULT_CSS = "PagerView { height: 100%; width: 100%; }"

    class Closed(Message):
        """Somebody has read enough."""

    def __init__(self, title: str, theme: Theme, *, at_end: bool) -> None:
        super().__init__(theme)
        self._title = title
        self._at_end = at_end
        self._width = 0
        self._scroll: Scroll | None = None
        self._timer: Timer | None = None
        self.notice = ""
        """Something more urgent than the keys."""

    # --- what a kind of page is made of ----------------------------------------------------------------

    def count(self) -> int:
        """How many parts there are."""
        raise NotImplementedError

    def part(self, number: int, width: int) -> list[Line]:
        """The rows of a part, none wider than that."""
        raise NotImplementedError

    def hints(self) -> list[Line]:
        """The rows that say what the keys do."""
        return [key_hints(*SCROLLING, ("q", "quit"))]

    def adorned(self, row: Line, number: int) -> Line:  # noqa: ARG002 - for those who mark rows
        """A row as it is shown; `number` as the window counts."""
        return row

    def pressed(self, key: str) -> bool:  # noqa: ARG002
        """Whether the key meant something special here; else it scrolls or closes."""
        return False

    # --- the screen ------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Shows the page, and goes on with what is not seen yet."""
        self._timer = self.set_interval(_PAUSE_S, self._work, pause=True)
        self.lay_out()

    def on_resize(self) -> None:
        """Lays it out anew."""
        self.lay_out()

    @property
    def scroll_window(self) -> Scroll:
        """The window on the rows, made for the present size."""
        width, page = self.app.size.width, max(self.app.size.height - 2 - len(self.hints()), 1)
        scroll = self._scroll
        if scroll is None or width != self._width:
            at_end = self._at_end if scroll is None else scroll.is_at_end
            self._width = width
            scroll = self._scroll = Scroll(
                lambda number: self.part(number, width), self.count(), page=page, at_end=at_end
            )
        elif scroll.page != page:
            scroll.page = page
        return scroll

    def lay_out(self) -> None:
        """Shows the rows that are looked at."""
        scroll = self.scroll_window
        width, height = self.app.size.width, self.app.size.height
        seen = [self.adorned(row, scroll.top + at) for at, row in enumerate(scroll.look())]
        if self._timer is not None and not scroll.is_complete:
            self._timer.resume()
        head = f"/ {' '.join(self._title.upper())} "
        rule = f" {scroll.percent}% ─"
        rows: list[Line] = [
            (Span((head + "/ " * width)[:width], Style.DIM),),
            *seen,
            *[(Span("~", Style.DIM),)] * (scroll.page - len(seen)),
            (Span("─" * max(width - len(rule), 0) + rule, Style.DIM),),
            *self.hints(),
        ]
        if self.notice:
            rows[-1] = (Span(self.notice, Style.WARNING),)
        self.show(rows[:height])

    def _work(self) -> None:
        scroll, end = self.scroll_window, monotonic() + _SLICE_S
        while not scroll.is_complete and monotonic() < end:
            scroll.work()
        if scroll.is_complete and self._timer is not None:
            self._timer.pause()
        self.lay_out()

    def on_key(self, event: events.Key) -> None:
        """Scrolls or closes."""
        event.stop()
        scroll = self.scroll_window
        if self.pressed(event.key):
            self.lay_out()
            return
        match event.key:
            case "q" | "escape" | "ctrl+c" | "ctrl+t":
                self.post_message(self.Closed())
                return
            case "up" | "k":
                scroll.move(-1)
            case "down" | "j":
                scroll.move(1)
            case "pageup" | "ctrl+b":
                scroll.move(-scroll.page)
            case "pagedown" | "space" | "ctrl+f":
                scroll.move(scroll.page)
            case "home":
                scroll.to_start()
            case "end":
                scroll.to_end()
        self.lay_out()


class RowsView(PagerView):
    """Rows that are all there when the page is opened."""

    def __init__(
        self, title: str, make: Callable[[int], Sequence[Line]], theme: Theme, *, at_end: bool
    ) -> None:
        super().__init__(title, theme, at_end=at_end)
        self._make = make
        self._given: tuple[int, Sequence[Line]] = (0, ())

    def _rows_for(self, width: int) -> Sequence[Line]:
        if self._given[0] != width:
            self._given = (width, self._make(width))
        return self._given[1]

    def count(self) -> int:
        """Parts of a few screens each."""
        return -(-len(self._rows_for(self.app.size.width)) // _PART_ROWS)

    def part(self, number: int, width: int) -> list[Line]:
        """Some of the rows."""
        rows = self._rows_for(width)[number * _PART_ROWS : (number + 1) * _PART_ROWS]
        return wrapped([Paragraph(row) for row in rows], width)


class PagerScreen(OverlayScreen):
    """A page that covers everything; it ends with the value of the key that closes it."""

    def __init__(self, view: PagerView) -> None:
        super().__init__()
        self._view = view
        self._is_over = False

    @property
    def notice(self) -> str:
        """What stands in place of the keys: something that waits behind this page."""
        return self._view.notice

    @notice.setter
    def notice(self, text: str) -> None:
        if text != self._view.notice:
            self._view.notice = text
            if self._view.is_attached:
                self._view.lay_out()

    def compose(self) -> ComposeResult:
        """The view is all there is."""
        yield self._view

    def on_mount(self) -> None:
        """Keys go to it."""
        self.styles.overflow_x = self.styles.overflow_y = "hidden"
        self._view.focus()

    def on_pager_view_closed(self) -> None:
        """Closes without a choice."""
        self.close(None)

    def close(self, value: object) -> None:
        """Closes once, however often that is asked."""
        if not self._is_over and self.is_current:
            self._is_over = True
            self.dismiss(value)


class Pager(PagerScreen):
    """One page of rows."""

    def __init__(
        self, title: str, make: Callable[[int], Sequence[Line]], theme: Theme, *, at_end: bool
    ) -> None:
        super().__init__(RowsView(title, make, theme, at_end=at_end))
