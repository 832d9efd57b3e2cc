"""What a command takes: options, arguments and commands below it (spec: config-cli.md sections 2-4).

Plain classes, not dataclasses: importing those costs more than a help page takes to print.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FILE = "file"
DIRECTORY = "directory"


class Option:
    """One option; without a `value` it is a switch.

    Attributes:
        names: As help shows them, short before long.
        hidden_names: Further names that work and are shown nowhere.
        key: What the parsed value is called.
        value: The name of the value, as in `--model <MODEL>`; None for a switch.
        help: One line.
        details: More lines, for the long help page.
        choices: All possible values; empty if anything goes.
        is_repeatable: Whether it may be given more than once; its value is a tuple then.
        takes_more: Whether a further word belongs to the option too. Commas part the values of such an
            option.
        problem_with: What is wrong with a value, or None.
        conflicts: Keys of options of the same command that exclude it.
        is_required: Whether the command makes no sense without it.
        is_hidden: Whether help and completion leave it out.
        group: The heading of the help page it stands under.
        completes: `FILE` or `DIRECTORY` where the value names one, so that it cannot be empty.
    """

    __slots__ = (
        "choices",
        "completes",
        "conflicts",
        "details",
        "group",
        "help",
        "hidden_names",
        "is_hidden",
        "is_repeatable",
        "is_required",
        "key",
        "names",
        "problem_with",
        "takes_more",
        "value",
    )

    def __init__(
        self,
        *names: str,
        key: str,
        help: str,  # noqa: A002 - what every parser calls it
        value: str | None = None,
        details: str = "",
        hidden_names: Sequence[str] = (),
        choices: Sequence[str] = (),
        is_repeatable: bool = False,
        takes_more: Callable[[str], bool] | None = None,
        problem_with: Callable[[str], str | None] | None = None,
        conflicts: Sequence[str] = (),
        is_required: bool = False,
        is_hidden: bool = False,
        group: str = "Options",
        completes: str = "",
    ) -> None:
        self.names = names
        self.key = key
        self.help = help
        self.value = value
        self.details = details
        self.hidden_names = tuple(hidden_names)
        self.choices = tuple(choices)
        self.is_repeatable = is_repeatable
        self.takes_more = takes_more
        self.problem_with = problem_with
        self.conflicts = tuple(conflicts)
        self.is_required = is_required
        self.is_hidden = is_hidden
        self.group = group
        self.completes = completes

    @property
    def label(self) -> str:
        """How errors name it: `--model <MODEL>`, `--image <FILE>...`."""
        return f"{self.names[-1]}{self.value_label}"

    @property
    def value_label(self) -> str:
        """What follows the name in help and errors; empty for a switch."""
        if self.value is None:
            return ""
        return f" <{self.value}>{'...' if self.takes_more is not None else ''}"


class Argument:
    """One positional argument.

    One that `is_repeatable` takes all further words; one that `is_trailing` also takes what looks like
    options from its first word on, for it is a command line of its own. Their values are tuples.
    """

    __slots__ = (
        "choices",
        "completes",
        "help",
        "is_repeatable",
        "is_required",
        "is_trailing",
        "key",
        "value",
    )

    def __init__(
        self,
        value: str,
        *,
        key: str,
        help: str,  # noqa: A002 - what every parser calls it
        choices: Sequence[str] = (),
        is_required: bool = False,
        is_repeatable: bool = False,
        is_trailing: bool = False,
        completes: str = "",
    ) -> None:
        self.value = value
        self.key = key
        self.help = help
        self.choices = tuple(choices)
        self.is_required = is_required
        self.is_repeatable = is_repeatable or is_trailing
        self.is_trailing = is_trailing
        self.completes = completes

    @property
    def label(self) -> str:
        """How help and errors name it: `[PROMPT]`, `<NAME>`, `[COMMAND]...`."""
        name = f"<{self.value}>" if self.is_required else f"[{self.value}]"
        return f"{name}..." if self.is_repeatable else name


class Command:
    """A command: its names, what it takes, and who runs it, whose module is imported only then.

    Attributes:
        names: The first is the one that help shows as its name.
        summary: One line for the list of commands.
        options: What it takes, in the order of the help page.
        commands: The commands below it.
        is_command_required: Whether it makes no sense without one of them.
        run: `module:function` of what gets the parsed command line, an `Invocation`.
        about: The text at the top of the help page.
        examples: Lines for the end of the help page: a command and what it does.
        version: What `--version` prints; None if there is no such option.
        is_hidden: Whether lists of commands leave it out.
        is_reserved: Whether it is only a name that this version does not have: whatever follows it, one
            sentence says so.
    """

    __slots__ = (
        "about",
        "arguments",
        "commands",
        "examples",
        "is_command_required",
        "is_hidden",
        "is_reserved",
        "names",
        "options",
        "run",
        "summary",
        "version",
    )

    def __init__(
        self,
        *names: str,
        summary: str,
        options: Sequence[Option] = (),
        arguments: Sequence[Argument] = (),
        commands: Sequence[Command] = (),
        is_command_required: bool = False,
        run: str = "",
        about: str = "",
        examples: Sequence[tuple[str, str]] = (),
        version: str | None = None,
        is_hidden: bool = False,
        is_reserved: bool = False,
    ) -> None:
        self.names = names
        self.summary = summary
        self.options = tuple(options)
        self.arguments = tuple(arguments)
        self.commands = tuple(commands)
        self.is_command_required = is_command_required
        self.run = run
        self.about = about
        self.examples = tuple(examples)
        self.version = version
        self.is_hidden = is_hidden
        self.is_reserved = is_reserved

    @property
    def name(self) -> str:
        """Its first name."""
        return self.names[0]

    def find(self, name: str) -> Command | None:
        """The command below this one that has the name."""
        return next((command for command in self.commands if name in command.names), None)

    def all_options(self) -> Iterator[Option]:
        """Its options, and those every command has."""
        yield from self.options
        yield HELP
        if self.version is not None:
            yield VERSION

    def groups(self) -> dict[str, list[Option]]:
        """The options that are shown, by heading, in order; the heading `Options` last."""
        found: dict[str, list[Option]] = {}
        for option in self.all_options():
            if not option.is_hidden:
                found.setdefault(option.group, []).append(option)
        last = found.pop("Options", [])
        return {**found, "Options": last}


HELP = Option("-h", "--help", key="help", help="Print help; --help explains more than -h")
VERSION = Option("-V", "--version", key="version", help="Print the version")
HELP_COMMAND = Command("help", summary="Print help, or the help of a command")
