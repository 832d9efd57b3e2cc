"""Output whose reader is slow, stalled or gone."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import pytest

from codex_exec import output as module
from codex_exec.output import UNREAD_LIMIT, Output, OutputError

Pipe = tuple[int, TextIO]

MUCH = "x" * 1_000_000
"""More than a pipe holds."""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """The reading end as a descriptor, the writing end as a stream."""
    reader, writer = os.pipe()
    with ExitStack() as stack:
        stream = stack.enter_context(os.fdopen(writer, "w", encoding="utf-8", errors="replace"))
        stack.callback(lambda: os.close(reader))
        yield reader, stream


async def test_what_is_written_can_be_read_at_once(pipe: Pipe) -> None:
    reader, stream = pipe
    async with Output() as output:
        output.to(stream).write("grün \ud83d")
        await output.drain(0)
        assert os.read(reader, 100).decode() == "grün ?"


async def test_two_streams_of_one_file_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "both"
    with path.open("w") as first, path.open("a") as second:
        async with Output() as output:
            one, two = output.to(first), output.to(second)
            one.write("a" * 50_000)
            two.write("b" * 50_000)
            two.write("c")
    assert path.read_text() == "a" * 50_000 + "b" * 50_000 + "c"


async def test_a_stalled_reader_holds_up_who_prints_and_nobody_else(pipe: Pipe) -> None:
    reader, stream = pipe
    output = Output()
    output.to(stream).write(MUCH)
    draining = asyncio.create_task(output.drain())
    await asyncio.sleep(0)  # the loop goes on
    assert not draining.done()
    taken = 0
    while not draining.done():
        taken += len(await asyncio.to_thread(os.read, reader, 4096))
    # No more is unwritten than the limit allows; the rest is in the pipe or has been taken.
    assert taken + UNREAD_LIMIT + 1_048_576 >= len(MUCH)
    assert taken > 0
    rest = asyncio.create_task(output.drain(0))
    while taken < len(MUCH):
        taken += len(await asyncio.to_thread(os.read, reader, 65536))
    await rest


async def test_in_a_hurry_a_stalled_reader_is_given_up(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.01)
    reader, stream = pipe
    output = Output()
    output.to(stream).write(MUCH)
    draining = asyncio.create_task(output.drain(0))
    await asyncio.sleep(0)
    output.hurry()
    await draining
    assert output.dropped
    output.to(stream).write(MUCH)  # goes nowhere
    await output.drain(0)
    # The write that nobody can end goes on until the reader takes it; let it, for the sake of the next test.
    left = 0
    while left < 65536:
        left += len(os.read(reader, 65536))
    assert left < len(MUCH)


async def test_in_a_hurry_a_reader_that_reads_gets_everything(pipe: Pipe) -> None:
    reader, stream = pipe
    output = Output()
    output.hurry()
    output.to(stream).write(MUCH)
    draining = asyncio.create_task(output.drain(0))
    taken = 0
    while taken < len(MUCH):
        taken += len(await asyncio.to_thread(os.read, reader, 65536))
    await draining
    assert not output.dropped


@pytest.fixture
def unwritable() -> Iterator[TextIO]:
    """A stream that cannot be written."""
    with open(os.devnull) as stream:
        yield stream


async def test_a_failure_is_raised_where_output_is_awaited(unwritable: TextIO) -> None:
    output = Output()
    output.to(unwritable).write("text")
    with pytest.raises(OutputError) as caught:
        await output.drain(0)
    assert caught.value.reason.errno == errno.EBADF
    with pytest.raises(OutputError):  # it does not go away
        await output.drain()


async def test_a_failure_is_nothing_to_a_run_that_ends_anyway(unwritable: TextIO) -> None:
    async with Output() as output:
        output.hurry()
        output.to(unwritable).write("text")


async def test_what_a_pipe_takes_needs_no_thread(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    if not module._NO_WAIT:
        pytest.skip("this system cannot say whether a write would block")

    def start(_: object) -> None:
        pytest.fail("a thread was started")

    monkeypatch.setattr(module.threading.Thread, "start", start)
    reader, stream = pipe
    async with Output() as output:
        for number in range(100):
            output.to(stream).write(f"{number}\n")
    assert os.read(reader, 1000).decode() == "".join(f"{number}\n" for number in range(100))


@pytest.mark.parametrize("says_whether_it_waits", [True, False])
async def test_the_part_that_does_not_fit_follows_in_order(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, *, says_whether_it_waits: bool
) -> None:
    if not says_whether_it_waits:
        monkeypatch.setattr(module, "_NO_WAIT", 0)
    reader, stream = pipe
    expected = "".join(f"{number}\n" for number in range(60_000))
    output = Output()
    for at in range(0, len(expected), 9_999):
        output.to(stream).write(expected[at : at + 9_999])
    taken = b""
    while len(taken) < len(expected):
        taken += await asyncio.to_thread(os.read, reader, 65536)
    await output.drain(0)
    assert taken.decode() == expected


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
async def test_a_descriptor_that_does_not_block_gets_everything(kind: str) -> None:
    reader, writer = os.pipe() if kind == "pipe" else os.openpty()
    os.set_blocking(writer, False)
    with os.fdopen(writer, "w") as stream:
        output = Output()
        output.to(stream).write("x" * 300_000)
        taken = 0
        while taken < 300_000:
            taken += len(await asyncio.to_thread(os.read, reader, 65536))
        await output.drain(0)
    os.close(reader)
    assert taken == 300_000


async def test_a_reader_that_has_gone_is_a_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output()
    with os.fdopen(writer, "w") as stream:
        output.to(stream).write("text")
        with pytest.raises(OutputError) as caught:
            await output.drain(0)
    assert caught.value.reason.errno == errno.EPIPE
