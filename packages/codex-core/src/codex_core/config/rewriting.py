"""Changes single values of a TOML text and leaves every other character as it is.

Comments, order, quoting, dotted keys, inline tables and line ends stay what their author made them; new
lines are laid out as spec config-cli.md section 11 says. Every change is checked by parsing the result.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from codex_core.config.layout import Entry, Header, scan_layout
from codex_core.config.problems import dotted
from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from codex_core.config.layout import Value

Path = tuple[str, ...]

_REST_OF_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_COMMENTS_BELOW = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|\Z))*")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_BLANK_END = re.compile(r"(?<=\n)(?:[ \t]*\r?\n)+[ \t]*\Z")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")


class UneditableTomlError(ConfigError):
    """The text cannot be changed as asked; it is as it was."""


class TomlText:
    """A TOML text under change. `text` must be valid TOML without a byte order mark."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._newline = "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n"

    def get(self, path: Path) -> object:
        """The value at the path, None where there is none."""
        value: object = tomllib.loads(self.text)
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
        return value

    def set(self, path: Path, value: object) -> None:
        """Makes `value` (a string, boolean, number, or a list or table of such) the value at the path.

        A value that is there already is replaced in its place; missing tables are made.

        Raises: UneditableTomlError when something on the way is not a table.
        """
        there = self.get(path)
        if there == value and type(there) is type(value):
            return
        written = _rendered(value)
        wanted = _parsed(self.text)
        _set(wanted, path, _parsed(f"value = {written}")["value"])
        with self._checked(wanted, path):
            existing = next((entry for entry in self._entries() if entry.path == path), None)
            if existing is not None:
                self._splice(existing.value.start, existing.value.end, written)
            else:
                if there is not None:  # a table spelled out by headers or dotted keys
                    self._cut(path)
                self._insert(path, written)

    def replace_table(self, path: Path, table: Mapping[str, object]) -> None:
        """Makes the table at the path hold these keys and no others; empty tables inside are left out.

        Raises: UneditableTomlError when something on the way is not a table.
        """
        there = self.get(path)
        if there is not None and not isinstance(there, dict):
            self.remove(path)
            there = None
        for key in there or {}:
            if key not in table:
                self.remove((*path, key))
        for key, value in table.items():
            if isinstance(value, dict) and not self._is_inside_values(path):
                self.replace_table((*path, key), value)
            elif value != {}:
                self.set((*path, key), value)

    def remove(self, path: Path) -> bool:
        """Takes away the value or table at the path; whether there was one.

        The comment lines directly above the header of a table go with it, unless the text begins with them.
        """
        if self.get(path) is None:
            return False
        wanted = _parsed(self.text)
        holder = wanted
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
        with self._checked(wanted, path):
            self._cut(path)
        return True

    @contextmanager
    def _checked(self, wanted: Mapping[str, object], path: Path) -> Iterator[None]:
        """Takes back what is done inside unless it leads to the wanted document."""
        before = self.text
        try:
            yield
            if _pruned(_parsed(self.text)) == _pruned(wanted):
                return
        except UneditableTomlError:
            self.text = before
            raise
        except (tomllib.TOMLDecodeError, RecursionError):  # dotted keys nest deeper than comparisons can
            pass
        self.text = before
        message = f"`{dotted(path)}` is written in a way that cannot be changed without harm: edit it by hand"
        raise UneditableTomlError(message)

    # Finding places

    def _entries(self) -> Iterator[Entry]:
        """Every `key = value`, those of inline tables behind the one that holds them."""
        waiting = [item for item in reversed(scan_layout(self.text)) if isinstance(item, Entry)]
        while waiting:
            entry = waiting.pop()
            yield entry
            waiting.extend(reversed(entry.value.entries))

    def _is_inside_values(self, path: Path) -> bool:
        """Whether the table is written as an inline table or by dotted keys, so cannot get a header."""
        return any(
            entry.path == path[: len(entry.path)]
            or entry.path[: len(path)] == path != entry.table[: len(path)]
            for entry in self._entries()
        )

    def _insert(self, path: Path, written: str) -> None:
        statements = scan_layout(self.text)
        for length in range(len(path) - 1, 0, -1):
            table, rest = path[:length], path[length:]
            holder = next((entry for entry in self._entries() if entry.path == table), None)
            if holder is not None:
                self._insert_inline(holder, rest, written)
                return
            dotted_entries = [
                item
                for item in statements
                if isinstance(item, Entry)
                and item.path[:length] == table
                and len(item.table) < length
                and len(item.path) > length
            ]
            if dotted_entries:
                last = dotted_entries[-1]
                self._insert_line(self._line_end(last.value.end), path[len(last.table) :], written)
                return
            header = next(
                (item for item in statements if isinstance(item, Header) and item.path == table), None
            )
            if header is not None:
                if len(rest) == 1:
                    self._insert_line(self._section_end(statements, header), rest, written)
                else:
                    self._insert_table(self._family_end(statements, table), path, written)
                return
            if any(
                isinstance(item, Header) and item.is_array and item.path[:-1] == table for item in statements
            ):
                raise UneditableTomlError(f"`{dotted(table)}` is an array of tables, not a table")
        if len(path) == 1:
            self._insert_top_level(statements, path, written)
        else:
            end = self._line_end(_end(statements[-1])) if statements else len(self.text)
            self._insert_table(self._skip(_COMMENTS_BELOW, end), path, written)

    def _insert_inline(self, holder: Entry, rest: Path, written: str) -> None:
        if not holder.value.is_inline_table:
            raise UneditableTomlError(f"`{dotted(holder.path)}` is not a table")
        entries = holder.value.entries
        if any(entry.key[0] == rest[0] for entry in entries):
            added = f"{_rendered_key(rest)} = {written}"
        else:
            for part in rest[:0:-1]:
                written = f"{{ {_rendered_key((part,))} = {written} }}"
            added = f"{_rendered_key(rest[:1])} = {written}"
        if entries:
            self._splice(entries[-1].value.end, entries[-1].value.end, f", {added}")
        else:
            self._splice(holder.value.start, holder.value.end, f"{{ {added} }}")

    def _insert_line(self, at: int, key: Path, written: str) -> None:
        """A line at the offset, which is a line's start or the end of the text."""
        lead = self._newline if at and self.text[at - 1] != "\n" else ""
        self._splice(at, at, f"{lead}{_rendered_key(key)} = {written}{self._newline}")

    def _insert_top_level(self, statements: Sequence[Header | Entry], path: Path, written: str) -> None:
        above = [item for item in statements if isinstance(item, Entry) and not item.table]
        if above:
            self._insert_line(self._line_end(above[-1].value.end), path, written)
            return
        if not statements:
            self._insert_line(len(self.text), path, written)
            return
        # What stands apart at the top is about the whole file; what touches the header is about that.
        comments_end = self._skip(_COMMENTS_BELOW, 0)
        gap_end = self._skip(_BLANK_LINES, comments_end)
        at = gap_end if gap_end > comments_end else 0
        self._insert_line(at, path, written)
        line_end = self._line_end(at)
        self._splice(line_end, line_end, self._newline)

    def _insert_table(self, at: int, path: Path, written: str) -> None:
        """A header with one line below it, parted by blank lines from what is around."""
        newline, above = self._newline, self.text[:at]
        lead = ""
        if above and not above.endswith("\n"):
            lead = newline * 2
        elif above.strip() and not re.search(r"\n[ \t]*\r?\n\Z", above):
            lead = newline
        header = f"[{_rendered_key(path[:-1])}]{newline}"
        line = f"{_rendered_key(path[-1:])} = {written}{newline}"
        below = self.text[at:]
        trail = newline if below and not re.match(r"[ \t]*\r?\n", below) else ""
        self._splice(at, at, lead + header + line + trail)

    def _line_end(self, offset: int) -> int:
        """The start of the next line."""
        return self._skip(_REST_OF_LINE, offset)

    def _skip(self, pattern: re.Pattern[str], offset: int) -> int:
        """Behind what the pattern matches at the offset."""
        match = pattern.match(self.text, offset)
        return offset if match is None else match.end()

    def _section_end(self, statements: Sequence[Header | Entry], header: Header) -> int:
        """Behind the last line that belongs to the header's own keys."""
        last: Header | Entry = header
        for item in statements[statements.index(header) + 1 :]:
            if isinstance(item, Header):
                break
            last = item
        return self._line_end(_end(last))

    def _family_end(self, statements: Sequence[Header | Entry], table: Path) -> int:
        """Behind the last section of the table and the tables inside it that follow one another."""
        at = next(
            index for index, item in enumerate(statements) if isinstance(item, Header) and item.path == table
        )
        end = self._section_end(statements, statements[at])  # type: ignore[arg-type]  # found as a header
        for item in statements[at + 1 :]:
            if isinstance(item, Header):
                if item.path[: len(table)] != table:
                    break
                end = self._section_end(statements, item)
        return self._skip(_COMMENTS_BELOW, end)

    # Taking away

    def _cut(self, path: Path) -> None:
        """Takes away everything that spells out the value or table, from the end backwards."""
        statements = scan_layout(self.text)
        for index in range(len(statements) - 1, -1, -1):
            item = statements[index]
            if isinstance(item, Header):
                if item.path[: len(path)] == path:
                    self._cut_section(item, self._section_end(statements, item))
            elif item.table[: len(path)] == path:
                pass  # goes with its header
            elif item.path[: len(path)] == path:
                start = self.text.rfind("\n", 0, item.start) + 1
                self._splice(start, self._line_end(item.value.end), "")
            elif path[: len(item.path)] == item.path:
                self._cut_inline(item.value, path)

    def _cut_section(self, header: Header, end: int) -> None:
        start = self.text.rfind("\n", 0, header.start) + 1
        comments = re.search(r"(?:^[ \t]*#[^\n]*\n)+\Z", self.text[:start], re.MULTILINE)
        if comments is not None and comments.start() > 0:
            start = comments.start()
        self._splice(start, self._skip(_BLANK_LINES, end), "")
        if start == len(self.text):
            # It was the last thing, so the blank lines above it part it from nothing.
            self.text = _BLANK_END.sub("", self.text)

    def _cut_inline(self, table: Value, path: Path) -> None:
        entries = table.entries
        for index in range(len(entries) - 1, -1, -1):
            entry = entries[index]
            if entry.path[: len(path)] == path:
                if index > 0:
                    self._splice(entries[index - 1].value.end, entry.value.end, "")
                elif len(entries) > 1:
                    self._cut_first_entry(entry)
                else:
                    self._splice(table.start, table.end, "{}")
            elif path[: len(entry.path)] == entry.path:
                self._cut_inline(entry.value, path)

    def _cut_first_entry(self, entry: Entry) -> None:
        """Takes away the entry with the comma behind it; what follows may have been cut before."""
        end = self._skip(_COMMA, entry.value.end)
        self._splice(entry.start, end, "")

    def _splice(self, start: int, end: int, new: str) -> None:
        self.text = self.text[:start] + new + self.text[end:]


def _end(item: Header | Entry) -> int:
    return item.end if isinstance(item, Header) else item.value.end


def _set(document: dict[str, object], path: Path, value: object) -> None:
    table = document
    for number, part in enumerate(path[:-1]):
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise UneditableTomlError(f"`{dotted(path[: number + 1])}` is not a table")
        table = inner
    table[path[-1]] = value


def _parsed(text: str) -> dict[str, Any]:
    """The document, with numbers as they are written: two values that are no numbers are not equal."""
    return tomllib.loads(text, parse_float=lambda written: ("float", written))


def _pruned(value: object) -> object:
    """Without tables that hold nothing, which come and go with what is in them."""
    if not isinstance(value, dict):
        return value
    pruned = {key: _pruned(inner) for key, inner in value.items()}
    return {key: inner for key, inner in pruned.items() if inner != {}}


def _rendered(value: object) -> str:
    import tomlkit

    if not isinstance(value, dict):
        return tomlkit.item(value).as_string()
    inner = ", ".join(f"{_rendered_key((key,))} = {_rendered(item)}" for key, item in value.items())
    return f"{{ {inner} }}" if inner else "{}"


def _rendered_key(key: Path) -> str:
    from tomlkit.items import SingleKey

    return ".".join(SingleKey(part).as_string() for part in key)
