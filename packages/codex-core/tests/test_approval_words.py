"""Splitting and joining words of a shell line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.approval.words import NUL_TEXT, shlex_join, shlex_split

TRICKY = st.text(alphabet="ab \t\n\r'\"\\$`!^#=|;é*", max_size=20)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  \t\n", []),
        ("a  b\tc\nd", ["a", "b", "c", "d"]),
        ("a\rb", ["a\rb"]),
        ("a # rest\nb", ["a", "b"]),
        ("# only", []),
        ("a#b", ["a#b"]),
        ("''", [""]),
        ("a''b", ["ab"]),
        ("'a b'\"c d\"e", ["a bc de"]),
        (r"a\ b", ["a b"]),
        ("a\\\nb", ["ab"]),
        ("a \\\n b", ["a", "", "b"]),
        (r'"a\$b\`c\"d\\e"', ['a$b`c"d\\e']),
        (r'"a\nb"', [r"a\nb"]),
        ('"a\\\nb"', ["ab"]),
        (r"'a\'", ["a\\"]),
    ],
)
def test_a_line_is_split_by_posix_quoting(line: str, words: list[str]) -> None:
    assert shlex_split(line) == words


@pytest.mark.parametrize("line", ["'a", '"a', "a\\", '"a\\', "a 'b' \"", "# x\n'"])
def test_an_unfinished_line_has_no_words(line: str) -> None:
    assert shlex_split(line) is None


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("", "''"),
        ("aZ0+-./:@]_", "aZ0+-./:@]_"),
        ("a=b", "'a=b'"),
        ("é", "'é'"),
        ("a\\b", '"a\\\\b"'),
        ("it's", '"it\'s"'),
        ("a^b", "a'^b'"),
        ("^^a", "'^''^a'"),
        ("^'", "'^'\"'\""),
        ("a'b$c", "\"a'b\"'$c'"),
        ("'\\$`!^x", "\"'\\\\\"'$`!''^x'"),
        ("\n\r\t", "'\n\r\t'"),
    ],
)
def test_a_word_is_quoted_in_the_longest_pieces(word: str, quoted: str) -> None:
    assert shlex_join(["echo", word]) == f"echo {quoted}"


def test_a_word_with_nul_cannot_be_written() -> None:
    assert shlex_join(["a", "b\0"]) == NUL_TEXT


@given(st.lists(TRICKY | st.text(st.characters(exclude_characters="\0"))))
def test_splitting_undoes_joining(words: list[str]) -> None:
    assert shlex_split(shlex_join(words)) == words


@given(TRICKY | st.text())
def test_splitting_never_raises_and_joining_its_words_keeps_them(line: str) -> None:
    words = shlex_split(line)
    if words is not None and "\0" not in line:
        assert shlex_split(shlex_join(words)) == words
