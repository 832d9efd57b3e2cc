"""How a session and its tasks begin, fare and end."""

from __future__ import annotations

from typing import ClassVar, Literal

from codex_protocol.config_types import ReasoningEffort, TurnAbortReason
from codex_protocol.events.dispatch import AnyEventMsg
from codex_protocol.events.model import EventModel
from codex_protocol.fields import ConversationId, OmitNone, Size, Uint
from codex_protocol.tokens import TokenUsageInfo


class SessionConfiguredEvent(EventModel):
    """The session stands; always the first event, with an empty id."""

    type: Literal["session_configured"] = "session_configured"
    session_id: ConversationId
    model: str
    reasoning_effort: OmitNone[ReasoningEffort] = None
    history_log_id: Uint
    history_entry_count: Size
    initial_messages: OmitNone[tuple[AnyEventMsg, ...]] = None
    rollout_path: str


class ErrorEvent(EventModel):
    """Something failed; `message` is for the user."""

    type: Literal["error"] = "error"
    message: str


class TaskStartedEvent(EventModel):
    """A task begins."""

    type: Literal["task_started"] = "task_started"
    model_context_window: Uint | None = None


class TaskCompleteEvent(EventModel):
    """A task has ended, well or with an error reported before."""

    type: Literal["task_complete"] = "task_complete"
    last_agent_message: str | None = None


class TokenCountEvent(EventModel):
    """Tokens used so far, after each answer of the model."""

    type: Literal["token_count"] = "token_count"
    persisted: ClassVar[bool] = True
    info: TokenUsageInfo | None = None
    rate_limits: OmitNone[dict[str, object]] = None
    """How much of the plan's allowances is used, where the server tells it; newer releases have it."""


class TurnAbortedEvent(EventModel):
    """A task was stopped; no `task_complete` follows."""

    type: Literal["turn_aborted"] = "turn_aborted"
    persisted: ClassVar[bool] = True
    reason: TurnAbortReason


class ShutdownCompleteEvent(EventModel):
    """The session has ended; nothing follows."""

    type: Literal["shutdown_complete"] = "shutdown_complete"


class BackgroundEventEvent(EventModel):
    """Something worth a line, with no consequence."""

    type: Literal["background_event"] = "background_event"
    message: str


class StreamErrorEvent(EventModel):
    """The model's answer broke off and is asked for again."""

    type: Literal["stream_error"] = "stream_error"
    message: str
