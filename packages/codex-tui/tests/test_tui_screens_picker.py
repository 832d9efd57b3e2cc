"""Pickers in much and in little room: the title, the choice and the keys are always there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_core.presentation.spans import plain_text
from codex_tui.history.wrapping import line_width
from codex_tui.screens.picker import ListPicker, Option
from codex_tui.term.inputs import Key

WORDS = "a description that is longer than a small window is wide"


def look(picker: ListPicker[int], width: int = 40, rows: int = 20) -> list[str]:
    return [plain_text(row).rstrip() for row in picker.rows(width, rows)]


def picker(count: int, *, described: bool = True, title: str = "Pick one") -> ListPicker[int]:
    options = [
        Option(f"name {at}", at, WORDS if described else "", is_current=at == 1) for at in range(count)
    ]
    return ListPicker(title, options, explanation="Why this is asked.")


def test_in_much_room_every_description_is_whole() -> None:
    assert look(picker(2)) == [
        "▌ Pick one",
        "▌ Why this is asked.",
        "▌",
        "▌  1. name 0  a description that is",
        "▌     longer than a small window is wide",
        "▌> 2. name 1 (current)  a description",
        "▌     that is longer than a small window",
        "▌     is wide",
        "",
        "⏎ confirm   Esc go back",
    ]


def test_in_less_room_only_that_of_the_choice_is() -> None:
    assert look(picker(2), rows=8) == [
        "▌ Pick one",
        "▌",
        "▌  1. name 0  a description that i…",
        "▌> 2. name 1 (current)  a description",
        "▌     that is longer than a small window",
        "▌     is wide",
        "",
        "⏎ confirm   Esc go back",
    ]


@given(st.integers(1, 20), st.integers(20, 100), st.integers(8, 30), st.integers(0, 19), st.booleans())
def test_the_choice_is_always_seen_and_nothing_is_too_large(
    count: int, width: int, rows: int, steps: int, described: bool
) -> None:
    asked = picker(count, described=described)
    for _ in range(steps):
        asked.press(Key("down", None, 0.0))
    shown = look(asked, width, rows)
    assert shown[0] == "▌ Pick one"
    assert shown[-1].startswith("⏎ confirm")
    assert sum(row.startswith("▌> ") for row in shown) == 1
    assert any(row.startswith(f"▌> {asked.selected + 1}. name") for row in shown)
    assert len(shown) <= max(rows, 10)
    assert all(line_width(row) <= max(width, 24) for row in asked.rows(width, rows))
