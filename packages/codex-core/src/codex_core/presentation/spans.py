"""Styled text: what a renderer makes and a skin paints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """What a piece of text is; a skin decides how that looks."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    HEADING = "heading"
    ADDED = "added"
    REMOVED = "removed"
    SUCCESS = "success"
    FAILURE = "failure"
    WARNING = "warning"
    THOUGHT = "thought"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, without line breaks."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]
"""One row of output."""


def line(*parts: str | Span) -> Line:
    """A row from texts and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def plain_text(row: Line) -> str:
    """The row without its styles."""
    return "".join(span.text for span in row)
