"""Where the rows of a line begin when it is wrapped, words kept together as far as they fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.composer.clusters import LineClusters

_WORD_AND_BLANKS = re.compile(r"(\S*)( *)")
_UNBREAKABLE_BLANKS = "\u00a0\u202f\u2007"


def wrap(clusters: LineClusters, width: int) -> list[int]:
    """The first cluster of each row."""
    widths = clusters.widths
    count = len(widths)
    if sum(widths) <= width:
        return [0]
    if isinstance(clusters.shown, str):
        return _wrap_plain(clusters.shown, width)
    blanks = [
        not atom and text.isspace() and text not in _UNBREAKABLE_BLANKS
        for text, atom in zip(clusters.shown, clusters.is_element, strict=True)
    ]
    firsts = [0]
    used = index = 0
    while index < count:
        end = _word_end(index, blanks, widths, clusters.is_element)
        word = sum(widths[index:end])
        if used and used + word > width:
            firsts.append(index)
            used = 0
        if word > width:
            for at in range(index, end):
                if used and used + widths[at] > width:
                    firsts.append(at)
                    used = 0
                used += widths[at]
        else:
            used += word
        index = end
        while index < count and blanks[index]:
            used += widths[index]
            index += 1
    return firsts


def _wrap_plain(text: str, width: int) -> list[int]:
    """The same for a line in which every character takes one cell."""
    firsts = [0]
    used = 0
    for match in _WORD_AND_BLANKS.finditer(text):
        word, start = len(match[1]), match.start()
        if start == len(text):
            break
        if used and used + word > width:
            firsts.append(start)
            used = 0
        if word > width:
            firsts += range(start + width, start + word, width)
            word = (word - 1) % width + 1
        used += word + len(match[2])
    return firsts


def _word_end(index: int, blanks: Sequence[bool], widths: Sequence[int], atoms: Sequence[int]) -> int:
    """The end of what must stay together; between wide characters and elements a row may end."""
    end = index
    while end < len(blanks) and not blanks[end]:
        if widths[end] >= 2 or atoms[end]:
            return end + 1 if end == index else end
        end += 1
    return end
