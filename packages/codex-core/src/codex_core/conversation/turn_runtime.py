"""A running turn as its tools see it (`tools.runtime.ToolRuntime`): settings, events, questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.session import Session
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.terminal_sessions import TerminalSessions
    from codex_core.mcp.connections import McpConnections
    from codex_core.services import Services
    from codex_core.workspace.turn_diff import TurnDiffTracker
    from codex_protocol.events import EventMsg
    from codex_protocol.file_change import FileChange
    from codex_protocol.ops import InputItem, ReviewDecision

_SILENT_IN_REVIEWS = frozenset({"agent_message", "agent_message_delta"})


class TurnRuntime:
    """What one task of a session gives to tools, and how it speaks to the front end."""

    def __init__(
        self, session: Session, submission_id: str, context: TurnContext, *, is_review: bool
    ) -> None:
        self._session = session
        self._id = submission_id
        self._context = context
        self._silent = _SILENT_IN_REVIEWS if is_review else frozenset()
        self._diff: TurnDiffTracker | None = None

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
    def has_diff(self) -> bool:
        """Whether a patch has been looked at in this turn."""
        return self._diff is not None

    @property
    def diff(self) -> TurnDiffTracker:
        """What patches changed since the turn began."""
        if self._diff is None:
            from codex_core.workspace.turn_diff import TurnDiffTracker

            self._diff = TurnDiffTracker(self._context.cwd)
        return self._diff

    async def emit(self, msg: EventMsg) -> None:
        """Sends an event under this task's submission id; a review keeps its words to itself."""
        if msg.type not in self._silent:
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
