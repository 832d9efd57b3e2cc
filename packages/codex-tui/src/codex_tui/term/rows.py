"""Rows of the terminal: text made safe, measured in cells, clipped and trimmed.

Imported before the first frame, so it loads nothing; what is not plain Latin text is measured by
`rich.cells`, which then is what Textual measures with, too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TAB_CELLS = 8
_RESET = "\x1b[0m"
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# One cell each, everywhere: Latin, common punctuation, box drawing, blocks, braille.
_NARROW_RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xAC),
    (0xAE, 0x2FF),
    (0x370, 0x482),
    (0x2010, 0x2027),
    (0x2030, 0x205E),
    (0x2190, 0x2199),
    (0x2500, 0x25FC),
    (0x2800, 0x28FF),
)
_is_narrow = frozenset(chr(code) for low, high in _NARROW_RANGES for code in range(low, high + 1)).issuperset
# Codes of a style that show on a blank: underlines, reverse, strike, backgrounds, overline.
_SHOWN_ON_BLANKS = frozenset({"4", "7", "9", "21", "48", "53", *map(str, (*range(40, 48), *range(100, 108)))})


class Piece:
    """Text in one style, of which rows are made: `sgr` is the inside of `CSI … m`, `link` an address."""

    __slots__ = ("link", "sgr", "text")

    def __init__(self, text: str, sgr: str = "", link: str = "") -> None:
        self.text = text
        self.sgr = sgr
        self.link = link

    def __repr__(self) -> str:
        return f"Piece({self.text!r}, {self.sgr!r})"


class Row:
    """One row as the terminal gets it: text with styles closed at its end, and the cells it takes."""

    __slots__ = ("ansi", "width")

    def __init__(self, ansi: str, width: int) -> None:
        self.ansi = ansi
        self.width = width

    def __repr__(self) -> str:
        return f"Row({self.ansi!r}, {self.width})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and other.ansi == self.ansi

    def __hash__(self) -> int:
        return hash(self.ansi)


BLANK = Row("", 0)


def cell_width(text: str) -> int:
    """The cells `text` takes, which holds no controls: the one measure for wrapping and cursors."""
    if _is_narrow(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def make_row(pieces: Iterable[Piece], cols: int) -> Row:
    """A row of at most `cols` cells, blanks at its end cut.

    Tabs are expanded; controls and marks that reorder text are shown as `�`.

    Where terminals disagree about the width of a cluster (emoji of several code points, conjuncts), the
    column that follows it is said explicitly, so that a wrong guess stays where it is.
    """
    out: list[str] = []
    column = 0
    kept, kept_column = 0, 0  # how much of `out` is left when what shows nothing is cut off
    for piece in pieces:
        text = piece.text if piece.text.isprintable() else _safe(piece.text, column)
        if not text:
            continue
        text, width = _clip(text, cols - column)
        shows_blanks = bool(piece.link) or _shows_on_blanks(piece.sgr)
        visible = text if shows_blanks else text.rstrip(" ")
        if visible:
            _append(out, piece, visible if _is_narrow(visible) else _aligned(visible, column))
            kept, kept_column = len(out), column + (width if visible == text else cell_width(visible))
        if len(visible) < len(text):
            _append(out, piece, text[len(visible) :])
        column += width
        if column >= cols:
            break
    return Row("".join(out[:kept]), kept_column)


def plain_row(text: str, cols: int) -> Row:
    """`text` without styles as a row."""
    return make_row((Piece(text),), cols)


def fit_rows(rows: Iterable[Row], cols: int) -> Iterator[Row]:
    """`rows`, those wider than `cols` cut into several, so that no text made for a wider screen is lost."""
    for row in rows:
        if row.width <= cols:
            yield row
        else:
            yield from _cut(row, cols)


def _append(out: list[str], piece: Piece, text: str) -> None:
    if piece.sgr:
        text = f"\x1b[{piece.sgr}m{text}{_RESET}"
    if piece.link:
        text = f"\x1b]8;;{_link_target(piece.link)}\x1b\\{text}\x1b]8;;\x1b\\"
    out.append(text)


def _link_target(link: str) -> str:
    # The sequence ends at a control; what a URL may not hold anyway is encoded.
    return "".join(
        c if "!" <= c <= "~" else "".join(f"%{b:02X}" for b in c.encode(errors="replace")) for c in link
    )


def _shows_on_blanks(sgr: str) -> bool:
    return bool(sgr) and not _SHOWN_ON_BLANKS.isdisjoint(sgr.replace(":", ";").split(";"))


def _safe(text: str, column: int) -> str:
    """Tabs expanded to the next stop, everything that could command or confuse the terminal replaced."""
    out: list[str] = []
    run_start = 0
    for index, character in enumerate(text):
        if character.isprintable() or _is_format(character):
            continue
        run = text[run_start:index]
        out.append(run)
        column += cell_width(run)
        shown = " " * (TAB_CELLS - column % TAB_CELLS) if character == "\t" else _shown(character)
        out.append(shown)
        column += len(shown)
        run_start = index + 1
    out.append(text[run_start:])
    return "".join(out)


def _is_format(character: str) -> bool:
    """Joiners, variation selectors and the like: not printable by themselves, but parts of what is."""
    return character in "\u200b\u200c\u200d\u2060\ufe0f\u00ad" or "\U000e0020" <= character <= "\U000e007f"


def _shown(character: str) -> str:
    import unicodedata

    # Blanks of all kinds are one blank; unassigned and private characters are the font's business.
    category = unicodedata.category(character)
    if category == "Zs":
        return character
    return character if category in ("Cn", "Co") else _UNKNOWN


def _clip(text: str, room: int) -> tuple[str, int]:
    """As much of `text` as fits, and its width; half of a wide character is a blank."""
    width = cell_width(text)
    if width <= room:
        return text, width
    if _is_narrow(text):
        return text[:room], room
    used = 0
    for start, _end, cells in _clusters(text):
        if used + cells > room:
            return text[:start] + " " * (room - used), room
        used += cells
    return text, used


def _clusters(text: str) -> list[tuple[int, int, int]]:
    """(start, end, cells) of what a reader takes for one character."""
    from rich.cells import split_graphemes

    return split_graphemes(text)[0]


def _aligned(text: str, column: int) -> str:
    """`text`, starting in `column`, with the column said after each cluster of several code points."""
    out: list[str] = []
    for start, end, cells in _clusters(text):
        column += cells
        out.append(text[start:end])
        if end - start > 1:
            out.append(f"\x1b[{column + 1}G")
    return "".join(out)


def _cut(row: Row, cols: int) -> Iterator[Row]:
    """Pieces of a row of ours, each with the style that holds there."""
    import re

    pieces: list[Piece] = []
    sgr = link = ""
    for token in re.findall(r"\x1b\[[0-9;:]*[mG]|\x1b\]8;;[^\x1b]*\x1b\\|[^\x1b]+", row.ansi):
        if token.startswith("\x1b]"):
            link = token[5:-2]
        elif token.endswith("m") and token.startswith("\x1b"):
            sgr = "" if token == _RESET else token[2:-1]
        elif not token.startswith("\x1b"):
            pieces.append(Piece(token, sgr, link))
    line: list[Piece] = []
    used = 0
    # Clusters may have been cut apart by what aligns them; text of one style is joined again first.
    for piece in _joined(pieces):
        for start, end, cells in _clusters(piece.text):
            if used + cells > cols and line:
                yield make_row(line, cols)
                line, used = [], 0
            line.append(Piece(piece.text[start:end], piece.sgr, piece.link))
            used += cells
    if line:
        yield make_row(_joined(line), cols)


def _joined(pieces: list[Piece]) -> list[Piece]:
    out: list[Piece] = []
    for piece in pieces:
        if out and out[-1].sgr == piece.sgr and out[-1].link == piece.link:
            out[-1] = Piece(out[-1].text + piece.text, piece.sgr, piece.link)
        else:
            out.append(piece)
    return out
