"""What a bash script says, as far as it can be understood without running it.

`parse_script` gives the syntax tree; `plain_commands` gives the words of a script that is nothing but simple
commands joined by operators, and refuses everything else. `read_plain_script` gives the same with what bash
will make of each word, for those who must rely on it (spec: exec-sandbox.md section D.7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node

_PLAIN_NODES = frozenset(
    {
        "program", "list", "pipeline", "command", "command_name",
        "word", "number", "string", "string_content", "raw_string",
    }
)  # fmt: skip
_OPERATORS = frozenset({"&&", "||", ";", "|"})
_QUOTES = frozenset({'"', "'"})

# What both bash and the grammar take for nothing. The grammar takes more: a lone carriage return, which to
# bash is a letter like any other, or a newline before backslash and newline, which to bash ends a command.
_BLANKS_IN_COMMAND = re.compile(rb"(?:[ \t]|\\\n)*")
_BLANKS_BETWEEN_COMMANDS = re.compile(rb"(?:[ \t\n]|\r\n|\\\n)*")

# What both take for one word of each kind, leaving braces aside.
_BARE_WORD = re.compile(rb"""(?!#)(?:\\.|[^\s\\;&|()<>"'`$])+""", re.DOTALL)
_SINGLE_QUOTED = re.compile(rb"'[^']*'")
_DOUBLE_QUOTED = re.compile(rb'"(?:\\.|[^\\"`$])*"', re.DOTALL)

_BARE_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DOUBLE_QUOTE_ESCAPE = re.compile(r'\\([$`"\\\n])')
_BARE_LETTER = re.compile(r"\\.|.", re.DOTALL)
_PATTERN_LETTERS = "*?["


class Quoting(StrEnum):
    BARE = "bare"
    SINGLE = "single"
    DOUBLE = "double"


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """One word of a command: its source text without the quotes, backslashes kept."""

    text: str
    quoting: Quoting = Quoting.BARE

    @property
    def value(self) -> str:
        """The word as bash passes it on, when no file name matches a pattern in it."""
        match self.quoting:
            case Quoting.SINGLE:
                return self.text
            case Quoting.DOUBLE:
                return _DOUBLE_QUOTE_ESCAPE.sub(_drop_escape, self.text)
            case Quoting.BARE:
                return _BARE_ESCAPE.sub(_drop_escape, self.text)

    @property
    def pattern_ends(self) -> tuple[str, str] | None:
        """What stands before the first and after the last unquoted `*`, `?` or `[`; None without one.

        Whatever file names bash puts in the place of this word begin and end like that.
        """
        if self.quoting is not Quoting.BARE:
            return None
        letters: list[str] = _BARE_LETTER.findall(self.text)
        wild = [at for at, letter in enumerate(letters) if letter in _PATTERN_LETTERS]
        if not wild:
            return None
        before, after = "".join(letters[: wild[0]]), "".join(letters[wild[-1] + 1 :])
        return ScriptWord(before).value, ScriptWord(after).value


def _drop_escape(escape: re.Match[str]) -> str:
    return "" if escape[1] == "\n" else escape[1]


@dataclass(frozen=True, slots=True)
class PlainScript:
    """A script of simple commands, in the order they are written."""

    commands: tuple[tuple[ScriptWord, ...], ...]
    is_exact: bool
    """Whether bash surely cuts the text into these words. False when the grammar took something for blank
    that bash takes for part of a word, or the other way round."""


@cache
def _bash() -> Language | None:
    """The bash grammar; None where it is not installed or does not fit the installed tree-sitter."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    # The package's __init__ imports importlib.resources for something we do not use: 12 ms of the 15 ms that
    # reading a first script would cost. So the extension module inside it is loaded by itself.
    package = PathFinder.find_spec("tree_sitter_bash")
    if package is None:
        return None
    spec = PathFinder.find_spec("tree_sitter_bash._binding", package.submodule_search_locations)
    if spec is None or spec.loader is None:
        return None
    try:
        binding = module_from_spec(spec)
        spec.loader.exec_module(binding)

        from tree_sitter import Language

        return Language(binding.language())
    except (ImportError, AttributeError, TypeError, ValueError):
        return None


def parse_script(script: str) -> Node | None:
    """The root node of `script`'s syntax tree, which may hold errors (`node.has_error`).

    None when the parser is not installed or could not run on this text; a caller then knows nothing about
    the script. Node positions count bytes of the UTF-8 form.
    """
    language = _bash()
    if language is None:
        return None
    try:
        source = script.encode()
    except UnicodeEncodeError:
        return None
    from tree_sitter import Parser

    try:
        return Parser(language).parse(source).root_node
    except ValueError:
        return None


def plain_commands(script: str) -> list[list[str]] | None:
    """The commands of a plain script in source order, each a list of words; None for any other script.

    Backslashes stay in the words. An empty list for a script of blanks.
    """
    plain = read_plain_script(script)
    return None if plain is None else [[word.text for word in command] for command in plain.commands]


@lru_cache(maxsize=16)
def read_plain_script(script: str) -> PlainScript | None:
    """What `plain_commands` finds, with the quoting of each word; None when the script is not plain."""
    root = parse_script(script)
    if root is None or root.has_error:
        return None
    commands: list[tuple[ScriptWord, ...]] = []
    tokens: list[Node] = []
    for node in _walk(root):
        if node.is_named:
            if node.type not in _PLAIN_NODES:
                return None
        elif not (node.type in _OPERATORS or node.type in _QUOTES or node.type.isspace()):
            return None
        if node.type == "command":
            words = _command_words(node)
            if words is None:
                return None
            commands.append(words)
            tokens.extend(node.children)
        elif node.type in _OPERATORS:
            tokens.append(node)
    return PlainScript(commands=tuple(commands), is_exact=_is_exact(script.encode(), tokens))


def _walk(root: Node) -> Iterator[Node]:
    """Every node, parents before children, in source order. Without recursion: scripts nest deeply."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _command_words(command: Node) -> tuple[ScriptWord, ...] | None:
    words: list[ScriptWord] = []
    for child in command.children:
        word = _program_name(child) if child.type == "command_name" else _argument(child)
        if word is None:
            return None
        words.append(word)
    return tuple(words)


def _program_name(node: Node) -> ScriptWord | None:
    children = node.children
    if len(children) != 1 or children[0].type != "word":
        return None
    return ScriptWord(_text(children[0]))


def _argument(node: Node) -> ScriptWord | None:
    match node.type:
        case "word" | "number":
            return ScriptWord(_text(node))
        case "raw_string":
            return ScriptWord(_text(node)[1:-1], Quoting.SINGLE)
        case "string":
            if [child.type for child in node.children] != ['"', "string_content", '"']:
                return None
            return ScriptWord(_text(node.children[1]), Quoting.DOUBLE)
        case _:
            return None


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _is_exact(source: bytes, tokens: list[Node]) -> bool:
    """Whether bash finds the same `tokens` (words and operators in source order) and only blanks between."""
    end = 0
    after_word = False
    for token in tokens:
        gap = source[end : token.start_byte]
        text = source[token.start_byte : token.end_byte]
        is_word = token.is_named
        starts_command = token.type == "command_name"
        blanks = _BLANKS_BETWEEN_COMMANDS if starts_command else _BLANKS_IN_COMMAND
        if blanks.fullmatch(gap) is None or (is_word and not _is_exact_word(token, text)):
            return False
        if is_word and after_word:
            separator = gap.replace(b"\\\n", b"")
            if not separator or (starts_command and b"\n" not in separator):
                return False  # bash takes the two words, or the two commands, for one
        end = token.end_byte
        after_word = is_word
    return _BLANKS_BETWEEN_COMMANDS.fullmatch(source[end:] + b"\n") is not None


def _is_exact_word(token: Node, source: bytes) -> bool:
    match token.type:
        case "raw_string":
            return _SINGLE_QUOTED.fullmatch(source) is not None
        case "string":
            # The grammar may leave out blanks beside the quotes.
            is_whole = source == b'"%b"' % (token.children[1].text or b"")
            return is_whole and _DOUBLE_QUOTED.fullmatch(source) is not None
        case _:
            expands_braces = b"{" in source and b"}" in source and source != b"{}"
            return _BARE_WORD.fullmatch(source) is not None and not expands_braces
