"""Answers that are worked out beside everything else a session does, a limited number at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

MAX_ANSWERS = 64
"""More wait until one of these is given."""

_log = logging.getLogger(__name__)


class Beside:
    """Runs what answers questions of a front end; a failure is logged and concerns nobody else."""

    def __init__(self) -> None:
        self._answers: set[asyncio.Task[None]] = set()
        self._writes: set[asyncio.Task[None]] = set()

    async def run(self, answering: Coroutine[None, None, None], *, is_write: bool = False) -> None:
        """Begins an answer; waits where there are too many. A write is finished before the session ends."""
        while len(self._answers) >= MAX_ANSWERS:
            await asyncio.wait(self._answers, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(answering, name="answer")
        self._answers.add(task)
        if is_write:
            self._writes.add(task)
        task.add_done_callback(self._done)
        await asyncio.sleep(0)  # as far as it goes without waiting, so that answers stay in order

    async def finish_writes(self) -> None:
        """Waits for what is being written down."""
        if self._writes:
            await asyncio.wait(self._writes)

    async def aclose(self) -> None:
        """Gives up what has not been answered."""
        tasks = list(self._answers)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._answers.discard(task)
        self._writes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a question could not be answered", exc_info=error)
