"""What the user and the assistant say, and what the model thinks."""

from __future__ import annotations

from typing import ClassVar, Literal

from codex_protocol.config_types import InputMessageKind
from codex_protocol.events.model import EventModel
from codex_protocol.fields import OmitNone


class AgentMessageEvent(EventModel):
    """A finished piece of the assistant's text."""

    type: Literal["agent_message"] = "agent_message"
    persisted: ClassVar[bool] = True
    message: str


class UserMessageEvent(EventModel):
    """What the user said; only in rollouts and in the messages replayed from them, never live."""

    type: Literal["user_message"] = "user_message"
    persisted: ClassVar[bool] = True
    message: str
    kind: OmitNone[InputMessageKind] = None
    images: OmitNone[tuple[str, ...]] = None


class AgentMessageDeltaEvent(EventModel):
    """The next few characters of the assistant's text."""

    type: Literal["agent_message_delta"] = "agent_message_delta"
    delta: str


class AgentReasoningEvent(EventModel):
    """A finished part of a reasoning summary."""

    type: Literal["agent_reasoning"] = "agent_reasoning"
    persisted: ClassVar[bool] = True
    text: str


class AgentReasoningDeltaEvent(EventModel):
    """The next few characters of a reasoning summary."""

    type: Literal["agent_reasoning_delta"] = "agent_reasoning_delta"
    delta: str


class AgentReasoningRawContentEvent(EventModel):
    """A finished part of raw reasoning."""

    type: Literal["agent_reasoning_raw_content"] = "agent_reasoning_raw_content"
    persisted: ClassVar[bool] = True
    text: str


class AgentReasoningRawContentDeltaEvent(EventModel):
    """The next few characters of raw reasoning."""

    type: Literal["agent_reasoning_raw_content_delta"] = "agent_reasoning_raw_content_delta"
    delta: str


class AgentReasoningSectionBreakEvent(EventModel):
    """A new part of the reasoning summary begins."""

    type: Literal["agent_reasoning_section_break"] = "agent_reasoning_section_break"
