"""The state of one conversation and the loop that serves its submissions.

A session is the only reader of its submission queue and the only writer of its history and rollout. It
runs at most one task at a time; front ends reach it through `CodexConversation`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from codex_core.conversation import briefing
from codex_core.conversation.beside import Beside
from codex_core.conversation.context import turn_aborted_item
from codex_core.conversation.history import History
from codex_core.conversation.recording import Recording
from codex_core.conversation.tasks import Job, PendingInput, Tasks
from codex_core.conversation.thread import Thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.terminal_sessions import TerminalSessions
    from codex_core.mcp.connections import McpConnections
    from codex_core.model.client import ModelClient
    from codex_core.model.response_events import RateLimits
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_core.services import Services
    from codex_core.tools.registry import ToolRegistry
    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.ops import InputItem, Op, OverrideTurnContextOp, ReviewDecision, ReviewOp, Submission
    from codex_protocol.tokens import TokenUsage, TokenUsageInfo

SUBMISSION_QUEUE_SIZE = 64
"""Submissions that may wait (spec: agent.md section 1)."""

EVENT_QUEUE_SIZE = 2_048
"""Events that may wait for the front end before the session waits for it."""

_log = logging.getLogger(__name__)


class Session:
    """One conversation: its settings, history, rollout, pending questions and running task."""

    def __init__(
        self,
        *,
        conversation_id: str,
        config: Config,
        services: Services,
        model: ModelClient,
        tools: ToolRegistry,
        recorder: RolloutRecorder | None,
        context: TurnContext,
        user_instructions: str | None,
        mcp: McpConnections | None = None,
    ) -> None:
        from codex_protocol.events import is_persisted

        self._is_persisted = is_persisted  # asked for every event
        self.conversation_id = conversation_id
        self.config = config
        self.services = services
        self.model = model
        self.tools = tools
        self.context = context
        self.user_instructions = user_instructions
        self.mcp = mcp
        self.recording = Recording(recorder, self._tell)
        self.thread = Thread(
            History(),
            initial_items=self.initial_items,
            write=self.recording.item,
            write_compacted=self.recording.compacted,
        )
        self.tasks = Tasks(on_defect=self._tell_defect, on_end=self._after_task)
        self.approved: set[ApprovalKey] = set()
        self.token_info: TokenUsageInfo | None = None
        self.rate_limits: RateLimits | None = None
        """What the server told last of the plan's allowances."""
        self.submissions: asyncio.Queue[Submission] = asyncio.Queue(SUBMISSION_QUEUE_SIZE)
        self.events: asyncio.Queue[tuple[str, EventMsg] | None] = asyncio.Queue(EVENT_QUEUE_SIZE)
        self._command_server: CommandServer | None = None
        self._terminals: TerminalSessions | None = None
        self._mcp_ready: asyncio.Task[None] | None = None
        self._questions: dict[str, asyncio.Future[ReviewDecision]] = {}
        self._asking = asyncio.Lock()
        self._answers = Beside()
        self._notes: list[ResponseItem] = []
        self._auto_compactions = 0

    @property
    def rollout_path(self) -> str | None:
        """Where this conversation is recorded; None if it is not."""
        return self.recording.path

    @property
    def history(self) -> History:
        """What the model is sent with the next request."""
        return self.thread.history

    @property
    def command_server(self) -> CommandServer | None:
        """What starts this conversation's commands; None where each is started by itself."""
        if self._command_server is None:
            from codex_core.execution.command_server import command_server

            self._command_server = command_server(self.config.codex_linux_sandbox_exe)
        return self._command_server

    @property
    def terminals(self) -> TerminalSessions:
        """This conversation's interactive terminals; none is open at first."""
        if self._terminals is None:
            from codex_core.execution.terminal_sessions import TerminalSessions

            self._terminals = TerminalSessions()
        return self._terminals

    async def ready_tools(self) -> ToolRegistry:
        """The tools of the next requests; waits until the MCP servers are up or have failed."""
        if self.mcp is None:
            return self.tools
        if self._mcp_ready is not None:
            await asyncio.wait([self._mcp_ready])
        return self.tools.with_tools(self.mcp.tools())

    def model_for(self, context: TurnContext) -> ModelClient:
        """The client that asks the model under these settings."""
        return self.model.with_turn(
            model=context.model, family=context.family, effort=context.effort, summary=context.summary
        )

    def next_auto_compact_id(self) -> str:
        """Under which id the next automatic compaction reports."""
        number, self._auto_compactions = self._auto_compactions, self._auto_compactions + 1
        return f"auto-compact-{number}"

    def count_tokens(self, usage: TokenUsage | None, context: TurnContext) -> TokenUsageInfo | None:
        """The totals after an answer that used `usage`, with the window of the model it came from (D9)."""
        from codex_protocol.tokens import TokenUsageInfo

        info = TokenUsageInfo.updated(self.token_info, usage, context.context_window)
        if info is not None and usage is not None:
            info = info.model_copy(update={"model_context_window": context.context_window})
        self.token_info = info
        return info

    # -- what turns use -------------------------------------------------------------------------

    async def emit(self, submission_id: str, msg: EventMsg) -> None:
        """Records an event that is kept, then sends it; waits while the front end is behind."""
        if self._is_persisted(msg):
            await self.recording.event(msg)
        await self.events.put((submission_id, msg))

    async def record_input(self, thread: Thread, given: PendingInput) -> None:
        """Records input as a message; what the user said is also kept as a resumed session shows it."""
        async with self.taken_input(thread, given):
            pass

    @contextlib.asynccontextmanager
    async def taken_input(self, thread: Thread, given: PendingInput) -> AsyncIterator[None]:
        """Input that is on disk within the block, and behind what the block leaves of the thread after it."""
        from codex_core.conversation.item_events import user_message_event
        from codex_core.conversation.user_input import message_of

        message = message_of(given.items)
        async with thread.written_ahead(message):
            if given.is_prompt and thread.is_recorded:
                await self.recording.event(user_message_event(message))
            yield

    async def record_notes(self) -> None:
        """Records what the model is to be told of changed settings."""
        notes, self._notes = self._notes, []
        await self.thread.record(notes)

    async def ask(self, submission_id: str, question: EventMsg) -> ReviewDecision:
        """Sends a question and waits for its answer."""
        async with self._asking:  # calls that run beside each other ask one after another
            answer: asyncio.Future[ReviewDecision] = asyncio.get_running_loop().create_future()
            self._questions[submission_id] = answer
            try:
                await self.emit(submission_id, question)
                return await answer
            finally:
                del self._questions[submission_id]

    # -- the loop -------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Serves submissions until `shutdown`, then closes what the session holds open."""
        from codex_protocol.events import ShutdownCompleteEvent
        from codex_protocol.ops import ShutdownOp

        try:
            if self.mcp is not None:
                self._mcp_ready = asyncio.create_task(self._tell_mcp_failures(self.mcp), name="mcp start")
                self._mcp_ready.add_done_callback(_log_defect)
            while True:
                submission = await self.submissions.get()
                if isinstance(submission.op, ShutdownOp):
                    await self._abort_task("interrupted")
                    await self._answers.finish_writes()
                    self.recording.close()
                    await self.emit(submission.id, ShutdownCompleteEvent())
                    return
                await self._serve_one(submission.id, submission.op)
                self.submissions.task_done()
        finally:
            await self._close()

    async def settled(self) -> None:
        """Returns when no submission waits and no task runs."""
        await self.submissions.join()
        while self.tasks.is_busy:
            await self.tasks.wait()
            await self.submissions.join()

    async def _close(self) -> None:
        """Ends everything the session holds open; one part's failure does not keep the others open."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.events.put, None)
            stack.push_async_callback(self.model.aclose)
            if self._command_server is not None:
                stack.push_async_callback(self._command_server.aclose)
            if self.mcp is not None:
                stack.push_async_callback(self.mcp.aclose)
            if self._terminals is not None:
                stack.push_async_callback(self._terminals.aclose)
            stack.callback(self.recording.close)
            stack.push_async_callback(self._answers.aclose)
            if self._mcp_ready is not None:
                self._mcp_ready.cancel()
                await asyncio.wait([self._mcp_ready])
            await self.tasks.stop()

    async def _serve_one(self, submission_id: str, op: Op) -> None:
        from codex_core.conversation import answers
        from codex_protocol import ops

        match op:
            case ops.UserInputOp():
                await self._take_input(submission_id, list(op.items), self.context)
            case ops.UserTurnOp():
                await self._take_input(submission_id, list(op.items), self.context.for_turn(op))
            case ops.OverrideTurnContextOp():
                await self._override_context(op)
            case ops.InterruptOp():
                await self._abort_task("interrupted")
            case ops.ExecApprovalOp() | ops.PatchApprovalOp():
                await self._answer(op.id, op.decision)
            case ops.CompactOp():
                await self._start(self._compaction(submission_id))
            case ops.ReviewOp():
                await self._abort_task("replaced")
                await self._start(self._review(submission_id, op))
            case _:
                await answers.serve(self, self._answers, submission_id, op)

    async def _tell_mcp_failures(self, mcp: McpConnections) -> None:
        from codex_core.mcp.connections import failure_message
        from codex_protocol.events import ErrorEvent

        await mcp.ready()
        for server, sentence in mcp.failures.items():
            await self.emit("", ErrorEvent(message=failure_message(server, sentence)))

    # -- tasks ----------------------------------------------------------------------------------

    async def _take_input(self, submission_id: str, items: list[InputItem], context: TurnContext) -> None:
        """Starts a task, or gives the input to the one that runs (spec: agent.md sections 2 and 18)."""
        from codex_core.conversation.turn import Turn

        if self.tasks.takes_input:
            if items:
                self.tasks.inject(items, is_prompt=True)
            return

        async def run() -> None:
            turn = Turn(self, submission_id, context, self.thread)
            await (turn.run(items) if items else turn.run_empty())

        await self._start(Job(submission_id, run, takes_input=True, is_turn=True))

    async def _start(self, job: Job) -> None:
        from codex_protocol.events import ErrorEvent

        if not await self.tasks.start(job):
            message = "Too many tasks wait already; interrupt the running one, or wait for it to end."
            await self.emit(job.submission_id, ErrorEvent(message=message))

    def _compaction(self, submission_id: str) -> Job:
        from codex_core.conversation.compact_task import run_compaction

        async def run() -> None:
            await run_compaction(self, submission_id)

        return Job(submission_id, run, takes_input=False, is_turn=False)

    def _review(self, submission_id: str, op: ReviewOp) -> Job:
        from codex_core.conversation.review import run_review

        async def run() -> None:
            await run_review(self, submission_id, op.review_request)

        return Job(submission_id, run, takes_input=True, is_turn=False)

    async def _after_task(self, job: Job, left: list[PendingInput]) -> None:
        """Keeps the input that a task which failed did not carry; the next request will."""
        for given in left:
            if job.is_turn or given.is_prompt:
                await self.record_input(self.thread, given)
        await self._tell_settings()

    async def _tell_defect(self, job: Job, error: Exception) -> None:
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent

        _log.error("a task ended in an unexpected error", exc_info=error)
        text = f"Internal error, please report it: {type(error).__name__}: {error}"
        await self.emit(job.submission_id, ErrorEvent(message=text))
        await self.emit(job.submission_id, TaskCompleteEvent(last_agent_message=None))

    async def _abort_task(self, reason: str) -> None:
        """Stops the running task, if any, and says so; nothing that already ran is forgotten."""
        from codex_protocol.config_types import TurnAbortReason
        from codex_protocol.events import TurnAbortedEvent

        job = await self.tasks.stop()
        if job is None:
            return
        if job.is_turn:
            await self.thread.record([turn_aborted_item()])
        await self._tell_settings()
        await self.emit(job.submission_id, TurnAbortedEvent(reason=TurnAbortReason(reason)))

    async def _answer(self, question_id: str, decision: ReviewDecision) -> None:
        from codex_protocol.ops import ReviewDecision

        if decision is ReviewDecision.ABORT:
            await self._abort_task("interrupted")
            return
        question = self._questions.get(question_id)
        if question is None or question.done():
            _log.warning("no question is open for submission %s", question_id)
            return
        question.set_result(decision)

    # -- settings -------------------------------------------------------------------------------

    async def _override_context(self, op: OverrideTurnContextOp) -> None:
        """Changes the settings of later turns and tells the model what changed."""
        self.context = self.context.overridden(op)
        if (note := briefing.override_note(op, self.context)) is not None:
            self._notes.append(note)
            if not self.tasks.is_busy:  # a running task must not find it between a call and its output
                await self.record_notes()

    async def _tell_settings(self) -> None:
        """Tells the model, behind a task, what changed during it; also what a summary has made it forget."""
        await self.record_notes()
        if self.thread.take_compacted():
            await self.thread.record(self.environment_update())

    def instructions(self, context: TurnContext) -> str:
        """The base instructions of a request under these settings."""
        return briefing.instructions(context, self.tools)

    def initial_items(self, context: TurnContext) -> list[ResponseItem]:
        """What the model is told before the user's first word."""
        return briefing.initial_items(context, self.user_instructions)

    def environment_update(self) -> list[ResponseItem]:
        """What to tell the model of its surroundings if the history says otherwise, else nothing."""
        return briefing.environment_updates(self.history.items, self.context)

    async def _tell(self, sentence: str) -> None:
        from codex_protocol.events import ErrorEvent

        await self.events.put((self.tasks.current_id, ErrorEvent(message=sentence)))


def _log_defect(task: asyncio.Task[None]) -> None:
    """Says so if a task in the background ended as none may; the conversation does without its result."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("%s ended in an unexpected error", task.get_name(), exc_info=error)
