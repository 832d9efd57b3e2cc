"""Finds a block of lines in a file, exactly or else a little less exactly (spec: exec-sandbox.md E.3).

Each line of the file becomes one character, so that looking for a block of lines is one substring search,
which runs in C and in linear time. Equal lines give equal characters; different lines nearly always different
ones, and every hit is checked.
"""

from __future__ import annotations

from codex_core.patch.grammar import WHITE_SPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BYTE_ORDER_MARK = "\ufeff"

_CHARACTERS = 0x110000

_PLAIN_SPELLING = {
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
    **dict.fromkeys(range(0x2018, 0x201C), "'"),
    **dict.fromkeys(range(0x201C, 0x2020), '"'),
    **dict.fromkeys((0x00A0, *range(0x2002, 0x200B), 0x202F, 0x205F, 0x3000), " "),
}


def _as_written(line: str) -> str:
    return line


def _without_trailing_space(line: str) -> str:
    return line.removeprefix(BYTE_ORDER_MARK).rstrip(WHITE_SPACE)


def _trimmed(line: str) -> str:
    return line.removeprefix(BYTE_ORDER_MARK).strip(WHITE_SPACE)


def _plainly_spelled(line: str) -> str:
    line = _trimmed(line)
    return line if line.isascii() else line.translate(_PLAIN_SPELLING)


_PASSES: tuple[Callable[[str], str], ...] = (
    _as_written,
    _without_trailing_space,
    _trimmed,
    _plainly_spelled,
)
"""Each forgives what the one before forgives and more; a byte order mark only from the second on."""


class LineSearch:
    """Answers where blocks of lines are in one file."""

    __slots__ = ("_count", "_lines", "_views")

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._count = len(lines)
        self._views: list[_View] = []

    def find(self, block: Sequence[str], start: int, *, at_end: bool = False) -> int | None:
        """The first position at or after `start` where `block` stands; more exact before earlier.

        With `at_end` only the very end of the file counts, and `start` does not. The empty block is at
        `start`.
        """
        if not block:
            return start
        if at_end:
            start = self._count - len(block)
        if start < 0 or start + len(block) > self._count:
            return None
        for number, spelling in enumerate(_PASSES):
            if number == len(self._views):
                self._views.append(_View([spelling(line) for line in self._lines]))
            hit = self._views[number].find([spelling(line) for line in block], start)
            if hit is not None:
                return hit
        return None


class _View:
    """The lines as one pass sees them."""

    __slots__ = ("_characters", "_lines")

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._characters = _characters(lines)

    def find(self, block: list[str], start: int) -> int | None:
        wanted = _characters(block)
        hit = self._characters.find(wanted, start)
        while hit >= 0:
            if self._lines[hit : hit + len(block)] == block:
                return hit
            hit = self._characters.find(wanted, hit + 1)
        return None


def _characters(lines: list[str]) -> str:
    return "".join([chr(hash(line) % _CHARACTERS) for line in lines])
