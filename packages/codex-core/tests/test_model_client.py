"""The model client over a scripted transport: what is sent, copies of a client, its connection."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from client_world import PROMPT, Login, World, changed

from codex_core.config.providers import built_in_providers
from codex_core.model import KEEP, Prompt, family_for
from codex_core.model.errors import (
    InvalidRequest,
)
from codex_core.model.response_events import (
    Completed,
    Created,
    ItemDone,
    RateLimits,
    RateLimitWindow,
    TextDelta,
)
from codex_core.model.scripted.replies import (
    answer,
    created,
    message,
    shell_call,
    sse,
)
from codex_core.model.scripted.signals import Gate
from codex_protocol.config_types import ReasoningEffort
from codex_protocol.items import parse_response_item

if TYPE_CHECKING:
    pass


# --- what is sent ----------------------------------------------------------------------------------


async def test_an_answer_arrives_as_events_and_ends_with_completed() -> None:
    world = World([answer(message("Hello", deltas=["Hel", "lo"]), shell_call(["ls"]))])
    events = await world.ask()
    assert events[:3] == [Created(), TextDelta("Hel"), TextDelta("lo")]
    assert [event.raw_id for event in events if isinstance(event, ItemDone)] == ["msg_1", "fc_1"]
    assert isinstance(events[-1], Completed)
    assert events[-1].usage is not None
    assert events[-1].usage.total_tokens == 120


async def test_a_request_has_the_headers_of_the_reference() -> None:
    world = World(["ok"])
    await world.ask()
    assert world.server.requests[0].route == "POST /v1/responses"
    del world.headers["content-length"]
    assert {k: v for k, v in world.headers.items() if k not in {"content-length", "connection"}} == {
        "host": "mock.test",
        "openai-beta": "responses=experimental",
        "conversation_id": "conversation-1",
        "session_id": "conversation-1",
        "accept": "text/event-stream",
        "content-type": "application/json",
        "user-agent": "codex_cli_rs/0.36.0 (Test)",
        "originator": "codex_cli_rs",
    }


async def test_the_body_is_compact_json_in_utf8() -> None:
    world = World(["ok"])
    async with aclosing(world.client.stream(Prompt("Grüße \ud83d", ()))) as stream:
        assert [event async for event in stream]
    await world.client.aclose()
    body = world.server.requests[0].body
    assert body.startswith('{"model":"gpt-5","instructions":"Grüße \ufffd","input":[],'.encode())


async def test_the_provider_adds_headers_and_a_query() -> None:
    provider = changed(
        query_params={"api-version": "1 2", "b": "c"},
        http_headers={"X-Team": "blue", "Originator": "mine"},
        env_http_headers={"X-Set": "SET", "X-Unset": "UNSET", "X-Blank": "BLANK"},
    )
    world = World(["ok"], provider=provider, environ={"SET": "yes", "BLANK": " "})
    await world.ask()
    assert world.server.requests[0].path == "/v1/responses?api-version=1%202&b=c"
    assert (world.headers["x-team"], world.headers["x-set"]) == ("blue", "yes")
    assert world.headers["originator"] == "mine"
    assert "x-unset" not in world.headers
    assert "x-blank" not in world.headers


@pytest.mark.parametrize("value", ["a\nb: c", "a\r\nb", "snö"])
async def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    world = World(["ok"], provider=changed(env_http_headers={"X-Bad": "BAD"}), environ={"BAD": value})
    with pytest.raises(InvalidRequest, match="`X-Bad` of model provider `mock`") as caught:
        await world.ask()
    assert value not in str(caught.value)
    assert not world.server.requests


async def test_openai_is_told_version_organization_and_project() -> None:
    environ = {"OPENAI_ORGANIZATION": "org", "OPENAI_PROJECT": "pro"}
    world = World(["ok"], provider=built_in_providers(environ)["openai"], environ=environ, login=Login())
    await world.ask()
    assert (world.headers["version"], world.headers["openai-organization"]) == ("0.36.0", "org")
    assert world.headers["openai-project"] == "pro"


# --- copies, connection ----------------------------------------------------------------------------


async def test_a_turn_asks_differently_over_the_same_connection() -> None:
    world = World(["one", "two"])
    turn = world.client.with_turn(
        model="o3", family=family_for("o3"), effort=ReasoningEffort.LOW, summary=KEEP, verbosity=None
    )
    for client in (world.client, turn):
        async with aclosing(client.stream(PROMPT)) as stream:
            assert [event async for event in stream]
    first, second = (request.json for request in world.server.requests)
    assert (first["model"], first["reasoning"]) == ("gpt-5", {"summary": "auto"})
    assert (second["model"], second["reasoning"]) == ("o3", {"effort": "low", "summary": "auto"})
    assert turn.connection is world.client.connection
    await turn.aclose()


async def test_a_closed_client_can_be_used_again() -> None:
    world = World(["one", "two"])
    await world.ask()
    assert isinstance((await world.ask())[-1], Completed)


async def test_cancelling_closes_the_stream() -> None:
    gate = Gate()
    world = World([sse(created(), gate)])
    task = asyncio.create_task(world.ask())
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_client_shows_no_secrets() -> None:
    provider = changed(env_key="KEY", http_headers={"X-Key": "secret"})
    world = World([], provider=provider, environ={"KEY": "secret"}, login=Login(tokens=["secret"]))
    assert "secret" not in repr(world.client)


async def test_what_headers_say_about_limits_comes_first() -> None:
    reply = answer(message("ok"))
    limited = replace(reply, headers=(*reply.headers, ("X-Codex-Primary-Used-Percent", "42")))
    events = await World([limited]).ask()
    assert events[0] == RateLimits(primary=RateLimitWindow(42.0))
    assert isinstance(events[-1], Completed)
    assert not any(isinstance(event, RateLimits) for event in await World([reply]).ask())


async def test_a_slash_at_the_end_of_the_base_url_is_not_doubled() -> None:
    world = World(["ok"], provider=changed(base_url="https://mock.test/v1/"))
    await world.ask()
    assert world.server.requests[0].path == "/v1/responses"


async def test_azure_is_asked_to_store_and_gets_its_ids_back() -> None:
    provider = changed(
        base_url="https://acme.openai.azure.com/openai",
        query_params={"api-version": "2025-04-01-preview"},
        env_http_headers={"api-key": "AZURE_KEY"},
    )
    world = World(["ok"], provider=provider, environ={"AZURE_KEY": "k"})
    said = parse_response_item({"type": "message", "id": "msg_1", "role": "assistant", "content": []})
    async with aclosing(world.client.stream(Prompt("", (said,)))) as stream:
        assert [event async for event in stream]
    await world.client.aclose()
    (request,) = world.server.requests
    assert request.path == "/openai/responses?api-version=2025-04-01-preview"
    assert request.header("api-key") == "k"
    assert request.header("authorization") is None
    assert request.json["store"] is True
    assert request.input[0]["id"] == "msg_1"
