"""Asks again when a model's answer broke off, and tells the user so (spec: agent.md section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import ModelError
from codex_core.model.retry import backoff, retry_notice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_core.services import Services
    from codex_protocol.events import EventMsg

MAX_ANNOUNCED_WAIT_S = 300.0
"""A server that asks to wait longer before another try ends the task; the user decides when to go on."""


async def ask_with_retries(
    ask: Callable[[], Awaitable[None]],
    *,
    limit: int,
    services: Services,
    emit: Callable[[EventMsg], Awaitable[None]],
) -> None:
    """Calls `ask` until it succeeds, at most `limit` times more after failures that can pass.

    Raises:
        ModelError: the failure that ends it.
    """
    from codex_protocol.events import StreamErrorEvent

    retries = 0
    while True:
        try:
            await ask()
            return
        except ModelError as error:
            is_too_long = (error.retry_after or 0) > MAX_ANNOUNCED_WAIT_S
            if not error.retryable or retries >= limit or is_too_long:
                raise
            retries += 1
            delay = error.retry_after
            if delay is None:
                delay = backoff(retries, services.jitter())
            notice = retry_notice(error, retry=retries, limit=limit, delay=delay)
        await emit(StreamErrorEvent(message=notice))
        await services.sleep(delay)
