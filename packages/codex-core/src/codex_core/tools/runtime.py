"""What a tool handler is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from codex_core.approval.decide import ApprovalKey
    from codex_core.config.config import Config
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command_server import CommandServer
    from codex_core.execution.terminal_sessions import TerminalSessions
    from codex_core.mcp.connections import McpConnections
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.services import Services
    from codex_core.workspace.turn_diff import TurnDiffTracker
    from codex_protocol.events import EventMsg
    from codex_protocol.file_change import FileChange
    from codex_protocol.ops import InputItem, ReviewDecision

DEFAULT_TIMEOUT_MS = 10_000
"""How long a command may run when the model does not say (exec-sandbox.md A.3)."""


class CallKind(StrEnum):
    """How the model made the call, which decides the shape of the answer."""

    FUNCTION = "function_call"
    CUSTOM = "custom_tool_call"
    LOCAL_SHELL = "local_shell_call"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of the model."""

    kind: CallKind
    call_id: str
    name: str
    arguments: str
    """JSON text of a function call, free text of a custom one."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What the model reads as the result of its call."""

    text: str
    success: bool


class ToolRuntime(Protocol):
    """The running turn, as far as a tool may see it."""

    @property
    def context(self) -> TurnContext: ...

    @property
    def config(self) -> Config: ...

    @property
    def services(self) -> Services: ...

    @property
    def command_server(self) -> CommandServer | None:
        """What starts the conversation's commands; None where each is started by itself."""
        ...

    @property
    def terminals(self) -> TerminalSessions:
        """The conversation's interactive terminals."""
        ...

    @property
    def mcp(self) -> McpConnections | None:
        """The conversation's MCP servers; None if none is configured."""
        ...

    @property
    def approved(self) -> set[ApprovalKey]:
        """Commands the user allowed for the rest of the session."""
        ...

    @property
    def diff(self) -> TurnDiffTracker:
        """What patches changed since the turn began."""
        ...

    async def emit(self, msg: EventMsg) -> None:
        """Sends an event to the front end; waits while it is behind."""
        ...

    async def ask_exec(
        self, call_id: str, command: tuple[str, ...], cwd: str, reason: str | None
    ) -> ReviewDecision:
        """Asks the user whether a command may run without the sandbox."""
        ...

    async def ask_patch(self, call_id: str, changes: dict[str, FileChange]) -> ReviewDecision:
        """Asks the user whether a patch may be applied."""
        ...

    def inject(self, item: InputItem) -> None:
        """Adds input that goes to the model with the next request, behind this call's output."""
        ...


class Tool(Protocol):
    """A tool: what the model is told about it, and what happens when it is called."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names it answers to; the first is the one offered."""
        ...

    @property
    def is_parallel_safe(self) -> bool:
        """Whether calls may run beside other calls of one answer."""
        ...

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """How it is offered in this turn, or None if it is not."""
        ...

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Does what the call asks for; a known failure is an output, not an exception."""
        ...


def bad_arguments(reason: str) -> ToolOutput:
    """The output for arguments that are no JSON, or not of the tool's shape (agent.md section 12)."""
    return ToolOutput(f"failed to parse function arguments: {reason}", success=False)
