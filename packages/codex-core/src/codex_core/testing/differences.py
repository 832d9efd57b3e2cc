"""Compare a JSON value with what was expected and say in readable lines where they differ.

Lists of events or items are aligned first, so one missing entry is reported as one missing entry.
Texts of the expected side may hold placeholders for words that are each implementation's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDERS = (
    "<instructions>",
    "<description>",
    "<lark grammar>",
    "<summarization instructions>",
    "<bridge part 1>",
    "<bridge part 2>",
)
"""Stand for any text that is not empty (spec: agent.md section 27)."""

UNORDERED_KEYS = frozenset({"changes", "headers"})
"""Mappings whose keys are data without an order."""

_IDENTITY_KEYS = ("type", "role", "call_id", "name", "stream", "id", "msg", "payload")
_SHOWN_CHARS = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values differ."""

    path: str
    """Where, as in `events[3].msg.exit_code`; indices are those of the expected side."""
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A difference that is meant to be."""

    path: str
    """A pattern for `Difference.path`: `*` is anything but `.`, `[` and `]`, `**` anything."""
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether the difference is at a place this allows."""
        return _pattern(self.path).fullmatch(difference.path) is not None


def compare(expected: object, got: object, path: str, *, key_order: bool = False) -> list[Difference]:
    """Where `got` is not what was `expected`; with `key_order` the order of keys is compared, too."""
    return list(_compare(expected, got, path, key_order))


def without_allowed(differences: Sequence[Difference], allowed: Sequence[Allowed]) -> list[Difference]:
    """The differences nobody allowed, and one for each allowance that nothing needs any more."""
    left: list[Difference] = []
    used: set[Allowed] = set()
    for difference in differences:
        covering = [entry for entry in allowed if entry.covers(difference)]
        used.update(covering)
        if not covering:
            left.append(difference)
    stale = [entry for entry in allowed if entry not in used]
    return left + [
        Difference(entry.path, f"allowed ({entry.reason}), but nothing differs there") for entry in stale
    ]


def report(differences: Sequence[Difference]) -> str:
    """The differences as a bulleted text."""
    return "\n".join(f"- {difference}" for difference in differences)


def _compare(expected: object, got: object, path: str, key_order: bool) -> Iterator[Difference]:
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        yield from _compare_mappings(expected, got, path, key_order)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _compare_lists(expected, got, path, key_order)
    elif isinstance(expected, str) and isinstance(got, str):
        if not matches_text(expected, got):
            yield Difference(path, _text_problem(expected, got))
    elif expected != got or isinstance(expected, bool) is not isinstance(got, bool):
        yield Difference(path, f"expected {show(expected)}, got {show(got)}")


def _compare_mappings(
    expected: Mapping[str, object], got: Mapping[str, object], path: str, key_order: bool
) -> Iterator[Difference]:
    for key, value in expected.items():
        place = f"{path}.{key}"
        if key not in got:
            yield Difference(place, f"missing, expected {show(value)}")
        else:
            yield from _compare(value, got[key], place, key_order and key not in UNORDERED_KEYS)
    for key, value in got.items():
        if key not in expected:
            yield Difference(f"{path}.{key}", f"unexpected {show(value)}")
    if key_order:
        shared, order = [key for key in expected if key in got], [key for key in got if key in expected]
        if shared != order:
            yield Difference(path, f"keys in the order {', '.join(order)}; expected {', '.join(shared)}")


def _compare_lists(
    expected: list[object], got: list[object], path: str, key_order: bool
) -> Iterator[Difference]:
    if len(expected) == len(got):
        pairs = all(_identity(left) == _identity(right) for left, right in zip(expected, got, strict=True))
        if pairs or not any(isinstance(entry, Mapping) for entry in expected):
            for index, (left, right) in enumerate(zip(expected, got, strict=True)):
                yield from _compare(left, right, f"{path}[{index}]", key_order)
            return
    matcher = SequenceMatcher(
        None, [_identity(entry) for entry in expected], [_identity(entry) for entry in got], autojunk=False
    )
    for tag, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        shared = min(left_to - left_from, right_to - right_from)
        if tag in ("equal", "replace"):
            for offset in range(shared):
                place = f"{path}[{left_from + offset}]"
                yield from _compare(expected[left_from + offset], got[right_from + offset], place, key_order)
        for index in range(left_from + shared, left_to):
            yield Difference(f"{path}[{index}]", f"missing, expected {show(expected[index])}")
        for index in range(right_from + shared, right_to):
            yield Difference(f"{path}[{left_to}]", f"unexpected before this place: {show(got[index])}")


def _identity(entry: object) -> str:
    """What makes two entries the same entry although their contents may differ."""
    if not isinstance(entry, Mapping):
        return json.dumps(entry, sort_keys=True)
    kept = {key: entry[key] for key in _IDENTITY_KEYS if key in entry}
    for key in ("msg", "payload"):
        if key in kept:
            kept[key] = _identity(kept[key])
    return json.dumps(kept, sort_keys=True)


def matches_text(expected: str, got: str) -> bool:
    """Whether two texts are equal, placeholders of the expected one standing for any text."""
    if expected == got:
        return True
    if not any(placeholder in expected for placeholder in PLACEHOLDERS):
        return False
    return _placeholder_pattern(expected).fullmatch(got) is not None


@cache
def _placeholder_pattern(expected: str) -> re.Pattern[str]:
    parts = re.split("(" + "|".join(map(re.escape, PLACEHOLDERS)) + ")", expected)
    return re.compile(
        "".join(".+?" if part in PLACEHOLDERS else re.escape(part) for part in parts), re.DOTALL
    )


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", path)
    signs = {"**": ".*", "*": r"[^.\[\]]*"}
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _text_problem(expected: str, got: str) -> str:
    if max(len(expected), len(got)) <= _SHOWN_CHARS:
        return f"expected {show(expected)}, got {show(got)}"
    at = next(
        (index for index, (left, right) in enumerate(zip(expected, got, strict=False)) if left != right),
        min(len(expected), len(got)),
    )
    start = max(0, at - 30)
    window = slice(start, start + _SHOWN_CHARS)
    return f"texts part at character {at}: expected …{show(expected[window])}, got …{show(got[window])}"


def show(value: object) -> str:
    """The value as JSON, shortened to what fits a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
