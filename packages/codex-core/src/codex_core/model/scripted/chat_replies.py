"""Builders for the Chat Completions wire (spec: agent.md section 24), to be put into `replies.sse`.

sse(*chat_text("fi", "n"), chat_finish("stop"), CHAT_DONE)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codex_core.model.scripted.replies import DEFAULT_CALL_ID, Event, Reply, SsePart, sse

if TYPE_CHECKING:
    from collections.abc import Sequence

CHAT_DONE = "[DONE]"
"""The line that ends a Chat stream."""


def chat_chunk(delta: Mapping[str, object], *, finish_reason: str | None = None) -> Event:
    """One `chat.completion.chunk` with this delta as its only choice."""
    choice: Event = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason}
    return {"id": "chatcmpl_1", "object": "chat.completion.chunk", "choices": [choice]}


def chat_text(*pieces: str) -> list[Event]:
    """Text of the assistant, one chunk per piece."""
    return [chat_chunk({"content": piece}) for piece in pieces]


def chat_reasoning(*pieces: str) -> list[Event]:
    """Raw reasoning, one chunk per piece."""
    return [chat_chunk({"reasoning": piece}) for piece in pieces]


def chat_tool_call(
    name: str,
    arguments: Mapping[str, object] | Sequence[str] | str,
    call_id: str = DEFAULT_CALL_ID,
    *,
    index: int = 0,
) -> list[Event]:
    """A tool call; a list of texts sends the arguments in these pieces, the first with name and id."""
    if isinstance(arguments, str):
        pieces = [arguments]
    elif isinstance(arguments, Mapping):
        pieces = [json.dumps(arguments, ensure_ascii=False)]
    else:
        pieces = list(arguments)
    first: Event = {
        "index": index,
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": pieces[0]},
    }
    rest: list[Event] = [{"index": index, "function": {"arguments": piece}} for piece in pieces[1:]]
    return [chat_chunk({"tool_calls": [call]}) for call in (first, *rest)]


def chat_finish(reason: str = "stop") -> Event:
    """The chunk that ends the choice."""
    return chat_chunk({}, finish_reason=reason)


def chat_answer(*parts: SsePart, finish_reason: str = "stop") -> Reply:
    """A complete Chat answer: role, these chunks, finish reason, end line."""
    return sse(chat_chunk({"role": "assistant"}), *parts, chat_finish(finish_reason), CHAT_DONE)
