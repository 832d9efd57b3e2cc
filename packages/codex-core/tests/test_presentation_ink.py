"""Colours of a program's output: the letters' are kept, nothing else gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.presentation.ink import inked_rows, raw_rows
from codex_core.presentation.safe_text import safe_text
from codex_core.presentation.spans import Style, plain_text

NOISE = st.lists(
    st.sampled_from(
        [
            "\x1b[",
            "\x1b]",
            "\x1b[31m",
            "\x1b[0m",
            "38;5;9m",
            "m",
            "0",
            ";",
            "a",
            "ü",
            "\r",
            "\n",
            "\x07",
            "\x9b",
            "\t",
        ]
    ),
    max_size=30,
).map("".join)


def inks(text: str) -> list[list[tuple[str, str]]]:
    return [[(span.text, span.ink) for span in row] for row in inked_rows(raw_rows(text), Style.DIM)]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("plain", [[("plain", "")]]),
        ("\x1b[31mred\x1b[0m not", [[("red", "31"), (" not", "")]]),
        ("\x1b[1;32mok\nstill\x1b[m", [[("ok", "1;32")], [("still", "1;32")]]),
        ("\x1b[38;5;200mx\x1b[38;2;1;2;3my", [[("x", "38;5;200"), ("y", "38;5;200;38;2;1;2;3")]]),
        ("\x1b[8mhidden\x1b[7;5;41mx", [[("hidden", ""), ("x", "")]]),
        ("\x1b[48;5;1mx", [[("x", "")]]),
        ("\x1b[38;5;999mx\x1b[38mx\x1b[38;2;1mx", [[("x", ""), ("x", ""), ("x", "")]]),
        ("\x1b[2Ja\x1b]0;t\x07b", [[("ab", "")]]),
        ("\x1b[31m10%\r\x1b[K100%\n", [[("100%", "31")]]),
        ("\x1b[31m", [[("", "")]]),
    ],
)
def test_ink(text: str, rows: list[list[tuple[str, str]]]) -> None:
    assert inks(text) == rows


@given(NOISE)
def test_no_noise_gets_through(text: str) -> None:
    for row in inked_rows(raw_rows(text), Style.DIM):
        assert not set(plain_text(row)) & set(map(chr, (*range(32), *range(0x7F, 0xA0))))
        assert all(re.fullmatch(r"[0-9;]*", span.ink) for span in row)


@given(st.text(alphabet="ab \n\t", max_size=40))
def test_text_without_colours_is_left_alone(text: str) -> None:
    rows = safe_text(text).rstrip("\n")
    assert [plain_text(row) for row in inked_rows(raw_rows(text), Style.DIM)] == (
        rows.split("\n") if rows else []
    )


def test_a_flood_of_colours_leaves_a_short_ink() -> None:
    ((span,),) = inked_rows(["\x1b[31m\x1b[32m" * 10_000 + "x"], Style.DIM)
    assert len(span.ink) < 100


def test_no_sequence_swallows_the_rows_that_follow() -> None:
    rows = inked_rows(raw_rows("\x1b]0;title\nshown\n\x1bPx\nand this"), Style.DIM)
    assert [plain_text(row) for row in rows] == ["", "shown", "", "and this"]
