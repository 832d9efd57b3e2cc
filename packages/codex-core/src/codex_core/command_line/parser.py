"""From the words of a command line to values, by the grammar users of the reference know.

The rules are those of config-cli.md section 4 in the spec: an option has its value behind it, behind `=` or
attached; switches may be bundled; there are no abbreviations; a word that is the name of a command is that
command, unless it follows `--`. Nothing here looks at the world but an option's own `takes_more`.
"""

from __future__ import annotations

from codex_core.command_line.grammar import HELP, HELP_COMMAND, VERSION
from codex_core.command_line.usage import (
    UsageError,
    bad_choice,
    missing_value,
    similar,
    unrecognized_command,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.command_line.grammar import Argument, Command, Option

OVERRIDES_KEY = "config"
"""The key of `-c`, which every command has."""


class Asked(Exception):  # noqa: N818 - no error
    """Somebody asked for help or for the version, which ends the parsing."""

    def __init__(
        self, path: Sequence[Command], option: Option, *, is_long: bool = True, is_error: bool = False
    ) -> None:
        super().__init__()
        self.path = tuple(path)
        self.option = option
        self.is_long = is_long
        """Whether the long help is wanted."""
        self.is_error = is_error
        """Whether nobody asked, but a command was missing behind one that needs it."""


class Level:
    """One command of a command line and what was given to it."""

    __slots__ = ("command", "values")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.values: dict[str, bool | str | tuple[str, ...]] = {}

    def is_on(self, key: str) -> bool:
        """Whether the switch was given."""
        return self.values.get(key) is True

    def text(self, key: str) -> str | None:
        """The value that was given."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """All values that were given, in order."""
        value = self.values.get(key)
        return value if isinstance(value, tuple) else ()


class Invocation:
    """A command line that was understood: the commands from the outermost to the innermost."""

    __slots__ = ("levels",)

    def __init__(self, levels: Sequence[Level]) -> None:
        self.levels = tuple(levels)

    @property
    def inner(self) -> Level:
        """The command that is to run."""
        return self.levels[-1]

    @property
    def path(self) -> tuple[Command, ...]:
        """The commands, outermost first."""
        return tuple(level.command for level in self.levels)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The `-c` values of all levels; where two name one key, the later one counts."""
        return tuple(value for level in self.levels for value in level.texts(OVERRIDES_KEY))

    def is_on(self, key: str) -> bool:
        """Whether the switch was given at any level."""
        return any(level.is_on(key) for level in self.levels)

    def last_text(self, key: str) -> str | None:
        """The value of the innermost level that has one."""
        found = (level.text(key) for level in reversed(self.levels))
        return next((text for text in found if text is not None), None)

    def last_texts(self, key: str) -> tuple[str, ...]:
        """The values of the innermost level that has any."""
        return next((texts for level in reversed(self.levels) if (texts := level.texts(key))), ())


def parse(path: Sequence[Command], arguments: Sequence[str]) -> Invocation:
    """What the words behind the last command of `path` mean.

    The commands before it only give the name that usage lines show.

    Raises:
        UsageError: nothing that can be understood.
        Asked: help or the version was asked for.
    """
    return _Parser(path, arguments).parse()


def usage_line(path: Sequence[Command]) -> str:
    """The usage of a command: `Usage: codex exec [OPTIONS] [PROMPT] [COMMAND]`."""
    command = path[-1]
    words = [*(each.name for each in path), "[OPTIONS]"]
    words += [option.label for option in command.options if option.is_required]
    words += [argument.label for argument in command.arguments]
    if all(below.is_hidden for below in command.commands):
        return f"Usage: {' '.join(words)}"
    name = "<COMMAND>" if command.is_command_required or len(path) == 1 else "[COMMAND]"
    if len(path) == 1 and not command.is_command_required:  # a prompt before a command is unusual: both forms
        return f"Usage: {' '.join(words)}\n       {' '.join([*words, name])}"
    return f"Usage: {' '.join([*words, name])}"


class _Parser:
    """One level of one command line."""

    def __init__(self, path: Sequence[Command], arguments: Sequence[str]) -> None:
        self._path = tuple(path)
        self._command = path[-1]
        self._words = list(arguments)
        self._at = 0
        self._level = Level(self._command)
        self._word_count = 0
        self._by_name = {
            name: option
            for option in self._command.all_options()
            for name in (*option.names, *option.hidden_names)
        }

    def parse(self) -> Invocation:
        """All words of this level, and through it those of the commands below."""
        only_words = False
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            if only_words:
                self._take_word(word)
            elif word == "--":
                only_words = True
            elif word.startswith("--"):
                self._take_long(word)
            elif word.startswith("-") and word != "-":
                self._take_short(word)
            elif (below := self._find_command(word)) is not None:
                return self._descend(below)
            else:
                only_words = self._take_word(word)
        self._check()
        if self._command.is_command_required:
            raise Asked(self._path, HELP, is_long=False, is_error=True)
        return Invocation([self._level])

    def _descend(self, below: Command) -> Invocation:
        rest = self._words[self._at :]
        if below is HELP_COMMAND:
            raise Asked(self._help_path(rest), HELP)
        inner = (Level(below),) if below.is_reserved else parse((*self._path, below), rest).levels
        self._check(required=False)
        return Invocation([self._level, *inner])

    def _help_path(self, names: Sequence[str]) -> tuple[Command, ...]:
        path = self._path
        for name in names:
            if name in ("-h", "--help"):
                continue
            command = path[-1]
            below = HELP_COMMAND if name == HELP_COMMAND.name and command.commands else command.find(name)
            if below is HELP_COMMAND:
                break
            if below is None:
                known = [each for one in command.commands for each in one.names]
                raise unrecognized_command(name, known, usage=usage_line(path))
            path = (*path, below)
        return path

    def _find_command(self, word: str) -> Command | None:
        if not self._command.commands:
            return None
        return HELP_COMMAND if word == HELP_COMMAND.name else self._command.find(word)

    def _take_long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._by_name.get(name)
        if option is None:
            raise self._unknown(name)
        self._take(option, value if equals else None)

    def _take_short(self, word: str) -> None:
        letters = word[1:]
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            option = self._by_name.get(name)
            if option is None:
                raise self._unknown(name)
            if option.value is not None:
                self._take(option, letters.removeprefix("=") if letters else None)
                return
            if letters.startswith("=") and option not in (HELP, VERSION):
                self._take(option, letters[1:])
                return
            self._take(option, None)

    def _take(self, option: Option, attached: str | None) -> None:
        if option.value is None and attached is not None:
            raise self._error(
                f"unexpected value '{attached}' for '{option.label}' found; no more were expected"
            )
        if option is HELP:
            raise Asked(self._path, HELP, is_long=self._words[self._at - 1].startswith("--"))
        if option is VERSION:
            raise Asked(self._path, VERSION)
        given = self._level.values.get(option.key)
        if given is not None and not option.is_repeatable:
            raise self._error(f"the argument '{option.label}' cannot be used multiple times")
        if option.value is None:
            self._level.values[option.key] = True
            return
        values = self._values(option, attached)
        for value in values:
            _check_value(option, value)
        before = given if isinstance(given, tuple) else ()
        self._level.values[option.key] = (*before, *values) if option.is_repeatable else values[0]

    def _values(self, option: Option, attached: str | None) -> list[str]:
        if attached is not None:
            return _parted(option, attached)
        value = self._words[self._at] if self._at < len(self._words) else None
        if value is None or (value.startswith("-") and value != "-"):
            raise missing_value(option)
        self._at += 1
        values = _parted(option, value)
        while option.takes_more is not None and self._at < len(self._words):
            more = self._words[self._at]
            if more.startswith("-") or self._find_command(more) is not None:
                break
            # Where no argument is left to be given, it can be nothing else.
            if self._word_count < len(self._command.arguments) and not option.takes_more(more):
                break
            values += _parted(option, more)
            self._at += 1
        return values

    def _take_word(self, word: str) -> bool:
        """Notes a positional word; True if what follows is words too, whatever it looks like."""
        arguments = self._command.arguments
        if self._word_count < len(arguments):
            argument = arguments[self._word_count]
            self._word_count += 1
        elif arguments and arguments[-1].is_repeatable:
            argument = arguments[-1]
        else:
            raise self._superfluous(word)
        if argument.choices and word not in argument.choices:
            raise bad_choice(word, argument)
        if argument.is_repeatable:
            self._level.values[argument.key] = (*self._level.texts(argument.key), word)
        else:
            self._level.values[argument.key] = word
        return argument.is_trailing

    def _superfluous(self, word: str) -> UsageError:
        command = self._command
        known = [name for one in command.commands if not one.is_hidden for name in one.names]
        if command.commands and not command.arguments:
            return unrecognized_command(word, known, usage=usage_line(self._path))
        # What stands before it may be a misspelled command that was taken as a prompt.
        first = self._level.text(command.arguments[0].key) if command.arguments else None
        near = similar(first, known) if first is not None and known else None
        tip = f"a similar subcommand exists: '{near}'" if near else ""
        return UsageError(f"unexpected argument '{word}' found", tip=tip, usage=usage_line(self._path))

    def _unknown(self, name: str) -> UsageError:
        shown = [option for option in self._command.all_options() if not option.is_hidden]
        known = [each for option in shown for each in option.names]
        near = similar(name, known) if name.startswith("--") else None
        if near is not None:
            tip = f"a similar argument exists: '{near}'"
        elif self._command.arguments:
            tip = f"to pass '{name}' as a value, use '-- {name}'"
        else:
            tip = ""
        return UsageError(f"unexpected argument '{name}' found", tip=tip, usage=usage_line(self._path))

    def _check(self, *, required: bool = True) -> None:
        """Conflicts, and with `required` what is missing."""
        values = self._level.values
        options = {option.key: option for option in self._command.options}
        given = [options[key] for key in values if key in options]
        for at, option in enumerate(given):
            for other in given[at + 1 :]:
                if other.key in option.conflicts or option.key in other.conflicts:
                    raise self._error(f"the argument '{option.label}' cannot be used with '{other.label}'")
        if not required:
            return
        parts: list[Option | Argument] = [*self._command.options, *self._command.arguments]
        missing = [part.label for part in parts if part.is_required and part.key not in values]
        if missing:
            names = "".join(f"\n  {label}" for label in missing)
            raise self._error(f"the following required arguments were not provided:{names}")

    def _error(self, message: str) -> UsageError:
        return UsageError(message, usage=usage_line(self._path))


def _parted(option: Option, value: str) -> list[str]:
    return value.split(",") if option.takes_more is not None else [value]


def _check_value(option: Option, value: str) -> None:
    if not value and option.completes:  # the name of a file is never empty
        raise missing_value(option)
    if option.choices and value not in option.choices:
        raise bad_choice(value, option)
    problem = option.problem_with(value) if option.problem_with is not None else None
    if problem is not None:
        raise UsageError(f"invalid value '{value}' for '{option.label}': {problem}")
