"""Recorded requests and answers of the reference, through our encoders and decoders (spec: agent.md section 27)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_core.model.chat_completions import ChatDecoder
from codex_core.model.chat_completions import request_body as chat_body
from codex_core.model.errors import UsageLimitReached
from codex_core.model.families import family_for
from codex_core.model.prompt import Prompt, RequestSettings
from codex_core.model.refusal import judge_refusal
from codex_core.model.response_events import Completed, ItemDone, RawReasoningDelta, ResponseEvent, TextDelta
from codex_core.model.responses_api import ResponsesDecoder, request_body
from codex_core.model.tool_spec import FunctionTool, object_schema
from codex_core.services import Services
from codex_protocol.config_types import ReasoningEffort, ReasoningSummary, Verbosity
from codex_protocol.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputTextContent,
    MessageItem,
    ReasoningItem,
    ReasoningTextContent,
    parse_response_item,
)

DATA = Path(__file__).parent / "data" / "transcripts"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return loaded


@pytest.mark.parametrize("name", ["01-first-turn", "05-apply-patch-custom", "08-images", "09-retries"])
def test_recorded_requests_are_written_the_same(name: str) -> None:
    transcript = load(name)
    setup = transcript["setup"]
    effort, verbosity = setup.get("model_reasoning_effort"), setup.get("model_verbosity")
    for exchange in transcript["exchanges"]:
        recorded = exchange["request"]["body"]
        settings = RequestSettings(
            model=recorded["model"],
            family=family_for(recorded["model"]),
            conversation_id=recorded["prompt_cache_key"],
            effort=effort and ReasoningEffort(effort),
            summary=ReasoningSummary.AUTO,
            verbosity=verbosity and Verbosity(verbosity),
        )
        items = tuple(parse_response_item(item) for item in recorded["input"])
        ours = request_body(Prompt(recorded["instructions"], items), settings)
        assert list(ours) == list(recorded)
        assert json.dumps({**ours, "tools": recorded["tools"]}) == json.dumps(recorded)


def test_recorded_answers_become_the_items_of_the_next_request() -> None:
    first, second = load("01-first-turn")["exchanges"]
    decoder = ResponsesDecoder()
    happened: list[ResponseEvent] = []
    for event in first["response"]["sse"]:
        happened += decoder.feed(json.dumps(event))
    assert [event.delta for event in happened if isinstance(event, TextDelta)] == ["Hel", "lo"]
    items = [event.item.to_wire() for event in happened if isinstance(event, ItemDone)]
    assert items == second["request"]["body"]["input"][3:5]
    assert isinstance(happened[-1], Completed)
    assert happened[-1].usage is not None
    assert happened[-1].usage.total_tokens == 1050


def test_the_recorded_usage_limit_reads_the_same() -> None:
    transcript = load("09-retries")
    response = transcript["exchanges"][-1]["response"]
    refusal = judge_refusal(response["status"], {}, json.dumps(response["body"]), plan=None)
    assert isinstance(refusal.error, UsageLimitReached)
    assert str(refusal.error) == transcript["events"][-2]["msg"]["message"]


def chat_items() -> tuple[Any, ...]:
    """The conversation of the recording, as our history holds it."""
    first = load("15-chat-completions")["exchanges"][0]
    user = [
        MessageItem(role="user", content=(InputTextContent(text=message["content"]),))
        for message in first["request"]["body"]["messages"][1:]
    ]
    decoder = ChatDecoder(Services().new_id)
    answer = [
        happened
        for event in first["response"]["sse"]
        for happened in decoder.feed(event if isinstance(event, str) else json.dumps(event))
    ]
    assert [event.delta for event in answer if isinstance(event, RawReasoningDelta)] == ["thi", "nk"]
    items = [event.item for event in answer if isinstance(event, ItemDone)]
    assert items == [
        ReasoningItem(summary=(), content=(ReasoningTextContent(text="think"),)),
        FunctionCallItem(name="shell", arguments='{"command":["echo","x"]}', call_id="t1"),
    ]
    output = '{"output":"x\\n","metadata":{"exit_code":0,"duration_seconds":0.0}}'
    return (*user, *items, FunctionCallOutputItem(call_id="t1", output=output))


@pytest.mark.parametrize(("number", "items"), [(0, chat_items()[:2]), (1, chat_items())])
def test_recorded_chat_messages_are_written_the_same(number: int, items: tuple[Any, ...]) -> None:
    recorded = load("15-chat-completions")["exchanges"][number]["request"]["body"]
    settings = RequestSettings("gpt-oss-20b", family_for("gpt-oss-20b"), "c")
    tools = (FunctionTool("shell", "Runs it.", object_schema({}, required=[])),)
    ours = chat_body(Prompt("<instructions>", items, tools), settings)
    assert ours["messages"] == recorded["messages"]
    # We ask for token counts besides (D25).
    assert set(ours) - {"stream_options"} == set(recorded)
