"""What may be typed at each place of a command line: one flat list for all shells.

A place is a command with the names that lead to it, such as `codex exec resume`. Every script walks from
place to place over the words that are there, skips the values of options, and offers what the last place
takes.
"""

from __future__ import annotations

from codex_core.command_line.grammar import HELP_COMMAND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_core.command_line.grammar import Command, Option


class Place:
    """One command: what leads to it and what can follow.

    Attributes:
        path: The names of the commands up to here: `codex exec resume`.
        below: Each name that leads further, the path it leads to, and what it does.
        options: What it takes.
        words: What the first argument can be, if that is known.
        after_word: Where a first argument leads; None: nowhere, empty: into a command line of its own.
    """

    __slots__ = ("after_word", "below", "options", "path", "words")

    def __init__(
        self,
        path: str,
        *,
        below: Sequence[tuple[str, str, str]] = (),
        options: Sequence[Option] = (),
        words: Sequence[str] = (),
        after_word: str | None = None,
    ) -> None:
        self.path = path
        self.below = tuple(below)
        self.options = tuple(options)
        self.words = tuple(words)
        self.after_word = after_word

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
    # The hidden generator of TypeScript is completed, as the reference does; reserved names are not.
    below = [each for each in command.commands if not each.is_reserved]
    leading = [(name, f"{path} {each.name}", each.summary) for each in below for name in each.names]
    helped = f"{path} {HELP_COMMAND.name}"
    if below:
        leading.append((HELP_COMMAND.name, helped, HELP_COMMAND.summary))
    options = tuple(option for option in command.all_options() if not option.is_hidden)
    leads = next((at for at, argument in enumerate(command.arguments) if argument.is_repeatable), None)
    then = None if leads is None else f"{path} {command.arguments[0].value}" if leads else ""
    words = command.arguments[0].choices if command.arguments else ()
    yield Place(path, below=tuple(leading), options=options, words=words, after_word=then)
    if then:  # options may follow the name before the command line begins
        yield Place(then, options=options, after_word="")
    for each in below:
        yield from _places(each, f"{path} {each.name}")
    if below:
        yield Place(path=helped, words=tuple(each.name for each in below))
