"""The comparison of JSON values and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.testing.differences import (
    PLACEHOLDERS,
    Allowed,
    Difference,
    compare,
    matches_text,
    report,
    without_allowed,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def told(expected: object, got: object, *, key_order: bool = False) -> list[str]:
    return [str(difference) for difference in compare(expected, got, "x", key_order=key_order)]


@given(value=JSON)
def test_a_value_does_not_differ_from_itself(value: object):
    assert compare(value, value, "x", key_order=True) == []


@given(expected=JSON, got=JSON)
def test_values_that_differ_are_never_called_the_same(expected: object, got: object):
    has_placeholder = any(placeholder in str(expected) for placeholder in PLACEHOLDERS)
    # 1 == True in Python, not in JSON: repr tells them apart.
    if repr(expected) != repr(got) and expected != got and not has_placeholder:
        assert compare(expected, got, "x")


def test_each_place_is_named_by_its_path():
    expected = {"a": [{"b": 1}, {"b": 2}], "c": "text"}
    got = {"a": [{"b": 1}, {"b": 3}], "c": "Text"}
    assert told(expected, got) == ["x.a[1].b: expected 2, got 3", 'x.c: expected "text", got "Text"']


def test_missing_and_unexpected_keys_are_told():
    assert told({"a": 1}, {"b": 2}) == ["x.a: missing, expected 1", "x.b: unexpected 2"]


@pytest.mark.parametrize(
    ("expected", "got"), [(1, True), (0, False), (None, 0), ("1", 1), ([], {}), (1, 2.5)]
)
def test_values_of_different_types_differ(expected: object, got: object):
    assert told(expected, got)


def test_one_missing_event_is_one_difference():
    events = [{"id": "1", "msg": {"type": kind}} for kind in ("a", "b", "c", "d")]
    assert told(events, [events[0], *events[2:]]) == [
        'x[1]: missing, expected {"id": "1", "msg": {"type": "b"}}'
    ]


def test_one_unexpected_event_is_one_difference():
    events = [{"id": "1", "msg": {"type": kind}} for kind in ("a", "b", "c")]
    assert told([events[0], events[2]], events) == [
        'x[1]: unexpected before this place: {"id": "1", "msg": {"type": "b"}}'
    ]


def test_events_in_another_order_are_told():
    events = [{"id": "1", "msg": {"type": kind}} for kind in ("a", "b")]
    assert len(told(events, events[::-1])) == 2


def test_lists_of_plain_values_are_compared_by_place():
    assert told(["a", "b"], ["a", "c"]) == ['x[1]: expected "b", got "c"']
    assert told(["a", "b"], ["a"]) == ['x[1]: missing, expected "b"']


def test_the_order_of_keys_is_compared_when_asked():
    expected, got = {"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"d": 2, "c": 1}}
    assert told(expected, got) == []
    assert told(expected, got, key_order=True) == ["x.b: keys in the order d, c; expected c, d"]


def test_keys_that_are_data_have_no_order():
    assert told({"changes": {"a": 1, "b": 2}}, {"changes": {"b": 2, "a": 1}}, key_order=True) == []


def test_long_texts_are_shown_where_they_part():
    (line,) = told("a" * 500 + "b", "a" * 500 + "c")
    assert "texts part at character 500" in line
    assert len(line) < 250


def test_a_placeholder_stands_for_any_text_that_is_not_empty():
    assert matches_text("<instructions>", "Anything\nat all.")
    assert not matches_text("<instructions>", "")
    assert matches_text("<bridge part 1>hi<bridge part 2>end", "First. hi then end")
    assert not matches_text("<bridge part 1>hi<bridge part 2>end", "First. ho then end")
    assert not matches_text("<unknown>", "text")


def test_what_is_allowed_is_left_out():
    differences = [Difference("events[3].msg.cmd[0]", "p"), Difference("events[4].msg.other", "p")]
    allowed = [Allowed("events[*].msg.cmd**", "ours is better")]
    assert without_allowed(differences, allowed) == differences[1:]


def test_one_star_stays_inside_a_name_and_two_go_everywhere():
    difference = Difference("a[1].b.c", "p")
    assert Allowed("a[*].*.c", "").covers(difference)
    assert Allowed("a**", "").covers(difference)
    assert not Allowed("a*", "").covers(difference)
    assert not Allowed("a[*].b", "").covers(difference)
    assert not Allowed("a.1..b.c", "").covers(difference)


def test_an_allowance_nothing_needs_is_told():
    (left,) = without_allowed([], [Allowed("events[0]", "was different once")])
    assert str(left) == "events[0]: allowed (was different once), but nothing differs there"


def test_a_report_has_one_line_for_each():
    assert report([Difference("a", "p"), Difference("b", "q")]) == "- a: p\n- b: q"
