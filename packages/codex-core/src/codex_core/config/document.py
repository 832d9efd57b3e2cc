"""Reads one TOML file into plain values, with its text kept for finding places in it later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.config.problems import ConfigProblem, InvalidConfigError, KeyPath, os_error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = r" \(at line (\d+), column (\d+)\)$"
_END = r" \(at end of document\)$"
_DUPLICATES = ("Cannot overwrite a value", "Cannot mutate immutable namespace", "Cannot declare")


class Document:
    """A parsed file, with a memory of where in its text things are."""

    __slots__ = ("_positions", "path", "text", "values")

    def __init__(self, path: str, text: str = "", values: Mapping[str, object] | None = None) -> None:
        self.path = path
        self.text = text
        self.values: Mapping[str, object] = {} if values is None else values
        self._positions: Mapping[KeyPath, tuple[int, int]] | None = None

    def holds(self, path: KeyPath) -> bool:
        """Whether there is a value at exactly this path."""
        return holds(self.values, path)

    def position(self, path: KeyPath) -> tuple[int, int] | None:
        """Line and column (from 1, in characters) of the value, or else of the nearest table around it."""
        if self._positions is None:
            from codex_core.config.positions import scan_positions

            self._positions = scan_positions(self.text)
        for length in range(len(path), 0, -1):
            place = self._positions.get(path[:length])
            if place is not None:
                return place
        return None


def holds(values: Mapping[str, object], path: KeyPath) -> bool:
    """Whether the parsed values have one at exactly this path."""
    value: object = values
    for part in path:
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if isinstance(part, int) and part < len(value):
                value = value[part]
            case _:
                return False
    return True


def read_document(path: str) -> Document | None:
    """The document in the file, None when there is no file; a byte order mark is skipped.

    Raises: InvalidConfigError when the file cannot be read, is not UTF-8 or is not TOML.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidConfigError([ConfigProblem(os_error_text(error), file=path)]) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error.object` is what was being decoded, without the byte order mark.
        before = error.object[: error.start].decode("utf-8")
        line, column = _place_of_end(before)
        message = "stream did not contain valid UTF-8"
        raise InvalidConfigError([ConfigProblem(message, file=path, line=line, column=column)]) from error
    if not text or text.isspace():
        return Document(path, text)
    return Document(path, text, _parse(path, text))


def _parse(path: str, text: str) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfigError([_syntax_problem(path, text, str(error))]) from error
    except RecursionError as error:
        raise InvalidConfigError([ConfigProblem("TOML values are nested too deeply", file=path)]) from error
    except ValueError as error:  # Python's own limit on the digits of a number
        raise InvalidConfigError([ConfigProblem("a number has too many digits", file=path)]) from error


def _syntax_problem(path: str, text: str, reason: str) -> ConfigProblem:
    place = re.search(_PLACE, reason)
    if place is not None:
        line, column = int(place[1]), int(place[2])
        reason = reason[: place.start()]
    else:
        line, column = _place_of_end(text)
        reason = re.sub(_END, " at the end of the file", reason)
    if reason.startswith(_DUPLICATES):
        reason = "duplicate key"
    message = f"TOML parse error at line {line}, column {column}: {reason}"
    return ConfigProblem(message, file=path, line=line, column=column)


def _place_of_end(text: str) -> tuple[int, int]:
    lines = text.split("\n")
    return len(lines), len(lines[-1]) + 1
