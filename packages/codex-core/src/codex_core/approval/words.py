"""Splitting a shell line into words and joining words into a line.

The rules are those of POSIX quoting as clients of `parsed_cmd` know them, and differ from `shlex` of the
standard library in blanks, comments, escapes and the preferred quotes (spec: exec-sandbox.md section D.8).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NUL_TEXT = "<command included NUL byte>"

_BLANKS = " \t\n"
_DOUBLE_QUOTE_ESCAPES = '$`"\\\n'

_BARE = re.compile(r"[A-Za-z0-9+\-./:@\]_]*")
_SINGLE = re.compile(r"[^'\\^]*")
_DOUBLE = re.compile(r"[^`$!^]*")
_CARET = re.compile(r"\^[^'\\^]*")


def shlex_split(line: str) -> list[str] | None:
    """The words of `line`; None when a quote is not closed or the line ends in a backslash."""
    words: list[str] = []
    at = 0
    while True:
        at = _skip_blanks_and_comments(line, at)
        if at == len(line):
            return words
        taken = _take_word(line, at)
        if taken is None:
            return None
        word, at = taken
        words.append(word)


def _skip_blanks_and_comments(line: str, at: int) -> int:
    while at < len(line):
        if line[at] == "#":
            newline = line.find("\n", at)
            at = len(line) if newline < 0 else newline
        elif line[at] not in _BLANKS:
            break
        else:
            at += 1
    return at


def _take_word(line: str, at: int) -> tuple[str, int] | None:
    """The word that starts at `at` and the place after it."""
    pieces: list[str] = []
    while at < len(line) and line[at] not in _BLANKS:
        match line[at]:
            case "'":
                closing = line.find("'", at + 1)
                if closing < 0:
                    return None
                pieces.append(line[at + 1 : closing])
                at = closing + 1
            case '"':
                quoted = _take_double_quoted(line, at + 1)
                if quoted is None:
                    return None
                piece, at = quoted
                pieces.append(piece)
            case "\\":
                if at + 1 == len(line):
                    return None
                if line[at + 1] != "\n":
                    pieces.append(line[at + 1])
                at += 2
            case plain:
                pieces.append(plain)
                at += 1
    return "".join(pieces), at


def _take_double_quoted(line: str, at: int) -> tuple[str, int] | None:
    """The text up to the closing double quote and the place after the quote."""
    pieces: list[str] = []
    while at < len(line):
        match line[at]:
            case '"':
                return "".join(pieces), at + 1
            case "\\":
                if at + 1 == len(line):
                    return None
                escaped = line[at + 1]
                if escaped not in _DOUBLE_QUOTE_ESCAPES:
                    pieces.append("\\" + escaped)
                elif escaped != "\n":
                    pieces.append(escaped)
                at += 2
            case plain:
                pieces.append(plain)
                at += 1
    return None


def shlex_join(words: Iterable[str]) -> str:
    """A line that a shell splits into `words`; a fixed text when one holds a NUL, which no shell can pass."""
    words = list(words)
    if any("\0" in word for word in words):
        return NUL_TEXT
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    if not word:
        return "''"
    return "".join(_quoted_chunks(word))


def _quoted_chunks(word: str) -> Iterator[str]:
    """`word` in pieces, each the longest that one way of quoting can express; bare wins a tie."""
    at = 0
    while at < len(word):
        if caret := _CARET.match(word, at):
            yield f"'{caret[0]}'"
            at = caret.end()
            continue
        bare, single, double = (_end(style, word, at) for style in (_BARE, _SINGLE, _DOUBLE))
        end = max(bare, single, double)
        chunk = word[at:end]
        if end == bare:
            yield chunk
        elif end == single:
            yield f"'{chunk}'"
        else:
            yield '"' + chunk.replace("\\", "\\\\").replace('"', '\\"') + '"'
        at = end


def _end(style: re.Pattern[str], word: str, at: int) -> int:
    match = style.match(word, at)
    return at if match is None else match.end()
