"""Which lines of two texts differ: Myers' linear-space algorithm, then insertions slid to a canonical place.

Which of the shortest edit scripts comes out is part of the contract, so every choice made here follows
spec: exec-sandbox.md section E.7. Where two texts have so little in common that the exact search would take
seconds, lines that are unique on both sides hold the rest together instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAX_STEPS = 2_000_000
"""Steps of the exact search in one comparison: half a second, enough for some 2,000 changed lines."""

_WORTH_LOOKING_FIRST = 64
"""From so many lines on, it is worth looking whether the two sides have any line in common."""

_KEPT, _IN_BLOCK, _BLOCK_START = range(3)
"""What a line is marked as; where a block of inserted lines starts matters for how it slides."""


@dataclass(frozen=True, slots=True)
class Change:
    """Old lines from `old_start` up to `old_end` became new lines from `new_start` up to `new_end`."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """What changed, in order; between two changes there is at least one line both have."""
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in old]
    b = [numbers.setdefault(line, len(numbers)) for line in new]
    comparison = _Comparison(a, b)
    comparison.run()
    inserted = comparison.inserted
    _slide_insertions(b, inserted)
    return list(_gather(comparison.deleted, inserted.replace(bytes((_BLOCK_START,)), bytes((_IN_BLOCK,)))))


class _Comparison:
    """Marks the lines that are deleted from `a` and inserted in `b`, there also where each find begins."""

    def __init__(self, a: list[int], b: list[int]) -> None:
        self.deleted = bytearray(len(a))
        self.inserted = bytearray(len(b))
        self._a = a
        self._b = b
        self._steps_left = _MAX_STEPS

    def run(self) -> None:
        a, b = self._a, self._b
        boxes = [(0, len(a), 0, len(b))]
        while boxes:
            a_start, a_end, b_start, b_end = boxes.pop()
            while a_start < a_end and b_start < b_end and a[a_start] == b[b_start]:
                a_start += 1
                b_start += 1
            while a_start < a_end and b_start < b_end and a[a_end - 1] == b[b_end - 1]:
                a_end -= 1
                b_end -= 1
            cuts = self._cuts(a_start, a_end, b_start, b_end)
            if not cuts:
                self.deleted[a_start:a_end] = bytes((_IN_BLOCK,)) * (a_end - a_start)
                self.inserted[b_start:b_end] = bytes((_IN_BLOCK,)) * (b_end - b_start)
                if b_start < b_end:
                    self.inserted[b_start] = _BLOCK_START
                continue
            for x, y in cuts:
                boxes.append((a_start, x, b_start, y))
                a_start, b_start = x, y
            boxes.append((a_start, a_end, b_start, b_end))

    def _cuts(self, a_start: int, a_end: int, b_start: int, b_end: int) -> list[tuple[int, int]]:
        """Points at which the box is cut into smaller ones; none when all of it differs."""
        if a_start == a_end or b_start == b_end:
            return []
        a, b = self._a[a_start:a_end], self._b[b_start:b_end]
        if len(a) + len(b) >= _WORTH_LOOKING_FIRST and set(a).isdisjoint(b):
            return []
        middle = self._middle(a, b)
        cuts = _common_unique_lines(a, b) if middle is None else [middle]
        return [(a_start + x, b_start + y) for x, y in cuts]

    def _middle(self, a: list[int], b: list[int]) -> tuple[int, int] | None:
        """Where the shortest paths from both corners meet; None when that takes more steps than are left."""
        n, m = len(a), len(b)
        delta = n - m
        is_odd = delta % 2 == 1
        most = (n + m + 1) // 2
        # How far each diagonal was followed, from -most - 1 to most + 1; a negative index counts from the end
        # of the list. Where nobody was yet stands -1, so that the outermost paths need no case of their own.
        forward = [-1] * (2 * most + 3)
        backward = [-1] * (2 * most + 3)
        forward[1] = backward[1] = 0
        for d in range(most + 1):
            self._steps_left -= 2 * d + 2
            if self._steps_left < 0:
                return None
            above = forward[d + 1]
            for k in range(d, -d - 1, -2):
                below = forward[k - 1]
                start = x = above if below < above else below + 1
                above = below
                y = x - k
                while x < n and y < m and a[x] == b[y]:
                    x += 1
                    y += 1
                forward[k] = x
                if is_odd and -d < k - delta < d and x + backward[delta - k] >= n:
                    return start, start - k
            above = backward[d + 1]
            for k in range(d, -d - 1, -2):
                below = backward[k - 1]
                x = above if below < above else below + 1
                above = below
                y = x - k
                while x < n and y < m and a[-1 - x] == b[-1 - y]:
                    x += 1
                    y += 1
                backward[k] = x
                if not is_odd and -d <= k - delta <= d and x + forward[delta - k] >= n:
                    return n - x, m - y
        return None


def _common_unique_lines(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    """Positions of lines that are once in `a` and once in `b`, as many as keep their order."""
    once_in_a = {line for line, count in Counter(a).items() if count == 1}
    once_in_b = {line for line, count in Counter(b).items() if count == 1}
    in_b = {line: at for at, line in enumerate(b) if line in once_in_b}
    # Longest increasing subsequence: the best last position for each length, and who came before.
    ends: list[int] = []
    chosen: list[tuple[int, int]] = []
    before: list[int] = []
    tops: list[int] = []
    for x, line in enumerate(a):
        y = in_b.get(line) if line in once_in_a else None
        if y is None:
            continue
        length = bisect_left(ends, y)
        before.append(tops[length - 1] if length else -1)
        chosen.append((x, y))
        ends[length : length + 1] = [y]
        tops[length : length + 1] = [len(chosen) - 1]
    points: list[tuple[int, int]] = []
    at = tops[-1] if tops else -1
    while at >= 0:
        points.append(chosen[at])
        at = before[at]
    return points[::-1]


def _slide_insertions(b: list[int], inserted: bytearray) -> None:
    """Moves each block of inserted lines up as far as it reads the same, then down, joining blocks it meets.

    A block reads the same one line up when the line above it equals its last line. A block goes up alone, as
    the comparison found it, and comes down with those it finds below it.
    """
    end = 0
    while (start := inserted.find(_BLOCK_START, end)) >= 0:
        end = start + 1
        while end < len(b) and inserted[end] == _IN_BLOCK:
            end += 1
        while start > 0 and (inserted[start - 1] or b[start - 1] == b[end - 1]):
            start -= 1
            if not inserted[start]:
                end -= 1
                inserted[start], inserted[end] = _IN_BLOCK, _KEPT
        while end < len(b) and (inserted[end] or b[end] == b[start]):
            if not inserted[end]:
                inserted[start], inserted[end] = _KEPT, _IN_BLOCK
                start += 1
            end += 1


def _gather(deleted: bytearray, inserted: bytearray) -> Iterator[Change]:
    x = y = 0
    while True:
        nexts = (deleted.find(_IN_BLOCK, x) - x, inserted.find(_IN_BLOCK, y) - y)
        kept = min((distance for distance in nexts if distance >= 0), default=None)
        if kept is None:
            return
        old_start, new_start = x + kept, y + kept
        x, y = _run_end(deleted, old_start), _run_end(inserted, new_start)
        yield Change(old_start, x, new_start, y)


def _run_end(flags: bytearray, start: int) -> int:
    """Where the marks that begin at `start` end; `start` itself if there are none."""
    end = flags.find(_KEPT, start)
    return len(flags) if end < 0 else end
