"""Mistakes on a command line, in the words that users and scripts know (spec: config-cli.md section 4)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from codex_core.command_line.grammar import Argument, Option

USAGE_ERROR_EXIT_CODE = 2
HINT = "For more information, try '--help'."


class UsageError(Exception):
    """A command line that cannot be understood.

    `str(error)` is the first line, or lines, behind `error: `.
    """

    def __init__(self, message: str, *, tip: str = "", usage: str = "") -> None:
        super().__init__(message)
        self.tip = tip
        """What may have been meant; empty if nobody can say."""
        self.usage = usage
        """The usage line of the command, `Usage: ` included; empty where the error says enough."""

    def text(self) -> str:
        """All of what is printed, final newline included."""
        tip = f"  tip: {self.tip}" if self.tip else ""
        return "\n\n".join(part for part in (f"error: {self}", tip, self.usage, HINT) if part) + "\n"


def refuse(error: UsageError, stream: TextIO | None) -> int:
    """Prints a usage error; returns its exit code. A closed stream is None."""
    if stream is not None:
        stream.write(error.text())
    return USAGE_ERROR_EXIT_CODE


def possible_values(choices: Iterable[str]) -> str:
    """The second line of an error about a value that is not among the choices."""
    return f"\n  [possible values: {', '.join(choices)}]"


def missing_value(option: Option) -> UsageError:
    """Nothing stands where the value should be."""
    hint = possible_values(option.choices) if option.choices else ""
    return UsageError(f"a value is required for '{option.label}' but none was supplied{hint}")


def bad_choice(value: str, what: Option | Argument) -> UsageError:
    """The value is none of the choices."""
    near = similar(value, what.choices)
    return UsageError(
        f"invalid value '{value}' for '{what.label}'{possible_values(what.choices)}",
        tip=f"a similar value exists: '{near}'" if near else "",
    )


def unrecognized_command(name: str, known: Iterable[str], *, usage: str = "") -> UsageError:
    """There is no such command; says which one may have been meant."""
    near = similar(name, known)
    return UsageError(
        f"unrecognized subcommand '{name}'",
        tip=f"a similar subcommand exists: '{near}'" if near else "",
        usage=usage,
    )


def similar(word: str, known: Iterable[str]) -> str | None:
    """The known word that may have been meant."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)), None)
