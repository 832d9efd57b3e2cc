"""Mistakes on the command line of a command that typer runs (spec: config-cli.md section 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.command_line.usage import USAGE_ERROR_EXIT_CODE, UsageError
from codex_core.command_line.usage import refuse as refuse_error

if TYPE_CHECKING:
    from typing import TextIO

    import typer

__all__ = ["USAGE_ERROR_EXIT_CODE", "refuse", "usage_error"]

# The sentences of typer's own checks -> those users of the reference know; the rest is passed on as it is.
_REPHRASED = (
    (re.compile(r"^Invalid value(?: for .*?)?: (invalid value .*)$", re.DOTALL), r"\1"),
    (re.compile(r"^Invalid value: (.*)$", re.DOTALL), r"\1"),
    (re.compile(r"^Invalid value for (.*)$", re.DOTALL), r"invalid value for \1"),
)


def usage_error(error: typer.TyperException, stream: TextIO) -> int:
    """Prints what is wrong and where help is; returns the exit code of a usage error."""
    if isinstance(error.__cause__, UsageError):
        return refuse_error(error.__cause__, stream)
    message = error.format_message()
    for pattern, replacement in _REPHRASED:
        if pattern.match(message):
            message = pattern.sub(replacement, message)
            break
    return refuse(message, stream)


def refuse(message: str, stream: TextIO) -> int:
    """Prints a usage error; returns its exit code."""
    return refuse_error(UsageError(message), stream)
