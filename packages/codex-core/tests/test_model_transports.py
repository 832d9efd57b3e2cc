"""What stands in for the network: scripts, script files, recordings; and what a script plays."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from codex_core.config.providers import ModelProvider, WireApi, built_in_providers
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.demo import ScriptedTransport, respond
from codex_core.model.errors import InvalidRequest, RetryLimitReached, UnexpectedStatus
from codex_core.model.response_events import Completed, ResponseEvent, TextDelta
from codex_core.model.scripted.replies import answer, http_error, message
from codex_core.model.transports import transport_for
from codex_core.services import Services

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.errors import ModelError
    from codex_core.model.scripted.replies import Reply
    from codex_core.model.scripted.request import RecordedRequest

MOCK = ModelProvider(id="mock", name="Mock", base_url="https://mock.test/v1", wire_api=WireApi.RESPONSES)
DEMO = built_in_providers({})["demo"]


async def ask(provider: ModelProvider, services: Services) -> list[ResponseEvent]:
    client = ModelClient(
        provider=replace(provider, request_max_retries=0),
        model="gpt-5",
        family=family_for("gpt-5"),
        conversation_id="c",
        auth=None,
        services=services,
        user_agent="u",
        originator="o",
    )
    try:
        return [event async for event in client.stream(Prompt("", ()))]
    finally:
        await client.aclose()


def test_the_network_is_the_default() -> None:
    assert transport_for(MOCK, Services(environ={"CODEX_DEMO_SCRIPT": "x"})) is None


def test_an_injected_transport_goes_before_everything() -> None:
    mine = httpx.MockTransport(lambda _request: httpx.Response(200))
    assert transport_for(DEMO, Services(http_transport=mine, environ={"CODEX_RS_SSE_FIXTURE": "x"})) is mine


async def test_the_demo_provider_needs_no_network_and_no_key() -> None:
    assert isinstance((await ask(DEMO, Services(environ={})))[-1], Completed)


async def test_the_demo_provider_plays_a_script_file(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(["Hello there", {"status": 503}]))
    environ = {"CODEX_DEMO_SCRIPT": str(path)}
    events = await ask(DEMO, Services(environ=environ))
    assert TextDelta("Hello") in events


@pytest.mark.parametrize(
    "content", [None, "{not json", '"x"', "[5]", '[{"nonsense": 1}]', '{"exchanges": [1]}']
)
async def test_a_script_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "script.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidRequest, match="CODEX_DEMO_SCRIPT"):
        await ask(DEMO, Services(environ={"CODEX_DEMO_SCRIPT": str(path)}))


async def test_a_recording_answers_every_request(tmp_path: Path) -> None:
    path = tmp_path / "recording.sse"
    path.write_text(
        'event: response.created\ndata: {"type":"response.created"}\n'
        'data: {"type":"response.output_text.delta","delta":"fixed"}\r\n'
        'data: {"type":"response.completed","response":{"id":"r"}}'
    )
    services = Services(environ={"CODEX_RS_SSE_FIXTURE": str(path)})
    for _ in range(2):
        assert (await ask(MOCK, services))[1:] == [TextDelta("fixed"), Completed("r", None)]


async def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    services = Services(environ={"CODEX_RS_SSE_FIXTURE": str(tmp_path / "missing")})
    with pytest.raises(InvalidRequest, match="CODEX_RS_SSE_FIXTURE"):
        await ask(MOCK, services)


def test_a_recording_is_for_the_responses_wire_only() -> None:
    services = Services(environ={"CODEX_RS_SSE_FIXTURE": "/nowhere"})
    assert transport_for(replace(MOCK, wire_api=WireApi.CHAT), services) is None


async def test_a_script_may_be_made_of_functions() -> None:
    async def later(request: RecordedRequest) -> str:
        return f"asked {request.json['model']}"

    server = ScriptedTransport([lambda _request: answer(message("one", deltas=True)), later])
    services = Services(http_transport=server, environ={})
    assert TextDelta("one") in await ask(MOCK, services)
    server_again = ScriptedTransport(later)
    for _ in range(2):
        assert TextDelta(" gpt-5") in await ask(MOCK, Services(http_transport=server_again, environ={}))
    assert len(server_again.requests) == 2


async def test_a_script_that_is_used_up_says_so() -> None:
    services = Services(http_transport=ScriptedTransport([]), environ={})
    with pytest.raises(UnexpectedStatus, match="the script has no reply to request 1"):
        await ask(MOCK, services)


async def test_a_wire_cannot_be_cut_where_there_is_none() -> None:
    services = Services(http_transport=ScriptedTransport([answer().cut_wire_after(5)]), environ={})
    with pytest.raises(ValueError, match="cut_after"):
        await ask(MOCK, services)


@pytest.mark.parametrize(
    ("reply", "error"), [(http_error(503), RetryLimitReached), (http_error(404), UnexpectedStatus)]
)
async def test_failures_can_be_scripted(reply: Reply, error: type[ModelError]) -> None:
    with pytest.raises(error):
        await ask(MOCK, Services(http_transport=ScriptedTransport([reply]), environ={}))


async def test_the_tour_answers_nothing_but_responses_requests() -> None:
    chat = replace(DEMO, wire_api=WireApi.CHAT)
    with pytest.raises(UnexpectedStatus, match="only answers POST"):
        await ask(chat, Services(http_transport=ScriptedTransport(respond), environ={}))
