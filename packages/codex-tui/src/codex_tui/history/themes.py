"""How styles look: colours as data, for dark and for light backgrounds, and none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Emphasis, Line, Span, Style
from codex_tui.term.rows import Piece, Row, make_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EMPHASES = (
    (Emphasis.BOLD, "1"),
    (Emphasis.ITALIC, "3"),
    (Emphasis.UNDERLINE, "4"),
    (Emphasis.REVERSE, "7"),
    (Emphasis.STRIKE, "9"),
)
_LIGHT_NUMBERS = frozenset({"7", *map(str, range(9, 16))})
_COLOUR_WORDS = frozenset(map(str, (*range(30, 40), *range(90, 98))))


@dataclass(frozen=True, slots=True)
class Theme:
    """The parameters of the SGR sequence for each style; what has none looks like any text."""

    name: str
    codes: Mapping[Style, str]
    has_colours: bool = True

    def sgr(self, span: Span) -> str:
        """The parameters for one span, empty for plain text."""
        codes = [self.codes.get(span.style, "")]
        if span.emphasis:
            codes += [code for flag, code in _EMPHASES if flag & span.emphasis]
            if Emphasis.FAINT & span.emphasis and self.has_colours:  # without them keys and words look alike
                codes.append("2")
        if span.ink:
            codes.append(span.ink if self.has_colours else _without_colours(span.ink))
        return ";".join(filter(None, codes))


_SHAPES = {
    Style.DIM: "2",
    Style.STRONG: "1",
    Style.HEADING: "1",
    Style.FAILURE: "1",
    Style.THOUGHT: "2;3",
    Style.CURRENT: "1",
    Style.LINK: "4",
    Style.KEYWORD: "1",
    Style.COMMENT: "2;3",
}
# The sixteen colours only: what they look like is the user's choice, made for their background.
_COLOURS = _SHAPES | {
    Style.ACCENT: "36",
    Style.AGENT: "35",
    Style.ADDED: "32",
    Style.REMOVED: "31",
    Style.SUCCESS: "1;32",
    Style.FAILURE: "31",
    Style.WARNING: "33",
    Style.CURRENT: "1;36",
    Style.CODE: "36",
    Style.LINK: "4;36",
    Style.QUOTE: "32",
    Style.KEYWORD: "35",
    Style.FUNCTION: "34",
    Style.TYPE: "36",
    Style.STRING: "32",
    Style.OPERATOR: "2",
}

DARK = Theme(
    "dark",
    _COLOURS | {Style.MARKER: "94", Style.NUMBER: "33", Style.FUNCTION: "94", Style.TYPE: "96"},
)
# Yellow and the bright colours cannot be read on white; dim text there is grey on white.
LIGHT = Theme(
    "light",
    _COLOURS | {Style.MARKER: "34", Style.NUMBER: "31", Style.WARNING: "35", Style.CODE: "34"},
)
PLAIN = Theme("plain", _SHAPES, has_colours=False)


def choose_theme(environ: Mapping[str, str], *, is_light: bool | None = None) -> Theme:
    """The theme for a background; none of its colours for who set `NO_COLOR` (https://no-color.org).

    `is_light` is what the terminal says of itself; where it says nothing `COLORFGBG` may, else it is dark.
    """
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return PLAIN
    if is_light is None:
        is_light = environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_NUMBERS
    return LIGHT if is_light else DARK


def painted(rows: Iterable[Line], theme: Theme, cols: int) -> list[Row]:
    """The rows as the terminal gets them."""
    return [make_row([Piece(span.text, theme.sgr(span), span.link) for span in row], cols) for row in rows]


def _without_colours(ink: str) -> str:
    codes = ink.split(";")
    if "38" in codes:  # its operands are no codes of their own
        codes = codes[: codes.index("38")]
    return ";".join(code for code in codes if code not in _COLOUR_WORDS)
