"""What the model client tries again, what it gives up, and what it tells without a secret."""

from __future__ import annotations

import gzip
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from client_world import PROMPT, Login, World, changed

from codex_core.model import ModelClient, family_for
from codex_core.model.client import Connection
from codex_core.model.errors import (
    ConnectionFailed,
    ContextWindowExceeded,
    HighDemand,
    InvalidRequest,
    RetryLimitReached,
    StreamDisconnected,
    UnexpectedStatus,
    UsageLimitReached,
)
from codex_core.model.response_events import (
    Completed,
)
from codex_core.model.scripted.replies import (
    Reply,
    answer,
    disconnect,
    http_error,
    message,
)
from codex_core.services import Services

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.model.demo.transport import Responder


async def test_passing_failures_are_repeated_in_silence() -> None:
    script: list[Reply | str | Responder] = [
        http_error(429, None, {"retry-after": "1"}),
        http_error(500),
        disconnect(),
        "ok",
    ]
    world = World(script)
    events = await world.ask()
    assert isinstance(events[-1], Completed)
    assert world.slept == [1, 0.4, 0.8]
    assert len({request.body for request in world.server.requests}) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (http_error(429), RetryLimitReached),
        (http_error(503), RetryLimitReached),
        (http_error(500), HighDemand),
        (disconnect(), ConnectionFailed),
    ],
)
async def test_retries_are_limited(reply: Reply, error: type[Exception]) -> None:
    world = World([reply] * 9, provider=changed(request_max_retries=2))
    with pytest.raises(error):
        await world.ask()
    assert len(world.server.requests) == 3
    assert world.slept == [0.2, 0.4]


async def test_what_cannot_succeed_is_not_repeated() -> None:
    too_long = {"error": {"code": "context_length_exceeded", "message": "Too long."}}
    used_up = {"error": {"type": "usage_limit_reached", "resets_in_seconds": 60}}
    for reply, error in (
        (http_error(400, "bad"), UnexpectedStatus),
        (http_error(403, "no"), UnexpectedStatus),
        (http_error(400, too_long), ContextWindowExceeded),
        (http_error(429, used_up), UsageLimitReached),
    ):
        world = World([reply, "ok"])
        with pytest.raises(error) as caught:
            await world.ask()
        assert not getattr(caught.value, "retryable", True)
        assert len(world.server.requests) == 1


async def test_a_usage_limit_knows_the_plan_of_the_login() -> None:
    used_up = http_error(429, {"error": {"type": "usage_limit_reached"}})
    world = World([used_up], provider=changed(requires_openai_auth=True), login=Login(plan_type="team"))
    with pytest.raises(UsageLimitReached, match="request to your admin"):
        await world.ask()


async def test_a_connection_that_fails_names_the_url_and_keeps_the_cause() -> None:
    world = World([disconnect()], provider=changed(request_max_retries=0))
    with pytest.raises(ConnectionFailed) as caught:
        await world.ask()
    assert str(caught.value) == "error sending request for url (https://mock.test/v1/responses)"
    assert caught.value.__cause__ is not None
    assert caught.value.retryable


async def test_a_key_in_the_query_is_not_shown() -> None:
    provider = changed(query_params={"api-version": "1", "api_key": "sk-1"}, request_max_retries=0)
    world = World([disconnect()], provider=provider)
    with pytest.raises(ConnectionFailed, match="api-version=…&api_key=…") as caught:
        await world.ask()
    assert "sk-1" not in str(caught.value)
    assert world.server.requests[0].query["api_key"] == "sk-1"


async def test_a_password_in_the_url_is_not_shown() -> None:
    provider = changed(base_url="https://ann:pa55@mock.test/v1", request_max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        await World([disconnect()], provider=provider).ask()
    assert str(caught.value) == "error sending request for url (https://mock.test/v1/responses)"


@pytest.mark.parametrize(
    ("bearer", "account"),
    [("sk-1\nsk-2", "a"), ("sk-\u00e9", "a"), ("sk-\x01", "a"), ("sk-\udcff", "a"), ("sk-1", "a\r\nb: c")],
)
async def test_a_login_that_cannot_be_sent_is_told_without_it(bearer: str, account: str) -> None:
    provider = changed(requires_openai_auth=True)
    world = World(["ok"], provider=provider, login=Login(tokens=[bearer], account_id=account))
    with pytest.raises(InvalidRequest, match="characters in it that cannot be sent") as caught:
        await world.ask()
    assert "sk-" not in str(caught.value)
    assert not world.server.requests


async def test_a_key_is_freed_from_what_surrounds_it() -> None:
    world = World(["ok"], provider=changed(env_key="KEY"), environ={"KEY": "\ufeffsk-1\r\n"})
    await world.ask()
    assert world.headers["authorization"] == "Bearer sk-1"


async def test_what_the_http_library_says_about_headers_is_not_repeated() -> None:
    async def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError("Illegal header value b'Bearer sk-1'")

    world = World([])
    services = replace(world.client.services, http_transport=httpx.MockTransport(refuse))
    client = replace(world.client, services=services, connection=Connection())
    with pytest.raises(InvalidRequest, match="HTTP does not allow its headers") as caught:
        [event async for event in client.stream(PROMPT)]
    assert "sk-1" not in "".join(traceback.format_exception(caught.value))
    await client.aclose()


async def test_a_compressed_stream_is_read_and_a_broken_one_is_an_error() -> None:
    whole = answer(message("packed"))
    headers = (*whole.headers, ("content-encoding", "gzip"))
    packed = Reply(200, headers, (gzip.compress(whole.body),))
    assert isinstance((await World([packed]).ask())[-1], Completed)
    broken = Reply(200, headers, (b"no gzip at all",))
    with pytest.raises(StreamDisconnected, match="error decoding response body"):
        await World([broken]).ask()


def client_of(base_url: str) -> ModelClient:
    """A client that nobody is signed in to, on the real network."""
    return ModelClient(
        provider=changed(base_url=base_url),
        model="m",
        family=family_for("m"),
        conversation_id="c",
        auth=None,
        services=Services(environ={}),
        user_agent="u",
        originator="o",
    )


@pytest.mark.parametrize(
    "base",
    [
        "no scheme",
        "ftp://x/v1",
        "http:///v1",
        "http://a..b/v1",
        "http://127.0.0.1:99999/v1",
        "http://xn--/v1",
    ],
)
async def test_a_url_that_is_none_is_not_tried_again(base: str) -> None:
    client = client_of(base)
    with pytest.raises(InvalidRequest, match="cannot be sent"):
        [event async for event in client.stream(PROMPT)]
    await client.aclose()


async def test_a_certificate_file_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    client = client_of("https://127.0.0.1:1/v1")
    with pytest.raises(InvalidRequest, match="SSL_CERT_FILE"):
        [event async for event in client.stream(PROMPT)]
    await client.aclose()


async def test_a_long_refusal_is_cut() -> None:
    world = World([http_error(400, "x" * 200_000)])
    with pytest.raises(UnexpectedStatus) as caught:
        await world.ask()
    assert len(caught.value.body) == 64 * 1024
