"""Reading the terminal in a loop: what comes when, and when a key was typed that had to wait."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from codex_tui.term.inputs import Key, Paste
from codex_tui.term.keys import KeyDecoder
from codex_tui.term.reader import STALL_S, InputReader, WatchedLoop

if TYPE_CHECKING:
    from codex_tui.term.inputs import Input


class Wire:
    """A terminal to be read, the keyboard at its other end."""

    def __init__(self) -> None:
        self.keyboard, self._end = socket.socketpair()
        self.in_fd = self._end.fileno()
        self.found: list[Input] = []
        self.ends = 0
        self.errors: list[Exception] = []

    def read(self) -> bytes:
        return os.read(self.in_fd, 65536)

    @contextmanager
    def guard(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            self.errors.append(error)

    def end(self) -> None:
        self.ends += 1

    def reader(self) -> InputReader:
        return InputReader(
            self,
            KeyDecoder(),
            asyncio.get_running_loop(),
            take=self.found.append,
            ended=self.end,
            guard=self.guard,
        )

    def close(self) -> None:
        self.keyboard.close()
        self._end.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


async def turned() -> None:
    """The loop has looked at what there is to read, more than once."""
    for _ in range(3):
        await asyncio.sleep(0)


async def until(test: object) -> None:
    async with asyncio.timeout(10):
        while not test():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_it_reads_between_start_and_stop(wire: Wire) -> None:
    reader = wire.reader()
    wire.keyboard.send(b"a")
    reader.start()
    reader.start()
    await until(lambda: wire.found)
    reader.stop()
    reader.stop()
    wire.keyboard.send(b"b")
    await turned()
    assert wire.found == [Key("a", "a")]
    reader.start()
    await until(lambda: len(wire.found) == 2)
    reader.stop()


async def test_a_lone_escape_is_told_when_nothing_follows(wire: Wire) -> None:
    reader = wire.reader()
    reader.start()
    wire.keyboard.send(b"\x1b")
    await until(lambda: wire.found == [Key("escape")])
    reader.stop()


async def test_the_end_of_the_terminal_is_told_once(wire: Wire) -> None:
    reader = wire.reader()
    reader.start()
    wire.keyboard.close()
    await until(lambda: wire.ends)
    await turned()
    assert wire.ends == 1


async def test_an_error_goes_to_the_guard_and_reading_goes_on(wire: Wire) -> None:
    reader = wire.reader()
    reader._take = lambda found: (_ for _ in ()).throw(ValueError(found))  # type: ignore[assignment]
    reader.start()
    wire.keyboard.send(b"a")
    await until(lambda: wire.errors)
    reader._take = wire.found.append
    wire.keyboard.send(b"b")
    await until(lambda: wire.found == [Key("b", "b")])
    reader.stop()


async def test_keys_that_waited_have_times_of_their_own(wire: Wire) -> None:
    reader = wire.reader()
    now = asyncio.get_running_loop().time()
    reader.feed(b"ab\x1b[200~p\x1b[201~cd", waited_s=0.4)
    times = [each.at for each in wire.found if isinstance(each, Key)]
    assert Paste("p") in wire.found
    assert [round(after - before, 3) for before, after in pairwise(times)] == [0.1] * 3
    assert now - 0.4 < times[0] < times[-1] <= asyncio.get_running_loop().time()


async def test_keys_that_did_not_wait_came_together(wire: Wire) -> None:
    wire.reader().feed(b"abcd", waited_s=STALL_S)
    assert len({each.at for each in wire.found if isinstance(each, Key)}) == 1


def test_a_loop_that_was_busy_knows_and_keys_typed_meanwhile_are_apart(wire: Wire) -> None:
    async def stall() -> None:
        reader = wire.reader()
        reader.start()
        wire.keyboard.send(b"typed while busy")
        time.sleep(0.2)  # noqa: ASYNC251 - the loop shall not go on
        await until(lambda: len(wire.found) == 16)
        reader.stop()

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        runner.run(stall())
    times = [each.at for each in wire.found if isinstance(each, Key)]
    assert times[-1] - times[0] > 0.1
    assert times == sorted(times)
