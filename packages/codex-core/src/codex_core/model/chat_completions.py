"""The Chat Completions wire, which most other servers speak: a request body and a decoder of its chunks.

Spec: agent.md section 24, with the choices of section 25 (D25): calls are put together by their index,
an answer must announce its end, token counts are asked for, images are sent. An answer that was cut off is
no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model import response_events as events
from codex_core.model.chat_calls import CallPieces
from codex_core.model.chat_messages import messages
from codex_core.model.errors import IncompleteAnswer, StreamDisconnected
from codex_core.model.event_data import decoded, mapping, text
from codex_core.model.prompt import DEFAULT_REASONING_FIELD, OUTPUT_SCHEMA_NAME
from codex_core.model.stream_failure import stream_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.errors import ModelError
    from codex_core.model.prompt import Prompt, RequestSettings
    from codex_protocol.items import ResponseItem
    from codex_protocol.tokens import TokenUsage

END_OF_STREAM = "[DONE]"

_REASONING_FIELDS = (DEFAULT_REASONING_FIELD, "reasoning_content")
_CUT_OFF = frozenset({"length", "content_filter"})


def request_body(prompt: Prompt, settings: RequestSettings) -> dict[str, object]:
    """The body of `POST /chat/completions`."""
    body: dict[str, object] = {
        "model": settings.model,
        "messages": messages(
            prompt.instructions,
            prompt.input,
            reasoning_field=settings.reasoning_field,
            alternates=settings.alternates,
        ),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # Some servers refuse an empty list; tools this wire has no form for are left out.
    if tools := [form for tool in prompt.tools if (form := tool.to_chat()) is not None]:
        body["tools"] = tools
    if prompt.output_schema is not None:
        schema = {"name": OUTPUT_SCHEMA_NAME, "strict": True, "schema": prompt.output_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


class ChatDecoder:
    """Reads one answer of the Chat Completions API; see `wire.StreamDecoder`.

    Texts are passed on as they come. Items are given when the answer announces its end: reasoning, then
    the message, then the calls in their order. `new_id` makes ids for calls that come without one.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._text: list[str] = []
        self._thought: list[str] = []
        self._calls = CallPieces(new_id)
        self._usage: TokenUsage | None = None
        self._answer_id = ""
        self._reasoning_field: str | None = None
        self._cut_off: ModelError | None = None
        self._has_finished = False
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        """Whether the answer is finished and nothing more is expected."""
        return self._is_complete

    @property
    def reasoning_field(self) -> str | None:
        """The name this server gives to reasoning; None while it has given none."""
        return self._reasoning_field

    def feed(self, data: str) -> list[events.ResponseEvent]:
        """What one chunk says.

        Raises: a ModelError when the chunk is an error of the server, or follows an answer that was cut off.
        """
        if self._cut_off is not None:
            raise self._cut_off
        if data.strip() == END_OF_STREAM:
            return [*self._finished_items(), *self._late_calls(), self._completed()]
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
            reason = text(choice.get("finish_reason"))
            if reason is not None and reason != "null":
                if reason in _CUT_OFF:
                    self._cut_off = IncompleteAnswer(reason)
                happened += self._finished_items()
        if usage := _usage(chunk.get("usage")):
            self._usage = usage
            # Counts come last, whether with the end of the answer or in a chunk of their own.
            if self._has_finished and self._cut_off is None:
                happened += [*self._late_calls(), self._completed()]
        return happened

    def finish(self) -> list[events.ResponseEvent]:
        """The end of an answer that had been announced.

        Raises: StreamDisconnected when it had not; IncompleteAnswer when it was cut off.
        """
        if self._cut_off is not None:
            raise self._cut_off
        if not self._has_finished:
            raise StreamDisconnected("stream closed before response.completed")
        return [] if self._is_complete else [*self._late_calls(), self._completed()]

    def _deltas(self, choice: dict[str, object]) -> list[events.ResponseEvent]:
        happened: list[events.ResponseEvent] = []
        delta = mapping(choice.get("delta"))
        content, thought = _content(delta.get("content"))
        for source in (delta, mapping(choice.get("message"))):
            for field in _REASONING_FIELDS:
                if found := _reasoning(source.get(field)):
                    self._reasoning_field = self._reasoning_field or field
                    thought += found
                    break  # some servers send it under both names
        if thought:
            self._thought.append(thought)
            happened.append(events.RawReasoningDelta(thought))
        if content := content or text(delta.get("refusal")) or "":
            self._text.append(content)
            happened.append(events.TextDelta(content))
        pieces = delta.get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            self._calls.add(mapping(piece))
        return happened

    def _finished_items(self) -> list[events.ResponseEvent]:
        if self._has_finished:
            return []
        self._has_finished = True
        return [*(events.ItemDone(item, None) for item in self._items()), *self._late_calls()]

    def _late_calls(self) -> list[events.ResponseEvent]:
        """The calls that have come since, which some servers send behind the end they announce."""
        from codex_protocol.items import FunctionCallItem

        return [
            events.ItemDone(
                FunctionCallItem(name=call.name, arguments=call.arguments, call_id=call.identifier), None
            )
            for call in self._calls.take(only_whole=self._cut_off is not None)
        ]

    def _items(self) -> list[ResponseItem]:
        from codex_protocol.items import (
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
        return items

    def _completed(self) -> events.Completed:
        self._is_complete = True
        return events.Completed(self._answer_id, self._usage)


def _reasoning(value: object) -> str | None:
    """A piece of reasoning: a text, or an object with one."""
    parts = mapping(value)
    return text(value) or text(parts.get("text")) or text(parts.get("content"))


def _content(value: object) -> tuple[str, str]:
    """What a `content` says and thinks: a text, or a list of parts as Mistral's models send them."""
    if isinstance(value, str):
        return value, ""
    said = thought = ""
    for raw in value if isinstance(value, list) else ():
        part = mapping(raw)
        if part.get("type") == "thinking":
            thinking = part.get("thinking")
            pieces = thinking if isinstance(thinking, list) else [{"text": thinking}]
            thought += "".join(text(mapping(piece).get("text")) or "" for piece in pieces)
        else:
            said += text(part.get("text")) or ""
    return said, thought


def _usage(raw: object) -> TokenUsage | None:
    """Token counts in our terms; None when there are none to read. Details and the total may be absent."""
    counts = mapping(raw)
    given, made = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if given is None or made is None:
        return None
    from codex_protocol.tokens import TokenUsage

    cached = _count(mapping(counts.get("prompt_tokens_details")).get("cached_tokens"))
    if cached is None:
        cached = _count(counts.get("prompt_cache_hit_tokens"))  # DeepSeek
    return TokenUsage(
        input_tokens=given,
        cached_input_tokens=cached or 0,
        output_tokens=made,
        reasoning_output_tokens=_count(
            mapping(counts.get("completion_tokens_details")).get("reasoning_tokens")
        )
        or 0,
        total_tokens=_count(counts.get("total_tokens")) or given + made,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
