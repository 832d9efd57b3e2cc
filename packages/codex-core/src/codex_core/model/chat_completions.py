"""The Chat Completions wire, which most other servers speak: a request body and a decoder of its chunks.

Spec: agent.md section 24, with the choices of section 25 (D25): calls are put together by their index,
an answer must announce its end, token counts are asked for, images are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.model import response_events as events
from codex_core.model.chat_messages import messages
from codex_core.model.errors import StreamDisconnected
from codex_core.model.event_data import decoded, mapping, text
from codex_core.model.stream_failure import stream_failure

if TYPE_CHECKING:
    from codex_core.model.prompt import Prompt, RequestSettings
    from codex_protocol.items import ResponseItem
    from codex_protocol.tokens import TokenUsage

END_OF_STREAM = "[DONE]"


def request_body(prompt: Prompt, settings: RequestSettings) -> dict[str, object]:
    """The body of `POST /chat/completions`."""
    body: dict[str, object] = {
        "model": settings.model,
        "messages": messages(prompt.instructions, prompt.input),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # Some servers refuse an empty list; tools this wire has no form for are left out.
    if tools := [form for tool in prompt.tools if (form := tool.to_chat()) is not None]:
        body["tools"] = tools
    return body


@dataclass(slots=True)
class _Call:
    """A call as far as its pieces have come."""

    identifier: str = ""
    name: str = ""
    arguments: str = ""


class ChatDecoder:
    """Reads one answer of the Chat Completions API; see `wire.StreamDecoder`.

    Texts are passed on as they come. Items are given when the answer announces its end: reasoning, then
    the message, then the calls in their order.
    """

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thought: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._usage: TokenUsage | None = None
        self._answer_id = ""
        self._has_finished = False
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        """Whether the answer is finished and nothing more is expected."""
        return self._is_complete

    def feed(self, data: str) -> list[events.ResponseEvent]:
        """What one chunk says.

        Raises: a ModelError when the chunk is an error of the server.
        """
        if data.strip() == END_OF_STREAM:
            return [*self._finished_items(), self._completed()]
        chunk = decoded(data)
        if chunk is None:
            return []
        if error := chunk.get("error"):
            raise stream_failure(mapping(error) or {"message": error})
        self._answer_id = self._answer_id or text(chunk.get("id")) or str(chunk.get("created") or "")
        happened: list[events.ResponseEvent] = []
        choices = chunk.get("choices")
        choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        if choice:
            happened += self._deltas(choice)
            if choice.get("finish_reason"):
                happened += self._finished_items()
        if usage := _usage(chunk.get("usage")):
            self._usage = usage
            # Counts come last, whether with the end of the answer or in a chunk of their own.
            if self._has_finished:
                happened.append(self._completed())
        return happened

    def finish(self) -> list[events.ResponseEvent]:
        """The end of an answer that had been announced.

        Raises: StreamDisconnected when it had not.
        """
        if not self._has_finished:
            raise StreamDisconnected("stream closed before response.completed")
        return [] if self._is_complete else [self._completed()]

    def _deltas(self, choice: dict[str, object]) -> list[events.ResponseEvent]:
        happened: list[events.ResponseEvent] = []
        delta = mapping(choice.get("delta"))
        for thought in (
            _reasoning(delta.get("reasoning") or delta.get("reasoning_content")),
            _reasoning(mapping(choice.get("message")).get("reasoning")),
        ):
            if thought:
                self._thought.append(thought)
                happened.append(events.RawReasoningDelta(thought))
        if content := text(delta.get("content")):
            self._text.append(content)
            happened.append(events.TextDelta(content))
        pieces = delta.get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            self._add_call_piece(mapping(piece))
        return happened

    def _add_call_piece(self, piece: dict[str, object]) -> None:
        identifier = text(piece.get("id"))
        index = piece.get("index")
        if not isinstance(index, int):
            # Without an index, a new id begins a new call and everything else goes on with the last one.
            last = max(self._calls, default=-1)
            is_new = last < 0 or (identifier is not None and identifier != self._calls[last].identifier)
            index = last + 1 if is_new else last
        call = self._calls.setdefault(index, _Call())
        function = mapping(piece.get("function"))
        call.identifier = call.identifier or identifier or ""
        call.name = call.name or text(function.get("name")) or ""
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # whole and decoded, as some servers send it
            from codex_protocol.jsonio import dumps

            arguments = dumps(arguments)
        call.arguments += text(arguments) or ""

    def _finished_items(self) -> list[events.ResponseEvent]:
        if self._has_finished:
            return []
        self._has_finished = True
        return [events.ItemDone(item, None) for item in self._items()]

    def _items(self) -> list[ResponseItem]:
        from codex_protocol.items import (
            FunctionCallItem,
            MessageItem,
            OutputTextContent,
            ReasoningItem,
            ReasoningTextContent,
        )

        items: list[ResponseItem] = []
        if self._thought:
            content = (ReasoningTextContent(text="".join(self._thought)),)
            items.append(ReasoningItem(summary=(), content=content))
        if self._text:
            said = OutputTextContent(text="".join(self._text))
            items.append(MessageItem(role="assistant", content=(said,)))
        for index, call in sorted(self._calls.items()):
            identifier = call.identifier or f"call_{self._answer_id}_{index}"
            items.append(FunctionCallItem(name=call.name, arguments=call.arguments, call_id=identifier))
        return items

    def _completed(self) -> events.Completed:
        self._is_complete = True
        return events.Completed(self._answer_id, self._usage)


def _reasoning(value: object) -> str | None:
    """A piece of reasoning: a text, or an object with one."""
    parts = mapping(value)
    return text(value) or text(parts.get("text")) or text(parts.get("content"))


def _usage(raw: object) -> TokenUsage | None:
    """Token counts in our terms; None when there are none to read."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.tokens import from_responses_usage

    counts = mapping(raw)
    if not counts:
        return None
    try:
        return from_responses_usage(
            {
                "input_tokens": counts.get("prompt_tokens"),
                "input_tokens_details": counts.get("prompt_tokens_details"),
                "output_tokens": counts.get("completion_tokens"),
                "output_tokens_details": counts.get("completion_tokens_details"),
                "total_tokens": counts.get("total_tokens"),
            }
        )
    except ProtocolError:
        return None
