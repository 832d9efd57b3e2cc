"""The rules of the command line that the parser is too kind about (spec: config-cli.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class ArgumentError(ValueError):
    """A command line that is not what its user meant; says why."""


@dataclass(frozen=True, slots=True)
class Option:
    """What counts of an option here."""

    names: tuple[str, ...]
    value_name: str | None
    """None for a switch."""
    is_repeatable: bool

    @property
    def label(self) -> str:
        """How errors name it: `--model <MODEL>`."""
        name = max(self.names, key=len)
        return name if self.value_name is None else f"{name} <{self.value_name}>"


def strict_arguments(arguments: Sequence[str], options: Iterable[Option]) -> Iterator[str]:
    """The arguments with `-m=x` understood as `-m x`; those the parser does not know are left to it.

    Raises:
        ArgumentError: an option is given twice, or another option stands where its value should be.
    """
    by_name = {name: option for option in options for name in option.names}
    seen: set[str] = set()
    words = iter(arguments)
    for word in words:
        if word == "--":
            yield word
            yield from words
            return
        name, value = _parts(word)
        option = by_name.get(name)
        if option is None:
            yield word
            continue
        if option.label in seen and not option.is_repeatable:
            raise ArgumentError(f"the argument '{option.label}' cannot be used multiple times")
        seen.add(option.label)
        if option.value_name is None:
            yield word
            continue
        if value is None:
            value = next(words, None)
            if value is None or (value.startswith("-") and value != "-"):
                raise ArgumentError(f"a value is required for '{option.label}' but none was supplied")
        yield name
        yield value


def _parts(word: str) -> tuple[str, str | None]:
    """The name of an option and the value attached to it; None if there is none."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    return word[:2], word[2:].removeprefix("=") if len(word) > 2 else None
