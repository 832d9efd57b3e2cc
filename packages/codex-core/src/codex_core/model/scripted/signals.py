"""One-shot signals that any thread sets and any thread or event loop waits for.

The model server may live in a background thread while the test runs in an event loop, or the other
way round; `asyncio.Event` cannot cross that border and `threading.Event` blocks the loop.
"""

from __future__ import annotations

import asyncio
import threading


class Signal:
    """A flag that is set once; waiting costs no polling."""

    __slots__ = ("_event", "_lock", "_waiters")

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def is_set(self) -> bool:
        """Whether `set` was called."""
        return self._event.is_set()

    def set(self) -> None:
        """Wake everybody who waits, now and later; setting twice changes nothing."""
        with self._lock:
            self._event.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            try:
                loop.call_soon_threadsafe(_resolve, future)
            except RuntimeError:  # that loop was closed: nobody waits there any more
                continue

    async def wait(self) -> None:
        """Return when the signal is set, at once if it already is."""
        with self._lock:
            if self._event.is_set():
                return
            loop = asyncio.get_running_loop()
            entry = (loop, loop.create_future())
            self._waiters.append(entry)
        try:
            await entry[1]
        finally:
            with self._lock:
                if entry in self._waiters:
                    self._waiters.remove(entry)

    def wait_blocking(self, timeout_s: float) -> bool:
        """Block this thread until the signal is set; False when `timeout_s` seconds were not enough."""
        return self._event.wait(timeout_s)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Counter:
    """A number that only grows, with a signal for each value it reaches."""

    __slots__ = ("_lock", "_reached", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0
        self._reached: dict[int, Signal] = {}

    @property
    def value(self) -> int:
        """How often `increase` was called."""
        return self._value

    def increase(self) -> None:
        """Add one and wake who waited for that number."""
        with self._lock:
            self._value += 1
            signal = self._reached.pop(self._value, None)
        if signal is not None:
            signal.set()

    def reaching(self, count: int) -> Signal:
        """The signal that is set once the counter stands at `count` or more."""
        with self._lock:
            if self._value < count:
                return self._reached.setdefault(count, Signal())
        already = Signal()
        already.set()
        return already


class Gate:
    """A place in a reply where the server stops until the test lets it go on.

    Put it between the events of `sse(...)`. `reached` is set when everything before it was sent;
    `open()` lets the server continue. A gate is for one reply: it does not close again.
    """

    __slots__ = ("_opened", "name", "reached")

    def __init__(self, name: str = "gate") -> None:
        self.name = name
        self.reached = Signal()
        self._opened = Signal()

    def __repr__(self) -> str:
        return f"<Gate {self.name} {'open' if self._opened.is_set else 'closed'}>"

    def open(self) -> None:
        """Let the server go on, or never stop if it has not come here yet."""
        self._opened.set()

    async def wait_open(self) -> None:
        """Return when somebody opened the gate; this is the server's side."""
        await self._opened.wait()
