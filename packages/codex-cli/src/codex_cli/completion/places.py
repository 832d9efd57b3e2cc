"""What may be typed at each place of a command line: one flat list for all shells.

A place is a command with the names that lead to it, such as `codex exec resume`. Every script walks from
place to place over the words that are there, skips the values of options, and offers what the last place
takes.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.command_line.grammar import HELP_COMMAND, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_core.command_line.grammar import Option


@dataclass(frozen=True, slots=True)
class Place:
    """One command: what leads to it and what can follow."""

    path: str
    """The names of the commands up to here: `codex exec resume`."""
    below: tuple[tuple[str, str, str], ...] = ()
    """Each name that leads further, the path it leads to, and what it does."""
    options: tuple[Option, ...] = ()
    words: tuple[str, ...] = ()
    """What the first argument can be, if that is known."""
    after_word: str | None = None
    """Where a first argument leads; None: nowhere, empty: into a command line of its own."""

    @property
    def valued(self) -> tuple[Option, ...]:
        """The options that want a value."""
        return tuple(option for option in self.options if option.value is not None)

    @property
    def flags(self) -> tuple[str, ...]:
        """All names of all options."""
        return tuple(name for option in self.options for name in option.names)


def places(root: Command) -> list[Place]:
    """All places of a program, the root first."""
    return list(_places(root, root.name))


def _places(command: Command, path: str) -> Iterator[Place]:
    whole = _described(command, path) or command
    # The hidden generator of TypeScript is completed, as the reference does; reserved names are not.
    below = [each for each in command.commands if not each.is_hidden or each.run]
    leading = [(name, f"{path} {each.name}", each.summary) for each in below for name in each.names]
    helped = f"{path} {HELP_COMMAND.name}"
    if below:
        leading.append((HELP_COMMAND.name, helped, HELP_COMMAND.summary))
    options = tuple(option for option in whole.all_options() if not option.is_hidden)
    leads = next((at for at, argument in enumerate(whole.arguments) if argument.is_repeatable), None)
    then = None if leads is None else f"{path} {whole.arguments[0].value}" if leads else ""
    words = whole.arguments[0].choices if whole.arguments else ()
    yield Place(path, below=tuple(leading), options=options, words=words, after_word=then)
    if then:  # options may follow the name before the command line begins
        yield Place(then, options=options, after_word="")
    for each in below:
        yield from _places(each, f"{path} {each.name}")
    if below:
        yield Place(path=helped, words=tuple(each.name for each in below))


def _described(command: Command, path: str) -> Command | None:
    """What a command takes that parses by itself; None if it is not there, or has no page."""
    first, *names = path.split()[1:] or [""]
    from codex_cli.commands import ROOT

    top = ROOT.find(first)
    if top is None or not top.raw or (command is top and top.commands):
        return None
    from codex_core.command_line.rooms import find_room
    from codex_exec.lean_typer import describe

    run = find_room(top.raw)
    with contextlib.redirect_stdout(io.StringIO()):
        return None if run is None else describe(run, *names)
