"""Items of a conversation as messages of the Chat Completions wire (spec: agent.md section 24)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from codex_core.model.prompt import DEFAULT_REASONING_FIELD
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
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.items import ResponseItem

_AnyCall: TypeAlias = FunctionCallItem | CustomToolCallItem | LocalShellCallItem


def messages(
    instructions: str,
    items: Sequence[ResponseItem],
    *,
    reasoning_field: str = DEFAULT_REASONING_FIELD,
    alternates: bool = False,
) -> list[dict[str, object]]:
    """The `messages` of a request.

    What the assistant says and the calls it makes become one message if nothing but reasoning lies between
    them: servers want every call answered before the assistant's next message, and many want the roles to
    alternate. With `alternates` also what the user says in a row is one message.
    """
    said: list[dict[str, object]] = [{"role": "system", "content": instructions}]
    thoughts = _anchored_thoughts(items)
    last_words: object = None
    calls: list[dict[str, object]] | None = None  # of the last message, which the next call may join
    for index, item in enumerate(items):
        if isinstance(item, _AnyCall) and calls is not None:
            calls.append(_tool_call(item))
            said[-1]["tool_calls"] = calls
            if index in thoughts:
                said[-1][reasoning_field] = f"{said[-1].get(reasoning_field, '')}{thoughts[index]}"
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
                    calls = []
            case FunctionCallItem() | CustomToolCallItem() | LocalShellCallItem():
                calls = [_tool_call(item)]
                message = {"role": "assistant", "content": None, "tool_calls": calls}
            case FunctionCallOutputItem() | CustomToolCallOutputItem():
                message = {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
            case _:
                continue
        if index in thoughts:
            message[reasoning_field] = thoughts[index]
        if alternates and said[-1]["role"] == message["role"] == "user":
            said[-1]["content"] = _run_together(said[-1]["content"], message["content"])
        else:
            said.append(message)
    return said


def _run_together(first: object, second: object) -> object:
    """Two contents as one: texts as paragraphs, anything else as a list of parts."""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    parts: list[object] = []
    for content in (first, second):
        parts += content if isinstance(content, list) else [{"type": "text", "text": content}]
    return parts


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
            return _function(item.call_id, item.name, _valid(item.arguments))
        # Calls of kinds that only the Responses wire has: as functions, since servers refuse a
        # conversation with any other kind in it.
        case CustomToolCallItem():
            return _function(item.call_id, item.name, dumps({"input": item.input}))
        case LocalShellCallItem():
            action = {key: value for key, value in item.action.to_wire().items() if value is not None}
            action.pop("type", None)
            return _function(item.call_id or item.id or "", "shell", dumps(action))


def _function(call_id: str, name: str, arguments: str) -> dict[str, object]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _valid(arguments: str) -> str:
    """The arguments as they came, unless they are no JSON object: servers decode them and fail for good."""
    try:
        if isinstance(json.loads(arguments), dict):
            return arguments
    except (ValueError, RecursionError):
        pass
    return dumps({"unreadable_arguments": arguments} if arguments.strip() else {})


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
