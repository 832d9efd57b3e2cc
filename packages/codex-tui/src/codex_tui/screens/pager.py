"""A pager on the alternate screen: transcript, diff, help (spec: tui.md section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Paragraph, Span, Style
from codex_tui.history.wrapping import wrapped
from codex_tui.screens.panel import key_hints
from codex_tui.term.textual_bridge import OverlayScreen
from codex_tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult

    from codex_tui.history.themes import Theme

_FRAME_ROWS = 3


class PagerView(Lines, can_focus=True):
    """The rows of a page with a title above and the keys below."""

    DEFAULT_CSS = "PagerView { height: 100%; width: 100%; }"

    def __init__(self, title: str, make: Callable[[int], list[Line]], theme: Theme, *, at_end: bool) -> None:
        super().__init__(theme)
        self._title = title
        self._make = make
        self._content: list[Line] = []
        self._width = 0
        self._top = 0
        self._at_end = at_end

    @property
    def _page(self) -> int:
        return max(self.app.size.height - _FRAME_ROWS, 1)

    @property
    def _last_top(self) -> int:
        return max(len(self._content) - self._page, 0)

    def on_mount(self) -> None:
        """Lays the content out."""
        self.lay_out()

    def on_resize(self) -> None:
        """Lays it out anew."""
        self.lay_out()

    def lay_out(self) -> None:
        """Makes the rows for this width and shows those that fit."""
        width, height = self.app.size.width, self.app.size.height
        if width != self._width:
            self._width = width
            self._content = wrapped([Paragraph(row) for row in self._make(width)], width)
        if self._at_end:
            self._top = self._last_top
        self._top = max(min(self._top, self._last_top), 0)
        seen = self._content[self._top : self._top + self._page]
        percent = 100 if not self._last_top else round(100 * self._top / self._last_top)
        head = f"/ {' '.join(self._title.upper())} "
        title: Line = (Span((head + "/ " * width)[:width], Style.DIM),)
        blank: Line = (Span("~", Style.DIM),)
        rule = f" {percent}% ─"
        rows = [title, *seen, *[blank] * (self._page - len(seen))]
        rows.append((Span("─" * max(width - len(rule), 0) + rule, Style.DIM),))
        rows.append(key_hints(("↑/↓", "scroll"), ("PgUp/PgDn", "page"), ("Home/End", "jump"), ("q", "quit")))
        self.show(rows[:height])

    def on_key(self, event: events.Key) -> None:
        """Scrolls or closes."""
        event.stop()
        top = self._top
        match event.key:
            case "q" | "escape" | "ctrl+c" | "ctrl+t":
                self.screen.dismiss()
                return
            case "up" | "k":
                top -= 1
            case "down" | "j":
                top += 1
            case "pageup" | "ctrl+b":
                top -= self._page
            case "pagedown" | "space" | "ctrl+f":
                top += self._page
            case "home":
                top = 0
            case "end":
                top = self._last_top
        self._top = max(min(top, self._last_top), 0)
        self._at_end = self._top == self._last_top
        self.lay_out()


class Pager(OverlayScreen):
    """One page of rows."""

    def __init__(self, title: str, make: Callable[[int], list[Line]], theme: Theme, *, at_end: bool) -> None:
        super().__init__()
        self._view = PagerView(title, make, theme, at_end=at_end)

    def compose(self) -> ComposeResult:
        """The view is all there is."""
        yield self._view

    def on_mount(self) -> None:
        """Keys go to it."""
        self.styles.overflow_x = self.styles.overflow_y = "hidden"
        self._view.focus()
