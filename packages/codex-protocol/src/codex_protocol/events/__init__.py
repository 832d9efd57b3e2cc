"""What an agent reports: one `Event` at a time, one class per kind of message.

Which kinds are also kept in rollouts is each class's `persisted`. The classes live in modules by area,
which are imported when one of their names is first used: a short run needs a third of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from codex_protocol.config_types import ExecOutputStream, InputMessageKind, TurnAbortReason
    from codex_protocol.events.answers import (
        ConversationPathEvent,
        CustomPrompt,
        GetHistoryEntryResponseEvent,
        ListCustomPromptsResponseEvent,
        McpListToolsResponseEvent,
    )
    from codex_protocol.events.calls import (
        McpInvocation,
        McpResult,
        McpToolCallBeginEvent,
        McpToolCallEndEvent,
        PlanUpdateEvent,
        WebSearchBeginEvent,
        WebSearchEndEvent,
    )
    from codex_protocol.events.commands import (
        ExecApprovalRequestEvent,
        ExecCommandBeginEvent,
        ExecCommandEndEvent,
        ExecCommandOutputDeltaEvent,
    )
    from codex_protocol.events.dispatch import (
        EVENT_MSG,
        UnknownEvent,
        is_persisted,
        parse_event_msg,
    )
    from codex_protocol.events.duration import (
        Duration,
    )
    from codex_protocol.events.envelope import (
        Event,
    )
    from codex_protocol.events.model import (
        EventModel,
    )
    from codex_protocol.events.patches import (
        ApplyPatchApprovalRequestEvent,
        PatchApplyBeginEvent,
        PatchApplyEndEvent,
        TurnDiffEvent,
    )
    from codex_protocol.events.reviews import (
        EnteredReviewModeEvent,
        ExitedReviewModeEvent,
    )
    from codex_protocol.events.session import (
        BackgroundEventEvent,
        ErrorEvent,
        SessionConfiguredEvent,
        ShutdownCompleteEvent,
        StreamErrorEvent,
        TaskCompleteEvent,
        TaskStartedEvent,
        TokenCountEvent,
        TurnAbortedEvent,
    )
    from codex_protocol.events.speech import (
        AgentMessageDeltaEvent,
        AgentMessageEvent,
        AgentReasoningDeltaEvent,
        AgentReasoningEvent,
        AgentReasoningRawContentDeltaEvent,
        AgentReasoningRawContentEvent,
        AgentReasoningSectionBreakEvent,
        UserMessageEvent,
    )

    EventMsg: TypeAlias = (
        ErrorEvent
        | TaskStartedEvent
        | TaskCompleteEvent
        | TokenCountEvent
        | AgentMessageEvent
        | UserMessageEvent
        | AgentMessageDeltaEvent
        | AgentReasoningEvent
        | AgentReasoningDeltaEvent
        | AgentReasoningRawContentEvent
        | AgentReasoningRawContentDeltaEvent
        | AgentReasoningSectionBreakEvent
        | SessionConfiguredEvent
        | McpToolCallBeginEvent
        | McpToolCallEndEvent
        | WebSearchBeginEvent
        | WebSearchEndEvent
        | ExecCommandBeginEvent
        | ExecCommandOutputDeltaEvent
        | ExecCommandEndEvent
        | ExecApprovalRequestEvent
        | ApplyPatchApprovalRequestEvent
        | BackgroundEventEvent
        | StreamErrorEvent
        | PatchApplyBeginEvent
        | PatchApplyEndEvent
        | TurnDiffEvent
        | GetHistoryEntryResponseEvent
        | McpListToolsResponseEvent
        | ListCustomPromptsResponseEvent
        | PlanUpdateEvent
        | TurnAbortedEvent
        | ShutdownCompleteEvent
        | ConversationPathEvent
        | EnteredReviewModeEvent
        | ExitedReviewModeEvent
        | UnknownEvent
    )

__all__ = [
    "EVENT_MSG",
    "AgentMessageDeltaEvent",
    "AgentMessageEvent",
    "AgentReasoningDeltaEvent",
    "AgentReasoningEvent",
    "AgentReasoningRawContentDeltaEvent",
    "AgentReasoningRawContentEvent",
    "AgentReasoningSectionBreakEvent",
    "ApplyPatchApprovalRequestEvent",
    "BackgroundEventEvent",
    "ConversationPathEvent",
    "CustomPrompt",
    "Duration",
    "EnteredReviewModeEvent",
    "ErrorEvent",
    "Event",
    "EventModel",
    "EventMsg",
    "ExecApprovalRequestEvent",
    "ExecCommandBeginEvent",
    "ExecCommandEndEvent",
    "ExecCommandOutputDeltaEvent",
    "ExecOutputStream",
    "ExitedReviewModeEvent",
    "GetHistoryEntryResponseEvent",
    "InputMessageKind",
    "ListCustomPromptsResponseEvent",
    "McpInvocation",
    "McpListToolsResponseEvent",
    "McpResult",
    "McpToolCallBeginEvent",
    "McpToolCallEndEvent",
    "PatchApplyBeginEvent",
    "PatchApplyEndEvent",
    "PlanUpdateEvent",
    "SessionConfiguredEvent",
    "ShutdownCompleteEvent",
    "StreamErrorEvent",
    "TaskCompleteEvent",
    "TaskStartedEvent",
    "TokenCountEvent",
    "TurnAbortReason",
    "TurnAbortedEvent",
    "TurnDiffEvent",
    "UnknownEvent",
    "UserMessageEvent",
    "WebSearchBeginEvent",
    "WebSearchEndEvent",
    "is_persisted",
    "parse_event_msg",
]

_AREAS = {
    "answers": (
        "ConversationPathEvent",
        "CustomPrompt",
        "GetHistoryEntryResponseEvent",
        "ListCustomPromptsResponseEvent",
        "McpListToolsResponseEvent",
    ),
    "calls": (
        "McpInvocation",
        "McpResult",
        "McpToolCallBeginEvent",
        "McpToolCallEndEvent",
        "PlanUpdateEvent",
        "WebSearchBeginEvent",
        "WebSearchEndEvent",
    ),
    "commands": (
        "ExecApprovalRequestEvent",
        "ExecCommandBeginEvent",
        "ExecCommandEndEvent",
        "ExecCommandOutputDeltaEvent",
    ),
    "dispatch": (
        "EVENT_MSG",
        "UnknownEvent",
        "is_persisted",
        "parse_event_msg",
    ),
    "duration": ("Duration",),
    "envelope": ("Event",),
    "model": ("EventModel",),
    "patches": (
        "ApplyPatchApprovalRequestEvent",
        "PatchApplyBeginEvent",
        "PatchApplyEndEvent",
        "TurnDiffEvent",
    ),
    "reviews": (
        "EnteredReviewModeEvent",
        "ExitedReviewModeEvent",
    ),
    "session": (
        "BackgroundEventEvent",
        "ErrorEvent",
        "SessionConfiguredEvent",
        "ShutdownCompleteEvent",
        "StreamErrorEvent",
        "TaskCompleteEvent",
        "TaskStartedEvent",
        "TokenCountEvent",
        "TurnAbortedEvent",
    ),
    "speech": (
        "AgentMessageDeltaEvent",
        "AgentMessageEvent",
        "AgentReasoningDeltaEvent",
        "AgentReasoningEvent",
        "AgentReasoningRawContentDeltaEvent",
        "AgentReasoningRawContentEvent",
        "AgentReasoningSectionBreakEvent",
        "UserMessageEvent",
    ),
}
_WORDS = ("ExecOutputStream", "InputMessageKind", "TurnAbortReason")
_AREA_OF = {name: area for area, names in _AREAS.items() for name in names}


def __getattr__(name: str) -> object:
    from importlib import import_module

    value: object
    if name == "EventMsg":
        value = _every_message()
    elif name in _WORDS:
        value = getattr(import_module("codex_protocol.config_types"), name)
    elif name in _AREA_OF:
        value = getattr(import_module(f"codex_protocol.events.{_AREA_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _every_message() -> object:
    from typing import Union

    from codex_protocol.events.dispatch import EVENT_MSG, UnknownEvent

    return Union[(*EVENT_MSG.classes(), UnknownEvent)]
