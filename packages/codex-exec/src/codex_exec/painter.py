"""Paints styled rows on a stream, with ANSI colours or without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Style
from codex_exec.options import Color

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

    from codex_exec.output import Sink

_RESET = "\x1b[0m"
_CODES = {
    Style.DIM: "\x1b[2m",
    Style.STRONG: "\x1b[1m",
    Style.HEADING: "\x1b[1;36m",
    Style.ADDED: "\x1b[32m",
    Style.REMOVED: "\x1b[31m",
    Style.SUCCESS: "\x1b[32m",
    Style.FAILURE: "\x1b[1;31m",
    Style.WARNING: "\x1b[33m",
    Style.THOUGHT: "\x1b[2;3m",
}


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
        return "".join(self._styled(span.text, span.style) for span in row)

    def _styled(self, text: str, style: Style) -> str:
        code = _CODES.get(style) if self._colored else None
        return f"{code}{text}{_RESET}" if code and text else text


def is_colored(choice: Color, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour a stream: as told, else on a terminal that wants it (https://no-color.org)."""
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
