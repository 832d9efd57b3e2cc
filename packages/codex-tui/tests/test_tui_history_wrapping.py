"""Rows fit, nothing gets lost, and rows break where a reader expects it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Breaks, Paragraph, Span, Style, line, plain_text
from codex_tui.history.themes import PLAIN, painted
from codex_tui.history.wrapping import MIN_WIDTH, line_width, wrapped

FAMILY = "👨\u200d👩\u200d👧"
UNSEEN = str.maketrans("", "", " .:\u200d")
PIECES = st.sampled_from(
    [
        "a",
        "word ",
        " ",
        "  ",
        "漢字",
        "。",
        "e\u0301",
        FAMILY,
        "❤\ufe0f",
        "🇩🇪",
        "שלום ",
        "مرحبا",
        "-",
        "x" * 30,
        "\u200d",
    ]
)
TEXTS = st.lists(PIECES, max_size=20).map("".join)
WIDTHS = st.integers(min_value=MIN_WIDTH, max_value=40)


def look(text: str, width: int, breaks: Breaks = Breaks.WORDS, first: str = "", rest: str = "") -> list[str]:
    paragraph = Paragraph(line(text), line(first), line(rest), breaks)
    return [plain_text(row) for row in wrapped([paragraph], width)]


@given(st.lists(TEXTS, max_size=4), WIDTHS, st.sampled_from(list(Breaks)), st.integers(0, 50))
def test_no_row_is_too_wide_and_no_letter_is_lost(
    texts: list[str], width: int, breaks: Breaks, indent: int
) -> None:
    body = tuple(Span(text, style) for text, style in zip(texts, Style, strict=False))
    rows = wrapped([Paragraph(body, line("." * indent), line(":" * indent), breaks)], width)
    assert all(line_width(row) <= width for row in rows)
    assert all(row.width <= width for row in painted(rows, PLAIN, width))
    letters = "".join(texts).translate(UNSEEN)
    assert "".join(map(plain_text, rows)).translate(UNSEEN) == letters


@given(TEXTS, WIDTHS)
def test_breaking_anywhere_keeps_blanks_too(text: str, width: int) -> None:
    assert "".join(look(text, width, Breaks.ANYWHERE)) == text


@given(st.text(max_size=60), WIDTHS)
def test_any_text_made_safe_fits(text: str, width: int) -> None:
    for row in wrapped([Paragraph(line(part)) for part in exact_text(text).split("\n")], width):
        assert line_width(row) <= width


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("one  two", ["one  two"]),
        ("  indented text", ["  indented", "text"]),
        ("see https://example.org/x ok", ["see", "https://ex", "ample.org/", "x ok"]),
        ("0123456789", ["0123456789"]),
        ("01234567890", ["0123456789", "0"]),
        ("日本語、日本語。", ["日本語、日", "本語。"]),
        ("日本語日本。", ["日本語日", "本。"]),
        ("--long-flag --x", ["--long-fla", "g --x"]),
        ("end of it   ", ["end of it"]),
        (f"{FAMILY * 6}", [FAMILY * 5, FAMILY]),
        ("e\u0301" * 11, ["e\u0301" * 10, "e\u0301"]),
    ],
)
def test_where_words_are_broken(text: str, rows: list[str]) -> None:
    assert look(text, 10) == rows


def test_what_does_not_fit_goes_on_below_the_text() -> None:
    assert look("one two three four", 10, first="- ", rest="  ") == ["- one two", "  three", "  four"]


def test_deep_indents_leave_room_for_text() -> None:
    assert look("some words", 12, first=" " * 30 + "- ", rest=" " * 32) == ["  - some", "    words"]


def test_styles_stay_with_their_letters() -> None:
    body = line(Span("red blue", Style.FAILURE), Span("green", Style.SUCCESS, link="x:y"), " end")
    rows = wrapped([Paragraph(body)], 8)
    assert rows == [
        line(Span("red", Style.FAILURE)),
        line(Span("blue", Style.FAILURE), Span("gree", Style.SUCCESS, link="x:y")),
        line(Span("n", Style.SUCCESS, link="x:y"), " end"),
    ]


def test_a_flood_of_marks_on_one_letter_ends() -> None:
    rows = wrapped([Paragraph(line("a" + "\u0301" * 5_000 + " b"))], 10)
    assert sum(len(plain_text(row)) for row in rows) >= 5_002
