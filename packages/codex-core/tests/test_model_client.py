"""The model client over a scripted transport: headers, credentials, retries, ends of streams."""

from __future__ import annotations

import asyncio
import gzip
import traceback
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx
import pytest

from codex_core.config.providers import ModelProvider, WireApi, built_in_providers
from codex_core.errors import ModelError
from codex_core.model import KEEP, ModelClient, Prompt, family_for
from codex_core.model.client import Connection
from codex_core.model.demo.transport import ScriptedTransport
from codex_core.model.errors import (
    ConnectionFailed,
    ContextWindowExceeded,
    HighDemand,
    InvalidRequest,
    MissingApiKey,
    NotAnEventStream,
    RetryLimitReached,
    StreamDisconnected,
    Unauthorized,
    UnexpectedStatus,
    UsageLimitReached,
)
from codex_core.model.response_events import (
    Completed,
    Created,
    ItemDone,
    RateLimits,
    RateLimitWindow,
    ResponseEvent,
    TextDelta,
)
from codex_core.services import Services
from codex_core.testing.replies import (
    Framing,
    Reply,
    answer,
    completed,
    created,
    disconnect,
    failed,
    http_error,
    message,
    shell_call,
    sse,
)
from codex_core.testing.signals import Gate
from codex_protocol.config_types import ReasoningEffort, ReasoningSummary
from codex_protocol.items import InputTextContent, MessageItem, parse_response_item

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from codex_core.model.demo.transport import Responder
    from codex_core.testing.http_wire import RecordedRequest

PROMPT = Prompt("Be brief.", (MessageItem(role="user", content=(InputTextContent(text="hi"),)),))
MOCK = ModelProvider(id="mock", name="Mock", base_url="http://mock.test/v1", wire_api=WireApi.RESPONSES)


@dataclass
class Login:
    """What a user signed in with, as the client sees it."""

    is_chatgpt: bool = True
    account_id: str | None = "acc-1"
    plan_type: str | None = "plus"
    problem: Exception | None = None
    tokens: list[str] = field(default_factory=lambda: ["old"])
    asked_to_recover: int = 0

    async def bearer_token(self) -> str | None:
        return self.tokens[0] if self.tokens else None

    async def recover_from_unauthorized(self, refused: str | None = None) -> bool:
        self.asked_to_recover += 1
        if len(self.tokens) < 2:
            return False
        self.tokens.pop(0)
        return True


class World:
    """A client, the scripted server behind it and how long it slept."""

    def __init__(
        self,
        script: Iterable[Reply | str | Responder],
        *,
        provider: ModelProvider = MOCK,
        login: Login | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.slept: list[float] = []
        self.server = ScriptedTransport(script)
        self.client = ModelClient(
            provider=provider,
            model="gpt-5",
            family=family_for("gpt-5"),
            conversation_id="conversation-1",
            auth=login,
            services=Services(
                http_transport=self.server, sleep=self._sleep, jitter=lambda: 1.0, environ=environ or {}
            ),
            user_agent="codex_cli_rs/0.36.0 (Test)",
            originator="codex_cli_rs",
            summary=ReasoningSummary.AUTO,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self) -> list[ResponseEvent]:
        try:
            return [event async for event in self.client.stream(PROMPT)]
        finally:
            await self.client.aclose()

    async def ask_until_error(self) -> tuple[list[ResponseEvent], ModelError]:
        """What was said before the error, and the error."""
        events: list[ResponseEvent] = []
        try:
            async for event in self.client.stream(PROMPT):
                events.append(event)  # noqa: PERF401 - what came before the error counts
        except ModelError as error:
            return events, error
        finally:
            await self.client.aclose()
        raise AssertionError("no error came")

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.server.requests[-1].headers)


def changed(provider: ModelProvider = MOCK, **changes: object) -> ModelProvider:
    return replace(provider, **changes)  # type: ignore[arg-type]  # by name


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


# --- credentials -----------------------------------------------------------------------------------


async def test_a_key_of_the_environment_is_the_bearer() -> None:
    world = World(["ok"], provider=changed(env_key="KEY"), environ={"KEY": " sk-1\n"}, login=Login())
    await world.ask()
    assert world.headers["authorization"] == "Bearer sk-1"
    assert "chatgpt-account-id" not in world.headers


async def test_a_stored_login_goes_to_the_provider_that_requires_it() -> None:
    world = World(["ok"], provider=changed(requires_openai_auth=True), login=Login())
    await world.ask()
    assert world.headers["authorization"] == "Bearer old"
    assert world.headers["chatgpt-account-id"] == "acc-1"


async def test_a_stored_login_goes_to_nobody_else() -> None:
    world = World(["ok"], login=Login())
    await world.ask()
    assert "authorization" not in world.headers
    assert "chatgpt-account-id" not in world.headers


async def test_a_stored_login_does_not_stand_in_for_another_providers_key() -> None:
    provider = changed(env_key="KEY", env_key_instructions="Ask Ann for one.")
    world = World(["ok"], provider=provider, environ={"KEY": " "}, login=Login())
    with pytest.raises(MissingApiKey) as caught:
        await world.ask()
    assert str(caught.value) == "Missing environment variable: `KEY`. Ask Ann for one."
    assert not world.server.requests


async def test_a_stored_login_stands_in_where_it_belongs() -> None:
    provider = changed(env_key="KEY", requires_openai_auth=True)
    world = World(["ok"], provider=provider, login=Login(is_chatgpt=False, tokens=["sk-stored"]))
    await world.ask()
    assert world.headers["authorization"] == "Bearer sk-stored"
    assert "chatgpt-account-id" not in world.headers


@pytest.mark.parametrize("key", ["sk-\u2013dash", "sk-1\nsk-2"])
async def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    world = World(["ok"], provider=changed(env_key="KEY"), environ={"KEY": key})
    with pytest.raises(InvalidRequest, match="`KEY`") as caught:
        await world.ask()
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("login", "url"),
    [
        (None, "https://api.openai.com/v1/responses"),
        (Login(is_chatgpt=False), "https://api.openai.com/v1/responses"),
        (Login(), "https://chatgpt.com/backend-api/codex/responses"),
    ],
)
async def test_openai_is_asked_where_the_login_belongs(login: Login | None, url: str) -> None:
    provider = changed(built_in_providers({})["openai"], request_max_retries=0)
    world = World([disconnect()], provider=provider, login=login)
    with pytest.raises(ConnectionFailed) as caught:
        await world.ask()
    assert str(caught.value) == f"error sending request for url ({url})"


async def test_a_refused_login_is_recovered_twice_and_then_given_up() -> None:
    login = Login(tokens=["t1", "t2", "t3", "t4"])
    world = World([http_error(401)] * 4, provider=changed(requires_openai_auth=True), login=login)
    with pytest.raises(Unauthorized, match="codex login"):
        await world.ask()
    sent = [request.header("authorization") for request in world.server.requests]
    assert sent == ["Bearer t1", "Bearer t2", "Bearer t3"]
    assert world.slept == []


async def test_a_recovered_login_answers() -> None:
    login = Login(tokens=["old", "new"])
    world = World([http_error(401), "ok"], provider=changed(requires_openai_auth=True), login=login)
    assert isinstance((await world.ask())[-1], Completed)
    assert login.asked_to_recover == 1


async def test_a_login_that_cannot_be_recovered_says_why() -> None:
    login = Login(problem=RuntimeError("Your refresh token has expired. Sign in again."))
    world = World([http_error(401, "no")], provider=changed(requires_openai_auth=True), login=login)
    with pytest.raises(Unauthorized) as caught:
        await world.ask()
    assert str(caught.value).endswith("no\nYour refresh token has expired. Sign in again.")
    assert len(world.server.requests) == 1


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"env_key": "KEY"}, "Check the key in the environment variable KEY."),
        ({}, "set `env_key` of model provider `mock`"),
        ({"requires_openai_auth": True}, "Run `codex login` first."),
    ],
)
async def test_a_refused_key_is_not_tried_again(changes: dict[str, object], advice: str) -> None:
    world = World([http_error(401, "bad")] * 2, provider=changed(MOCK, **changes), environ={"KEY": "sk"})
    with pytest.raises(Unauthorized) as caught:
        await world.ask()
    assert advice in str(caught.value)
    assert len(world.server.requests) == 1


# --- retries ---------------------------------------------------------------------------------------


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
    assert str(caught.value) == "error sending request for url (http://mock.test/v1/responses)"
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
    provider = changed(base_url="http://ann:pa55@mock.test/v1", request_max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        await World([disconnect()], provider=provider).ask()
    assert str(caught.value) == "error sending request for url (http://mock.test/v1/responses)"


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
    client = ModelClient(
        provider=changed(base_url=base),
        model="m",
        family=family_for("m"),
        conversation_id="c",
        auth=None,
        services=Services(environ={}),
        user_agent="u",
        originator="o",
    )
    with pytest.raises(InvalidRequest, match="cannot be sent"):
        [event async for event in client.stream(PROMPT)]
    await client.aclose()


async def test_a_certificate_file_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    client = ModelClient(
        provider=changed(base_url="https://127.0.0.1:1/v1"),
        model="m",
        family=family_for("m"),
        conversation_id="c",
        auth=None,
        services=Services(environ={}),
        user_agent="u",
        originator="o",
    )
    with pytest.raises(InvalidRequest, match="SSL_CERT_FILE"):
        [event async for event in client.stream(PROMPT)]
    await client.aclose()


async def test_a_long_refusal_is_cut() -> None:
    world = World([http_error(400, "x" * 200_000)])
    with pytest.raises(UnexpectedStatus) as caught:
        await world.ask()
    assert len(caught.value.body) == 64 * 1024


# --- how a stream ends -----------------------------------------------------------------------------


async def test_an_answer_ends_at_completed_though_the_server_keeps_the_line() -> None:
    gate = Gate()
    world = World([sse(created(), completed(), gate)])
    assert isinstance((await world.ask())[-1], Completed)


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE])
async def test_a_stream_cut_before_completed_is_disconnected(framing: Framing) -> None:
    whole = answer(message("Hello", deltas=True)).framed(framing)
    world = World([whole.cut_after(len(whole.body) - 40)])
    events, error = await world.ask_until_error()
    assert any(isinstance(event, ItemDone) for event in events)
    broke_off = "Transport error: error decoding response body"
    ended = "stream closed before response.completed"
    assert isinstance(error, StreamDisconnected)
    assert error.detail == (broke_off if framing is Framing.CHUNKED else ended)
    assert error.retryable


async def test_a_last_event_without_blank_line_still_completes() -> None:
    whole = answer(message("Hi"))
    for framing in Framing:
        world = World([whole.framed(framing).cut_after(len(whole.body) - 2)])
        assert isinstance((await world.ask())[-1], Completed)


async def test_an_answer_survives_every_way_of_cutting_it_into_pieces() -> None:
    whole = answer(message("Grüße 🦀", deltas=True))
    expected = await World([whole]).ask()
    for size in (1, 2, 7, 100, 100_000):
        assert await World([whole.in_pieces(size)]).ask() == expected


async def test_a_failure_comes_after_what_was_said_before_it() -> None:
    world = World([sse(created(), shell_call(["ls"]), failed("server_error", "Oops."))])
    events, error = await world.ask_until_error()
    assert "Oops" in str(error)
    assert [type(event) for event in events] == [Created, ItemDone]


async def test_garbage_in_a_stream_is_skipped() -> None:
    world = World([sse(created(), b"data: {not json\n\n", b"\xff\xfe\n\n", message("ok"), completed())])
    assert len(await world.ask()) == 3


async def test_a_web_page_is_no_answer() -> None:
    page = http_error(200, "<html>Welcome</html>", {"content-type": "text/html; charset=utf-8"})
    world = World([page])
    with pytest.raises(NotAnEventStream, match="answered with text/html") as caught:
        await world.ask()
    assert not caught.value.retryable


async def test_a_stream_with_a_wrong_content_type_is_taken_for_what_it_is() -> None:
    right = answer(message("ok"))
    world = World([Reply(200, (("content-type", "text/plain"),), right.parts)])
    assert isinstance((await world.ask())[-1], Completed)


class Clock:
    """The event loop's clock, which a test can set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real, self.ahead = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)


async def test_silence_is_noticed_after_the_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    silence = Gate()
    world = World([sse(created(), silence)])
    task = asyncio.create_task(world.ask())
    await silence.reached.wait()
    clock.ahead += 301
    with pytest.raises(StreamDisconnected, match="idle timeout waiting for SSE"):
        await task


async def test_any_bytes_are_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    gates = [Gate(str(number)) for number in range(4)]
    parts = [part for gate in gates for part in (gate, b": ping\n\n")]
    world = World([sse(created(), *parts, completed())])
    task = asyncio.create_task(world.ask())
    for gate in gates:
        await gate.reached.wait()
        clock.ahead += 200
        gate.open()
    assert isinstance((await task)[-1], Completed)


async def test_a_server_that_never_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    asked = asyncio.Event()

    async def hang(_request: RecordedRequest) -> Reply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    world = World([hang])
    task = asyncio.create_task(world.ask())
    await asked.wait()
    clock.ahead += 301
    with pytest.raises(StreamDisconnected, match="idle timeout waiting for SSE"):
        await task


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
    world = World(["ok"], provider=changed(base_url="http://mock.test/v1/"))
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
