"""The completion script for zsh."""

from __future__ import annotations

from codex_cli.completion.text import case_pattern, filled, quoted, valued_names
from codex_core.command_line.grammar import DIRECTORY, FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.completion.places import Place
    from codex_core.command_line.grammar import Option

_SCRIPT = r"""#compdef codex
# zsh completion for codex, made by `codex completion zsh`.

# Where a word leads, or whether it wants a value: sets codex_path or codex_pending.
_codex_step() {
    case "$codex_path|$1" in
@STEPS@
        (*) return 1 ;;
    esac
}

_codex() {
    local codex_path=codex codex_pending= word
    local -a names options
    local -i i
    for (( i = 2; i < CURRENT; i++ )); do
        word="${words[i]}"
        if [[ -n "$codex_pending" ]]; then
            codex_pending=
        elif [[ "$word" == -- ]]; then
            _files
            return
        elif ! _codex_step "$word" && [[ "$word" != -* || "$word" == - ]]; then
            case "$codex_path" in
@WORDS@
            esac
        fi
    done
    if [[ -z "$codex_pending" && "${words[CURRENT]}" == --*=* ]]; then
        _codex_step "${words[CURRENT]%%=*}"
        compset -P '*='
    fi
    if [[ -n "$codex_pending" ]]; then
        case "$codex_path|$codex_pending" in
@VALUES@
            (*) _message value ;;
        esac
        return
    fi
    case "$codex_path" in
@PLACES@
    esac
    if [[ "${words[CURRENT]}" == -* ]]; then
        _describe -o -t options option options
    elif (( $#names )); then
        _describe -t commands command names || _files
    else
        _files
    fi
}

if [[ "$funcstack[1]" == _codex ]]; then
    _codex "$@"
else
    compdef _codex codex
fi
"""


def script(places: Sequence[Place]) -> str:
    """The script for these places."""
    return filled(
        _SCRIPT,
        places,
        {"STEPS": (8, _steps), "WORDS": (16, _after_word), "VALUES": (12, _values), "PLACES": (8, _offer)},
    )


def _steps(place: Place) -> Iterator[str]:
    for name, path, _ in place.below:
        yield f"({case_pattern(place, [name])}) codex_path={quoted(path)} ;;"
    if names := valued_names(place):
        yield f"({case_pattern(place, names)}) codex_pending=$1 ;;"


def _after_word(place: Place) -> Iterator[str]:
    if place.after_word is not None:
        then = f"codex_path={quoted(place.after_word)}" if place.after_word else "_files; return"
        yield f"({quoted(place.path)}) {then} ;;"


def _values(place: Place) -> Iterator[str]:
    for option in place.valued:
        if (action := _action(option)) is not None:
            yield f"({case_pattern(place, option.names)}) {action} ;;"


def _action(option: Option) -> str | None:
    if option.choices:
        return f"compadd -- {' '.join(map(quoted, option.choices))}"
    return {FILE: "_files", DIRECTORY: "_files -/"}.get(option.completes)


def _offer(place: Place) -> Iterator[str]:
    yield f"({quoted(place.path)})"
    yield "    names=("
    for name, _, text in place.below:
        yield f"        {_described(name, text)}"
    for word in place.words:
        yield f"        {quoted(word)}"
    yield "    )"
    yield "    options=("
    for option in place.options:
        for name in option.names:
            yield f"        {_described(name, option.help)}"
    yield "    ) ;;"


def _described(name: str, text: str) -> str:
    return quoted(f"{name}:{text}".replace("\\", "\\\\")) if ":" not in name else quoted(name)
