"""Lines of a stdio server: messages, noise, and what is meant as a message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.lines import Frame, Line, LineDecoder, Noise, Unreadable


def decode(data: bytes, *, at: tuple[int, ...] = (), max_bytes: int = 1000) -> list[Line]:
    decoder = LineDecoder(max_bytes)
    lines: list[Line] = []
    borders = [0, *sorted(at), len(data)]
    for start, end in pairwise(borders):
        lines += decoder.feed(data[start:end])
    return lines + decoder.finish()


def test_messages_and_noise_are_told_apart() -> None:
    lines = decode(b'{"id":1}\r\n\nWelcome\n[1]\n{"id":2}')
    assert lines == [Frame({"id": 1}), Noise("Welcome"), Noise("[1]"), Frame({"id": 2})]


@pytest.mark.parametrize(
    "answer", [b'{"id":7,"result":"\\ud83d"}', b'{"id":7,"a":1,"a":2}', b'{"id":7,"result":NaN}']
)
def test_an_answer_no_strict_reader_takes_is_told_to_who_waits(answer: bytes) -> None:
    (line,) = decode(answer)
    assert isinstance(line, Unreadable)
    assert line.request_id == 7
    assert line.problem.startswith("its answer cannot be read: ")


def test_too_long_a_message_is_not_kept_and_the_next_one_is_read() -> None:
    lines = decode(b'{"a":"' + b"x" * 500 + b'"}\n{"id":1}\n', max_bytes=100)
    assert lines == [Unreadable(None, "it sent a message of more than 100 bytes"), Frame({"id": 1})]


def test_noise_is_shortened() -> None:
    (line,) = decode(b"x" * 900)
    assert line == Noise("x" * 500)


@given(st.lists(st.integers(0, 60), max_size=6))
def test_borders_of_reads_do_not_matter(cuts: list[int]) -> None:
    data = '{"id":1,"result":"äöü€"}\nnoise ü\n\n{"method":"x"}\n'.encode()
    assert decode(data, at=tuple(cut for cut in cuts if cut <= len(data))) == decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    decode(data, max_bytes=50)
