"""Questions in place of the composer: keys go in, rows come out, and at some key the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Emphasis, Line, Paragraph, Span, Style, line
from codex_tui.history.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.term.inputs import Key

EDGE = Span("▌", Style.ACCENT)
DIM_EDGE = Span("▌", Style.DIM)


class Answer:
    """What the user decided; `value` is None where they went back without deciding."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Panel(Protocol):
    """A question with its own keys."""

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """How it looks at that width; more rows than `max_rows` are cut by who draws it."""
        ...

    def press(self, key: Key) -> Answer | None:
        """Takes a key; the answer if that was it."""
        ...

    def paste(self, text: str) -> None:
        """Takes text pasted at once."""
        ...


def words(text: str, style: Style = Style.PLAIN, emphasis: Emphasis = Emphasis.NONE) -> list[Paragraph]:
    """Text that came from elsewhere as paragraphs, one per line, made safe."""
    return [Paragraph(line(Span(row, style, emphasis))) for row in exact_text(text).split("\n")]


def edged(paragraphs: Sequence[Paragraph], width: int, edge: Span = EDGE) -> list[Line]:
    """The paragraphs behind the edge of the composer."""
    return [(edge, Span(" "), *row) for row in wrapped(paragraphs, max(width - 2, 4))]


def key_hints(*pairs: tuple[str, str]) -> Line:
    """`⏎ confirm   Esc back`, as hints look everywhere."""
    spans: list[Span] = []
    for key, what in pairs:
        spans += (
            Span("   " if spans else ""),
            Span(key, Style.ACCENT, Emphasis.FAINT),
            Span(f" {what}", Style.DIM),
        )
    return tuple(span for span in spans if span.text)
