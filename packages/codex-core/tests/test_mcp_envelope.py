"""The id of a message that cannot be read whole, told from its two ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.envelope import HEAD_BYTES, NOTHING, TAIL_BYTES, Envelope, envelope, envelope_of

TEXTS = st.text(st.sampled_from('ab"\\,:{}[]5 é\t\n')) | st.sampled_from(
    ["id", ',"id":5', '"id":7}', "method"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    """A message as somebody might write it, and what it says."""
    members = draw(st.lists(st.tuples(TEXTS, VALUES), max_size=5))
    members.insert(draw(st.integers(0, len(members))), ("id", draw(VALUES)))
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : ")]))

    def written(value: object) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()), separators=(comma, colon))

    text = "{" + comma.join(f"{written(key)}{colon}{written(value)}" for key, value in members) + "}"
    return text.encode(), json.loads(text)


def expected(message: dict[str, Any]) -> Envelope:
    identifier = message["id"]
    is_usable = isinstance(identifier, str | int) and not isinstance(identifier, bool)
    return Envelope(identifier if is_usable else None, has_method="method" in message)


@given(messages())
def test_a_message_that_is_seen_whole_is_understood(drawn: tuple[bytes, dict[str, Any]]) -> None:
    raw, message = drawn
    assert envelope_of(raw) == expected(message)


@given(messages(), st.integers(1, 40), st.integers(1, 40))
def test_from_its_ends_no_other_id_is_told_than_the_real_one(
    drawn: tuple[bytes, dict[str, Any]], head: int, tail: int
) -> None:
    raw, message = drawn
    if [key for key, _ in json.loads(raw, object_pairs_hook=list)].count("id") > 1:
        return  # one of them may be out of sight
    found = envelope(raw[:head], raw[-tail:])
    assert found.request_id in (None, expected(message).request_id)
    assert message.keys() >= {"method"} or not found.has_method


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_can_be_looked_at(head: bytes, tail: bytes) -> None:
    envelope(b"{" + head, tail + b"}")


LONG = "x" * (HEAD_BYTES + TAIL_BYTES)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ('{"id":0,"result":{"decision":"\\ud800"}}', Envelope(0, has_method=False)),
        ('{"id":"a","method":"x","params":' + "9" * 5000 + "}", Envelope("a", has_method=True)),
        ('{"method":"x","params":' + "[" * 3000 + "]" * 3000 + ',"id":4}', Envelope(4, has_method=True)),
        (
            '{"result":' + "[" * HEAD_BYTES + "]" * HEAD_BYTES + ',"jsonrpc":"2.0","id":4}',
            Envelope(4, has_method=False),
        ),
        (f'{{"id":5,"params":"{LONG}"}}', Envelope(5, has_method=False)),
        (f'{{"params":"{LONG}","method":"x","id":"é"}} ', Envelope("é", has_method=True)),
        (f'{{"params":"{LONG}\\",\\"id\\":6}}', NOTHING),
        (f'{{"params":{{"a":"{LONG}","id":6}}}}', NOTHING),
        ('{"id":' + "9" * 5000 + ',"method":"x"}', Envelope(None, has_method=True)),
        ('{"id":"\\ud800","method":"x"}', Envelope(None, has_method=True)),
        ('{"id":1e2,"id":2.0}', NOTHING),
        ('{"id":3,"method":"x"', NOTHING),
        ('{"id":3,"method":oops}', Envelope(3, has_method=True)),
        ('{"id":3,"method":}', Envelope(3, has_method=True)),
        ('{"id":3,"method":"x"}{"id":0,"result":{}}', NOTHING),  # two on one line
        ('{"id":3,"method":"x"}}', NOTHING),
        (f'{{"id":3,"method":"x"}}{{"id":0,"result":"{LONG}"}}', NOTHING),
        ('[{"id":3,"method":"x"}]', NOTHING),
        ("", NOTHING),
    ],
)
def test_what_is_told(message: str, found: Envelope) -> None:
    assert envelope_of(message.encode()) == found


def test_half_a_character_does_not_hide_the_id() -> None:
    assert envelope_of(b'{"id":1,"method":"ping","params":"\xff"}') == Envelope(1, has_method=True)
