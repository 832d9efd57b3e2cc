"""Answers to what a front end asks about the session and its surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from codex_protocol.base import WireModel
from codex_protocol.events.model import EventModel
from codex_protocol.fields import ConversationId, OmitNone, Size, Uint
from codex_protocol.history_entry import HistoryEntry
from codex_protocol.unions import Late

if TYPE_CHECKING:
    from codex_protocol.mcp_types import Tool
else:
    Tool = Annotated[object, Late("codex_protocol.mcp_types", "Tool")]


class GetHistoryEntryResponseEvent(EventModel):
    """The prompt asked for, if there is one."""

    type: Literal["get_history_entry_response"] = "get_history_entry_response"
    offset: Size
    log_id: Uint
    entry: OmitNone[HistoryEntry] = None


class McpListToolsResponseEvent(EventModel):
    """The tools of the configured MCP servers by qualified name."""

    type: Literal["mcp_list_tools_response"] = "mcp_list_tools_response"
    tools: dict[str, Tool]


class CustomPrompt(WireModel):
    """A prompt the user keeps in a file."""

    name: str
    path: str
    content: str


class ListCustomPromptsResponseEvent(EventModel):
    """The user's saved prompts."""

    type: Literal["list_custom_prompts_response"] = "list_custom_prompts_response"
    custom_prompts: tuple[CustomPrompt, ...]


class ConversationPathEvent(EventModel):
    """Where the conversation is recorded."""

    type: Literal["conversation_path"] = "conversation_path"
    conversation_id: ConversationId
    path: str
