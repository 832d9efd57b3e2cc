"""The tasks of a session: stopped once, twice, and while the one who stops them is stopped."""

from __future__ import annotations

import asyncio
import contextlib

from codex_core.conversation.tasks import Job, PendingInput, Tasks


async def nothing(job: Job, what: Exception | list[PendingInput]) -> None:
    """Nobody is told."""


async def test_a_stop_that_is_cancelled_can_be_made_up_for() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            await may_end.wait()

    tasks = Tasks(on_defect=nothing, on_end=nothing)
    job = Job("1", slow_to_end, takes_input=True, is_turn=True)
    await tasks.start(job)
    await began.wait()
    stopping = asyncio.create_task(tasks.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stopping
    assert not tasks.takes_input
    again = asyncio.create_task(tasks.stop())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not again.done()  # what runs is still waited for
    may_end.set()
    assert await again is job
    assert not tasks.is_busy
