"""One task: ask the model, do what it calls for, ask again, until it has nothing more to call.

The stream is read by a task of its own, so a long command never starves it. A finished item is recorded
before anyone hears of it, so a broken stream or an interrupt forgets nothing that happened (spec: agent.md
sections 3, 8, 9; D1-D4). A conversation that has become too long is summed up before the next request.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.conversation.calls import Calls, call_of
from codex_core.conversation.retrying import ask_with_retries
from codex_core.conversation.tasks import PendingInput
from codex_core.errors import ModelError, SessionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.session import Session
    from codex_core.conversation.thread import Thread
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.terminal_sessions import TerminalSessions
    from codex_core.mcp.connections import McpConnections
    from codex_core.model.response_events import ResponseEvent
    from codex_core.services import Services
    from codex_core.tools.registry import ToolRegistry
    from codex_core.workspace.turn_diff import TurnDiffTracker
    from codex_protocol.events import EventMsg
    from codex_protocol.file_change import FileChange
    from codex_protocol.items import MessageItem, ResponseItem
    from codex_protocol.ops import InputItem, ReviewDecision
    from codex_protocol.tokens import TokenUsage

STREAM_QUEUE_SIZE = 1_600
"""Stream events read ahead of the tools (spec: agent.md section 8)."""

_SILENT_IN_REVIEWS = frozenset({"agent_message", "agent_message_delta"})


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
    """Runs one task of a session to its end; also what tools see of it (`ToolRuntime`)."""

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
        self._is_review = is_review
        self._tools: ToolRegistry = session.tools
        self._diff: TurnDiffTracker | None = None
        self._held: list[ResponseItem] = []
        self._user_texts: list[str] = []
        self._may_compact = True

    # -- the loop -------------------------------------------------------------------------------

    async def run(self, items: list[InputItem]) -> None:
        """Runs until the model has answered or cannot; always ends with `task_complete`."""
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent, TaskStartedEvent

        await self.emit(TaskStartedEvent(model_context_window=self._context.context_window))
        last_message: str | None = None
        try:
            last_message = await self.converse(items)
        except (ModelError, StillTooLongError) as error:
            self._session.tasks.stop_taking_input()
            await self._note_limits(error)
            text = str(error)
            if _refuses_image(error) and self._thread.history.drop_images():
                text += "\nThe image is left out of this conversation from now on."
            await self.emit(ErrorEvent(message=text))
        await self.emit(TaskCompleteEvent(last_agent_message=last_message))

    async def converse(self, items: list[InputItem]) -> str | None:
        """Puts what the user said to the model and does what it calls for; its last message, if any.

        Raises:
            ModelError: the model cannot be asked any further.
            StillTooLongError: the conversation does not fit, although it was summed up.
        """
        await self._session.record_input(self._thread, PendingInput(tuple(items), is_prompt=True))
        self._user_texts += _texts_of(items)
        self._tools = await self._session.ready_tools()
        was_compacted = False
        while True:
            await self._record_pending()
            if self._thread.is_full(self.config.model_auto_compact_token_limit):
                if was_compacted:
                    raise self._still_too_long()
                was_compacted = await self._compact(keep_images=True)
            else:
                was_compacted = False
            answer = await self._ask_or_compact()
            if not answer.made_calls and not self._session.tasks.has_pending_input:
                self._session.tasks.stop_taking_input()
                self._notify(answer.last_message)
                return answer.last_message

    async def _ask_or_compact(self) -> _Answer:
        """One answer; a conversation that the model finds too long is summed up once and sent again."""
        from codex_core.model.errors import ContextWindowExceeded

        try:
            return await self._ask()
        except ContextWindowExceeded:
            if not await self._compact(keep_images=False):
                raise
        return await self._ask()

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
            self.config.model_auto_compact_token_limit or 0,
            usage.tokens_in_context_window if usage is not None else 0,
        )

    async def _ask(self) -> _Answer:
        """One answer of the model; a broken stream is tried again with what was finished kept."""
        answer = _Answer(Calls(self, self._tools, self._thread))

        async def ask_once() -> None:
            self._held.clear()
            answer.made_calls = False  # a message that was said stays, though the stream broke behind it
            await self._ask_once(answer)

        await ask_with_retries(
            ask_once,
            limit=self.config.model_provider.stream_max_retries,
            services=self.services,
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

    async def _handle(self, event: ResponseEvent, answer: _Answer) -> None:
        from codex_core.model import response_events as response
        from codex_protocol import events

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
                if self.config.show_raw_agent_reasoning:
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
        from codex_core.conversation.item_events import item_events
        from codex_protocol.items import MessageItem

        call = call_of(item)
        if item.type == "reasoning":
            # Reasoning alone is not valid input: it is kept with the item it led to, or not at all.
            self._held.append(item)
        else:
            if call is None or not answer.calls.may_run_beside_others(call):
                await answer.calls.finish()
            await self._record_held(item)
        for msg in item_events(item, show_raw_reasoning=self.config.show_raw_agent_reasoning):
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
        if self._diff is not None:
            await emit_turn_diff(self)

    async def _tell_tokens(self, usage: TokenUsage | None) -> None:
        from codex_protocol.events import TokenCountEvent

        limits = self._session.rate_limits
        await self.emit(
            TokenCountEvent(
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
        if self.config.notify:
            from codex_core.notify import notify_turn_complete

            notify_turn_complete(
                self.config.notify,
                self.services.environ,
                turn_id=self._id,
                input_messages=self._user_texts,
                last_message=last_message,
            )

    # -- what tools see (ToolRuntime) -----------------------------------------------------------

    @property
    def context(self) -> TurnContext:
        """The settings this turn runs under."""
        return self._context

    @property
    def config(self) -> Config:
        """The session's configuration."""
        return self._session.config

    @property
    def services(self) -> Services:
        """Clock, environment and the other edges."""
        return self._session.services

    @property
    def command_server(self) -> CommandServer | None:
        """What starts the conversation's commands."""
        return self._session.command_server

    @property
    def terminals(self) -> TerminalSessions:
        """The conversation's interactive terminals."""
        return self._session.terminals

    @property
    def mcp(self) -> McpConnections | None:
        """The conversation's MCP servers; None if none is configured."""
        return self._session.mcp

    @property
    def approved(self) -> set[ApprovalKey]:
        """Commands the user allowed for the rest of the session."""
        return self._session.approved

    @property
    def diff(self) -> TurnDiffTracker:
        """What patches changed since the turn began."""
        if self._diff is None:
            from codex_core.workspace.turn_diff import TurnDiffTracker

            self._diff = TurnDiffTracker(self._context.cwd)
        return self._diff

    async def emit(self, msg: EventMsg) -> None:
        """Sends an event under this task's submission id; a review keeps its words to itself."""
        if self._is_review and msg.type in _SILENT_IN_REVIEWS:
            return
        await self._session.emit(self._id, msg)

    async def ask_exec(
        self, call_id: str, command: tuple[str, ...], cwd: str, reason: str | None
    ) -> ReviewDecision:
        """Asks the user about a command and waits for the answer."""
        from codex_protocol.events import ExecApprovalRequestEvent

        question = ExecApprovalRequestEvent(call_id=call_id, command=command, cwd=cwd, reason=reason)
        return await self._session.ask(self._id, question)

    async def ask_patch(self, call_id: str, changes: dict[str, FileChange]) -> ReviewDecision:
        """Asks the user about a patch and waits for the answer."""
        from codex_protocol.events import ApplyPatchApprovalRequestEvent

        question = ApplyPatchApprovalRequestEvent(call_id=call_id, changes=changes)
        return await self._session.ask(self._id, question)

    def inject(self, item: InputItem) -> None:
        """Adds input for the next request."""
        self._session.tasks.inject([item], is_prompt=False)


async def read_ahead(
    stream: AsyncGenerator[ResponseEvent, None],
) -> AsyncGenerator[ResponseEvent, None]:
    """The same events, read by a task of its own up to `STREAM_QUEUE_SIZE` ahead of the consumer."""
    queue: asyncio.Queue[ResponseEvent | BaseException | None] = asyncio.Queue(STREAM_QUEUE_SIZE)

    async def pump() -> None:
        try:
            async with contextlib.aclosing(stream):
                async for event in stream:
                    await queue.put(event)
        except Exception as error:  # noqa: BLE001 - see below
            # Handed over, not swallowed: the consumer raises it after the events before it.
            await queue.put(error)
        else:
            await queue.put(None)

    reader = asyncio.create_task(pump(), name="model stream")
    try:
        while (event := await queue.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        reader.cancel()
        await asyncio.wait([reader])


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


def last_text(message: MessageItem) -> str | None:
    """The last text of a message of the model."""
    from codex_protocol.items import OutputTextContent

    texts = [part.text for part in message.content if isinstance(part, OutputTextContent)]
    return texts[-1] if texts else None
