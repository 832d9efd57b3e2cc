"""What a session starts from: nothing, a recorded conversation, or a copy of a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from codex_protocol.items import MessageItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.events import EventMsg
    from codex_protocol.rollout import RolloutItem


@dataclass(frozen=True, slots=True)
class NewHistory:
    """A conversation that begins."""


@dataclass(frozen=True, slots=True)
class ResumedHistory:
    """A recorded conversation that goes on in its own file."""

    conversation_id: str
    history: tuple[RolloutItem, ...]
    rollout_path: str


@dataclass(frozen=True, slots=True)
class ForkedHistory:
    """A new conversation that begins with a copy of recorded items."""

    history: tuple[RolloutItem, ...]


InitialHistory: TypeAlias = NewHistory | ResumedHistory | ForkedHistory


def event_messages(initial: InitialHistory) -> tuple[EventMsg, ...] | None:
    """The messages to replay to a front end: the recorded events, or None when the conversation is new."""
    if isinstance(initial, NewHistory):
        return None
    return tuple(cast("EventMsg", item) for item in initial.history if item.rollout_type == "event_msg")


def without_last_user_messages(history: Sequence[RolloutItem], count: int) -> InitialHistory:
    """The history of a fork: what lies before the `count`-th user message from the end.

    User messages are all of role `user`, those made for the model included. With fewer than `count` of
    them, or nothing before it, the fork is a new conversation; 0 keeps all (spec: protocol.md section 8).
    """
    if count == 0:
        return ForkedHistory(tuple(history))
    users = [
        index for index, item in enumerate(history) if isinstance(item, MessageItem) and item.role == "user"
    ]
    if len(users) < count or users[-count] == 0:
        return NewHistory()
    return ForkedHistory(tuple(history[: users[-count]]))
