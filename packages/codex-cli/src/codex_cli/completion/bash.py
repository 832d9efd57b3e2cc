"""The completion script for bash, 3.2 and later."""

from __future__ import annotations

from codex_cli.completion.text import case_pattern, filled, quoted, valued_names
from codex_core.command_line.grammar import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.completion.places import Place

_SCRIPT = r"""# bash completion for codex, made by `codex completion bash`.

# Where a word leads, or whether it wants a value: sets _codex_path or _codex_pending.
_codex_step() {
    case "$_codex_path|$1" in
@STEPS@
        *) return 1 ;;
    esac
}

_codex() {
    local cur="${COMP_WORDS[COMP_CWORD]}" _codex_path=codex _codex_pending= words= flags= prefix= i word
    COMPREPLY=()
    for (( i = 1; i < COMP_CWORD; i++ )); do
        word="${COMP_WORDS[i]}"
        if [[ $word == = ]]; then  # --sandbox=x comes in three parts, and so does key=value
            if (( i + 1 < COMP_CWORD )); then
                _codex_pending=
                (( i++ ))
            fi
        elif [[ -n $_codex_pending ]]; then
            _codex_pending=
        elif [[ $word == -- ]]; then
            return
        elif ! _codex_step "$word" && [[ $word != -* || $word == - ]]; then
            case "$_codex_path" in
@WORDS@
            esac
        fi
    done
    if [[ $cur == = ]]; then
        cur=
    elif [[ -z $_codex_pending && $cur == --*=* ]]; then
        _codex_step "${cur%%=*}"
        prefix="${cur%%=*}="
        cur="${cur#*=}"
    fi
    if [[ -n $_codex_pending ]]; then
        case "$_codex_path|$_codex_pending" in
@VALUES@
            *) return ;;
        esac
    else
        case "$_codex_path" in
@PLACES@
        esac
        if [[ $cur == -* ]]; then
            words="$flags"
        fi
    fi
    COMPREPLY=( $(compgen -P "$prefix" -W "$words" -- "$cur") )
}

if [[ ${BASH_VERSINFO[0]} -gt 4 || ( ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ) ]]; then
    complete -F _codex -o nosort -o bashdefault -o default codex
else
    complete -F _codex -o bashdefault -o default codex
fi
"""
_DIRECTORIES = r"""local IFS=$'\n'; COMPREPLY=( $(compgen -P "$prefix" -d -- "$cur") ); return"""


def script(places: Sequence[Place]) -> str:
    """The script for these places."""
    return filled(
        _SCRIPT,
        places,
        {"STEPS": (8, _steps), "WORDS": (16, _after_word), "VALUES": (12, _values), "PLACES": (12, _offer)},
    )


def _steps(place: Place) -> Iterator[str]:
    for name, path, _ in place.below:
        yield f"{case_pattern(place, [name])}) _codex_path={quoted(path)} ;;"
    if names := valued_names(place):
        yield f"{case_pattern(place, names)}) _codex_pending=$1 ;;"


def _after_word(place: Place) -> Iterator[str]:
    if place.after_word is not None:
        then = f"_codex_path={quoted(place.after_word)}" if place.after_word else "return"
        yield f"{quoted(place.path)}) {then} ;;"


def _values(place: Place) -> Iterator[str]:
    for option in place.valued:
        if option.choices:
            yield f"{case_pattern(place, option.names)}) words={quoted(' '.join(option.choices))} ;;"
        elif option.completes == DIRECTORY:
            yield f"{case_pattern(place, option.names)}) {_DIRECTORIES} ;;"


def _offer(place: Place) -> Iterator[str]:
    words = quoted(" ".join([*(name for name, _, _ in place.below), *place.words]))
    yield f"{quoted(place.path)}) words={words}; flags={quoted(' '.join(place.flags))} ;;"
