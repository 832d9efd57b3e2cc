"""Lines of a stdio server: messages, noise, and what is meant as a message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.envelope import HEAD_BYTES, TAIL_BYTES
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


def test_a_batch_is_as_many_messages() -> None:
    assert decode(b'[{"id":1},{"id":2}]\n[{"id":3},4]\n[]') == [
        Frame({"id": 1}), Frame({"id": 2}), Noise('[{"id":3},4]'), Noise("[]"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id":7,"result":"\\ud83d"}',
        b'{"id":7,"a":1,"a":2}',
        b'{"id":7,"result":NaN}',
        b'{"id":7,"result":"\xff"}',
        b'{"id":7,"result":' + b"9" * 5000 + b"}",
        b'{"result":' + b"[" * 3000 + b"]" * 3000 + b',"id":7}',
    ],
)
def test_an_answer_no_strict_reader_takes_is_told_to_who_waits(answer: bytes) -> None:
    (line,) = decode(answer)
    assert isinstance(line, Unreadable)
    assert (line.request_id, line.has_method) == (7, False)
    assert line.problem


@pytest.mark.parametrize("size", [1, 7, 100, 10_000, 10**6])
@pytest.mark.parametrize(
    ("message", "identifier", "has_method"),
    [
        (b'{"id":3,"method":"x","params":"%s"}', 3, True),
        (b'{"result":"%s","jsonrpc":"2.0","id":"4"}', "4", False),
        (b'{"result":["%s"]}', None, False),
        (b"%s", None, False),
    ],
)
def test_of_too_long_a_message_only_the_id_is_kept_and_the_next_one_is_read(
    size: int, message: bytes, identifier: object, has_method: bool
) -> None:
    data = message % (b"x" * 50_000) + b'\n{"id":1}\n'
    lines = decode(data, at=tuple(range(size, len(data), size)), max_bytes=20_000)
    too_long = Unreadable(identifier, has_method, "it is longer than 20000 bytes")  # type: ignore[arg-type]
    assert lines == [too_long, Frame({"id": 1})]


def test_of_an_endless_line_little_is_held() -> None:
    decoder = LineDecoder(1000)
    for _ in range(1000):
        assert decoder.feed(b"x" * 10_000) == []
    assert len(decoder._kept) + len(decoder._tail or b"") <= HEAD_BYTES + TAIL_BYTES


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
