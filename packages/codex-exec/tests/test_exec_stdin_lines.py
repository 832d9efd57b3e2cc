"""Lines of standard input, however the pieces fall."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codex_exec.stdin_lines import LineSplitter, read_lines

TEXTS = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\xff", b""]), max_size=30).map(b"".join)


@given(TEXTS, st.data())
def test_pieces_make_the_same_lines_as_the_whole(text: bytes, data: st.DataObject) -> None:
    splitter, lines, rest = LineSplitter(), [], text
    while rest:
        at = data.draw(st.integers(1, len(rest)))
        lines += splitter.feed(rest[:at])
        rest = rest[at:]
    lines += splitter.end()
    assert lines == (text.removesuffix(b"\n").split(b"\n") if text else [])


@given(TEXTS)
def test_a_long_line_is_cut_behind_the_limit(text: bytes) -> None:
    splitter = LineSplitter(limit=3)
    lines = splitter.feed(text) + splitter.end()
    assert lines == [line[:4] for line in text.removesuffix(b"\n").split(b"\n") if text]


async def test_lines_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\n\ntwo\nthree")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert [line async for line in read_lines(descriptor)] == [b"one", b"", b"two", b"three"]
    finally:
        os.close(descriptor)


async def test_lines_come_from_a_pipe_as_they_are_written() -> None:
    reader, writer = os.pipe()
    try:
        lines = read_lines(reader)
        for line in (b"one", b"two"):
            os.write(writer, line + b"\n")
            assert await anext(lines) == line
        os.close(writer)
        assert [line async for line in lines] == []
    finally:
        os.close(reader)


async def test_what_cannot_be_read_has_no_lines() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert [line async for line in read_lines(reader)] == []
