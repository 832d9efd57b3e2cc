"""Reading `.env` files: quotes, escapes, comments and `$NAME` (spec: config-cli.md section 14).

A line that cannot be read is skipped and the next one still counts. Nothing is executed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTECTED_PREFIX = "CODEX_"
"""Names that begin so, in any case of letters, are the program's own and not taken from a file."""

_ASSIGNMENT = re.compile(r"(?:export[ \t]+(?=[A-Za-z_]))?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=")
_VARIABLE = re.compile(r"\{([^}\n]*)\}|([A-Za-z_][A-Za-z0-9_]*)|")
_ESCAPED = {"\\": "\\", '"': '"', "'": "'", "$": "$", " ": " ", "n": "\n"}


def load_dotenv(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables `text` sets, in order; put them over `environ`, they win.

    `$NAME` and `${NAME}` stand for what an earlier line set, then for what `environ` has, then for nothing.
    """
    values: dict[str, str] = {}
    reader = _Reader(text.removeprefix("\ufeff"), values, environ)
    while reader.next_line():
        assignment = reader.assignment()
        if assignment is not None:
            name, value = assignment
            # Later lines may still refer to a protected name that the environment does not have.
            target = reader.unexported if name.upper().startswith(PROTECTED_PREFIX) else values
            target[name] = value
    return values


def read_dotenv(path: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Like `load_dotenv` for a file; one that is not there or cannot be read sets nothing."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
    except OSError:
        return {}
    return load_dotenv(text, environ)


class _MalformedError(Exception):
    """The line is not an assignment."""


class _Reader:
    """A position in the text; quoted values may go on over several lines."""

    def __init__(self, text: str, values: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.unexported: dict[str, str] = {}
        self._text = text
        self._values = values
        self._environ = environ
        self._at = 0
        self._next = 0

    def next_line(self) -> bool:
        """Goes to the first character of the next line that is not blank; false at the end."""
        text = self._text
        self._at = self._next
        while self._at < len(text) and text[self._at].isspace():
            self._at += 1
        if self._at >= len(text):
            return False
        self._next = self._line_end(self._at) + 1
        return True

    def assignment(self) -> tuple[str, str] | None:
        """Name and value of the line, or None if it is a comment or cannot be read."""
        match = _ASSIGNMENT.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        try:
            value = self._value()
        except _MalformedError:
            return None
        # A quoted value may have ended on a later line than it began.
        self._next = self._line_end(self._at) + 1
        return match[1], value

    def _value(self) -> str:
        while self._peek().isspace() and self._peek() != "\n":
            self._at += 1
        if self._peek() == "#":
            return ""
        parts: list[str] = []
        while not self._is_at_line_end():
            char = self._take()
            if char == "'":
                parts.append(self._until_quote())
            elif char == '"':
                parts.append(self._double_quoted())
            elif char == "\\":
                if not self._is_at_line_end():  # a lone one at the end of a line is dropped
                    parts.append(self._escaped())
            elif char == "$":
                parts.append(self._variable())
            elif char in " \t":
                self._only_comment()
                break
            else:
                parts.append(char)
        return "".join(parts)

    def _until_quote(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise _MalformedError
        start, self._at = self._at, end + 1
        return self._text[start:end]

    def _double_quoted(self) -> str:
        parts: list[str] = []
        while (char := self._take()) != '"':
            if not char:
                raise _MalformedError
            if char == "\\":
                char = self._escaped()
            elif char == "$":
                char = self._variable()
            parts.append(char)
        return "".join(parts)

    def _escaped(self) -> str:
        char = _ESCAPED.get(self._take())
        if char is None:
            raise _MalformedError
        return char

    def _variable(self) -> str:
        match = _VARIABLE.match(self._text, self._at)
        assert match is not None  # the empty alternative always matches
        if match[0] == "" and self._peek() == "{":
            raise _MalformedError
        self._at = match.end()
        name = match[1] or match[2] or ""
        for source in (self._values, self._environ, self.unexported):
            if name in source:
                return source[name]
        return ""

    def _only_comment(self) -> None:
        """What follows white space after a value may only be a comment."""
        while self._peek() in (" ", "\t"):
            self._at += 1
        if self._peek() != "#" and not self._is_at_line_end():
            raise _MalformedError

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _is_at_line_end(self) -> bool:
        return self._text.startswith(("\n", "\r\n"), self._at) or self._at >= len(self._text)

    def _line_end(self, start: int) -> int:
        end = self._text.find("\n", start)
        return len(self._text) if end < 0 else end
