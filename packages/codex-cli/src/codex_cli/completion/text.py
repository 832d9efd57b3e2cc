"""Pieces of scripts that several shells have in common."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codex_cli.completion.places import Place

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")


def filled(
    template: str, places: Sequence[Place], parts: Mapping[str, tuple[int, Callable[[Place], Iterable[str]]]]
) -> str:
    """The template with each `@NAME@` replaced by the lines its part gives for all places, indented."""
    for name, (indent, part) in parts.items():
        lines = [f"{'':<{indent}}{line}" for place in places for line in part(place)]
        template = template.replace(f"@{name}@", "\n".join(lines))
    return template


def case_pattern(place: Place, names: Iterable[str]) -> str:
    """What matches one of these words at this place, in a `case` of a POSIX shell."""
    return "|".join(quoted(f"{place.path}|{name}") for name in names)


def valued_names(place: Place) -> list[str]:
    """The names of all options that want a value."""
    return [name for option in place.valued for name in option.names]


def quoted(text: str) -> str:
    """A literal in a POSIX shell; importing `shlex` for it costs more than making a script."""
    if text and _BARE.issuperset(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def doubled_quotes(text: str) -> str:
    """A literal in the shells where a quote is escaped by another one."""
    return "'" + text.replace("'", "''") + "'"
