"""Styled text: what a renderer makes and a skin paints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Style(StrEnum):
    """What a piece of text is; a skin decides how that looks."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    HEADING = "heading"
    ACCENT = "accent"
    AGENT = "agent"
    ADDED = "added"
    REMOVED = "removed"
    SUCCESS = "success"
    FAILURE = "failure"
    WARNING = "warning"
    THOUGHT = "thought"
    CURRENT = "current"
    CODE = "code"
    LINK = "link"
    QUOTE = "quote"
    MARKER = "marker"
    KEYWORD = "keyword"
    FUNCTION = "function"
    TYPE = "type"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    OPERATOR = "operator"


class Emphasis(IntFlag):
    """How a piece of text stands out, whatever it is."""

    NONE = 0
    BOLD = 1
    ITALIC = 2
    UNDERLINE = 4
    STRIKE = 8
    REVERSE = 16
    FAINT = 32
    """Less loud, where there are colours to tell it from plain dim text."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, without line breaks.

    `link` is an address the text stands for; `ink` the colours a program asked for in its output, as
    parameters of the SGR sequence.
    """

    text: str
    style: Style = Style.PLAIN
    emphasis: Emphasis = Emphasis.NONE
    link: str = ""
    ink: str = ""


Line = tuple[Span, ...]
"""One row of output."""


class Breaks(StrEnum):
    """Where a text too long for a row may be broken."""

    WORDS = "words"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A row as long as it likes, and what to do where rows are short.

    `first` stands in front of it, `rest` in front of what does not fit into the first row.
    """

    body: Line
    first: Line = ()
    rest: Line = ()
    breaks: Breaks = Breaks.WORDS

    @property
    def row(self) -> Line:
        """All of it in one row."""
        return (*self.first, *self.body)


def line(*parts: str | Span) -> Line:
    """A row from texts and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def plain_text(row: Line) -> str:
    """The row without its styles."""
    return "".join(span.text for span in row)


def unwrapped(paragraphs: Iterable[Paragraph]) -> list[Line]:
    """The paragraphs as rows of any length."""
    return [paragraph.row for paragraph in paragraphs]


def under(
    rows: Iterable[Line], *, corner: str = "  └ ", breaks: Breaks = Breaks.WORDS, hang: str = ""
) -> list[Paragraph]:
    """Rows hung below a headline: the first behind `corner`, the others as far in; `hang` goes on top of
    that for what is wrapped.
    """
    blank = Span(" " * len(corner))
    rest = line(blank, hang) if hang else (blank,)
    found: list[Paragraph] = []
    for row in rows:
        first = (blank,) if found else line(Span(corner, Style.DIM))
        found.append(Paragraph(row, first, rest, breaks))
    return found
