"""One task: ask the model, do what it calls for, ask again, until it has nothing more to call.

The stream is read by a task of its own, so a long command never starves it. A finished item is recorded
before anyone hears of it, so a broken stream or an interrupt forgets nothing that happened (spec: agent.md
sections 3, 8, 9; D1-D4). A conversation that has become too long is summed up before the next request.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

# By the time a turn begins these are loaded; a stream of thousands of pieces is not to look them up for each.
from codex_core.conversation.answer_stream import last_text, read_ahead
from codex_core.conversation.calls import Calls, call_of
from codex_core.conversation.item_events import item_events
from codex_core.conversation.retrying import ask_with_retries
from codex_core.conversation.tasks import PendingInput
from codex_core.conversation.turn_runtime import TurnRuntime
from codex_core.errors import ModelError, SessionError
from codex_core.model import response_events as response
from codex_protocol import events
from codex_protocol.items import MessageItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.conversation.session import Session
    from codex_core.conversation.thread import Thread
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.tools.registry import ToolRegistry
    from codex_protocol.items import ResponseItem
    from codex_protocol.ops import InputItem
    from codex_protocol.tokens import TokenUsage


@dataclass(slots=True)
class _Answer:
    """What one response of the model came to."""

    calls: Calls
    made_calls: bool = False
    last_message: str | None = None


class StillTooLongError(SessionError):
    """Summing the conversation up did not make it short enough (spec: agent.md section 19)."""

    def __init__(self, limit: int, current: int) -> None:
        super().__init__(
            "Conversation is still above the token limit after automatic summarization "
            f"(limit {limit}, current {current}). Please start a new session or trim your input."
        )


class Turn:
    """Runs one task of a session to its end."""

    def __init__(
        self,
        session: Session,
        submission_id: str,
        context: TurnContext,
        thread: Thread,
        *,
        is_review: bool = False,
    ) -> None:
        self._session = session
        self._id = submission_id
        self._context = context
        self._thread = thread
        self._runtime = TurnRuntime(session, submission_id, context, is_review=is_review)
        self.emit = self._runtime.emit
        self._tools: ToolRegistry = session.tools
        self._held: list[ResponseItem] = []
        self._user_texts: list[str] = []
        self._may_compact = True

    # -- the loop -------------------------------------------------------------------------------

    async def run(self, items: list[InputItem]) -> None:
        """Runs until the model has answered or cannot; always ends with `task_complete`."""
        await self.emit(events.TaskStartedEvent(model_context_window=self._context.context_window))
        last_message: str | None = None
        try:
            last_message = await self.converse(items)
        except (ModelError, StillTooLongError) as error:
            await self.tell_failure(error)
        await self.emit(events.TaskCompleteEvent(last_agent_message=last_message))

    async def run_empty(self) -> None:
        """The task of input with nothing in it: over at once, so that nobody waits for its end (D1)."""
        await self.emit(events.TaskStartedEvent(model_context_window=self._context.context_window))
        self._session.tasks.stop_taking_input()
        await self.emit(events.TaskCompleteEvent(last_agent_message=None))

    async def tell_failure(self, error: ModelError | StillTooLongError) -> None:
        """Says why the model was not asked any further, and leaves out of the thread what it cannot take."""
        self._session.tasks.stop_taking_input()
        await self._note_limits(error)
        text = str(error)
        if _refuses_image(error) and self._thread.history.drop_images():
            text += "\nThe image is left out of this conversation from now on."
        await self.emit(events.ErrorEvent(message=text))

    async def converse(self, items: list[InputItem]) -> str | None:
        """Puts what the user said to the model and does what it calls for; its last message, if any.

        Raises:
            ModelError: the model cannot be asked any further.
            StillTooLongError: the conversation does not fit, although it was summed up.
        """
        # On disk before anything slow; behind a summary that is made first, also when that is stopped.
        async with self._session.taken_input(self._thread, PendingInput(tuple(items), is_prompt=True)):
            was_compacted = await self._make_room(was_compacted=False)
        self._user_texts += _texts_of(items)
        self._tools = await self._session.ready_tools()
        while True:
            await self._record_pending()
            answer = await self._ask_or_compact()
            if not answer.made_calls and not self._session.tasks.has_pending_input:
                self._session.tasks.stop_taking_input()
                self._notify(answer.last_message)
                return answer.last_message
            was_compacted = await self._make_room(was_compacted=was_compacted)

    async def _make_room(self, *, was_compacted: bool) -> bool:
        """Sums up a thread that has reached the limit; whether that was done, or done once more with less.

        Raises:
            StillTooLongError: it was summed up just before, and there is nothing more to leave out.
        """
        if not self._thread.is_full(self._runtime.config.model_auto_compact_token_limit):
            return False
        if not was_compacted:
            return await self._compact(keep_images=True)
        if not self._thread.shorten():
            raise self._still_too_long()
        return True

    async def _ask_or_compact(self) -> _Answer:
        """One answer; a conversation the model finds too long is summed up, ever shorter, and sent again."""
        from codex_core.model.errors import ContextWindowExceeded

        is_compacted = False
        while True:
            try:
                return await self._ask()
            except ContextWindowExceeded:
                if is_compacted:
                    is_shorter = self._thread.shorten()
                else:
                    is_compacted = is_shorter = await self._compact(keep_images=False)
                if not is_shorter:
                    raise

    async def _compact(self, *, keep_images: bool) -> bool:
        """Sums the conversation up in the middle of this task; whether that worked.

        After a failure the task goes on with what it has and does not try it again.
        """
        from codex_core.conversation.compact_task import compact_inline

        if self._may_compact:
            self._may_compact = await compact_inline(
                self._session, self._context, self._thread, keep_images=keep_images
            )
            return self._may_compact
        return False

    def _still_too_long(self) -> StillTooLongError:
        usage = self._thread.usage
        return StillTooLongError(
            self._runtime.config.model_auto_compact_token_limit or 0,
            usage.tokens_in_context_window if usage is not None else 0,
        )

    async def _ask(self) -> _Answer:
        """One answer of the model; a broken stream is tried again with what was finished kept."""
        answer = _Answer(Calls(self._runtime, self._tools, self._thread))

        async def ask_once() -> None:
            self._held.clear()
            answer.made_calls = False  # a message that was said stays, though the stream broke behind it
            await self._ask_once(answer)

        await ask_with_retries(
            ask_once,
            limit=self._runtime.config.model_provider.stream_max_retries,
            services=self._runtime.services,
            emit=self.emit,
        )
        return answer

    async def _ask_once(self, answer: _Answer) -> None:
        from codex_core.model.prompt import Prompt

        session, context = self._session, self._context
        await session.recording.turn_context(context)
        prompt = Prompt(
            instructions=session.instructions(context),
            input=tuple(self._thread.history.for_request()),
            tools=self._tools.specs(context),
            parallel_tool_calls=context.family.supports_parallel_calls,
            output_schema=context.output_schema,
        )
        stream = read_ahead(session.model_for(context).stream(prompt))
        async with answer.calls, contextlib.aclosing(stream):
            async for event in stream:
                await self._handle(event, answer)

    # -- what the stream brings -----------------------------------------------------------------

    async def _handle(self, event: response.ResponseEvent, answer: _Answer) -> None:
        match event:
            case response.TextDelta(delta):
                await self.emit(events.AgentMessageDeltaEvent(delta=delta))
            case response.ItemDone(item):
                await self._handle_item(item, answer)
            case response.ReasoningDelta(delta):
                await self.emit(events.AgentReasoningDeltaEvent(delta=delta))
            case response.ReasoningSectionBreak():
                await self.emit(events.AgentReasoningSectionBreakEvent())
            case response.RawReasoningDelta(delta):
                if self._runtime.config.show_raw_agent_reasoning:
                    await self.emit(events.AgentReasoningRawContentDeltaEvent(delta=delta))
            case response.WebSearchStarted(identifier):
                await self.emit(events.WebSearchBeginEvent(call_id=identifier))
            case response.RateLimits():
                self._session.rate_limits = event
            case response.Completed(_, usage):
                self._held.clear()  # it led to nothing
                await answer.calls.finish()
                await self._count_tokens(usage)
            case _:
                pass

    async def _handle_item(self, item: ResponseItem, answer: _Answer) -> None:
        call = call_of(item)
        if item.type == "reasoning":
            # Reasoning alone is not valid input: it is kept with the item it led to, or not at all.
            self._held.append(item)
        else:
            if call is None or not answer.calls.may_run_beside_others(call):
                await answer.calls.finish()
            await self._record_held(item)
        for msg in item_events(item, show_raw_reasoning=self._runtime.config.show_raw_agent_reasoning):
            await self.emit(msg)
        if isinstance(item, MessageItem) and item.role == "assistant":
            answer.last_message = last_text(item)
        elif call is not None:
            answer.made_calls = True
            await answer.calls.run(call, item)

    async def _record_held(self, *items: ResponseItem) -> None:
        held, self._held = self._held, []
        await self._thread.record([*held, *items])

    async def _count_tokens(self, usage: TokenUsage | None) -> None:
        from codex_core.tools.apply_patch import emit_turn_diff

        if usage is not None:
            self._thread.usage = usage
        await self._tell_tokens(usage)
        if self._runtime.has_diff:
            await emit_turn_diff(self._runtime)

    async def _tell_tokens(self, usage: TokenUsage | None) -> None:
        limits = self._session.rate_limits
        await self.emit(
            events.TokenCountEvent(
                info=self._session.count_tokens(usage, self._context),
                rate_limits=None if limits is None else limits.to_wire(),
            )
        )

    async def _note_limits(self, error: Exception) -> None:
        """Tells what a refusal for a used-up allowance says of the allowances."""
        from codex_core.model.errors import UsageLimitReached

        if isinstance(error, UsageLimitReached) and error.rate_limits is not None:
            self._session.rate_limits = error.rate_limits
            await self._tell_tokens(None)

    # -- input ----------------------------------------------------------------------------------

    async def _record_pending(self) -> None:
        """Records what came since the last request; here it parts no call from its output."""
        if self._thread.is_recorded:
            await self._session.record_notes()
        for pending in self._session.tasks.take_pending_input():
            await self._session.record_input(self._thread, pending)
            if pending.is_prompt:
                self._user_texts += _texts_of(pending.items)

    def _notify(self, last_message: str | None) -> None:
        if self._runtime.config.notify:
            from codex_core.notify import notify_turn_complete

            notify_turn_complete(
                self._runtime.config.notify,
                self._runtime.services.environ,
                turn_id=self._id,
                input_messages=self._user_texts,
                last_message=last_message,
            )


def _refuses_image(error: Exception) -> bool:
    """Whether the provider refused a request for a picture in it, and would refuse every further one."""
    from codex_core.model.errors import RequestRefused, UnexpectedStatus

    is_final = isinstance(error, RequestRefused) or (
        isinstance(error, UnexpectedStatus) and error.status in {400, 413, 415, 422}
    )
    return is_final and "image" in str(error).lower()


def _texts_of(items: Iterable[InputItem]) -> list[str]:
    from codex_protocol.ops import TextInput

    return [item.text for item in items if isinstance(item, TextInput)]
