"""Mistakes on the command line, said in one sentence (spec: config-cli.md section 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    import typer

USAGE_ERROR_EXIT_CODE = 2

# The parser's sentence -> the one users of the reference know; the rest is passed on as it is.
_REPHRASED = (
    (re.compile(r"^No such option: (\S+?)\.?(?: .*)?$", re.DOTALL), r"unexpected argument '\1' found"),
    (
        re.compile(r"^Got unexpected extra argument\S* \((\S+).*\)$", re.DOTALL),
        r"unexpected argument '\1' found",
    ),
    (
        re.compile(r"^Option '([^']+)' requires an argument\.?$"),
        r"a value is required for '\1' but none was supplied",
    ),
    (re.compile(r"^Invalid value(?: for .*?)?: (invalid value .*)$", re.DOTALL), r"\1"),
    (re.compile(r"^Invalid value: (.*)$", re.DOTALL), r"\1"),
    (re.compile(r"^Invalid value for (.*)$", re.DOTALL), r"invalid value for \1"),
)


def usage_error(error: typer.TyperException, stream: TextIO) -> int:
    """Prints what is wrong and where help is; returns the exit code of a usage error."""
    message = error.format_message()
    for pattern, replacement in _REPHRASED:
        if pattern.match(message):
            message = pattern.sub(replacement, message)
            break
    return refuse(message, stream)


def refuse(message: str, stream: TextIO) -> int:
    """Prints a usage error; returns its exit code."""
    stream.write(f"error: {message}\n\nFor more information, try '--help'.\n")
    return USAGE_ERROR_EXIT_CODE
