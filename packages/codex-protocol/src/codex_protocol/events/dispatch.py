"""Which class an event message is, found by its tag; imports only the modules of the tags it meets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

from codex_protocol.base import RawModel
from codex_protocol.events.model import EventModel
from codex_protocol.unions import Tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_protocol.base import WireModel
    from codex_protocol.events import EventMsg


class UnknownEvent(RawModel, EventModel):
    """A message of a type unknown here, kept as it came."""

    @property
    def type(self) -> str:
        """The tag it came with."""
        return str(self.raw.get("type", ""))


EVENT_CLASSES: dict[str, tuple[str, str]] = {
    "error": ("session", "ErrorEvent"),
    "task_started": ("session", "TaskStartedEvent"),
    "task_complete": ("session", "TaskCompleteEvent"),
    "token_count": ("session", "TokenCountEvent"),
    "agent_message": ("speech", "AgentMessageEvent"),
    "user_message": ("speech", "UserMessageEvent"),
    "agent_message_delta": ("speech", "AgentMessageDeltaEvent"),
    "agent_reasoning": ("speech", "AgentReasoningEvent"),
    "agent_reasoning_delta": ("speech", "AgentReasoningDeltaEvent"),
    "agent_reasoning_raw_content": ("speech", "AgentReasoningRawContentEvent"),
    "agent_reasoning_raw_content_delta": ("speech", "AgentReasoningRawContentDeltaEvent"),
    "agent_reasoning_section_break": ("speech", "AgentReasoningSectionBreakEvent"),
    "session_configured": ("session", "SessionConfiguredEvent"),
    "mcp_tool_call_begin": ("calls", "McpToolCallBeginEvent"),
    "mcp_tool_call_end": ("calls", "McpToolCallEndEvent"),
    "web_search_begin": ("calls", "WebSearchBeginEvent"),
    "web_search_end": ("calls", "WebSearchEndEvent"),
    "exec_command_begin": ("commands", "ExecCommandBeginEvent"),
    "exec_command_output_delta": ("commands", "ExecCommandOutputDeltaEvent"),
    "exec_command_end": ("commands", "ExecCommandEndEvent"),
    "exec_approval_request": ("commands", "ExecApprovalRequestEvent"),
    "apply_patch_approval_request": ("patches", "ApplyPatchApprovalRequestEvent"),
    "background_event": ("session", "BackgroundEventEvent"),
    "stream_error": ("session", "StreamErrorEvent"),
    "patch_apply_begin": ("patches", "PatchApplyBeginEvent"),
    "patch_apply_end": ("patches", "PatchApplyEndEvent"),
    "turn_diff": ("patches", "TurnDiffEvent"),
    "get_history_entry_response": ("answers", "GetHistoryEntryResponseEvent"),
    "mcp_list_tools_response": ("answers", "McpListToolsResponseEvent"),
    "list_custom_prompts_response": ("answers", "ListCustomPromptsResponseEvent"),
    "plan_update": ("calls", "PlanUpdateEvent"),
    "turn_aborted": ("session", "TurnAbortedEvent"),
    "shutdown_complete": ("session", "ShutdownCompleteEvent"),
    "conversation_path": ("answers", "ConversationPathEvent"),
    "entered_review_mode": ("reviews", "EnteredReviewModeEvent"),
    "exited_review_mode": ("reviews", "ExitedReviewModeEvent"),
}
"""Tag -> (module of this package, class)."""


class _Catalog:
    """The classes by tag, each imported when it is asked for; a mapping as far as `Tagged` needs one."""

    def __init__(self) -> None:
        self._loaded: dict[str, type[WireModel]] = {}

    def get(self, tag: str) -> type[WireModel] | None:
        found = self._loaded.get(tag)
        if found is None and tag in EVENT_CLASSES:
            module, name = EVENT_CLASSES[tag]
            found = self._loaded[tag] = getattr(import_module(f"codex_protocol.events.{module}"), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(EVENT_CLASSES)


EVENT_MSG = Tagged(_Catalog, unknown=UnknownEvent)
"""Tells the messages apart."""

if TYPE_CHECKING:
    AnyEventMsg: TypeAlias = EventMsg
else:
    AnyEventMsg = Annotated[object, EVENT_MSG]


def parse_event_msg(data: Mapping[str, object]) -> EventMsg:
    """The message a decoded JSON object stands for; an unknown type gives an `UnknownEvent`.

    Raises:
        ProtocolError: when there is no type, or a message of a known type has not its shape.
    """
    return cast("EventMsg", EVENT_MSG.parse(data))


def is_persisted(msg: EventMsg) -> bool:
    """Whether a rollout keeps the message."""
    return msg.persisted
