"""The completion script for fish."""

from __future__ import annotations

from codex_cli.completion.text import filled, valued_names
from codex_core.command_line.grammar import DIRECTORY, FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.completion.places import Place
    from codex_core.command_line.grammar import Option

_SCRIPT = r"""# fish completion for codex, made by `codex completion fish`.

# The place the words before the cursor lead to.
function __fish_codex_place
    set -l place codex
    set -l pending
    for word in (commandline -opc)[2..-1]
        if set -q pending[1]
            set -e pending
            continue
        end
        switch "$place|$word"
            case '*|--'
                return
@STEPS@
            case '*|-' '*'
                if not string match -qr -- '^-.' "$word"
                    switch "$place"
@WORDS@
                    end
                end
        end
    end
    echo $place
end

function __fish_codex_at
    test (__fish_codex_place | string collect; or echo) = "$argv"
end

@COMPLETE@
"""


def script(places: Sequence[Place]) -> str:
    """The script for these places."""
    return filled(
        _SCRIPT, places, {"STEPS": (12, _steps), "WORDS": (24, _after_word), "COMPLETE": (0, _complete)}
    )


def _steps(place: Place) -> Iterator[str]:
    for name, path, _ in place.below:
        yield f"case {_quoted(f'{place.path}|{name}')}"
        yield f"    set place {_quoted(path)}"
    if names := valued_names(place):
        yield f"case {' '.join(_quoted(f'{place.path}|{name}') for name in names)}"
        yield "    set pending $word"


def _after_word(place: Place) -> Iterator[str]:
    if place.after_word is not None:
        yield f"case {_quoted(place.path)}"
        yield f"    set place {_quoted(place.after_word)}" if place.after_word else "    return"


def _complete(place: Place) -> Iterator[str]:
    condition = f"complete -c codex -n {_quoted(f'__fish_codex_at {place.path}')}"
    for name, _, text in place.below:
        yield f"{condition} -f -a {_quoted(name)} -d {_quoted(text)}"
    for word in place.words:
        yield f"{condition} -f -a {_quoted(word)}"
    for option in place.options:
        yield f"{condition} {' '.join(_flags(option))} -d {_quoted(option.help)}"


def _flags(option: Option) -> Iterator[str]:
    for name in option.names:
        yield f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
    if option.choices:
        yield f"-x -a {_quoted(' '.join(option.choices))}"
    elif option.completes == DIRECTORY:
        yield "-x -a '(__fish_complete_directories)'"
    elif option.completes == FILE:
        yield "-r -F"
    elif option.value is not None:
        yield "-x"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
