"""The state of one conversation and the loop that serves its submissions.

A session is the only reader of its submission queue and the only writer of its history and rollout. It
runs at most one task at a time; front ends reach it through `CodexConversation`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.conversation.context import environment_item, login_shell_name, turn_aborted_item
from codex_core.conversation.history import History
from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.model.client import ModelClient
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_core.services import Services
    from codex_core.tools.registry import ToolRegistry
    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.ops import (
        InputItem,
        Op,
        OverrideTurnContextOp,
        ReviewDecision,
        Submission,
        UserTurnOp,
    )
    from codex_protocol.rollout import SessionMeta
    from codex_protocol.tokens import TokenUsageInfo

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
    ) -> None:
        self.conversation_id = conversation_id
        self.config = config
        self.services = services
        self.model = model
        self.tools = tools
        self.context = context
        self.user_instructions = user_instructions
        self._command_server: CommandServer | None = None
        self.history = History()
        self.approved: set[ApprovalKey] = set()
        self.token_info: TokenUsageInfo | None = None
        self.submissions: asyncio.Queue[Submission] = asyncio.Queue(SUBMISSION_QUEUE_SIZE)
        self.events: asyncio.Queue[tuple[str, EventMsg] | None] = asyncio.Queue(EVENT_QUEUE_SIZE)
        self._recorder = recorder
        self._pending_input: list[InputItem] = []
        self._questions: dict[str, asyncio.Future[ReviewDecision]] = {}
        self._task: asyncio.Task[None] | None = None
        self._takes_input = False
        self._task_id = ""

    @property
    def rollout_path(self) -> str | None:
        """Where this conversation is recorded; None if it is not."""
        return self._recorder.path if self._recorder else None

    @property
    def command_server(self) -> CommandServer | None:
        """What starts this conversation's commands; None where each is started by itself."""
        if self._command_server is None:
            from codex_core.execution.command_server import command_server

            self._command_server = command_server(self.config.codex_linux_sandbox_exe)
        return self._command_server

    async def begin(self, meta: SessionMeta) -> None:
        """Records the start of a new conversation and what the model is told first."""
        await self._record(lambda recorder: recorder.write_meta(meta))
        await self.record_items(self.initial_items())

    # -- what turns use -------------------------------------------------------------------------

    async def emit(self, submission_id: str, msg: EventMsg) -> None:
        """Records an event that is kept, then sends it; waits while the front end is behind."""
        from codex_protocol.events import is_persisted

        if is_persisted(msg):
            await self._record(lambda recorder: recorder.write_event(msg))
        await self.events.put((submission_id, msg))

    async def record_items(self, items: list[ResponseItem]) -> None:
        """Adds items to the history and to the rollout."""
        self.history.record(items)
        for item in items:
            await self._record(lambda recorder, item=item: recorder.write_item(item))  # type: ignore[misc]  # bound per item

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
        """Sends a question and waits for its answer; a question that is dropped counts as denied."""
        from codex_protocol.ops import ReviewDecision

        answer: asyncio.Future[ReviewDecision] = asyncio.get_running_loop().create_future()
        if (previous := self._questions.pop(submission_id, None)) is not None and not previous.done():
            previous.set_result(ReviewDecision.DENIED)
        self._questions[submission_id] = answer
        try:
            await self.emit(submission_id, question)
            return await answer
        finally:
            if self._questions.get(submission_id) is answer:
                del self._questions[submission_id]

    def inject(self, items: list[InputItem]) -> None:
        """Keeps input for the running task's next request."""
        self._pending_input += items

    @property
    def has_pending_input(self) -> bool:
        """Whether input waits that no request has carried yet."""
        return bool(self._pending_input)

    def stop_taking_input(self) -> None:
        """Called by a turn that makes no further request: later input starts a task of its own."""
        self._takes_input = False

    def take_pending_input(self) -> list[InputItem]:
        """The input that came since the last request, in order; it is handed out once."""
        taken, self._pending_input = self._pending_input, []
        return taken

    # -- the loop -------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Serves submissions until `shutdown`, then closes what the session holds open."""
        from codex_protocol.events import ShutdownCompleteEvent
        from codex_protocol.ops import ShutdownOp

        try:
            while True:
                submission = await self.submissions.get()
                if isinstance(submission.op, ShutdownOp):
                    await self._abort_task("interrupted")
                    self._close_recorder()
                    await self.emit(submission.id, ShutdownCompleteEvent())
                    return
                await self._serve_one(submission.id, submission.op)
        finally:
            await self._cancel_task()
            self._close_recorder()
            if self._command_server is not None:
                await self._command_server.aclose()
            await self.model.aclose()
            await self.events.put(None)

    async def _serve_one(self, submission_id: str, op: Op) -> None:
        from codex_protocol import ops
        from codex_protocol.events import ConversationPathEvent, ErrorEvent

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
            case ops.GetPathOp():
                answer = ConversationPathEvent(
                    conversation_id=self.conversation_id, path=self.rollout_path or ""
                )
                await self.emit(submission_id, answer)
            case _:
                message = f"The operation `{op.type}` is not supported by this version."
                await self.emit(submission_id, ErrorEvent(message=message))

    async def _take_input(self, submission_id: str, items: list[InputItem], context: TurnContext) -> None:
        """Starts a task, or gives the input to the one that runs (spec: agent.md sections 2 and 18)."""
        if self._task is not None and not self._task.done():
            if self._takes_input:
                self.inject(items)
                return
            await asyncio.wait([self._task])
        if not items and not self._pending_input:
            return
        self._task_id = submission_id
        self._takes_input = True
        self._task = asyncio.create_task(
            self._run_task(submission_id, items, context), name=f"turn {submission_id}"
        )
        # The task runs up to its first wait, so the prompt is recorded before anything can stop it.
        await asyncio.sleep(0)

    async def _run_task(self, submission_id: str, items: list[InputItem], context: TurnContext) -> None:
        from codex_core.conversation.turn import Turn
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent

        try:
            await Turn(self, submission_id, context).run(items)
        except Exception as error:  # noqa: BLE001 - see below
            # The outermost place of a task: a defect of ours ends the turn, not the conversation.
            _log.exception("a turn ended in an unexpected error")
            text = f"Internal error, please report it: {type(error).__name__}: {error}"
            await self.emit(submission_id, ErrorEvent(message=text))
            await self.emit(submission_id, TaskCompleteEvent(last_agent_message=None))

    async def _abort_task(self, reason: str) -> None:
        """Stops the running task, if any, and says so; nothing that already ran is forgotten."""
        from codex_protocol.config_types import TurnAbortReason
        from codex_protocol.events import TurnAbortedEvent

        if self._task is None or self._task.done():
            self._task = None
            return
        submission_id = self._task_id
        await self._cancel_task()
        self._pending_input.clear()
        await self.record_items([turn_aborted_item()])
        await self.emit(submission_id, TurnAbortedEvent(reason=TurnAbortReason(reason)))

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
            cwd=op.cwd,
            approval_policy=op.approval_policy,
            sandbox_policy=op.sandbox_policy,
            model=op.model,
            effort=op.effort,
            summary=op.summary,
        )

    async def _override_context(self, op: OverrideTurnContextOp) -> None:
        """Changes the settings of later turns and tells the model what changed."""
        current = self.context
        self.context = self._derived(
            cwd=op.cwd or current.cwd,
            approval_policy=op.approval_policy or current.approval_policy,
            sandbox_policy=op.sandbox_policy or current.sandbox_policy,
            model=op.model or current.model,
            effort=op.effort or current.effort,
            summary=op.summary or current.summary,
        )
        if op.cwd is not None or op.approval_policy is not None or op.sandbox_policy is not None:
            item = environment_item(
                cwd=op.cwd, approval_policy=op.approval_policy, sandbox_policy=op.sandbox_policy, shell=None
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

    def initial_items(self) -> list[ResponseItem]:
        """What the model is told before the user's first word."""
        from codex_core.conversation.context import instructions_item

        items: list[ResponseItem] = []
        if self.user_instructions:
            items.append(instructions_item(self.user_instructions))
        items.append(
            environment_item(
                cwd=self.context.cwd,
                approval_policy=self.context.approval_policy,
                sandbox_policy=self.context.sandbox_policy,
                shell=login_shell_name(),
            )
        )
        return items

    # -- the rollout ----------------------------------------------------------------------------

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
            await self.events.put((self._task_id, ErrorEvent(message=message)))

    def _close_recorder(self) -> None:
        if self._recorder is not None:
            self._recorder.close()


def ended() -> SessionError:
    """The error of a conversation that has been shut down."""
    return SessionError("internal error; agent loop died unexpectedly")
