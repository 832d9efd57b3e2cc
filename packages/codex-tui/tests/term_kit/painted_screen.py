"""What a terminal shows, looks included: rows of runs, as text to compare and as a page to look at.

screen = PaintedScreen(100, 30)       # an Emulator that also keeps the looks of what scrolled off
screen.feed(output)
row_text(screen.painted_rows()[0])
"""

from __future__ import annotations

import copy
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator import Emulator
from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Run(NamedTuple):
    """Text in one look: `colour` is a name or six hex digits, empty for the terminal's own."""

    text: str
    colour: str = ""
    background: str = ""
    marks: tuple[str, ...] = ()

    @property
    def look(self) -> str:
        """`bold cyan on red`, empty for text like any other."""
        words = [*self.marks, self.colour, f"on {self.background}" if self.background else ""]
        return " ".join(filter(None, words))


PaintedRow = tuple[Run, ...]


class PaintedScreen(Emulator):
    """Faint text is told by pyte's `blink`, which pyte knows and we never write."""

    def __init__(self, cols: int = 80, rows: int = 24) -> None:
        self.painted_scrollback: list[PaintedRow] = []
        super().__init__(cols, rows)

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        super().select_graphic_rendition(*attrs, **kwargs)
        rest = list(attrs or (0,))
        while rest:
            code = rest.pop(0)
            if code in (38, 48):
                del rest[: 2 if rest[:1] == [5] else 4]
            elif code == 2:
                self.cursor.attrs = self.cursor.attrs._replace(blink=True)
            elif code in (0, 22):
                self.cursor.attrs = self.cursor.attrs._replace(blink=False)

    def index(self) -> None:
        top, count = copy.copy(self.buffer[0]), len(self.scrollback)
        super().index()
        if len(self.scrollback) > count:
            self.painted_scrollback.append(self._painted(top))

    def painted_rows(self) -> list[PaintedRow]:
        """The rows of the screen."""
        return [self._painted(self.buffer[y]) for y in range(self.lines)]

    def _painted(self, row: Any) -> PaintedRow:
        cells = [row[x] for x in range(self.columns)]
        runs = [
            Run("".join(cell.data for cell in run), *look)
            for look, run in groupby(cells, key=lambda cell: _look(cell))
        ]
        while runs and not runs[-1].text.strip() and not runs[-1].background:
            runs.pop()
        if runs and not runs[-1].background:
            runs[-1] = runs[-1]._replace(text=runs[-1].text.rstrip())
        return tuple(runs)


def _look(cell: Any) -> tuple[str, str, tuple[str, ...]]:
    flags = {
        "bold": cell.bold, "dim": cell.blink, "italic": cell.italics, "underline": cell.underscore,
        "strike": cell.strikethrough, "reverse": cell.reverse,
    }  # fmt: skip
    marks = tuple(name for name, is_on in flags.items() if is_on)
    if not cell.data.strip() and not {"underline", "strike", "reverse"} & {*marks} and cell.bg == "default":
        return ("", "", ())
    return (_colour(cell.fg), _colour(cell.bg), marks)


def _colour(name: str) -> str:
    return name.replace("default", "").replace("bfight", "bright")  # pyte's own spelling


def row_text(row: PaintedRow) -> str:
    """The row without its looks."""
    return "".join(run.text for run in row)


def row_looks(row: PaintedRow) -> str:
    """`dim "▌ "  bold cyan "the model"`: what does not look like any text, from left to right."""
    found: list[Run] = []
    blanks = ""  # without a look of their own, between two words that may share one
    for run in row:
        if not run.text.strip() and not run.look:
            blanks += run.text
            continue
        if found and found[-1].look == run.look:
            found[-1] = run._replace(text=found[-1].text + blanks + run.text)
        else:
            found.append(run)
        blanks = ""
    return "  ".join(f'{run.look} "{run.text}"' for run in found if run.look)


# --- pictures ----------------------------------------------------------------------------------------

# What common terminals show: a light and a dark scheme, (background, foreground, sixteen colours).
_DARK = (
    "#000000 #cd3131 #0dbc79 #e5e510 #2472c8 #bc3fbc #11a8cd #e5e5e5 "
    "#666666 #f14c4c #23d18b #f5f543 #3b8eea #d670d6 #29b8db #ffffff"
)
_LIGHT = (
    "#000000 #cd3131 #00a000 #949800 #0451a5 #bc05bc #0598bc #555555 "
    "#666666 #cd3131 #14ce14 #b5ba00 #0451a5 #bc05bc #0598bc #a5a5a5"
)
SCHEMES = {"dark": ("#1e1e1e", "#d4d4d4", _DARK), "light": ("#ffffff", "#333333", _LIGHT)}
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_COLOURS = (*_NAMES, *(f"bright{name}" for name in _NAMES))


def picture(rows: Sequence[PaintedRow], cols: int, scheme: str) -> str:
    """The rows as a page: every run stands in its column, as on a grid of cells."""
    background, foreground, sixteen = SCHEMES[scheme]
    colours = dict(zip(_COLOURS, sixteen.split(), strict=True))
    lines: list[str] = []
    for y, row in enumerate(rows):
        x = 0
        for run in row:
            lines.append(
                f'<span style="left:{x}ch;top:{y * 1.25}em;{_css(run, colours)}">{escape(run.text)}</span>'
            )
            x += cell_len(run.text)
    return (
        "<!doctype html><meta charset=utf-8><style>body{margin:12px;"
        f"background:{background};color:{foreground};font:15px/1.25 'DejaVu Sans Mono',monospace}}"
        f"div{{position:relative;width:{cols}ch;height:{len(rows) * 1.25}em}}"
        "span{position:absolute;white-space:pre}</style><div>" + "\n".join(lines) + "</div>\n"
    )


def _css(run: Run, colours: dict[str, str]) -> str:
    styles = {
        "bold": "font-weight:bold", "dim": "opacity:.6", "italic": "font-style:italic",
        "underline": "text-decoration:underline", "strike": "text-decoration:line-through",
        "reverse": "filter:invert(1)",
    }  # fmt: skip
    found = [styles[mark] for mark in run.marks]
    if run.colour:
        found.append(f"color:{colours.get(run.colour, '#' + run.colour)}")
    if run.background:
        found.append(f"background:{colours.get(run.background, '#' + run.background)}")
    return ";".join(found)


def texts(rows: Iterable[PaintedRow]) -> list[str]:
    """The rows without their looks and without the empty ones at the end."""
    found = [row_text(row).rstrip() for row in rows]
    while found and not found[-1]:
        found.pop()
    return found
