"""The state of one conversation and the loop that serves its submissions.

A session is the only reader of its submission queue and the only writer of its history and rollout. It
runs at most one task at a time; front ends reach it through `CodexConversation`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.conversation.context import environment_item, login_shell_name, turn_aborted_item
from codex_core.conversation.history import History
from codex_core.conversation.thread import Thread
from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.terminal_sessions import TerminalSessions
    from codex_core.mcp.connections import McpConnections
    from codex_core.model.client import ModelClient
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_core.rollout.replay import RecordedLine
    from codex_core.services import Services
    from codex_core.tools.registry import ToolRegistry
    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.ops import (
        InputItem,
        Op,
        OverrideTurnContextOp,
        ReviewDecision,
        ReviewOp,
        Submission,
        UserTurnOp,
    )
    from codex_protocol.rollout import CompactedItem, SessionMeta
    from codex_protocol.tokens import TokenUsage, TokenUsageInfo

SUBMISSION_QUEUE_SIZE = 64
"""Submissions that may wait (spec: agent.md section 1)."""

EVENT_QUEUE_SIZE = 2_048
"""Events that may wait for the front end before the session waits for it."""

MAX_ANSWERS = 64
"""Questions of the front end that are being answered at the same time."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PendingInput:
    """Input for the next request of the running task."""

    items: tuple[InputItem, ...]
    is_prompt: bool
    """Whether the user gave it; a tool may, too."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A task that runs or waits until it can."""

    submission_id: str
    run: Callable[[], Coroutine[None, None, None]]
    takes_input: bool
    is_turn: bool
    """Whether it works in the session's own thread, which then is told of an interrupt."""


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
        self.conversation_id = conversation_id
        self.config = config
        self.services = services
        self.model = model
        self.tools = tools
        self.context = context
        self.user_instructions = user_instructions
        self.mcp = mcp
        self.thread = Thread(
            History(),
            initial_items=self.initial_items,
            write=self._write_item,
            write_compacted=self._write_compacted,
        )
        self.approved: set[ApprovalKey] = set()
        self.token_info: TokenUsageInfo | None = None
        self.submissions: asyncio.Queue[Submission] = asyncio.Queue(SUBMISSION_QUEUE_SIZE)
        self.events: asyncio.Queue[tuple[str, EventMsg] | None] = asyncio.Queue(EVENT_QUEUE_SIZE)
        self._recorder = recorder
        self._command_server: CommandServer | None = None
        self._terminals: TerminalSessions | None = None
        self._mcp_ready: asyncio.Task[None] | None = None
        self._pending_input: list[PendingInput] = []
        self._questions: dict[str, asyncio.Future[ReviewDecision]] = {}
        self._asking = asyncio.Lock()
        self._answers: set[asyncio.Task[None]] = set()
        self._writes: set[asyncio.Task[None]] = set()
        self._jobs: deque[_Job] = deque()
        self._job: _Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._takes_input = False
        self._auto_compactions = 0

    @property
    def rollout_path(self) -> str | None:
        """Where this conversation is recorded; None if it is not."""
        return self._recorder.path if self._recorder else None

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

    async def begin(
        self, meta: SessionMeta, copied: Iterable[RecordedLine] = (), items: Iterable[ResponseItem] = ()
    ) -> None:
        """Records the start of a conversation: a new one, or one that begins with a copy of lines."""
        await self._record(lambda recorder: recorder.write_meta(meta))
        for line in copied:
            await self._record(lambda recorder, line=line: recorder.write_copy(line.kind, line.payload))  # type: ignore[misc]  # bound per line
        await self.record_items(items)

    async def ready_tools(self) -> ToolRegistry:
        """The tools of the next requests; waits until the MCP servers are up or have failed."""
        if self.mcp is None:
            return self.tools
        if self._mcp_ready is not None:
            await asyncio.shield(self._mcp_ready)
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
        from codex_protocol.events import is_persisted

        if is_persisted(msg):
            await self._record(lambda recorder: recorder.write_event(msg))
        await self.events.put((submission_id, msg))

    async def record_items(self, items: Iterable[ResponseItem]) -> None:
        """Adds items to the history and to the rollout."""
        await self.thread.record(items)

    async def record_unsent_event(self, msg: EventMsg) -> None:
        """Records an event that is replayed from rollouts but never sent live."""
        await self._record(lambda recorder: recorder.write_event(msg))

    async def record_turn_context(self, context: TurnContext) -> None:
        """Notes in the rollout under which settings the next request is made."""
        from codex_protocol.rollout import TurnContextItem

        item = TurnContextItem(
            cwd=context.cwd,
            approval_policy=context.approval_policy,
            sandbox_policy=context.sandbox_policy,
            model=context.model,
            effort=context.effort,
            summary=context.summary,
        )
        await self._record(lambda recorder: recorder.write_turn_context(item))

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

    def inject(self, items: Iterable[InputItem], *, is_prompt: bool) -> None:
        """Keeps input for the running task's next request."""
        self._pending_input.append(PendingInput(tuple(items), is_prompt))

    @property
    def has_pending_input(self) -> bool:
        """Whether input waits that no request has carried yet."""
        return bool(self._pending_input)

    def stop_taking_input(self) -> None:
        """Called by a turn that makes no further request: later input starts a task of its own."""
        self._takes_input = False

    def take_pending_input(self) -> list[PendingInput]:
        """The input that came since the last request, in order; it is handed out once."""
        taken, self._pending_input = self._pending_input, []
        return taken

    # -- the loop -------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Serves submissions until `shutdown`, then closes what the session holds open."""
        from codex_protocol.events import ShutdownCompleteEvent
        from codex_protocol.ops import ShutdownOp

        try:
            if self.mcp is not None:
                self._mcp_ready = asyncio.create_task(self._tell_mcp_failures(self.mcp), name="mcp start")
            while True:
                submission = await self.submissions.get()
                if isinstance(submission.op, ShutdownOp):
                    await self._abort_task("interrupted")
                    if self._writes:
                        await asyncio.wait(self._writes)
                    self._close_recorder()
                    await self.emit(submission.id, ShutdownCompleteEvent())
                    return
                await self._serve_one(submission.id, submission.op)
        finally:
            await self._close()

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
            stack.callback(self._close_recorder)
            await self._cancel_task()
            background = [*self._answers, *([self._mcp_ready] if self._mcp_ready else [])]
            for task in background:
                task.cancel()
            if background:
                await asyncio.wait(background)

    async def _serve_one(self, submission_id: str, op: Op) -> None:
        from codex_protocol import ops

        match op:
            case ops.UserInputOp():
                await self._take_input(submission_id, list(op.items), self.context)
            case ops.UserTurnOp():
                await self._take_input(submission_id, list(op.items), self._context_of(op))
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
                await self._serve_question(submission_id, op)

    async def _serve_question(self, submission_id: str, op: Op) -> None:
        from codex_core.conversation import answers
        from codex_protocol import ops

        match op:
            case ops.AddToHistoryOp():
                await self._answer_beside(answers.add_to_history(self, op.text), is_write=True)
            case ops.GetHistoryEntryRequestOp():
                await self._answer_beside(answers.history_entry(self, submission_id, op.log_id, op.offset))
            case ops.GetPathOp():
                await answers.path(self, submission_id)
            case ops.ListMcpToolsOp():
                await self._answer_beside(answers.mcp_tools(self, submission_id))
            case ops.ListCustomPromptsOp():
                await self._answer_beside(answers.custom_prompts(self, submission_id))
            case _:
                _log.warning("an operation of type %s is not served", op.type)

    async def _answer_beside(self, answering: Coroutine[None, None, None], *, is_write: bool = False) -> None:
        """Lets a question be answered beside everything else; waits where there are too many.

        A write is finished before the session ends; what is only asked then needs no answer any more.
        """
        while len(self._answers) >= MAX_ANSWERS:
            await asyncio.wait(self._answers, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(answering, name="answer")
        self._answers.add(task)
        if is_write:
            self._writes.add(task)
        task.add_done_callback(self._answered)
        await asyncio.sleep(0)  # as far as it goes without waiting, so that answers stay in order

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answers.discard(task)
        self._writes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a question could not be answered", exc_info=error)

    async def _tell_mcp_failures(self, mcp: McpConnections) -> None:
        from codex_protocol.events import ErrorEvent

        await mcp.ready()
        for sentence in mcp.failures.values():
            await self.emit("", ErrorEvent(message=sentence))

    # -- tasks ----------------------------------------------------------------------------------

    async def _take_input(self, submission_id: str, items: list[InputItem], context: TurnContext) -> None:
        """Starts a task, or gives the input to the one that runs (spec: agent.md sections 2 and 18)."""
        from codex_core.conversation.turn import Turn

        if not items:
            return
        if self._is_busy and self._takes_input:
            self.inject(items, is_prompt=True)
            return

        async def run() -> None:
            await Turn(self, submission_id, context, self.thread).run(items)

        await self._start(_Job(submission_id, run, takes_input=True, is_turn=True))

    def _compaction(self, submission_id: str) -> _Job:
        from codex_core.conversation.compact_task import run_compaction

        async def run() -> None:
            await run_compaction(self, submission_id)

        return _Job(submission_id, run, takes_input=False, is_turn=False)

    def _review(self, submission_id: str, op: ReviewOp) -> _Job:
        from codex_core.conversation.review import run_review

        async def run() -> None:
            await run_review(self, submission_id, op.review_request)

        return _Job(submission_id, run, takes_input=True, is_turn=False)

    @property
    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _start(self, job: _Job) -> None:
        """Starts a task, behind those that wait or run."""
        while len(self._jobs) >= SUBMISSION_QUEUE_SIZE and self._task is not None:
            await asyncio.wait([self._task])
        self._jobs.append(job)
        if not self._is_busy:
            self._task = asyncio.create_task(self._run_jobs(), name=f"session task {job.submission_id}")
            # The task runs up to its first wait, so the prompt is recorded before anything can stop it.
            await asyncio.sleep(0)

    async def _run_jobs(self) -> None:
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent

        while self._jobs:
            job = self._job = self._jobs.popleft()
            self._takes_input = job.takes_input
            try:
                await job.run()
            except Exception as error:  # noqa: BLE001 - see below
                # The outermost place of a task: a defect of ours ends the task, not the conversation.
                _log.exception("a task ended in an unexpected error")
                text = f"Internal error, please report it: {type(error).__name__}: {error}"
                await self.emit(job.submission_id, ErrorEvent(message=text))
                await self.emit(job.submission_id, TaskCompleteEvent(last_agent_message=None))
            finally:
                self._takes_input = False

    async def _abort_task(self, reason: str) -> None:
        """Stops the running task, if any, and says so; nothing that already ran is forgotten."""
        from codex_protocol.config_types import TurnAbortReason
        from codex_protocol.events import TurnAbortedEvent

        job = self._job
        if not self._is_busy or job is None:
            return
        self._jobs.clear()
        await self._cancel_task()
        self._pending_input.clear()
        if job.is_turn:
            await self.record_items([turn_aborted_item()])
        await self.emit(job.submission_id, TurnAbortedEvent(reason=TurnAbortReason(reason)))

    async def _cancel_task(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])

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

    def _context_of(self, op: UserTurnOp) -> TurnContext:
        """The settings of one turn only."""
        return self._derived(
            cwd=os.path.join(self.context.cwd, op.cwd),
            approval_policy=op.approval_policy,
            sandbox_policy=op.sandbox_policy,
            model=op.model,
            effort=op.effort,
            summary=op.summary,
        )

    async def _override_context(self, op: OverrideTurnContextOp) -> None:
        """Changes the settings of later turns and tells the model what changed."""
        from codex_protocol.ops import ClearEffort

        current = self.context
        cwd = None if op.cwd is None else os.path.join(current.cwd, op.cwd)
        effort = current.effort if op.effort is None else op.effort
        self.context = self._derived(
            cwd=cwd or current.cwd,
            approval_policy=op.approval_policy or current.approval_policy,
            sandbox_policy=op.sandbox_policy or current.sandbox_policy,
            model=op.model or current.model,
            effort=None if isinstance(effort, ClearEffort) else effort,
            summary=op.summary or current.summary,
        )
        if cwd is not None or op.approval_policy is not None or op.sandbox_policy is not None:
            item = environment_item(
                cwd=cwd, approval_policy=op.approval_policy, sandbox_policy=op.sandbox_policy, shell=None
            )
            await self.record_items([item])

    def _derived(self, *, model: str, **changes: object) -> TurnContext:
        """The present settings with changes; a new model brings its family and window along."""
        from codex_core.model.families import find_family, model_info

        context = replace(self.context, model=model, **changes)  # type: ignore[arg-type]  # fields by name
        if model == self.context.model:
            return context
        return replace(
            context,
            family=find_family(model) or self.context.family,
            context_window=model_info(model).context_window,
        )

    def instructions(self, context: TurnContext) -> str:
        """The base instructions of a request under these settings (spec: agent.md section 5)."""
        from codex_core.conversation.prompts import base_instructions

        if context.base_instructions is not None:
            return context.base_instructions
        offers_patch = self.tools.offers("apply_patch", context)
        return base_instructions(context.family, teach_apply_patch=not offers_patch)

    def initial_items(self, context: TurnContext) -> list[ResponseItem]:
        """What the model is told before the user's first word."""
        from codex_core.conversation.context import instructions_item

        items: list[ResponseItem] = []
        if self.user_instructions:
            items.append(instructions_item(self.user_instructions))
        items.append(
            environment_item(
                cwd=context.cwd,
                approval_policy=context.approval_policy,
                sandbox_policy=context.sandbox_policy,
                shell=login_shell_name(),
            )
        )
        return items

    def environment_update(self) -> list[ResponseItem]:
        """What to tell the model of its surroundings if the history says otherwise, else nothing."""
        from codex_core.conversation.context import environment_update

        item = environment_update(self.history.items, self.context)
        return [] if item is None else [item]

    # -- the rollout ----------------------------------------------------------------------------

    async def _write_item(self, item: ResponseItem) -> None:
        await self._record(lambda recorder: recorder.write_item(item))

    async def _write_compacted(self, item: CompactedItem) -> None:
        await self._record(lambda recorder: recorder.write_compacted(item))

    async def _record(self, write: Callable[[RolloutRecorder], None]) -> None:
        """Writes to the rollout; a disk that refuses is said once and does not stop the user's work."""
        if self._recorder is None:
            return
        try:
            write(self._recorder)
        except OSError as error:
            path = self._recorder.path
            self._close_recorder()
            self._recorder = None
            _log.error("the session file %s cannot be written: %s", path, error)
            from codex_protocol.events import ErrorEvent

            message = (
                f"The session file {path} cannot be written ({error.strerror}); "
                "from here on this conversation is not recorded."
            )
            await self.events.put((self._job.submission_id if self._job else "", ErrorEvent(message=message)))

    def _close_recorder(self) -> None:
        if self._recorder is not None:
            self._recorder.close()


def ended() -> SessionError:
    """The error of a conversation that has been shut down."""
    return SessionError("internal error; agent loop died unexpectedly")
