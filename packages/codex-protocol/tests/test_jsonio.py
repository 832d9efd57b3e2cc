"""Reading and writing JSON text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from codex_protocol import testing
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import MAX_DEPTH, dumps, loads, loads_object


@given(testing.json_values())
def test_any_value_comes_back_from_its_text(value):
    assert loads(dumps(value)) == value


def test_text_is_compact_and_not_escaped():
    assert dumps({"b": [1, "é🙂"], "a": None}) == '{"b":[1,"é🙂"],"a":null}'


def test_control_characters_are_escaped_and_delete_is_not():
    assert dumps("\x00\n\x1f\x7f\u2028") == '"\\u0000\\n\\u001f\x7f\u2028"'


def test_a_lone_surrogate_is_written_as_the_replacement_character():
    assert dumps({"\ud83d": "a\udc80b"}) == '{"\ufffd":"a\ufffdb"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), object(), {1: object()}])
def test_what_json_has_no_form_for_is_not_written(value):
    with pytest.raises(ProtocolError):
        dumps(value)


def test_a_value_within_itself_is_not_written():
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ProtocolError):
        dumps(loop)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("{} x", "Extra data"),
        ("NaN", "NaN"),
        ("[Infinity]", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e400", "out of range"),
        ('{"a":1,"a":2}', "duplicate field `a`"),
        ('{"x":{"a":1,"b":2,"a":1}}', "duplicate field `a`"),
        (r'"\ud800"', "surrogate"),
        (r'{"\udc00":1}', "surrogate"),
        (r'["\uD83D\u0041"]', "surrogate"),
        ('"\ud800"', "surrogate"),
        ("9" * 5000, "not a JSON value"),
        ("\ufeff{}", "Expecting value"),
        ("'a'", "Expecting value"),
        ('"a\nb"', "control character"),
    ],
)
def test_ambiguous_and_broken_text_is_refused(text, reason):
    with pytest.raises(ProtocolError, match=reason):
        loads(text)


def test_a_surrogate_pair_is_one_character():
    assert loads(r'"\ud83d\ude42"') == "🙂"


def test_an_escaped_backslash_before_u_is_no_surrogate():
    assert loads(r'"\\ud800"') == r"\ud800"


@pytest.mark.parametrize("data", [b"\xff", b'"\xc3"', b'"\xed\xa0\x80"'])
def test_bytes_that_are_not_utf8_are_refused(data):
    with pytest.raises(ProtocolError, match="not UTF-8"):
        loads(data)


def test_nesting_is_read_up_to_the_limit():
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.loads(deepest) == loads(deepest)
    with pytest.raises(ProtocolError, match="recursion"):
        loads(f"[{deepest}]")


def test_nesting_beyond_what_python_reads_is_refused():
    with pytest.raises(ProtocolError):
        loads("[" * 200_000)


def test_many_brackets_in_a_string_are_no_nesting():
    assert loads(dumps("[" * 500)) == "[" * 500


def test_a_line_must_be_an_object():
    assert loads_object(b'{"a":1}') == {"a": 1}
    with pytest.raises(ProtocolError, match="sequence, expected an object"):
        loads_object("[]")
