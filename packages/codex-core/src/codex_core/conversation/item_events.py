"""Which events a finished item stands for (spec: protocol.md section 6.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_protocol.events import EventMsg, UserMessageEvent
    from codex_protocol.items import MessageItem, ResponseItem


def item_events(item: ResponseItem, *, show_raw_reasoning: bool) -> list[EventMsg]:
    """The events a front end gets for an item of the model's answer, in order."""
    from codex_protocol import events, items

    match item:
        case items.MessageItem(role=role, content=content) if role != "system":
            return [
                events.AgentMessageEvent(message=part.text)
                for part in content
                if isinstance(part, items.OutputTextContent)
            ]
        case items.ReasoningItem(summary=summary, content=raw_content):
            shown: list[EventMsg] = [events.AgentReasoningEvent(text=part.text) for part in summary]
            if show_raw_reasoning:
                shown += [events.AgentReasoningRawContentEvent(text=part.text) for part in raw_content or ()]
            return shown
        case items.WebSearchCallItem(id=identifier, action=items.WebSearchAction(query=query)):
            return [events.WebSearchEndEvent(call_id=identifier or "", query=query)]
        case _:
            return []


def user_message_event(message: MessageItem) -> UserMessageEvent:
    """The event a resumed session shows for a message of the user."""
    from codex_protocol.events import UserMessageEvent
    from codex_protocol.items import InputImageContent, InputTextContent
    from codex_protocol.message_kind import kind_by_opening

    texts = [part.text for part in message.content if isinstance(part, InputTextContent)]
    images = tuple(part.image_url for part in message.content if isinstance(part, InputImageContent))
    kind = kind_by_opening(texts[0]) if texts else None
    return UserMessageEvent(message="".join(texts), kind=kind, images=images or None)
