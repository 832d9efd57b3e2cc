"""Text of others is shown without what commands a terminal or hides from its reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.presentation.safe_text import exact_text, safe_text

HARMLESS = [
    "plain text\nand more",
    "👨\u200d👩\u200d👧 👍🏽 ❤\ufe0f 🇩🇪 1\ufe0f\u20e3 #\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می\u200cخواهم क्\u200dष שלום",
    "e\u0301 漢字 葛\U000e0100 한국어",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_letters_and_emoji_of_all_kinds_stay_what_they_are(text: str) -> None:
    assert exact_text(text) == text
    assert safe_text(text) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b", "\u00ad", "\u2060", "\ufeff", "\u202e", "\u2066", "\u180e", "\u115f", "\u3164", "\u034f",
        "\U000e0041", "\u200d", "\u200c", "\ufe0f", "\U000e0101", "\u2028", "\x85", "\x9b", "\udc80",
    ],
)  # fmt: skip
def test_what_cannot_be_seen_has_a_sign(hidden: str) -> None:
    assert exact_text(f"rm {hidden}x") == "rm �x"
    assert safe_text(f"rm {hidden}x") == "rm �x"


def test_a_run_of_tags_is_a_flag_only_behind_one() -> None:
    assert exact_text("ok\U000e0067\U000e0062\U000e007f") == "ok���"
    assert exact_text("🏴\U000e0067") == "🏴�"


def test_controls_have_signs_of_their_own() -> None:
    assert exact_text("a\x1b[2J\x07\tb\x7f\x00\r\nc\rd") == "a␛[2J␇    b␡␀\nc␍d"


def test_output_looks_as_a_terminal_would_leave_it() -> None:
    assert safe_text("10%\r20%\r\nred\x1b[31m\x1b]0;title\x07!\x07") == "20%\nred!�"


@given(st.text())
def test_safe_text_is_safe_already(text: str) -> None:
    for made in (exact_text(text), safe_text(text)):
        assert exact_text(made) == made
        assert not any((ord(letter) < 32 and letter != "\n") or 0x7F <= ord(letter) < 0xA0 for letter in made)
