"""The Responses wire: a prompt as a request body, a stream's data as response events.

Spec: agent.md sections 7 and 8.
Text deltas, by far the most frequent events, are read from the decoded dict; protocol models are built
for finished items only.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from codex_core.model import response_events as events
from codex_core.model.errors import IncompleteAnswer, StreamDisconnected
from codex_core.model.event_data import decoded, mapping, text
from codex_core.model.prompt import OUTPUT_SCHEMA_NAME
from codex_core.model.stream_failure import stream_failure

if TYPE_CHECKING:
    from codex_core.model.prompt import Prompt, RequestSettings
    from codex_protocol.items import ResponseItem

_log = logging.getLogger(__name__)

_NOTHING: tuple[events.ResponseEvent, ...] = ()


def request_body(prompt: Prompt, settings: RequestSettings) -> dict[str, object]:
    """The body of `POST /responses`, keys in the reference's order."""
    reasons = settings.family.supports_reasoning
    body: dict[str, object] = {
        "model": settings.model,
        "instructions": prompt.instructions,
        "input": [_encoded(item, with_id=settings.store) for item in prompt.input],
        "tools": [tool.to_responses() for tool in prompt.tools],
        "tool_choice": "auto",
        "parallel_tool_calls": prompt.parallel_tool_calls,
        "reasoning": _reasoning(settings) if reasons else None,
        "store": settings.store,
        "stream": True,
        "include": ["reasoning.encrypted_content"] if reasons else [],
        "prompt_cache_key": settings.conversation_id,
    }
    if controls := _text_controls(prompt, settings):
        body["text"] = controls
    return body


def _text_controls(prompt: Prompt, settings: RequestSettings) -> dict[str, object]:
    controls: dict[str, object] = {}
    if settings.verbosity is not None and settings.family.supports_verbosity:
        controls["verbosity"] = str(settings.verbosity)
    if prompt.output_schema is not None:
        controls["format"] = {
            "type": "json_schema",
            "strict": True,
            "schema": prompt.output_schema,
            "name": OUTPUT_SCHEMA_NAME,
        }
    return controls


def _reasoning(settings: RequestSettings) -> dict[str, object]:
    reasoning: dict[str, object] = {}
    if settings.effort is not None:
        reasoning["effort"] = str(settings.effort)
    if settings.summary is not None:
        reasoning["summary"] = str(settings.summary)
    return reasoning


def _encoded(item: ResponseItem, *, with_id: bool) -> dict[str, object]:
    wire: dict[str, object] = {**item.to_wire()}
    if with_id and (identifier := getattr(item, "id", None)):
        wire["id"] = identifier
    return wire


class ResponsesDecoder:
    """Reads one answer of the Responses API; see `wire.StreamDecoder`."""

    __slots__ = ("_done", "_is_complete")

    reasoning_field: str | None = None

    def __init__(self) -> None:
        self._done: list[dict[str, object]] = []
        self._is_complete = False

    @property
    def is_complete(self) -> bool:
        """Whether `response.completed` has come."""
        return self._is_complete

    def feed(self, data: str) -> tuple[events.ResponseEvent, ...]:
        """What one event's data says: nothing or one thing.

        Raises: a ModelError for `response.failed`, `response.incomplete` and `error`.
        """
        event = decoded(data)
        if event is None:
            return _NOTHING
        kind = event.get("type")
        if kind == "response.output_text.delta":  # by far the most frequent
            delta = event.get("delta")
            return (events.TextDelta(delta),) if isinstance(delta, str) else _NOTHING
        match kind:
            case "response.reasoning_summary_text.delta":
                return (
                    (events.ReasoningDelta(delta),)
                    if isinstance(delta := event.get("delta"), str)
                    else _NOTHING
                )
            case "response.reasoning_text.delta":
                return (
                    (events.RawReasoningDelta(delta),)
                    if isinstance(delta := event.get("delta"), str)
                    else _NOTHING
                )
            case "response.output_item.done":
                return self._item_done(mapping(event.get("item")))
            case "response.output_item.added":
                return _item_added(mapping(event.get("item")))
            case "response.reasoning_summary_part.added":
                return (events.ReasoningSectionBreak(),)
            case "response.created":
                return (events.Created(),)
            case "response.completed":
                return self._completed(mapping(event.get("response")))
            case "response.failed":
                raise stream_failure(mapping(mapping(event.get("response")).get("error")))
            case "response.incomplete":
                details = mapping(mapping(event.get("response")).get("incomplete_details"))
                raise IncompleteAnswer(text(details.get("reason")))
            case "error":
                # The fields stand beside the type or, from some servers, in an object of their own.
                raise stream_failure(mapping(event.get("error")) or event)
            case _:
                return _NOTHING

    def finish(self) -> tuple[events.ResponseEvent, ...]:
        """Nothing: every event said its own.

        Raises: StreamDisconnected when the answer had not reached its end.
        """
        if not self._is_complete:
            raise StreamDisconnected("stream closed before response.completed")
        return _NOTHING

    def _item_done(self, raw: dict[str, object]) -> tuple[events.ResponseEvent, ...]:
        # Some servers close a message again behind the calls that follow it.
        if raw.get("id") and raw in self._done:
            return _NOTHING
        self._done.append(raw)
        return _item_done(raw)

    def _completed(self, response: dict[str, object]) -> tuple[events.ResponseEvent, ...]:
        self._is_complete = True
        happened: list[events.ResponseEvent] = []
        output = response.get("output")
        if not self._done and isinstance(output, list):
            # A server that announced no item one by one has them here.
            for raw in output:
                happened += _item_done(mapping(raw))
        return (*happened, _completed(response))


def _item_done(raw: dict[str, object]) -> tuple[events.ResponseEvent, ...]:
    from codex_protocol.errors import ProtocolError
    from codex_protocol.items import parse_response_item

    try:
        item = parse_response_item(raw)
    except ProtocolError as error:
        _log.warning("dropped a malformed item of the answer: %s", error)
        return _NOTHING
    return (events.ItemDone(item, text(raw.get("id"))),)


def _item_added(raw: dict[str, object]) -> tuple[events.ResponseEvent, ...]:
    if raw.get("type") != "web_search_call":
        return _NOTHING
    return (events.WebSearchStarted(text(raw.get("id")) or ""),)


def _completed(response: dict[str, object]) -> events.Completed:
    from codex_protocol.errors import ProtocolError
    from codex_protocol.tokens import from_responses_usage

    usage = None
    if isinstance(raw := response.get("usage"), dict):
        try:
            usage = from_responses_usage(raw)
        except ProtocolError as error:
            _log.warning("ignored unreadable token counts: %s", error)
    return events.Completed(text(response.get("id")) or "", usage)
