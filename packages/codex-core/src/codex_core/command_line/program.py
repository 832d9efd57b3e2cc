"""Runs a program from its command line: help, version and usage errors are answered here."""

from __future__ import annotations

import sys

from codex_core.command_line.grammar import VERSION
from codex_core.command_line.parser import Asked, Invocation, Level, parse
from codex_core.command_line.usage import USAGE_ERROR_EXIT_CODE, UsageError, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from codex_core.command_line.grammar import Command


def run_command(command: Command, arguments: Sequence[str]) -> int:
    """Runs what the words behind the name of the program ask for; returns the exit code.

    What runs may raise a `UsageError` of its own.
    """
    return answered(lambda: run_invocation(parse((command,), arguments)))


def run_invocation(invocation: Invocation) -> int:
    """Runs the innermost command of a command line; its module is imported now."""
    from codex_core.command_line.rooms import not_built, run_room

    command = invocation.inner.command
    what = f"`{' '.join(each.name for each in invocation.path)}`"
    if command.is_reserved:
        return not_built(what)
    return run_room(command.run, invocation, what=what)


def answered(run: Callable[[], int]) -> int:
    """The exit code of `run`; what it raises of this package is printed: help, version, mistakes."""
    try:
        return run()
    except Asked as asked:
        command = asked.path[-1]
        if asked.option is VERSION:
            write_line(str(command.version), sys.stdout)
            return 0
        if asked.path[-1].is_reserved:
            return run_invocation(Invocation([Level(command) for command in asked.path]))
        from codex_core.command_line.help_page import help_page, terminal_columns

        page = help_page(asked.path, columns=terminal_columns(), is_long=asked.is_long)
        write_line(page, sys.stderr if asked.is_error else sys.stdout)
        return USAGE_ERROR_EXIT_CODE if asked.is_error else 0
    except UsageError as error:
        return refuse(error, sys.stderr)


def write_line(text: str, stream: TextIO | None) -> None:
    """Writes to a standard stream, which is None where it was closed before we began."""
    if stream is not None:
        stream.write(f"{text}\n")
