"""What SIGINT, SIGTERM and SIGHUP do to a run: the first one ends it in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from codex_core.conversation.conversation import CodexConversation
    from codex_exec.output import Output
    from codex_protocol.ops import Op

REPEAT_SECONDS = 1.0
"""Within this time the same signal again is the same wish: `timeout` sends its own twice."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Turns the first signal into an interrupt of the turn, or of the task that prepares it.

    After it the next SIGINT or SIGTERM kills, as if nothing handled it. SIGHUP does not: a terminal that
    closes sends it twice. No signal raises anything, so none can be lost on the way or fall in between.
    """

    def __init__(
        self,
        output: Output,
        *,
        clock: Callable[[], float] = time.monotonic,
        kill: Callable[[int, int], None] = os.kill,
    ) -> None:
        self._output = output
        self._clock = clock
        self._kill = kill
        self._task: asyncio.Task[object] | None = None
        self._conversation: CodexConversation | None = None
        self._op: Op | None = None
        self._interrupting: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._since = 0.0
        self._has_begun = False
        self.signal: signal.Signals | None = None
        """The first signal that came."""

    @property
    def exit_code(self) -> int | None:
        """What a shell says of a program which that signal ended."""
        return None if self.signal is None else 128 + self.signal

    def interrupts(self, conversation: CodexConversation) -> None:
        """From now on it is the turn of this conversation that is stopped."""
        from codex_protocol.ops import InterruptOp

        self._op, self._conversation = InterruptOp(), conversation

    def shuts_down(self, conversation: CodexConversation) -> None:
        """From now on it is this conversation that is ended, with the turn that runs."""
        from codex_protocol.ops import ShutdownOp

        self._op, self._conversation = ShutdownOp(), conversation

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the signals inside the block, and as before after it unless one has come.

        What is ignored stays so: `nohup`, or a shell that runs us in the background, wants it. A signal
        before `interrupts` cancels the task of the block. A defect in interrupting is raised here.
        """
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        before = {number: signal.getsignal(number) or signal.SIG_DFL for number in _SIGNALS}
        before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        for number in before:
            # The loop is woken and acts; who acts when the loop is busy is the handler itself.
            loop.add_signal_handler(number, self._begin)
            signal.signal(number, self._received)
        try:
            yield
        except asyncio.CancelledError:
            if self._failure is not None:
                raise self._failure from None
            raise
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler if self.signal is None else self._received)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._since = signal.Signals(number), self._clock()
            return
        is_repeated = number == self.signal and self._clock() - self._since < REPEAT_SECONDS
        if number != signal.SIGHUP and not is_repeated:
            signal.signal(number, signal.SIG_DFL)
            self._kill(os.getpid(), number)

    def _begin(self) -> None:
        if self._has_begun or self._task is None:
            return
        self._has_begun = True
        self._output.hurry()
        if self._conversation is None or self._op is None:
            self._task.cancel()
            return
        self._interrupting = asyncio.create_task(self._submit(self._conversation, self._op))
        self._interrupting.add_done_callback(self._submitted)

    async def _submit(self, conversation: CodexConversation, op: Op) -> None:
        with contextlib.suppress(SessionError):  # it has just ended by itself
            await conversation.submit(op)

    def _submitted(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and self._task is not None:
            self._failure = task.exception()
            if self._failure is not None:
                self._task.cancel()
