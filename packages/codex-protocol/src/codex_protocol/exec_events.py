"""What `codex exec --json` prints in the newer schema: one line per event of a thread.

Spec: servers.md section 8.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, cast

from pydantic import Field

from codex_protocol.base import RawModel, WireModel
from codex_protocol.fields import Bool, Int32, Uint, is_none
from codex_protocol.unions import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping


# --- items of a thread ----------------------------------------------------------------------------


class AgentMessageItem(WireModel):
    """The assistant's text; JSON text when an output schema was asked for."""

    id: str
    type: Literal["agent_message"] = "agent_message"
    text: str


class ReasoningItem(WireModel):
    """The parts of a reasoning summary, one per line."""

    id: str
    type: Literal["reasoning"] = "reasoning"
    text: str


class CommandStatus(StrEnum):
    """How a command fares; one the user refused is declined."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    DECLINED = "declined"


class CommandExecutionItem(WireModel):
    """A command and what it wrote; `command` is shell-quoted."""

    id: str
    type: Literal["command_execution"] = "command_execution"
    command: str
    aggregated_output: str
    exit_code: Int32 | None = None
    status: CommandStatus


class ChangeKind(StrEnum):
    """What happens to a file."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


class FileChangeEntry(WireModel):
    """One file of a patch."""

    path: str
    kind: ChangeKind


class ItemStatus(StrEnum):
    """How a patch or a tool call fares."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class FileChangeItem(WireModel):
    """A patch."""

    id: str
    type: Literal["file_change"] = "file_change"
    changes: tuple[FileChangeEntry, ...]
    status: ItemStatus


class McpToolCallResult(WireModel):
    """What a tool of an MCP server answered."""

    content: tuple[object, ...]
    structured_content: object = None


class McpToolCallFailure(WireModel):
    """Why a tool of an MCP server did not answer."""

    message: str


class McpToolCallItem(WireModel):
    """A call of a tool of an MCP server."""

    id: str
    type: Literal["mcp_tool_call"] = "mcp_tool_call"
    server: str
    tool: str
    arguments: object = None
    result: McpToolCallResult | None = None
    error: McpToolCallFailure | None = None
    status: ItemStatus


class WebSearchItem(WireModel):
    """A search of the model's own; `action` says more than the query where the provider does."""

    id: str
    type: Literal["web_search"] = "web_search"
    query: str
    action: object = Field(default=None, exclude_if=is_none)


class TodoEntry(WireModel):
    """One step of the plan."""

    text: str
    completed: Bool


class TodoListItem(WireModel):
    """The model's plan."""

    id: str
    type: Literal["todo_list"] = "todo_list"
    items: tuple[TodoEntry, ...]


class ErrorItem(WireModel):
    """A warning that did not stop the turn."""

    id: str
    type: Literal["error"] = "error"
    message: str


class UnknownItem(RawModel):
    """An item of a type unknown here, kept as it came."""

    @property
    def id(self) -> str:
        """The id it came with."""
        return str(self.raw.get("id", ""))

    @property
    def type(self) -> str:
        """The tag it came with."""
        return str(self.raw.get("type", ""))


ThreadItem: TypeAlias = (
    AgentMessageItem
    | ReasoningItem
    | CommandExecutionItem
    | FileChangeItem
    | McpToolCallItem
    | WebSearchItem
    | TodoListItem
    | ErrorItem
    | UnknownItem
)

THREAD_ITEM = Tagged(
    lambda: {
        "agent_message": AgentMessageItem,
        "reasoning": ReasoningItem,
        "command_execution": CommandExecutionItem,
        "file_change": FileChangeItem,
        "mcp_tool_call": McpToolCallItem,
        "web_search": WebSearchItem,
        "todo_list": TodoListItem,
        "error": ErrorItem,
    },
    unknown=UnknownItem,
)
_ThreadItem: TypeAlias = Annotated[ThreadItem, THREAD_ITEM]


# --- events ---------------------------------------------------------------------------------------


class ThreadStartedEvent(WireModel):
    """The first line: which thread this is."""

    type: Literal["thread.started"] = "thread.started"
    thread_id: str


class TurnStartedEvent(WireModel):
    """A turn begins."""

    type: Literal["turn.started"] = "turn.started"


class ItemStartedEvent(WireModel):
    """Something that takes a while begins."""

    type: Literal["item.started"] = "item.started"
    item: _ThreadItem


class ItemUpdatedEvent(WireModel):
    """Something going on has changed."""

    type: Literal["item.updated"] = "item.updated"
    item: _ThreadItem


class ItemCompletedEvent(WireModel):
    """Something is done."""

    type: Literal["item.completed"] = "item.completed"
    item: _ThreadItem


class Usage(WireModel):
    """Tokens of the whole thread so far."""

    input_tokens: Uint
    cached_input_tokens: Uint
    output_tokens: Uint
    reasoning_output_tokens: Uint = 0


class TurnCompletedEvent(WireModel):
    """A turn has ended well."""

    type: Literal["turn.completed"] = "turn.completed"
    usage: Usage


class ThreadError(WireModel):
    """What went wrong."""

    message: str


class TurnFailedEvent(WireModel):
    """A turn has failed."""

    type: Literal["turn.failed"] = "turn.failed"
    error: ThreadError


class ThreadErrorEvent(WireModel):
    """Something went wrong; the turn may yet go on."""

    type: Literal["error"] = "error"
    message: str


class UnknownThreadEvent(RawModel):
    """A line of a type unknown here, kept as it came."""

    @property
    def type(self) -> str:
        """The tag it came with."""
        return str(self.raw.get("type", ""))


ThreadEvent: TypeAlias = (
    ThreadStartedEvent
    | TurnStartedEvent
    | ItemStartedEvent
    | ItemUpdatedEvent
    | ItemCompletedEvent
    | TurnCompletedEvent
    | TurnFailedEvent
    | ThreadErrorEvent
    | UnknownThreadEvent
)

THREAD_EVENT = Tagged(
    lambda: {
        "thread.started": ThreadStartedEvent,
        "turn.started": TurnStartedEvent,
        "item.started": ItemStartedEvent,
        "item.updated": ItemUpdatedEvent,
        "item.completed": ItemCompletedEvent,
        "turn.completed": TurnCompletedEvent,
        "turn.failed": TurnFailedEvent,
        "error": ThreadErrorEvent,
    },
    unknown=UnknownThreadEvent,
)
"""Tells the events apart."""


def parse_thread_event(data: Mapping[str, object]) -> ThreadEvent:
    """The event a decoded line stands for; an unknown type gives an `UnknownThreadEvent`.

    Raises:
        ProtocolError: when there is no type, or an event or item of a known type has not its shape.
    """
    return cast("ThreadEvent", THREAD_EVENT.parse(data))
