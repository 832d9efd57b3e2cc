"""Rows are safe, never wider than the screen, and lose no text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from codex_tui.term.rows import Piece, Row, cell_width, fit_rows, make_row, plain_row

SEQUENCE = re.compile(r"\x1b\[[0-9;]*[mG]|\x1b\]8;;[^\x07\x1b]*\x1b\\")
TEXT = st.text(st.characters(codec=None), max_size=40) | st.text(
    st.sampled_from("ab \t日本\N{FAMILY}\u200d\ufe0f❤👍🏽🏳🌈e\u0301क्षिاب\x1b\x07\r\n\x9b\u202e"), max_size=30
)
STYLES = st.sampled_from(["", "1", "31", "44", "4", "38;5;200", "48;2;1;2;3", "7"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb", "a       b"),
        ("12345678\tb", "12345678        b"),
        ("日\tb", "日      b"),
        ("\x1b[2Jhome", "�[2Jhome"),
        ("a\rb\nc", "a�b�c"),
        ("\x9b31m", "�31m"),
        ("left\u202eright", "left�right"),
        ("half \ud800", "half �"),
        ("trailing   ", "trailing"),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_what_could_command_the_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert plain_row(text, 80).ansi == shown


def test_tabs_count_from_the_beginning_of_the_row() -> None:
    assert make_row([Piece("abc"), Piece("\tx", "1")], 80).ansi == "abc\x1b[1m     x\x1b[0m"


def test_blanks_at_the_end_are_cut_unless_they_show() -> None:
    assert make_row([Piece("a  "), Piece("   ", "31")], 80) == Row("a", 1)
    assert make_row([Piece("a"), Piece("  ", "44")], 80) == Row("a\x1b[44m  \x1b[0m", 3)
    assert make_row([Piece("a  ", "48;5;3")], 80).width == 3
    assert make_row([Piece("  ")], 80) == Row("", 0)


def test_a_wide_character_that_does_not_fit_is_left_out() -> None:
    assert plain_row("ab日", 3) == Row("ab", 2)
    assert plain_row("ab日", 4) == Row("ab日", 4)


def test_the_column_is_said_after_clusters_terminals_disagree_about() -> None:
    assert plain_row("x❤\ufe0fy", 80).ansi == "x❤\ufe0f\x1b[4Gy"
    assert "\x1b[" not in plain_row("日本語 text", 80).ansi


def test_links_are_encoded_and_closed() -> None:
    row = make_row([Piece("here", "4", "https://example.com/a b\x07c")], 80)
    assert row.ansi == "\x1b]8;;https://example.com/a%20b%07c\x1b\\\x1b[4mhere\x1b[0m\x1b]8;;\x1b\\"


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.tuples(TEXT, STYLES), max_size=5), cols=st.integers(1, 60))
def test_any_text_makes_a_row_that_fits_and_holds_only_our_sequences(
    pieces: list[tuple[str, str]], cols: int
) -> None:
    row = make_row([Piece(text, sgr) for text, sgr in pieces], cols)
    assert row.width <= cols
    bare = SEQUENCE.sub("", row.ansi)
    assert "\x1b" not in bare
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", bare)
    row.ansi.encode()
    if not re.search("[\u200d\ufe0f\u0900-\u097f\U0001f3fb-\U0001f3ff]", bare):
        assert cell_len(bare) == row.width
    assert row.ansi.count("\x1b[0m") == len(re.findall(r"\x1b\[[1-9][0-9;]*m", row.ansi))


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("abc 日本é"), min_size=1, max_size=80), cols=st.integers(2, 20))
def test_a_row_cut_into_several_keeps_all_its_text(text: str, cols: int) -> None:
    row = make_row([Piece(text, "1")], 1000)
    cut = list(fit_rows([row], cols))
    assert all(part.width <= cols for part in cut)
    joined = "".join(SEQUENCE.sub("", part.ansi) for part in cut)
    assert joined.replace(" ", "") == text.replace(" ", "")


@given(text=st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs"]), max_size=20))
def test_widths_are_those_of_textual(text: str) -> None:
    assert cell_width(text) == cell_len(text)
