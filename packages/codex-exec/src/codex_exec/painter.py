"""Paints styled rows on a stream, with ANSI colours or without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Emphasis, Line, Style
from codex_exec.options import Color

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

    from codex_exec.output import Sink

_RESET = "\x1b[0m"
_CODES = {
    Style.DIM: "2",
    Style.STRONG: "1",
    Style.HEADING: "1;36",
    Style.ACCENT: "36",
    Style.AGENT: "35",
    Style.ADDED: "32",
    Style.REMOVED: "31",
    Style.SUCCESS: "32",
    Style.FAILURE: "1;31",
    Style.WARNING: "33",
    Style.THOUGHT: "2;3",
    Style.CURRENT: "1;36",
    Style.CODE: "36",
    Style.LINK: "4;36",
    Style.QUOTE: "32",
    Style.MARKER: "94",
    Style.KEYWORD: "35",
    Style.FUNCTION: "34",
    Style.TYPE: "36",
    Style.STRING: "32",
    Style.NUMBER: "33",
    Style.COMMENT: "2;3",
    Style.OPERATOR: "2",
}
_EMPHASES = ((Emphasis.BOLD, "1"), (Emphasis.ITALIC, "3"), (Emphasis.UNDERLINE, "4"), (Emphasis.STRIKE, "9"))


class Painter:
    """A stream and whether it is coloured."""

    def __init__(self, stream: Sink, *, colored: bool) -> None:
        self._stream = stream
        self._colored = colored

    def rows(self, rows: Iterable[Line]) -> None:
        """Writes whole rows."""
        self._stream.write("".join(f"{self._row(row)}\n" for row in rows))
        self._stream.flush()

    def row(self, row: Line) -> None:
        """Writes one whole row."""
        self.rows((row,))

    def text(self, text: str, style: Style = Style.PLAIN) -> None:
        """Writes text as it is, without a line end of its own."""
        self._stream.write(self._styled(text, style))
        self._stream.flush()

    def _row(self, row: Line) -> str:
        return "".join(self._styled(span.text, span.style, span.emphasis, span.ink) for span in row)

    def _styled(self, text: str, style: Style, emphasis: Emphasis = Emphasis.NONE, ink: str = "") -> str:
        if not self._colored or not text:
            return text
        codes = [_CODES.get(style, "")]
        if emphasis:
            codes += [code for flag, code in _EMPHASES if flag & emphasis]
        told = ";".join(filter(None, (*codes, ink)))
        return f"\x1b[{told}m{text}{_RESET}" if told else text


def is_colored(choice: Color, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour a stream: as told, else on a terminal that wants it (https://no-color.org)."""
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
