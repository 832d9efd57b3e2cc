"""The tasks of a session: one runs, others wait; and the input that is given to the running one."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from codex_protocol.ops import InputItem

MAX_WAITING = 64
"""Tasks that may wait behind the running one; a further one is refused."""


@dataclass(frozen=True, slots=True)
class PendingInput:
    """Input for the next request of the running task."""

    items: tuple[InputItem, ...]
    is_prompt: bool
    """Whether the user gave it; a tool may, too."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task that runs or waits until it can."""

    submission_id: str
    run: Callable[[], Coroutine[None, None, None]]
    takes_input: bool
    """Whether input given meanwhile is meant for it."""
    is_turn: bool
    """Whether it works in the session's own thread, which then is told of an interrupt."""


class Tasks:
    """Runs jobs one after another.

    `on_defect` is told of an exception no task may raise. `on_end` gets every job that came to its end by
    itself, with the input that no request of it has carried.
    """

    def __init__(
        self,
        *,
        on_defect: Callable[[Job, Exception], Awaitable[None]],
        on_end: Callable[[Job, list[PendingInput]], Awaitable[None]],
    ) -> None:
        self.current_id = ""
        """The submission whose task runs, or ran last."""
        self._on_defect = on_defect
        self._on_end = on_end
        self._waiting: deque[Job] = deque()
        self._job: Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._takes_input = False
        self._pending: list[PendingInput] = []

    @property
    def is_busy(self) -> bool:
        """Whether a task runs."""
        return self._task is not None and not self._task.done()

    # -- input ----------------------------------------------------------------------------------

    @property
    def takes_input(self) -> bool:
        """Whether a task runs that will make another request."""
        return self.is_busy and self._takes_input

    @property
    def has_pending_input(self) -> bool:
        """Whether input waits that no request has carried yet."""
        return bool(self._pending)

    def inject(self, items: Iterable[InputItem], *, is_prompt: bool) -> None:
        """Keeps input for the running task's next request."""
        self._pending.append(PendingInput(tuple(items), is_prompt))

    def take_pending_input(self) -> list[PendingInput]:
        """The input that came since the last request, in order; it is handed out once."""
        taken, self._pending = self._pending, []
        return taken

    def stop_taking_input(self) -> None:
        """Called by a task that makes no further request: later input starts a task of its own."""
        self._takes_input = False

    # -- running --------------------------------------------------------------------------------

    async def start(self, job: Job) -> bool:
        """Starts a task, behind those that run or wait; false when too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append(job)
        if not self.is_busy:
            self._task = asyncio.create_task(self._run(), name=f"session task {job.submission_id}")
            # The task runs up to its first wait, so the prompt is recorded before anything can stop it.
            await asyncio.sleep(0)
        return True

    async def wait(self) -> None:
        """Returns when no task runs or waits."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def stop(self) -> Job | None:
        """Stops the running task, drops what waits and input not carried; the job, or None if none ran."""
        task = self._task
        if task is None or task.done():
            return None
        self._waiting.clear()
        self._takes_input = False
        if not task.cancelling():  # an earlier `stop` may have been cancelled; its work is not cut short
            task.cancel()
        await asyncio.wait([task])
        self._task = None
        self._pending.clear()
        return self._job

    async def _run(self) -> None:
        while self._waiting:
            job = self._job = self._waiting.popleft()
            self.current_id = job.submission_id
            self._takes_input = job.takes_input
            try:
                await job.run()
            except Exception as error:  # noqa: BLE001 - see below
                # The outermost place of a task: a defect of ours ends the task, not the conversation.
                await self._on_defect(job, error)
            self._takes_input = False
            await self._on_end(job, self.take_pending_input())
