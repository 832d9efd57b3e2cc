"""Line and column of every value of a TOML text, for error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.config.layout import Entry, Header, scan_layout

if TYPE_CHECKING:
    from codex_core.config.layout import Value
    from codex_core.config.problems import KeyPath


def scan_positions(text: str) -> dict[KeyPath, tuple[int, int]]:
    """Line and column (from 1, in characters) of every value and table the text spells out, by path."""
    offsets: dict[KeyPath, int] = {}
    for statement in scan_layout(text):
        match statement:
            case Header(start=start, path=path, is_array=is_array):
                if is_array:
                    offsets.setdefault(path[:-1], start)
                offsets.setdefault(path, start)
            case Entry():
                _record_entry(offsets, statement)
    places: dict[KeyPath, tuple[int, int]] = {}
    for path, offset in offsets.items():
        line_start = text.rfind("\n", 0, offset) + 1
        places[path] = text.count("\n", 0, offset) + 1, offset - line_start + 1
    return places


def _record_entry(offsets: dict[KeyPath, int], entry: Entry) -> None:
    # Tables that exist only as the front of a dotted key are placed where that key starts.
    for length in range(1, len(entry.key)):
        offsets.setdefault((*entry.table, *entry.key[:length]), entry.start)
    _record_value(offsets, entry.path, entry.value)


def _record_value(offsets: dict[KeyPath, int], path: KeyPath, value: Value) -> None:
    offsets.setdefault(path, value.start)
    for inner in value.entries:
        _record_entry(offsets, inner)
    for index, item in enumerate(value.items):
        _record_value(offsets, (*path, index), item)
