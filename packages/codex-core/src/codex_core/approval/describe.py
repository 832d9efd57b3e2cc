"""What a command does, in the few kinds a person is shown: reads a file, lists files, searches, or other.

For display only; nothing is decided on it. Clients see the result as `parsed_cmd`
(spec: exec-sandbox.md section D.8).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

from codex_core.approval.known_safe import is_line_range
from codex_core.approval.shell_syntax import plain_commands
from codex_core.approval.words import shlex_join, shlex_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codex_protocol.parsed_command import ParsedCommand

_CONNECTORS = frozenset({"&&", "||", "|", ";"})
_ANSWERS = frozenset({"yes", "y", "no", "n"})

_FORMATTERS = frozenset({"wc", "tr", "cut", "sort", "uniq", "xargs", "tee", "column", "awk", "yes", "printf"})
_GENERIC_DIRECTORIES = frozenset({"build", "dist", "node_modules", "src"})

_LS_VALUE_FLAGS = frozenset(
    {"-I", "-w", "--block-size", "--format", "--time-style", "--color", "--quoting-style"}
)
_FD_VALUE_FLAGS = frozenset({"-t", "--type", "-e", "--extension", "-E", "--exclude", "--search-path"})
_NL_VALUE_FLAGS = frozenset({"-s", "-w", "-v", "-i", "-b"})
_FIND_QUERY_FLAGS = frozenset({"-name", "-iname", "-path", "-regex"})
_FIND_OPERATORS = frozenset({"!", "(", ")"})


class _Kind(Enum):
    READ = auto()
    LIST = auto()
    SEARCH = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class _Summary:
    """One command in short. `name` belongs to READ, `path` to LIST and SEARCH, `query` to SEARCH."""

    kind: _Kind
    cmd: str
    name: str = ""
    query: str | None = None
    path: str | None = None


def parse_command(argv: Sequence[str]) -> list[ParsedCommand]:
    """What the commands in `argv` do, in the order they run; what is not understood is `unknown`.

    A `bash -lc` script is looked into when it is plain; formatting helpers, a leading `echo`, `cd` and equal
    neighbours are left out. May be empty, for instance for `true; true`.
    """
    match argv:
        case ["bash", "-lc", script]:
            summaries = _script_summaries(script)
        case _:
            summaries = _argv_summaries(argv)
    distinct = [summary for at, summary in enumerate(summaries) if at == 0 or summary != summaries[at - 1]]
    return [_to_wire(summary) for summary in distinct]


def _to_wire(summary: _Summary) -> ParsedCommand:
    from codex_protocol.parsed_command import ListFilesCommand, ReadCommand, SearchCommand, UnknownCommand

    match summary.kind:
        case _Kind.READ:
            return ReadCommand(cmd=summary.cmd, name=summary.name)
        case _Kind.LIST:
            return ListFilesCommand(cmd=summary.cmd, path=summary.path)
        case _Kind.SEARCH:
            return SearchCommand(cmd=summary.cmd, query=summary.query, path=summary.path)
        case _Kind.UNKNOWN:
            return UnknownCommand(cmd=summary.cmd)


def _script_summaries(script: str) -> list[_Summary]:
    whole = [_Summary(_Kind.UNKNOWN, script)]
    commands = plain_commands(script)
    if not commands:
        return whole
    telling = [words for words in commands if not _is_formatting(words)]
    if not telling:
        return whole
    summaries = [_summarise(words) for words in telling]
    if len(summaries) > 1:
        summaries = _simplified([summary for summary in summaries if _filler(summary) is not _Filler.TRUE])
    if len(summaries) == 1:
        return [_with_script(summaries[0], script, has_connectors=len(commands) > 1)]
    return summaries


def _with_script(summary: _Summary, script: str, *, has_connectors: bool) -> _Summary:
    """The only command left of a script, with as much of the script as belongs in its text."""
    if summary.kind is _Kind.UNKNOWN:
        return summary
    words = shlex_split(script)
    if words is None:
        return summary
    if not has_connectors and _CONNECTORS.isdisjoint(words):
        return replace(summary, cmd=shlex_join(words))
    prints_range = ("sed", "-n") in pairwise(words)
    if summary.kind is _Kind.READ and "|" in words and prints_range:
        return replace(summary, cmd=script)
    return summary


def _argv_summaries(argv: Sequence[str]) -> list[_Summary]:
    words: Sequence[str] = argv
    match argv:
        case [answer, "|", *rest] if answer in _ANSWERS:
            words = rest
        case ["bash", "-c", script]:
            split = shlex_split(script)
            words = argv if split is None else split
        case _:
            pass
    if _CONNECTORS.isdisjoint(words):
        return [_summarise(words)]
    return _simplified([_summarise(part) for part in _split_at_connectors(words)])


def _split_at_connectors(words: Iterable[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word in _CONNECTORS:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _is_formatting(words: Sequence[str]) -> bool:
    """Whether the command only shapes the output of others."""
    match words:
        case [program, *_] if program in _FORMATTERS:
            return True
        case ["head" | "tail", *arguments]:
            return len(arguments) < 2
        case ["sed", "-n", lines, _, *_] if is_line_range(lines):
            return False
        case ["sed", *_]:
            return True
        case _:
            return False


class _Filler(Enum):
    """What a command may be that tells nothing beside others."""

    ECHO = auto()
    CD = auto()
    TRUE = auto()
    NL = auto()


def _simplified(summaries: Sequence[_Summary]) -> list[_Summary]:
    """`summaries` without what only prepares or decorates, as long as something is left.

    One goes at a time, the first that fits of: a leading echo, a cd that is not last, a true, an nl without a
    file.
    """
    left = OrderedDict(enumerate(summaries))
    places: dict[_Filler | None, deque[int]] = {kind: deque() for kind in (*_Filler, None)}
    for at, summary in enumerate(summaries):
        places[_filler(summary)].append(at)
    echoes, changes, trues, numbering = (places[kind] for kind in _Filler)
    while len(left) > 1:
        if echoes and echoes[0] == next(iter(left)):
            del left[echoes.popleft()]
        elif changes and changes[0] != next(reversed(left)):
            del left[changes.popleft()]
        elif trues:
            del left[trues.popleft()]
        elif numbering:
            del left[numbering.popleft()]
        else:
            break
    return list(left.values())


def _filler(summary: _Summary) -> _Filler | None:
    if summary.kind is not _Kind.UNKNOWN:
        return None
    match shlex_split(summary.cmd):
        case ["echo", *_]:
            return _Filler.ECHO
        case ["cd", *_]:
            return _Filler.CD
        case ["true"]:
            return _Filler.TRUE
        case ["nl", *flags] if all(flag.startswith("-") for flag in flags):
            return _Filler.NL
        case _:
            return None


def _summarise(words: Sequence[str]) -> _Summary:
    cmd = shlex_join(words)
    summarise = _PROGRAMS.get(words[0]) if words else None
    return _Summary(_Kind.UNKNOWN, cmd) if summarise is None else summarise(cmd, words[1:])


def _ls(cmd: str, arguments: Sequence[str]) -> _Summary:
    path = _first(_operands(arguments, _LS_VALUE_FLAGS))
    return _Summary(_Kind.LIST, cmd, path=_display_path(path))


def _rg(cmd: str, arguments: Sequence[str]) -> _Summary:
    arguments = _up_to_connector(arguments)
    if "--files" in arguments:
        return _Summary(_Kind.SEARCH, cmd, path=_display_path(_first(_not_flags(arguments))))
    return _grep(cmd, arguments)


def _grep(cmd: str, arguments: Sequence[str]) -> _Summary:
    operands = _not_flags(_up_to_connector(arguments))
    return _Summary(_Kind.SEARCH, cmd, query=_first(operands), path=_display_path(_first(operands[1:])))


def _fd(cmd: str, arguments: Sequence[str]) -> _Summary:
    match _operands(_up_to_connector(arguments), _FD_VALUE_FLAGS):
        case []:
            return _Summary(_Kind.SEARCH, cmd)
        case [path] if _looks_like_path(path):
            return _Summary(_Kind.SEARCH, cmd, path=_display_path(path))
        case operands:
            where = _display_path(_first(operands[1:]))
            return _Summary(_Kind.SEARCH, cmd, query=operands[0], path=where)


def _find(cmd: str, arguments: Sequence[str]) -> _Summary:
    arguments = _up_to_connector(arguments)
    path = _first([word for word in _not_flags(arguments) if word not in _FIND_OPERATORS])
    query = next(
        (_first(arguments[at + 1 :]) for at, word in enumerate(arguments) if word in _FIND_QUERY_FLAGS), None
    )
    return _Summary(_Kind.SEARCH, cmd, query=query, path=_display_path(path))


def _cat(cmd: str, arguments: Sequence[str]) -> _Summary:
    match arguments:
        case ["--", file]:
            return _read(cmd, file)
        case [file] if file != "--":
            return _read(cmd, file)
        case _:
            return _Summary(_Kind.UNKNOWN, cmd)


def _head(cmd: str, arguments: Sequence[str]) -> _Summary:
    return _read_lines(cmd, arguments, lambda count: not count or _is_digits(count))


def _tail(cmd: str, arguments: Sequence[str]) -> _Summary:
    return _read_lines(cmd, arguments, lambda count: _is_digits(count.removeprefix("+")))


def _read_lines(cmd: str, arguments: Sequence[str], is_count: Callable[[str], bool]) -> _Summary:
    """`-n COUNT FILE` or `-nCOUNT FILE`."""
    match arguments:
        case ["-n", count, *rest] if is_count(count):
            return _read(cmd, _first(_not_flags(rest)))
        case [flag, *rest] if flag.startswith("-n") and flag != "-n" and is_count(flag[2:]):
            return _read(cmd, _first(_not_flags(rest)))
        case _:
            return _Summary(_Kind.UNKNOWN, cmd)


def _nl(cmd: str, arguments: Sequence[str]) -> _Summary:
    return _read(cmd, _first(_operands(arguments, _NL_VALUE_FLAGS)))


def _sed(cmd: str, arguments: Sequence[str]) -> _Summary:
    match arguments:
        case ["-n", lines, file, *_] if is_line_range(lines):
            return _read(cmd, file)
        case _:
            return _Summary(_Kind.UNKNOWN, cmd)


def _read(cmd: str, file: str | None) -> _Summary:
    name = _display_path(file)
    return _Summary(_Kind.UNKNOWN, cmd) if name is None else _Summary(_Kind.READ, cmd, name=name)


_PROGRAMS: Mapping[str, Callable[[str, Sequence[str]], _Summary]] = {
    "ls": _ls,
    "rg": _rg,
    "grep": _grep,
    "fd": _fd,
    "find": _find,
    "cat": _cat,
    "head": _head,
    "tail": _tail,
    "nl": _nl,
    "sed": _sed,
}


def _first(words: Sequence[str]) -> str | None:
    return words[0] if words else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _not_flags(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _operands(arguments: Sequence[str], value_flags: frozenset[str]) -> list[str]:
    """The words that are neither flags nor values of `value_flags`; `--` protects values, not flags."""
    operands: list[str] = []
    skip_value = False
    for at, word in enumerate(arguments):
        if skip_value:
            skip_value = False
        elif word == "--":
            operands.extend(arguments[at + 1 :])
            break
        elif word in value_flags:
            skip_value = True
        else:
            operands.append(word)
    return _not_flags(operands)


def _up_to_connector(arguments: Sequence[str]) -> list[str]:
    end = next((at for at, word in enumerate(arguments) if word in _CONNECTORS), len(arguments))
    return list(arguments[:end])


def _looks_like_path(word: str) -> bool:
    return word in {".", ".."} or word.startswith(("./", "../")) or "/" in word or "\\" in word


def _display_path(path: str | None) -> str | None:
    """The part of `path` a person knows the place by: its last component that is not a generic directory."""
    if path is None:
        return None
    trimmed = path.replace("\\", "/").rstrip("/")
    for component in reversed(trimmed.split("/")):
        if component and component not in _GENERIC_DIRECTORIES:
            return component
    return trimmed
