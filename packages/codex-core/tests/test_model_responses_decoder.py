"""Events of the Responses stream become response events (spec: agent.md section 8)."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.errors import ModelError
from codex_core.model.errors import (
    ContextWindowExceeded,
    IncompleteAnswer,
    QuotaExceeded,
    RequestRefused,
    ServerOverloaded,
    StreamDisconnected,
    UsageLimitReached,
    UsageNotIncluded,
)
from codex_core.model.response_events import (
    Completed,
    Created,
    ItemDone,
    RawReasoningDelta,
    ReasoningDelta,
    ReasoningSectionBreak,
    ResponseEvent,
    TextDelta,
    WebSearchStarted,
)
from codex_core.model.responses_api import ResponsesDecoder
from codex_protocol.items import FunctionCallItem, MessageItem, OtherItem
from codex_protocol.tokens import TokenUsage


def feed(*events: object) -> list[ResponseEvent]:
    decoder = ResponsesDecoder()
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return [happened for text in texts for happened in decoder.feed(text)]


@pytest.mark.parametrize(
    ("event", "happened"),
    [
        ({"type": "response.created", "response": {}}, Created()),
        ({"type": "response.output_text.delta", "delta": "Hé"}, TextDelta("Hé")),
        ({"type": "response.reasoning_summary_text.delta", "delta": "P"}, ReasoningDelta("P")),
        ({"type": "response.reasoning_text.delta", "delta": "r"}, RawReasoningDelta("r")),
        ({"type": "response.reasoning_summary_part.added", "item_id": "x"}, ReasoningSectionBreak()),
        (
            {"type": "response.output_item.added", "item": {"type": "web_search_call", "id": "ws_1"}},
            WebSearchStarted("ws_1"),
        ),
        (
            {"type": "response.output_item.added", "item": {"type": "web_search_call"}},
            WebSearchStarted(""),
        ),
    ],
)
def test_what_each_event_says(event: object, happened: ResponseEvent) -> None:
    assert feed(event) == [happened]


@pytest.mark.parametrize(
    "event",
    [
        "[DONE]",
        "{not json",
        '{"type":"response.created"} trailing',
        '"text"',
        "[1]",
        "null",
        "[" * 100_000,
        {"type": "response.in_progress"},
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.delta", "delta": 7},
        {"type": "response.output_item.added", "item": {"type": "message"}},
        {"type": "response.output_item.done"},
        {"type": "response.output_item.done", "item": {"type": "function_call", "name": "x"}},
        {"type": 7},
        {},
    ],
)
def test_what_is_unknown_or_unreadable_says_nothing(event: object) -> None:
    assert feed(event) == []


def test_white_space_around_the_json_does_not_matter() -> None:
    assert feed(' {"type":"response.created"} ', '{"type":"response.created"}\n') == [Created(), Created()]


def test_a_finished_item_is_a_protocol_model() -> None:
    item = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "shell", "arguments": "{ }"}
    (happened,) = feed({"type": "response.output_item.done", "item": item})
    assert happened == ItemDone(
        FunctionCallItem(id="fc_1", call_id="c", name="shell", arguments="{ }"), "fc_1"
    )


def test_an_item_of_a_newer_kind_is_passed_on() -> None:
    (happened,) = feed({"type": "response.output_item.done", "item": {"type": "novelty", "x": 1}})
    assert isinstance(happened, ItemDone)
    assert isinstance(happened.item, OtherItem)
    assert happened.item.raw == {"type": "novelty", "x": 1}


def test_half_a_character_costs_only_itself() -> None:
    content = '[{"type":"output_text","text":"a\\ud83d b"}]'
    item = f'{{"type":"message","role":"assistant","content":{content}}}'
    delta, done = feed(
        '{"type":"response.output_text.delta","delta":"\\ud83d"}',
        f'{{"type":"response.output_item.done","item":{item}}}',
    )
    assert delta == TextDelta("\ufffd")
    assert isinstance(done, ItemDone)
    assert isinstance(done.item, MessageItem)
    assert done.item.content[0].to_wire()["text"] == "a\ufffd b"


def test_completion_brings_the_token_counts() -> None:
    decoder = ResponsesDecoder()
    usage = {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 200},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 1050,
    }
    event = {"type": "response.completed", "response": {"id": "resp_1", "usage": usage}}
    was_complete = decoder.is_complete
    assert decoder.feed(json.dumps(event)) == (
        Completed(
            "resp_1",
            TokenUsage(
                input_tokens=1000,
                cached_input_tokens=200,
                output_tokens=50,
                reasoning_output_tokens=10,
                total_tokens=1050,
            ),
        ),
    )
    assert (was_complete, decoder.is_complete) == (False, True)
    assert decoder.finish() == ()


@pytest.mark.parametrize(
    "response",
    [{"id": "r"}, {"id": "r", "usage": None}, {"id": "r", "usage": {"input_tokens": "many"}}],
)
def test_an_answer_without_readable_counts_is_complete_all_the_same(response: object) -> None:
    assert feed({"type": "response.completed", "response": response}) == [Completed("r", None)]


@pytest.mark.parametrize("response", [{}, None, {"id": 5}])
def test_an_answer_without_an_id_is_complete_all_the_same(response: object) -> None:
    assert feed({"type": "response.completed", "response": response}) == [Completed("", None)]


def failure(error: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        feed({"type": "response.failed", "response": {"id": "r", "error": error}})
    return caught.value


def test_a_failure_carries_the_servers_message() -> None:
    error = failure({"code": "server_error", "message": "Something broke."})
    assert isinstance(error, StreamDisconnected)
    assert str(error) == "stream disconnected before completion: Something broke."
    assert error.retryable
    assert error.retry_after is None


@pytest.mark.parametrize("error", [None, {}, {"code": "x"}, "text"])
def test_a_failure_without_message_says_so(error: object) -> None:
    assert str(failure(error)) == "stream disconnected before completion: response.failed event received"


def test_a_rate_limit_says_how_long_to_wait() -> None:
    message = "Rate limit reached. Please try again in 250ms."
    error = failure({"code": "rate_limit_exceeded", "message": message})
    assert isinstance(error, StreamDisconnected)
    assert error.retry_after == 0.25
    other = failure({"code": "server_error", "message": message})
    assert isinstance(other, StreamDisconnected)
    assert other.retry_after is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", ContextWindowExceeded),
        ("insufficient_quota", QuotaExceeded),
        ("usage_not_included", UsageNotIncluded),
        ("invalid_prompt", RequestRefused),
    ],
)
def test_failures_that_would_come_again_are_not_retryable(code: str, kind: type[ModelError]) -> None:
    error = failure({"code": code, "message": "No."})
    assert type(error) is kind
    assert not error.retryable


def test_an_incomplete_answer_is_an_error_with_its_reason() -> None:
    with pytest.raises(IncompleteAnswer, match="max_output_tokens") as caught:
        feed(
            {
                "type": "response.incomplete",
                "response": {"incomplete_details": {"reason": "max_output_tokens"}},
            }
        )
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "context_length_exceeded", "message": "Too long."},
        {"type": "error", "error": {"code": "context_length_exceeded", "message": "Too long."}},
        {"type": "error", "error": {"type": "context_length_exceeded", "code": None, "message": "Too long."}},
    ],
)
def test_an_error_event_is_a_failure_wherever_its_fields_stand(event: object) -> None:
    with pytest.raises(ContextWindowExceeded, match="Too long"):
        feed(event)


def test_a_stream_that_ends_too_early_is_disconnected() -> None:
    decoder = ResponsesDecoder()
    decoder.feed('{"type":"response.output_text.delta","delta":"x"}')
    with pytest.raises(StreamDisconnected, match="stream closed before response"):
        decoder.finish()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
types = st.sampled_from(
    [
        "response.created",
        "response.output_item.done",
        "response.output_item.added",
        "response.output_text.delta",
        "response.completed",
        "response.failed",
        "response.incomplete",
        "error",
    ]
)
fields = st.dictionaries(
    st.sampled_from(["item", "delta", "response", "error", "code", "message"]), json_values
)


@given(types, fields)
def test_no_event_breaks_the_decoder(kind: str, rest: dict[str, object]) -> None:
    with suppress(ModelError):
        feed({"type": kind, **rest})


def done(item: dict[str, object]) -> dict[str, object]:
    return {"type": "response.output_item.done", "item": item}


MESSAGE: dict[str, object] = {
    "type": "message",
    "id": "m1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "I look."}],
}
CALL: dict[str, object] = {
    "type": "function_call",
    "id": "f1",
    "call_id": "c1",
    "name": "shell",
    "arguments": "{}",
}


def test_an_item_that_is_closed_twice_is_one_item() -> None:
    happened = feed(done(MESSAGE), done(CALL), done(MESSAGE))
    assert [type(event.item) for event in happened if isinstance(event, ItemDone)] == [
        MessageItem,
        FunctionCallItem,
    ]


def test_items_that_only_share_an_id_are_two() -> None:
    other = {**MESSAGE, "content": [{"type": "output_text", "text": "Done."}]}
    assert len(feed(done(MESSAGE), done(other))) == 2


def test_items_told_only_at_the_end_are_items() -> None:
    completed = {"type": "response.completed", "response": {"id": "r", "output": [MESSAGE, CALL, "x"]}}
    assert [type(event) for event in feed(completed)] == [ItemDone, ItemDone, Completed]
    assert [type(event) for event in feed(done(MESSAGE), completed)] == [ItemDone, Completed]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("server_is_overloaded", ServerOverloaded),
        ("slow_down", ServerOverloaded),
        ("usage_limit_reached", UsageLimitReached),
    ],
)
def test_failures_that_more_tries_do_not_help_are_final(code: str, error: type[ModelError]) -> None:
    with pytest.raises(error) as caught:
        feed({"type": "response.failed", "response": {"error": {"code": code, "message": "m"}}})
    assert not caught.value.retryable
