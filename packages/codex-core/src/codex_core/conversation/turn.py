"""One task: ask the model, do what it calls for, ask again, until it has nothing more to call.

The stream is read by a task of its own, so a long command never starves it; calls are answered one after
another as they arrive. A finished item is recorded before anyone hears of it, so a broken stream or an
interrupt forgets nothing that happened (spec: agent.md sections 3, 8, 9; D1-D4).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.conversation.history import aborted_output, call_id
from codex_core.errors import ModelError
from codex_core.model.retry import backoff, retry_notice
from codex_core.tools.runtime import CallKind, ToolCall, ToolOutput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.session import Session
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.model.response_events import ResponseEvent
    from codex_core.services import Services
    from codex_core.workspace.turn_diff import TurnDiffTracker
    from codex_protocol.events import EventMsg
    from codex_protocol.file_change import FileChange
    from codex_protocol.items import MessageItem, ResponseItem
    from codex_protocol.ops import InputItem, ReviewDecision
    from codex_protocol.tokens import TokenUsage

STREAM_QUEUE_SIZE = 1_600
"""Stream events read ahead of the tools (spec: agent.md section 8)."""

MAX_ANNOUNCED_WAIT_S = 300.0
"""A server that asks to wait longer before another try ends the turn; the user decides when to go on."""


@dataclass(slots=True)
class _Answer:
    """What one response of the model came to."""

    made_calls: bool = False
    last_message: str | None = None


class Turn:
    """Runs one task of a session to its end; also what tools see of it (`ToolRuntime`)."""

    def __init__(self, session: Session, submission_id: str, context: TurnContext) -> None:
        self._session = session
        self._id = submission_id
        self._context = context
        self._diff: TurnDiffTracker | None = None
        self._held: list[ResponseItem] = []
        self._user_texts: list[str] = []

    # -- the loop -------------------------------------------------------------------------------

    async def run(self, items: list[InputItem]) -> None:
        """Runs until the model has answered or cannot; always ends with `task_complete`."""
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent, TaskStartedEvent

        await self.emit(TaskStartedEvent(model_context_window=self._context.context_window))
        await self._record_pending()  # what came too late for the task before this one goes first
        await self._record_input(items)
        self._user_texts += _texts_of(items)
        last_message: str | None = None
        try:
            last_message = await self._ask_until_done()
        except ModelError as error:
            self._session.stop_taking_input()
            await self.emit(ErrorEvent(message=str(error)))
        await self.emit(TaskCompleteEvent(last_agent_message=last_message))

    async def _ask_until_done(self) -> str | None:
        while True:
            await self._record_pending()
            answer = await self._ask()
            if not answer.made_calls and not self._session.has_pending_input:
                self._session.stop_taking_input()
                self._notify(answer.last_message)
                return answer.last_message

    async def _ask(self) -> _Answer:
        """One answer of the model; a broken stream is tried again with what was finished kept."""
        retries = 0
        limit = self._session.config.model_provider.stream_max_retries
        last_message: str | None = None
        while True:
            self._held.clear()
            answer = _Answer(last_message=last_message)
            try:
                await self._ask_once(answer)
                return answer
            except ModelError as error:
                last_message = answer.last_message  # it was said, though the stream broke behind it
                is_too_long = (error.retry_after or 0) > MAX_ANNOUNCED_WAIT_S
                if not error.retryable or retries >= limit or is_too_long:
                    raise
                retries += 1
                await self._announce_retry(error, retries, limit)

    async def _announce_retry(self, error: ModelError, attempt: int, limit: int) -> None:
        from codex_protocol.events import StreamErrorEvent

        services = self._session.services
        delay = error.retry_after
        if delay is None:
            delay = backoff(attempt, services.jitter())
        notice = retry_notice(error, retry=attempt, limit=limit, delay=delay)
        await self.emit(StreamErrorEvent(message=notice))
        await services.sleep(delay)

    async def _ask_once(self, answer: _Answer) -> None:
        from codex_core.model.prompt import Prompt

        session, context = self._session, self._context
        await session.record_turn_context(context)
        prompt = Prompt(
            instructions=session.instructions(context),
            input=tuple(session.history.for_request()),
            tools=session.tools.specs(context),
        )
        model = session.model.with_turn(
            model=context.model, family=context.family, effort=context.effort, summary=context.summary
        )
        async with contextlib.aclosing(_read_ahead(model.stream(prompt))) as stream:
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
            case response.Completed(_, usage):
                self._held.clear()  # it led to nothing
                await self._count_tokens(usage)
            case _:
                pass

    async def _handle_item(self, item: ResponseItem, answer: _Answer) -> None:
        from codex_core.conversation.item_events import item_events
        from codex_protocol.items import MessageItem

        if item.type == "reasoning":
            # Reasoning alone is not valid input: it is kept with the item it led to, or not at all.
            self._held.append(item)
        else:
            await self._record_held(item)
        for msg in item_events(item, show_raw_reasoning=self.config.show_raw_agent_reasoning):
            await self.emit(msg)
        if isinstance(item, MessageItem) and item.role == "assistant":
            answer.last_message = _text_of(item)
        elif (call := _call_of(item)) is not None:
            answer.made_calls = True
            await self._answer_call(call, item)

    async def _record_held(self, *items: ResponseItem) -> None:
        held, self._held = self._held, []
        await self._session.record_items([*held, *items])

    async def _answer_call(self, call: ToolCall, item: ResponseItem) -> None:
        """Runs a call and records its output, also when the turn is stopped in the middle."""
        services = self._session.services
        started = services.monotonic()
        try:
            output = await self._session.tools.run(call, self)
        except asyncio.CancelledError:
            text = f"aborted by user after {services.monotonic() - started:.1f}s"
            await self._session.record_items([aborted_output(item, call.call_id, text)])
            raise
        await self._session.record_items([_output_item(call, output)])

    async def _count_tokens(self, usage: TokenUsage | None) -> None:
        from codex_core.tools.apply_patch import emit_turn_diff
        from codex_protocol.events import TokenCountEvent
        from codex_protocol.tokens import TokenUsageInfo

        session = self._session
        session.token_info = TokenUsageInfo.updated(session.token_info, usage, self._context.context_window)
        await self.emit(TokenCountEvent(info=session.token_info))
        if self._diff is not None:
            await emit_turn_diff(self)

    # -- input ----------------------------------------------------------------------------------

    async def _record_pending(self) -> None:
        for pending in self._session.take_pending_input():
            await self._record_input([pending], is_new_prompt=False)
            self._user_texts += _texts_of([pending])

    async def _record_input(self, items: list[InputItem], *, is_new_prompt: bool = True) -> None:
        """Records what the user said; the rollout also keeps it as the event a resumed session shows."""
        from codex_core.conversation.item_events import user_message_event
        from codex_core.conversation.user_input import message_of

        message = message_of(items)
        await self._session.record_items([message])
        if is_new_prompt:
            await self._session.record_unsent_event(user_message_event(message))

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
        """Sends an event under this task's submission id."""
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
        self._session.inject([item])


async def _read_ahead(
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


def _texts_of(items: list[InputItem]) -> list[str]:
    from codex_protocol.ops import TextInput

    return [item.text for item in items if isinstance(item, TextInput)]


def _text_of(message: MessageItem) -> str | None:
    from codex_protocol.items import OutputTextContent

    texts = [part.text for part in message.content if isinstance(part, OutputTextContent)]
    return texts[-1] if texts else None


def _call_of(item: ResponseItem) -> ToolCall | None:
    """The call an item makes, or None."""
    from codex_protocol import items

    match item:
        case items.FunctionCallItem(name=name, arguments=arguments, call_id=identifier):
            return ToolCall(CallKind.FUNCTION, identifier, name, arguments)
        case items.CustomToolCallItem(name=name, input=text, call_id=identifier):
            return ToolCall(CallKind.CUSTOM, identifier, name, text)
        case items.LocalShellCallItem(action=action):
            from codex_protocol.jsonio import dumps

            call_arguments = {
                "command": list(action.command),
                "workdir": action.working_directory,
                "timeout_ms": action.timeout_ms,
            }
            return ToolCall(CallKind.LOCAL_SHELL, call_id(item) or "", "local_shell", dumps(call_arguments))
        case _:
            return None


def _output_item(call: ToolCall, output: ToolOutput) -> ResponseItem:
    from codex_protocol.items import CustomToolCallOutputItem, FunctionCallOutputItem

    if call.kind is CallKind.CUSTOM:
        return CustomToolCallOutputItem(call_id=call.call_id, output=output.text)
    return FunctionCallOutputItem(call_id=call.call_id, output=output.text, success=output.success)
