"""Which commands only read, and so may run without a question.

A command is judged by its words alone. What is not surely harmless is not safe: an unknown program, an
option that writes a file or starts a program, a script that is more than simple commands, a file name
pattern that may turn into such an option (spec: exec-sandbox.md sections D.6 and D.7; stricter where D.6
names a gap).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from codex_core.approval.shell_syntax import read_plain_script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_core.approval.shell_syntax import ScriptWord


class Rule(StrEnum):
    """Why a command is safe or not; the first group is safe."""

    READING_PROGRAM = "reading-program"
    NO_ACTING_OPTION = "no-acting-option"
    LISTS_BRANCHES = "lists-branches"
    PRINTS_LINES = "prints-lines"
    SAFE_SCRIPT = "safe-script"
    RUNS_PROJECT_CODE = "runs-project-code"

    UNKNOWN_PROGRAM = "unknown-program"
    UNKNOWN_SUBCOMMAND = "unknown-subcommand"
    ACTING_OPTION = "acting-option"
    PATTERN_MAY_ACT = "pattern-may-act"
    UNKNOWN_FORM = "unknown-form"
    SCRIPT_NOT_PLAIN = "script-not-plain"
    SCRIPT_NOT_EXACT = "script-not-exact"
    SCRIPT_EMPTY = "script-empty"

    @property
    def is_safe(self) -> bool:
        return self in _SAFE_RULES

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return _SENTENCES[self]


_SAFE_RULES = frozenset(
    {
        Rule.READING_PROGRAM,
        Rule.NO_ACTING_OPTION,
        Rule.LISTS_BRANCHES,
        Rule.PRINTS_LINES,
        Rule.SAFE_SCRIPT,
        Rule.RUNS_PROJECT_CODE,
    }
)

_SENTENCES: Mapping[Rule, str] = {
    Rule.READING_PROGRAM: "the program only reads, whatever its arguments",
    Rule.NO_ACTING_OPTION: "no option makes the program write a file or start another program",
    Rule.LISTS_BRANCHES: "the command only lists branches",
    Rule.PRINTS_LINES: "the command only prints some lines of a file",
    Rule.SAFE_SCRIPT: "every command of the script is safe",
    Rule.RUNS_PROJECT_CODE: "compiling runs the project's own build scripts, which is safe in a sandbox only",
    Rule.UNKNOWN_PROGRAM: "the program is not one known to only read",
    Rule.UNKNOWN_SUBCOMMAND: "the subcommand is not one known to only read",
    Rule.ACTING_OPTION: "an option can write a file or start a program",
    Rule.PATTERN_MAY_ACT: "a file name pattern may turn into an option that writes or starts a program",
    Rule.UNKNOWN_FORM: "the program only reads in a form other than this",
    Rule.SCRIPT_NOT_PLAIN: "the script is more than simple commands joined by operators, or cannot be read",
    Rule.SCRIPT_NOT_EXACT: "the shell may cut the script into other words than it seems",
    Rule.SCRIPT_EMPTY: "the script holds no command",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a command, and by which rule."""

    rule: Rule
    word: str | None = None
    """The word that decided, when it was one."""

    @property
    def is_safe(self) -> bool:
        return self.rule.is_safe


def is_known_safe(argv: Sequence[str]) -> bool:
    """Whether `argv` may run without a question, at least inside a sandbox.

    `judge` says which rule that is; `Rule.RUNS_PROJECT_CODE` alone needs the sandbox.
    """
    return judge(argv).is_safe


def judge(argv: Sequence[str]) -> Verdict:
    """The verdict on a command; on a `bash -lc` script that of its first command that is not safe."""
    match argv:
        case ["bash", "-lc", script]:
            return _judge_script(script)
        case _:
            return _judge_words(argv)


def judge_commands(script: str) -> list[tuple[list[str], Verdict]] | None:
    """Each command of a plain script with the verdict on it; None when the script is not plain."""
    plain = read_plain_script(script)
    if plain is None:
        return None
    return [([word.text for word in command], _judge_script_command(command)) for command in plain.commands]


def _judge_script(script: str) -> Verdict:
    plain = read_plain_script(script)
    if plain is None:
        return Verdict(Rule.SCRIPT_NOT_PLAIN)
    if not plain.commands:
        return Verdict(Rule.SCRIPT_EMPTY)
    verdicts = [_judge_script_command(command) for command in plain.commands]
    for verdict in verdicts:
        if not verdict.is_safe:
            return verdict
    if not plain.is_exact:
        return Verdict(Rule.SCRIPT_NOT_EXACT)
    runs_code = [verdict for verdict in verdicts if verdict.rule is Rule.RUNS_PROJECT_CODE]
    return runs_code[0] if runs_code else Verdict(Rule.SAFE_SCRIPT)


def _judge_script_command(words: Sequence[ScriptWord]) -> Verdict:
    """The verdict on one command of a script: on its words as written, as unquoted and as expanded by bash.

    As written because `\\-delete` is what the list of safe forms was drawn up for; as unquoted because
    `-delete` is what the program gets.
    """
    verdict = _judge_words([word.text for word in words])
    if verdict.is_safe:
        verdict = _judge_words([word.value for word in words])
    if verdict.is_safe and verdict.rule is not Rule.READING_PROGRAM:
        may_act = _file_name_may_act if words[0].value == "find" else _file_name_may_be_option
        for word in words[: _operands_at(words)]:
            if word.pattern_ends is not None and may_act(*word.pattern_ends):
                return Verdict(Rule.PATTERN_MAY_ACT, word.text)
    return verdict


def _file_name_may_act(start: str, end: str) -> bool:
    return any(option.startswith(start) and option.endswith(end) for option in _FIND_ACTING)


def _file_name_may_be_option(start: str, _end: str) -> bool:
    return not start or start.startswith("-")


def _operands_at(words: Sequence[ScriptWord]) -> int:
    """Where `--` surely ends the options: not after a word that may be an option with `--` for a value."""
    if words[0].value == "find":
        return len(words)  # knows no `--`
    for at, (before, word) in enumerate(pairwise(words), start=1):
        if word.value == "--" and not before.value.startswith("-") and before.pattern_ends is None:
            return at
    return len(words)


def _judge_words(words: Sequence[str]) -> Verdict:
    if not words:
        return Verdict(Rule.UNKNOWN_PROGRAM)
    rules = _PROGRAMS.get(words[0])
    if rules is None:
        return Verdict(Rule.UNKNOWN_PROGRAM, words[0])
    return rules(words[1:])


def _reads(_arguments: Sequence[str]) -> Verdict:
    return Verdict(Rule.READING_PROGRAM)


_FIND_ACTING = frozenset(
    {"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0", "-fprintf"}
)


def _find(arguments: Sequence[str]) -> Verdict:
    for word in arguments:
        if word in _FIND_ACTING:
            return Verdict(Rule.ACTING_OPTION, word)
    return Verdict(Rule.NO_ACTING_OPTION)


_RG_ACTING = frozenset({"--pre", "--hostname-bin", "--search-zip"})
_RG_VALUE_LETTERS = frozenset("ABCEMTdefgjmrt")


def _rg(arguments: Sequence[str]) -> Verdict:
    for word in arguments:
        if word.partition("=")[0] in _RG_ACTING or "z" in _bundled_letters(word):
            return Verdict(Rule.ACTING_OPTION, word)
    return Verdict(Rule.NO_ACTING_OPTION)


def _bundled_letters(word: str) -> str:
    """The one-letter options in a word such as `-nz`, without the value of the last one."""
    if not word.startswith("-") or word.startswith("--"):
        return ""
    for at, letter in enumerate(word):
        if letter in _RG_VALUE_LETTERS:
            return word[1:at]
    return word[1:]


_GIT_ACTING = ("--output", "--ext-diff", "--textconv")
_GIT_HARMLESS = frozenset({"--", "--text"})  # would pass for a short form of one of the above


def _git(arguments: Sequence[str]) -> Verdict:
    match arguments:
        case ["branch", *rest]:
            return _git_branch(rest)
        case ["status" | "log" | "diff" | "show", *rest]:
            for word in rest:
                if _is_git_acting(word):
                    return Verdict(Rule.ACTING_OPTION, word)
            return Verdict(Rule.NO_ACTING_OPTION)
        case [subcommand, *_]:
            return Verdict(Rule.UNKNOWN_SUBCOMMAND, subcommand)
        case _:
            return Verdict(Rule.UNKNOWN_SUBCOMMAND)


def _is_git_acting(word: str) -> bool:
    # git takes any unambiguous beginning of an option for the option.
    name = word.partition("=")[0]
    return (
        name.startswith("--") and name not in _GIT_HARMLESS and any(o.startswith(name) for o in _GIT_ACTING)
    )


_BRANCH_FLAGS = frozenset(
    {
        "-a", "--all", "-r", "--remotes", "-v", "-vv", "--verbose", "-q", "--quiet", "-l", "--list", "-i",
        "--ignore-case", "--show-current", "--color", "--no-color", "--column", "--no-column", "--abbrev",
        "--no-abbrev", "--omit-empty",
    }
)  # fmt: skip
_BRANCH_VALUES = frozenset(
    {"--contains", "--no-contains", "--merged", "--no-merged", "--points-at", "--format", "--sort"}
)
_BRANCH_JOINED_VALUES = _BRANCH_VALUES | {"--abbrev", "--color", "--column"}


def _git_branch(arguments: Sequence[str]) -> Verdict:
    """`git branch` in its listing forms. A bare name makes a branch, unless `--list` makes it a pattern."""
    names_are_patterns = "--list" in arguments
    wants_value = False
    for word in arguments:
        if word.startswith("-"):
            name, joined, _ = word.partition("=")
            known = _BRANCH_JOINED_VALUES if joined else _BRANCH_FLAGS | _BRANCH_VALUES
            # Where a value is wanted git takes even `--list` for it, and the names after it make branches.
            if wants_value or name not in known:
                return Verdict(Rule.UNKNOWN_FORM, word)
        elif not (wants_value or names_are_patterns):
            return Verdict(Rule.UNKNOWN_FORM, word)
        wants_value = word in _BRANCH_VALUES
    return Verdict(Rule.LISTS_BRANCHES)


def _cargo(arguments: Sequence[str]) -> Verdict:
    match arguments:
        case ["check", *_]:
            return Verdict(Rule.RUNS_PROJECT_CODE)
        case [subcommand, *_]:
            return Verdict(Rule.UNKNOWN_SUBCOMMAND, subcommand)
        case _:
            return Verdict(Rule.UNKNOWN_SUBCOMMAND)


_SED_PRINT = re.compile(r"[0-9]+(?:,[0-9]+)?p")


def is_line_range(word: str) -> bool:
    """Whether `word` is the sed script that prints one line or a range of lines: `5p` or `5,9p`."""
    return _SED_PRINT.fullmatch(word) is not None


def _sed(arguments: Sequence[str]) -> Verdict:
    match arguments:
        # A last word such as `-i` or `-fSCRIPT` is an option to sed, wherever it stands.
        case ["-n", lines, file] if (
            is_line_range(lines) and file and (file == "-" or not file.startswith("-"))
        ):
            return Verdict(Rule.PRINTS_LINES)
        case _:
            return Verdict(Rule.UNKNOWN_FORM)


_PROGRAMS: Mapping[str, Callable[[Sequence[str]], Verdict]] = {
    **dict.fromkeys(
        ("cat", "cd", "echo", "false", "grep", "head", "ls", "nl", "pwd", "tail", "true", "wc", "which"),
        _reads,
    ),
    "find": _find,
    "rg": _rg,
    "git": _git,
    "cargo": _cargo,
    "sed": _sed,
}
