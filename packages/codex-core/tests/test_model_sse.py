"""The event stream decoder: every way a server may write events, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.model import sse
from codex_core.model.sse import EventTooLargeError, SseDecoder


def decode(*chunks: bytes) -> list[str]:
    decoder = SseDecoder()
    found = [data for chunk in chunks for data in decoder.feed(chunk)]
    return found + decoder.finish()


def test_an_event_is_its_data_line() -> None:
    assert decode(b'data: {"a":1}\n\ndata: {"b":2}\n\n') == ['{"a":1}', '{"b":2}']


def test_the_event_name_is_left_out() -> None:
    assert decode(b"event: response.created\ndata: x\n\n") == ["x"]


def test_only_one_space_behind_the_colon_is_dropped() -> None:
    assert decode(b"data:x\n\ndata:  y\n\n") == ["x", " y"]


def test_several_data_lines_are_joined_by_newlines() -> None:
    assert decode(b"data: a\ndata: b\nid: 7\ndata:\n\n") == ["a\nb\n"]


def test_comments_and_other_fields_say_nothing() -> None:
    assert decode(b": ping\n\nretry: 10\n\nevent: x\n\ndata: y\n: in between\n\n") == ["y"]


def test_a_field_without_colon_is_an_empty_value() -> None:
    assert decode(b"data\n\n") == [""]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_works(end: bytes) -> None:
    stream = end.join([b"event: e", b"data: a", b"", b": c", b"", b"data: b", b"data: c", b"", b""])
    assert decode(stream) == ["a", "b\nc"]


def test_a_line_end_may_be_cut_in_two() -> None:
    assert decode(b"data: a\r", b"\n\r", b"\ndata: b\r", b"\n\r\n") == ["a", "b"]


def test_an_event_is_given_as_soon_as_its_blank_line_begins() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n\r") == ["a"]
    assert decoder.feed(b"\ndata: b\n\n") == ["b"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b"\xef\xbb\xbfdata: a\n\n") == ["a"]
    assert decode(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == ["a"]


def test_a_byte_order_mark_elsewhere_is_not() -> None:
    assert decode(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == ["a"]


def test_characters_may_be_cut_anywhere() -> None:
    whole = "data: Grüße 🦀\n\n".encode()
    assert decode(*(whole[index : index + 1] for index in range(len(whole)))) == ["Grüße 🦀"]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert decode(b"data: \xff\n\n") == ["\ufffd"]


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert decode(b"data: a\n\ndata: b") == ["a", "b"]
    assert decode(b"data: a\n\ndata: b\n") == ["a", "b"]


def test_nothing_is_given_twice_at_the_end() -> None:
    decoder = SseDecoder()
    decoder.feed(b"data: a")
    assert decoder.finish() == ["a"]
    assert decoder.finish() == []


def test_a_stream_of_nothing_has_no_events() -> None:
    assert decode() == decode(b"") == decode(b"\n\n\n") == decode(b"\xef\xbb\xbf") == []


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    decoder = SseDecoder()
    decoder.feed(b"data: " + b"x" * 60)
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"x" * 60)


def test_many_small_events_are_no_large_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    assert len(decode(*[b"data: 12345\n\n"] * 50)) == 50


lines = st.lists(st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"])), min_size=1)


@given(st.lists(lines, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_events_are_the_same_however_the_stream_is_written_and_cut(
    events: list[list[str]], end: str, data: st.DataObject
) -> None:
    stream = "".join(
        "".join(f"{prefix}{line}{end}" for line in event) + end
        for event in events
        for prefix in [
            data.draw(st.sampled_from(["data: ", f": comment{end}data: ", f"event: e{end}data: "]))
        ]
    ).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(*chunks) == ["\n".join(event) for event in events]


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_no_bytes_break_the_decoder(chunks: list[bytes]) -> None:
    assert decode(*chunks) == decode(b"".join(chunks))
