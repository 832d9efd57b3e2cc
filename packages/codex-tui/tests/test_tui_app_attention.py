"""Whose a key is while a question is open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_tui.attention import PAUSE_S, REPEAT_S, SEEN_S, Attention, Taker

QUESTION, OTHER = object(), object()


def asked(*, typed_at: float | None = None) -> Attention:
    """A question that is seen from second 10 on."""
    attention = Attention()
    attention.shown(None, 0.0)
    if typed_at is not None:
        attention.typed(typed_at, is_draft_empty=False)
    attention.shown(QUESTION, 10.0)
    return attention


def taker(attention: Attention, at: float, *, key: str = "y", came_by_itself: bool = True) -> Taker:
    return attention.taker(QUESTION, key, at, came_by_itself=came_by_itself)


def test_who_was_not_typing_answers_as_soon_as_the_question_can_have_been_seen() -> None:
    assert taker(asked(), 10.0 + SEEN_S / 2) is Taker.DRAFT
    assert taker(asked(), 10.0 + SEEN_S + 0.01) is Taker.QUESTION
    assert taker(asked(typed_at=2.0), 10.0 + SEEN_S + 0.01) is Taker.QUESTION


def test_a_question_one_has_called_for_takes_keys_at_once() -> None:
    assert taker(asked(), 10.01, came_by_itself=False) is Taker.QUESTION


def test_a_question_one_has_called_for_and_forgotten_takes_no_letter_of_a_sentence() -> None:
    attention = asked(typed_at=9.99)
    assert taker(attention, 10.01, came_by_itself=False) is Taker.DRAFT
    assert taker(attention, 9.99 + PAUSE_S + 0.01, came_by_itself=False) is Taker.QUESTION


def test_a_question_that_is_not_on_the_screen_takes_none() -> None:
    attention = asked()
    assert attention.taker(OTHER, "y", 20.0, came_by_itself=False) is Taker.DRAFT
    assert taker(attention, 9.99, came_by_itself=False) is Taker.DRAFT


@given(st.lists(st.floats(min_value=0.001, max_value=PAUSE_S - 0.01), min_size=1, max_size=60))
def test_no_letter_of_a_sentence_answers_however_long_it_gets(gaps: list[float]) -> None:
    attention = asked(typed_at=9.9)
    at = 9.9
    for gap in gaps:
        at += gap
        assert taker(attention, at) is Taker.DRAFT
        attention.typed(at, is_draft_empty=False)
    assert taker(attention, max(at + PAUSE_S, 10.0 + SEEN_S) + 0.01) is Taker.QUESTION


def test_who_has_sent_the_draft_is_not_typing_any_more() -> None:
    attention = asked(typed_at=9.9)
    attention.typed(9.95, is_draft_empty=True)
    assert taker(attention, 10.0 + SEEN_S + 0.01) is Taker.QUESTION


def test_a_key_that_is_held_down_goes_nowhere_until_it_pauses_or_another_one_comes() -> None:
    attention = asked()
    attention.answered("y", 11.0)
    attention.shown(OTHER, 11.01)
    for step in range(1, 20):
        assert attention.taker(OTHER, "y", 11.0 + step * REPEAT_S / 2, came_by_itself=True) is Taker.NOBODY
    assert attention.taker(OTHER, "y", 30.0, came_by_itself=True) is Taker.QUESTION
    attention.answered("y", 31.0)
    assert attention.taker(None, "e", 31.05, came_by_itself=True) is Taker.DRAFT
    assert attention.taker(None, "y", 31.1, came_by_itself=True) is Taker.DRAFT
