"""A widget of styled lines, and lines as Textual has them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size

    from codex_core.presentation.spans import Line, Span
    from codex_tui.history.themes import Theme


@lru_cache(maxsize=512)
def rich_style(sgr: str) -> RichStyle:
    """The style that the parameters of an SGR sequence stand for."""
    if not sgr:
        return RichStyle()
    text = next(iter(AnsiDecoder().decode(f"\x1b[{sgr}mx")))
    return text.get_style_at_offset(_console(), 0)


@lru_cache(maxsize=1)
def _console() -> Console:
    from io import StringIO

    return Console(file=StringIO())


def strip_of(row: Line, theme: Theme) -> Strip:
    """A row as Textual draws it."""
    return Strip([Segment(span.text, _style_of(span, theme)) for span in row])


def _style_of(span: Span, theme: Theme) -> RichStyle:
    style = rich_style(theme.sgr(span))
    return style.update_link(span.link) if span.link else style


class Lines(Widget):
    """As high as its rows are many, at least `MIN_ROWS`."""

    DEFAULT_CSS = "Lines { height: auto; width: 100%; }"
    MIN_ROWS = 0

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.colours = theme
        self.rows: Sequence[Line] = ()

    def show(self, rows: Sequence[Line]) -> None:
        """Draws these rows from the next frame on."""
        if rows == self.rows:
            return
        is_as_high = len(rows) == len(self.rows)
        self.rows = rows
        self.refresh(layout=not is_as_high)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """The number of rows."""
        return max(len(self.rows), self.MIN_ROWS)

    def render_line(self, y: int) -> Strip:
        """Row `y`."""
        return strip_of(self.rows[y], self.colours) if y < len(self.rows) else Strip([])
