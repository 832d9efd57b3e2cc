"""Reads the terminal in an event loop: bytes become inputs, each with the time it was typed at."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING

from codex_tui.term.inputs import Key

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from codex_tui.term.inputs import Input
    from codex_tui.term.keys import KeyDecoder

    class ReadableTerminal(Protocol):
        """What is read; `codex_tui.term.tty.Terminal` is one."""

        in_fd: int

        def read(self) -> bytes:
            """What was typed, empty if the terminal is gone."""


STALL_S = 0.02
"""A loop that was busy for longer may have let keys wait that were not typed at once."""


class WatchingSelector(selectors.DefaultSelector):
    """Knows how long the loop was busy before it asked again."""

    busy_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._returned_at = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As always."""
        self.busy_s = time.monotonic() - self._returned_at
        try:
            return super().select(timeout)
        finally:
            self._returned_at = time.monotonic()


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop that can say so."""

    def __init__(self) -> None:
        self.watch = WatchingSelector()
        super().__init__(self.watch)


class InputReader:
    """Reads between `start` and `stop`, and tells `take` what was typed, one by one.

    Args:
        ended: called when the terminal is gone.
        guard: what surrounds each call from the loop, where nobody else would see an error.
    """

    def __init__(
        self,
        terminal: ReadableTerminal,
        decoder: KeyDecoder,
        loop: asyncio.AbstractEventLoop,
        *,
        take: Callable[[Input], None],
        ended: Callable[[], None],
        guard: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._terminal = terminal
        self._decoder = decoder
        self._loop = loop
        self._take = take
        self._ended = ended
        self._guard = guard
        self._is_reading = False
        self._expiry: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Reads from now on."""
        if not self._is_reading:
            self._loop.add_reader(self._terminal.in_fd, self._read)
            self._is_reading = True

    def stop(self) -> None:
        """Stops reading."""
        if self._is_reading:
            self._loop.remove_reader(self._terminal.in_fd)
            self._is_reading = False
        self._disarm()

    def feed(self, data: bytes, *, waited_s: float = 0.0) -> None:
        """Takes bytes that were read just now, and may have waited for that."""
        now = self._loop.time()
        found = self._decoder.feed(data, now)
        if waited_s > STALL_S:
            _spread(found, now - waited_s, now)
        for each in found:
            self._take(each)
        self._arm()

    def _read(self) -> None:
        with self._guard():
            data = self._terminal.read()
            if data:
                self.feed(
                    data, waited_s=self._loop.watch.busy_s if isinstance(self._loop, WatchedLoop) else 0
                )
            else:
                self.stop()
                self._ended()

    def _arm(self) -> None:
        self._disarm()
        deadline = self._decoder.deadline
        if deadline is not None:
            self._expiry = self._loop.call_at(deadline, self._expire)

    def _disarm(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        # The loop may call a moment early, by the clock's resolution.
        now = max(self._loop.time(), self._decoder.deadline or 0.0)
        with self._guard():
            for each in self._decoder.expire(now):
                self._take(each)
            self._arm()


def _spread(found: list[Input], since: float, until: float) -> None:
    """Gives keys that waited together the times they may have been typed at: evenly, one after the other."""
    keys = [each for each in found if isinstance(each, Key)]
    for number, key in enumerate(keys, start=1):
        key.at = since + (until - since) * number / len(keys)
