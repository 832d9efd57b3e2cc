"""Reads typed values out of a parsed TOML document and notes everything that does not fit.

The reader never stops at the first error: a value of the wrong type is noted and reads as absent, so one
pass finds all there is to say (message texts: spec config-cli.md section 10).
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from codex_core.config.problems import KeyPath

Choice = TypeVar("Choice", bound=StrEnum)

_U64_MAX = 2**64 - 1
_I64_MIN, _I64_MAX = -(2**63), 2**63 - 1
_MAX_SECONDS = _I64_MAX / 1000


class Findings:
    """What a reading found besides values: problems, keys nobody asked for, things worth a word."""

    __slots__ = ("ignored", "notices", "problems", "silent", "unknown")

    def __init__(self) -> None:
        self.problems: list[tuple[KeyPath, str]] = []
        self.notices: list[str] = []
        self.ignored: list[KeyPath] = []
        """Keys of later releases, which have no effect."""
        self.silent: list[KeyPath] = []
        """Keys without an effect that nobody expects."""
        self.unknown: list[tuple[KeyPath, tuple[str, ...]]] = []
        """Path of the key, and the keys that are known beside it."""


class TableReader:
    """One table of the document. Each method takes the key it names; what is not there reads as None."""

    __slots__ = ("_asked", "_findings", "_values", "path")

    def __init__(self, values: Mapping[str, object], path: KeyPath, findings: Findings) -> None:
        self._values = values
        self._findings = findings
        self._asked: set[str] = set()
        self.path = path

    @property
    def asked(self) -> frozenset[str]:
        """The keys that were asked for so far, there or not."""
        return frozenset(self._asked)

    def text(self, key: str) -> str | None:
        """A string; a date or time counts as its own text."""
        value = self._take(key)
        if value is None:
            return None
        return self._as_text(value, (*self.path, key))

    def required_text(self, key: str) -> str | None:
        """A string that must be there; None after noting that it is not."""
        if key not in self._values:
            self._asked.add(key)
            self._note(self.path, f"missing field `{key}`")
        return self.text(key)

    def flag(self, key: str) -> bool | None:
        """A boolean."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return value
        self._wrong_type(value, "a boolean", (*self.path, key))
        return None

    def unsigned(self, key: str, kind: str = "u64") -> int | None:
        """A whole number from 0 that fits 64 bits; `kind` is its name in messages."""
        return self._integer(key, 0, _U64_MAX, kind)

    def signed(self, key: str) -> int | None:
        """A whole number that fits 64 bits with a sign."""
        return self._integer(key, _I64_MIN, _I64_MAX, "i64")

    def seconds(self, key: str) -> float | None:
        """A time in seconds from 0, whole or not."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong_type(value, "a number of seconds", (*self.path, key))
            return None
        if not 0 <= value <= _MAX_SECONDS:  # which neither `nan` nor `inf` is
            written = (
                f"floating point `{value}`" if isinstance(value, float) else f"integer `{_decimal(value)}`"
            )
            self._note((*self.path, key), f"invalid value: {written}, expected a number of seconds")
            return None
        return float(value)

    def choice(self, key: str, kind: type[Choice]) -> Choice | None:
        """A member of the enumeration, by its value."""
        value = self._take(key)
        if value is None:
            return None
        words = [member.value for member in kind]
        if isinstance(value, str):
            try:
                return kind(value)
            except ValueError:
                from codex_core.config.problems import suggestion

                message = (
                    f"unknown variant `{value}`, expected {_alternatives(words)}{suggestion(value, words)}"
                )
                self._note((*self.path, key), message)
                return None
        self._wrong_type(value, _alternatives(words), (*self.path, key))
        return None

    def texts(self, key: str, *, named_by: str | None = None) -> tuple[str, ...] | None:
        """An array of strings; with `named_by` also of tables that have theirs under that key."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self._wrong_type(value, "a sequence", (*self.path, key))
            return None
        if named_by is not None:
            value = [item.get(named_by, item) if isinstance(item, dict) else item for item in value]
        read = [self._as_text(item, (*self.path, key, index)) for index, item in enumerate(value)]
        return tuple(item for item in read if item is not None)

    def text_table(self, key: str) -> dict[str, str] | None:
        """A table whose values are all strings."""
        table = self.table(key)
        if table is None:
            return None
        read = {name: table.text(name) for name in table.names()}
        return {name: value for name, value in read.items() if value is not None}

    def table(self, key: str) -> TableReader | None:
        """A reader for the table of that name."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return TableReader(value, (*self.path, key), self._findings)
        self._wrong_type(value, "a table", (*self.path, key))
        return None

    def tables(self, key: str) -> Iterator[tuple[str, TableReader]]:
        """Name and reader of each table inside the table of that name, e.g. of `[mcp_servers]`."""
        outer = self.table(key)
        if outer is None:
            return
        for name in outer.names():
            inner = outer.table(name)
            if inner is not None:
                yield name, inner

    def names(self) -> tuple[str, ...]:
        """All keys of this table, in the order of the document."""
        return tuple(self._values)

    def has(self, key: str) -> bool:
        """Whether the key is there, of whatever type."""
        return key in self._values

    def problem(self, message: str) -> None:
        """Notes something wrong with this table as a whole."""
        self._note(self.path, message)

    def notice(self, message: str) -> None:
        """Notes something the user should know, though it is no error."""
        self._findings.notices.append(message)

    def finish(self, *, ignored: Sequence[str] = (), silently: Sequence[str] = ()) -> None:
        """Notes the keys that nobody asked for: known ones without an effect, and unknown ones."""
        for key in self._values:
            if key in self._asked:
                continue
            if key in silently:
                self._findings.silent.append((*self.path, key))
            elif key in ignored:
                self._findings.ignored.append((*self.path, key))
            else:
                self._findings.unknown.append(((*self.path, key), tuple(sorted(self._asked))))

    def _take(self, key: str) -> object:
        self._asked.add(key)
        return self._values.get(key)

    def _integer(self, key: str, least: int, most: int, kind: str) -> int | None:
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_type(value, kind, (*self.path, key))
            return None
        if not least <= value <= most:
            self._note((*self.path, key), f"invalid value: {_described(value)}, expected {kind}")
            return None
        return value

    def _as_text(self, value: object, path: KeyPath) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, dt.date | dt.time):  # a datetime is a date too
            return value.isoformat()
        self._wrong_type(value, "a string", path)
        return None

    def _wrong_type(self, value: object, expected: str, path: KeyPath) -> None:
        self._note(path, f"invalid type: {_described(value)}, expected {expected}")

    def _note(self, path: KeyPath, message: str) -> None:
        self._findings.problems.append((path, message))


def _described(value: object) -> str:
    match value:
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{_decimal(value)}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f'string "{value}"'
        case list():
            return "sequence"
        case dict():
            return "map"
        case _:
            return f"date `{value}`"


def _decimal(value: int) -> str:
    # Python refuses to write numbers of more than a few thousand digits, and nobody wants to read them.
    return str(value) if value.bit_length() <= 128 else "of too many digits"


def _alternatives(words: Sequence[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    match quoted:
        case [only]:
            return only
        case [first, second]:
            return f"{first} or {second}"
        case _:
            return f"one of {', '.join(quoted)}"
