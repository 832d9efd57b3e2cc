"""Sums a conversation up: when the user asks for it, and in the middle of a task that has become too long.

Driver of `compaction`. A summary is asked for with ever less of the conversation until the model takes it,
so that this works also when nothing else does any more (spec: agent.md section 19).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from codex_core.conversation.compaction import inputs_to_sum_up
from codex_core.conversation.retrying import ask_with_retries
from codex_core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_core.conversation.session import Session
    from codex_core.conversation.thread import Thread
    from codex_core.conversation.turn_context import TurnContext
    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem

COMPLETED_NOTE = "Compact task completed"


class EmptySummaryError(ModelError):
    """The model was asked for a summary and wrote nothing."""

    def __init__(self) -> None:
        super().__init__(
            "the model wrote no summary, so the conversation stays as it was; try /compact again"
        )


async def run_compaction(session: Session, submission_id: str) -> None:
    """The task of a `compact` operation."""
    await _compact(session, submission_id, session.context, session.thread, keep_images=True)


async def compact_inline(
    session: Session, context: TurnContext, thread: Thread, *, keep_images: bool
) -> bool:
    """Sums `thread` up under an id of its own (`auto-compact-<n>`); whether that worked."""
    submission_id = session.next_auto_compact_id()
    return await _compact(session, submission_id, context, thread, keep_images=keep_images)


async def _compact(
    session: Session, submission_id: str, context: TurnContext, thread: Thread, *, keep_images: bool
) -> bool:
    from codex_protocol import events

    async def emit(msg: EventMsg) -> None:
        await session.emit(submission_id, msg)

    await emit(events.TaskStartedEvent(model_context_window=context.context_window))
    is_done = False
    try:
        summary = await _summary(session, context, thread, emit)
        await thread.compact(summary, context, keep_images=keep_images)
        await emit(events.AgentMessageEvent(message=COMPLETED_NOTE))
        is_done = True
    except ModelError as error:
        await emit(events.ErrorEvent(message=str(error)))
    await emit(events.TaskCompleteEvent(last_agent_message=None))
    return is_done


async def _summary(
    session: Session,
    context: TurnContext,
    thread: Thread,
    emit: Callable[[EventMsg], Awaitable[None]],
) -> str:
    """The model's summary of the thread, from as much of it as the model takes.

    Raises:
        ModelError: it cannot be asked, or wrote nothing.
    """
    from codex_core.model.errors import ContextWindowExceeded

    overflow: ContextWindowExceeded | None = None
    for items in inputs_to_sum_up(thread.history, context.context_window):
        try:
            return await _ask(session, context, items, emit)
        except ContextWindowExceeded as error:
            overflow = error
    raise overflow or EmptySummaryError()


async def _ask(
    session: Session,
    context: TurnContext,
    items: list[ResponseItem],
    emit: Callable[[EventMsg], Awaitable[None]],
) -> str:
    from codex_core.conversation.answer_stream import last_text, read_ahead
    from codex_core.conversation.prompts import prompt_text
    from codex_core.model.prompt import Prompt
    from codex_core.model.response_events import ItemDone
    from codex_protocol.items import MessageItem

    prompt = Prompt(instructions=prompt_text("compaction"), input=tuple(items))
    summary = ""

    async def ask_once() -> None:
        nonlocal summary
        summary = ""
        await session.recording.turn_context(context)
        async with contextlib.aclosing(read_ahead(session.model_for(context).stream(prompt))) as stream:
            async for event in stream:
                match event:
                    case ItemDone(MessageItem(role="assistant") as message):
                        summary = last_text(message) or summary
                    case _:
                        pass

    await ask_with_retries(
        ask_once,
        limit=session.config.model_provider.stream_max_retries,
        services=session.services,
        emit=emit,
    )
    if not summary.strip():
        raise EmptySummaryError
    return summary
