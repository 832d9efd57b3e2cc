"""What a reader takes for one character: where a caret may stand, and how many cells it takes.

Widths are those of `codex_tui.term.rows`, which paints; beyond them flags are one character, controls are
characters of their own, and an element of a draft is one, too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_tui.composer.wrapping import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.composer.draft import Draft

_MAX_REMEMBERED_CHARS = 1 << 20
_MAX_REMEMBERED_ROWS = 1 << 15


@dataclass(frozen=True, slots=True)
class LineClusters:
    """A line in clusters: cluster i is `line[borders[i]:borders[i + 1]]`, drawn as `shown[i]`.

    A plain line is its own `shown`; the sequences then take no time to make, however long it is.
    """

    borders: Sequence[int]
    """Offsets in the line, from 0 to its length: one more than there are clusters."""
    shown: Sequence[str]
    widths: Sequence[int]
    is_element: Sequence[int]
    """Not 0 for those that are elements of the draft."""

    def border_at(self, offset: int) -> int:
        """`offset`, or the next border behind it."""
        return self.borders[bisect_left(self.borders, offset)]

    def border_before(self, offset: int) -> int:
        """The last border before `offset`, which is not 0."""
        return self.borders[bisect_left(self.borders, offset) - 1]

    def border_after(self, offset: int) -> int:
        """The first border behind `offset`, which is not the end."""
        return self.borders[bisect_right(self.borders, offset)]


class Segmenter:
    """Cuts lines into clusters and remembers them: few lines change from key to key."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[tuple[int, int], ...]], LineClusters] = {}
        self._rows: dict[tuple[int, int], list[int]] = {}
        self._chars = 0

    def line_at(self, draft: Draft, offset: int) -> tuple[int, LineClusters]:
        """The line around `offset`: where it starts, and its clusters."""
        start = draft.text.rfind("\n", 0, offset) + 1
        end = draft.text.find("\n", offset)
        return start, self.line(draft, start, len(draft.text) if end < 0 else end)

    def line(self, draft: Draft, start: int, end: int) -> LineClusters:
        """The clusters of the line from `start` to `end`."""
        text = draft.text[start:end]
        atoms: tuple[tuple[int, int], ...] = ()
        if draft.elements:
            atoms = tuple(
                (placed.start - start, placed.end - start)
                for placed in draft.elements
                if start <= placed.start < end
            )
        key = (text, atoms)
        found = self._known.get(key)
        if found is None:
            self._chars += len(text)
            if self._chars > _MAX_REMEMBERED_CHARS:
                self._known.clear()
                self._rows.clear()
                self._chars = len(text)
            found = self._known[key] = split_line(text, atoms)
        return found

    def rows(self, clusters: LineClusters, width: int) -> list[int]:
        """The first cluster of each row of a line that came from here."""
        key = (id(clusters), width)  # which lives as long as its line is remembered
        found = self._rows.get(key)
        if found is None:
            if len(self._rows) > _MAX_REMEMBERED_ROWS:  # the window was resized many times
                self._rows.clear()
            found = self._rows[key] = wrap(clusters, width)
        return found


def split_line(text: str, atoms: Sequence[tuple[int, int]] = ()) -> LineClusters:
    """`text`, which has no line ends, in clusters; each range of `atoms` is one."""
    if not atoms and text.isascii() and text.isprintable():
        return LineClusters(range(len(text) + 1), text, b"\x01" * len(text), bytes(len(text)))
    borders = [0]
    shown: list[str] = []
    widths: list[int] = []
    elements: list[bool] = []
    at = 0
    for start, end in (*atoms, (len(text), len(text))):
        for width, drawn, length in _clusters(text[at:start]):
            borders.append(borders[-1] + length)
            shown.append(drawn)
            widths.append(width)
            elements.append(False)
        if end > start:
            borders.append(end)
            shown.append(text[start:end])
            widths.append(end - start)
            elements.append(True)
        at = end
    return LineClusters(tuple(borders), tuple(shown), tuple(widths), tuple(elements))


def _clusters(text: str) -> list[tuple[int, str, int]]:
    """(cells, text to draw, code points) of each cluster."""
    found: list[tuple[int, str, int]] = []
    start = 0
    for index, character in enumerate(text):
        if character.isprintable():
            continue
        from codex_core.presentation.safe_text import exact_text

        drawn = exact_text(character)
        if drawn != character:  # a tab or a control
            found += _visible_clusters(text[start:index])
            found.append((len(drawn), drawn, 1))
            start = index + 1
    found += _visible_clusters(text[start:])
    return found


def _visible_clusters(text: str) -> list[tuple[int, str, int]]:
    if not text:
        return []
    if text.isascii():
        return [(1, character, 1) for character in text]
    from rich.cells import split_graphemes

    found: list[tuple[int, str, int]] = []
    half_flag = False
    for start, end, cells in split_graphemes(text)[0]:
        drawn = text[start:end]
        is_indicator = "\U0001f1e6" <= drawn[0] <= "\U0001f1ff"
        if is_indicator and half_flag and len(found[-1][1]) == 1:
            width, before, _ = found[-1]
            found[-1] = (width + cells, before + drawn, 1 + end - start)
            half_flag = False
        else:
            found.append((cells, drawn, end - start))
            half_flag = is_indicator
    return found
