"""Runs one group of commands, as `mcp` or `config`, without the table of all commands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.command_line.grammar import Command
from codex_core.command_line.parser import OVERRIDES_KEY, Invocation, Level, parse
from codex_core.command_line.program import answered, run_invocation

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_group(group: Command, arguments: Sequence[str], *, program: str, overrides: Sequence[str]) -> int:
    """Runs what the arguments behind the name of the group ask for; returns the exit code.

    `overrides` are the `-c` values before that name.
    """

    def run() -> int:
        outer = Level(Command(program, summary=""))
        outer.values[OVERRIDES_KEY] = tuple(overrides)
        inner = parse((outer.command, group), arguments)
        return run_invocation(Invocation((outer, *inner.levels), inner.rest))

    return answered(run)
