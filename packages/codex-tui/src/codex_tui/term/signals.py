"""The signals of a program that has the terminal: its window, job control, ends asked for from outside."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_KEYBOARD_SIGNALS = (signal.SIGINT, signal.SIGQUIT)


class TerminalSignals:
    """Handlers from `start` to `stop`; what was there before comes back.

    Args:
        terminated: called in the loop with the number of the signal that asks for the end.
        leave: gives the terminal back at once, for a second such signal.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        resized: Callable[[], None],
        stopped: Callable[[], None],
        continued: Callable[[], None],
        terminated: Callable[[int], None],
        leave: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._calls = {signal.SIGWINCH: resized, signal.SIGTSTP: stopped, signal.SIGCONT: continued}
        self._tell_terminated = terminated
        self._leave = leave
        self._former: dict[int, Any] = {}
        self._is_terminated = False
        self.is_started = False

    def start(self) -> None:
        """From now on they are ours; an exit signal that was ignored stays so: who did that meant it."""
        self.is_started = True
        for number, call in self._calls.items():
            self._loop.add_signal_handler(number, call)
        for number in EXIT_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                # Not by the loop: what hangs in it shall still be ended by a second signal.
                self._former[number] = signal.signal(number, self._terminated)

    def stop(self) -> None:
        """They are as they were."""
        if not self.is_started:
            return
        self.is_started = False
        for number in self._calls:
            self._loop.remove_signal_handler(number)
        for exit_number, former in self._former.items():
            signal.signal(exit_number, former)
        self._former.clear()

    @contextmanager
    def others_at_work(self) -> Iterator[None]:
        """The keyboard's signals are for another program while the block lasts.

        SIGTSTP stops this process, too, and SIGCONT is nobody's business; Ctrl-C and Ctrl-\\ end only the
        other one, which must not inherit that they are ignored.
        """
        job_control = (signal.SIGTSTP, signal.SIGCONT)
        for number in job_control:
            self._loop.remove_signal_handler(number)
        former = {number: signal.signal(number, _nothing) for number in _KEYBOARD_SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                if signal.getsignal(number) is _nothing:  # and `stop` was not called in the block
                    signal.signal(number, handler)
            if self.is_started:
                for number in job_control:
                    self._loop.add_signal_handler(number, self._calls[number])

    def _terminated(self, number: int, _frame: object) -> None:
        if self._is_terminated:
            self._leave()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._is_terminated = True
        self._loop.call_soon_threadsafe(self._tell_terminated, number)


def _nothing(_number: int, _frame: object) -> None:
    """A handler, so that the signal is not ignored, which children would inherit."""
