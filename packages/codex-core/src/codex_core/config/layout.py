"""Where in a TOML text its tables, keys and values stand.

The standard parser keeps no places. This scanner runs only to complain or to edit, and only on text the
parser has accepted, so it is free to be simple.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Value:
    """One value. Offsets count characters; `end` is behind the last one."""

    start: int
    end: int
    is_inline_table: bool = False
    entries: tuple[Entry, ...] = ()
    """Of an inline table."""
    items: tuple[Value, ...] = ()
    """Of an array."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`key = value`, in a table or an inline table."""

    start: int
    """Where the key starts."""
    key: tuple[str, ...]
    """More than one part where the key is dotted."""
    value: Value
    table: KeyPath
    """The table it stands in; positions in arrays of tables are numbers."""

    @property
    def path(self) -> KeyPath:
        """The whole path of the value."""
        return (*self.table, *self.key)


@dataclass(frozen=True, slots=True)
class Header:
    """`[table]` or `[[table]]`."""

    start: int
    end: int
    path: KeyPath
    """With the position in the array at the end, where it is one."""
    is_array: bool


def scan_layout(text: str) -> list[Header | Entry]:
    """The statements of the text in their order; it must be valid TOML."""
    return _Scanner(text).run()


class _Scanner:
    """Walks the statements of a document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._table_arrays: dict[KeyPath, int] = {}

    def run(self) -> list[Header | Entry]:
        statements: list[Header | Entry] = []
        table: KeyPath = ()
        self._skip(_GAP)
        while self._at < len(self._text):
            if self._peek() == "[":
                header = self._header()
                table = header.path
                statements.append(header)
            else:
                statements.append(self._entry(table))
            self._skip(_GAP)
        return statements

    def _header(self) -> Header:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        path = self._within_arrays(self._key())
        self._at += 2 if is_array else 1
        if is_array:
            index = self._table_arrays.get(path, -1) + 1
            self._table_arrays[path] = index
            path = (*path, index)
        return Header(start, self._at, path, is_array)

    def _entry(self, table: KeyPath) -> Entry:
        start = self._at
        key = self._key()
        self._at += 1  # the equals sign
        self._skip(_BLANKS)
        return Entry(start, key, self._value((*table, *key)), table)

    def _value(self, path: KeyPath) -> Value:
        start = self._at
        match self._peek():
            case "[":
                self._at += 1
                items: list[Value] = []
                while self._more("]"):
                    items.append(self._value((*path, len(items))))
                return Value(start, self._at, items=tuple(items))
            case "{":
                self._at += 1
                entries: list[Entry] = []
                while self._more("}"):
                    entries.append(self._entry(path))
                return Value(start, self._at, is_inline_table=True, entries=tuple(entries))
            case '"' | "'":
                self._skip(_STRING)
                return Value(start, self._at)
            case _:
                written = self._skip(_SCALAR)
                return Value(start, start + len(written.rstrip()))

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

    def _key(self) -> tuple[str, ...]:
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

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]
