"""Where in a TOML text a value stands: line and column for error messages.

The standard parser keeps no positions. This scanner runs only when there is something to complain about
and only on text the parser has accepted, so it is free to be simple.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.config.problems import KeyPath

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


def scan_positions(text: str) -> dict[KeyPath, tuple[int, int]]:
    """Line and column (from 1, in characters) of every value and table the text spells out, by path."""
    places: dict[KeyPath, tuple[int, int]] = {}
    for path, offset in _Scanner(text).run().items():
        line_start = text.rfind("\n", 0, offset) + 1
        places[path] = text.count("\n", 0, offset) + 1, offset - line_start + 1
    return places


class _Scanner:
    """Walks the statements of a document and records the offset at which each value starts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._positions: dict[KeyPath, int] = {}
        self._table_arrays: dict[KeyPath, int] = {}

    def run(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_GAP)
        while self._at < len(self._text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._skip(_GAP)
        return self._positions

    def _header(self) -> KeyPath:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        path = self._within_arrays(self._key())
        self._at += 2 if is_array else 1
        if is_array:
            index = self._table_arrays.get(path, -1) + 1
            self._table_arrays[path] = index
            self._record(path, start)
            path = (*path, index)
        self._record(path, start)
        return path

    def _assignment(self, table: KeyPath) -> None:
        start = self._at
        key = self._key()
        self._at += 1  # the equals sign
        self._skip(_BLANKS)
        # Tables that exist only as the front of a dotted key are placed where that key starts.
        for length in range(1, len(key)):
            self._record((*table, *key[:length]), start)
        self._value((*table, *key))

    def _value(self, path: KeyPath) -> None:
        self._record(path, self._at)
        match self._peek():
            case "[":
                self._at += 1
                index = 0
                while self._more("]"):
                    self._value((*path, index))
                    index += 1
            case "{":
                self._at += 1
                while self._more("}"):
                    self._assignment(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _more(self, end: str) -> bool:
        """Steps over gaps and a comma; at the closing bracket steps over that and says there is no more."""
        self._skip(_GAP)
        if self._peek() == ",":
            self._at += 1
            self._skip(_GAP)
        if self._peek() in (end, ""):
            self._at += 1
            return False
        return True

    def _key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            self._skip(_BLANKS)
            parts.append(self._key_part())
            self._skip(_BLANKS)
            if self._peek() != ".":
                return tuple(parts)
            self._at += 1

    def _key_part(self) -> str:
        if self._peek() in ('"', "'"):
            quoted = self._skip(_STRING)
            import tomllib

            value: str = tomllib.loads(f"key = {quoted}")["key"]
            return value
        return self._skip(_BARE_KEY)

    def _within_arrays(self, path: KeyPath) -> KeyPath:
        """The path with the current position put in after each part that is an array of tables."""
        result: KeyPath = ()
        for number, part in enumerate(path):
            result = (*result, part)
            is_last = number == len(path) - 1
            if not is_last and result in self._table_arrays:
                result = (*result, self._table_arrays[result])
        return result

    def _record(self, path: KeyPath, offset: int) -> None:
        self._positions.setdefault(path, offset)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]
