"""Items of a conversation as messages of the Chat Completions wire (spec: agent.md section 24)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from codex_protocol.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImageContent,
    LocalShellCallItem,
    MessageItem,
    ReasoningItem,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.items import ResponseItem

_AnyCall: TypeAlias = FunctionCallItem | CustomToolCallItem | LocalShellCallItem


def messages(instructions: str, items: Sequence[ResponseItem]) -> list[dict[str, object]]:
    """The `messages` of a request.

    Calls that have nothing but reasoning between them become one message, because servers want every
    call of a message answered before the next message of the assistant.
    """
    said: list[dict[str, object]] = [{"role": "system", "content": instructions}]
    thoughts = _anchored_thoughts(items)
    last_words: object = None
    calls: list[dict[str, object]] | None = None  # of the last message, which the next call may join
    for index, item in enumerate(items):
        if isinstance(item, _AnyCall) and calls is not None:
            calls.append(_tool_call(item))
            if index in thoughts:
                said[-1]["reasoning"] = f"{said[-1].get('reasoning', '')}{thoughts[index]}"
            continue
        if isinstance(item, ReasoningItem):
            continue
        calls = None
        match item:
            case MessageItem():
                message: dict[str, object] = {"role": item.role, "content": _content(item)}
                if item.role == "assistant":
                    if message["content"] == last_words:
                        continue
                    last_words = message["content"]
            case FunctionCallItem() | CustomToolCallItem() | LocalShellCallItem():
                calls = [_tool_call(item)]
                message = {"role": "assistant", "content": None, "tool_calls": calls}
            case FunctionCallOutputItem() | CustomToolCallOutputItem():
                message = {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
            case _:
                continue
        if index in thoughts:
            message["reasoning"] = thoughts[index]
        said.append(message)
    return said


def _content(item: MessageItem) -> str | list[dict[str, object]]:
    """Texts in one string; with images, a list of parts."""
    parts: list[dict[str, object]] = []
    words = ""
    for part in item.content:
        if isinstance(part, InputImageContent):
            parts.append({"type": "image_url", "image_url": {"url": part.image_url}})
        else:
            parts.append({"type": "text", "text": part.text})
            words += part.text
    return parts if any(part["type"] == "image_url" for part in parts) else words


def _tool_call(item: _AnyCall) -> dict[str, object]:
    match item:
        case FunctionCallItem():
            function = {"name": item.name, "arguments": item.arguments}
            return {"id": item.call_id, "type": "function", "function": function}
        case CustomToolCallItem():
            # The id must be the one its output names, so it is not the item's own.
            return {"id": item.call_id, "type": "custom", "custom": {"name": item.name, "input": item.input}}
        case LocalShellCallItem():
            return {
                "id": item.call_id or item.id or "",
                "type": "local_shell_call",
                "status": str(item.status),
                "action": item.action.to_wire(),
            }


def _anchored_thoughts(items: Sequence[ResponseItem]) -> dict[int, str]:
    """The reasoning since the user last spoke, by the index of the item it is sent with.

    That is the assistant's message right before it, or else the call or message right behind it. Nothing
    is sent when the user has the last word.
    """
    speakers = [_speaker(item) for item in items]
    if next((speaker for speaker in reversed(speakers) if speaker is not None), "user") == "user":
        return {}
    since = max((index for index, speaker in enumerate(speakers) if speaker == "user"), default=-1)
    found: dict[int, str] = {}
    for index in range(since + 1, len(items)):
        item = items[index]
        thought = _thought(item)
        if not thought.strip():
            continue
        if index > 0 and _is_assistant_message(items[index - 1]):
            anchor = index - 1
        elif index + 1 < len(items) and speakers[index + 1] == "assistant":
            anchor = index + 1
        else:
            continue
        found[anchor] = found.get(anchor, "") + thought
    return found


def _speaker(item: ResponseItem) -> str | None:
    match item:
        case MessageItem():
            return item.role
        case FunctionCallItem() | LocalShellCallItem():
            return "assistant"
        case FunctionCallOutputItem():
            return "tool"
        case _:
            return None


def _is_assistant_message(item: ResponseItem) -> bool:
    return isinstance(item, MessageItem) and item.role == "assistant"


def _thought(item: ResponseItem) -> str:
    return "".join(part.text for part in item.content or ()) if isinstance(item, ReasoningItem) else ""
