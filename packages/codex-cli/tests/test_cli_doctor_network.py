"""What `codex doctor` says of proxies, certificates and providers, and to whom it sends which credential."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from codex_cli.doctor.network import (
    Answer,
    ask,
    describe_failure,
    goes_by_proxy,
    judge_answer,
    judge_certificates,
    judge_providers,
    judge_proxies,
    providers_to_ask,
)
from codex_cli.doctor.result import Status
from codex_core.config import load_config
from codex_core.config.providers import ModelProvider, WireApi
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_login.auth import CodexAuth
from codex_login.errors import TlsSetupError
from codex_login.http import tls_context

LOGIN = CodexAuth.from_api_key("sk-stored-login")
OPENAI = ModelProvider(
    id="openai",
    name="OpenAI",
    base_url="https://openai.invalid/v1",
    wire_api=WireApi.RESPONSES,
    requires_openai_auth=True,
)
OTHER = ModelProvider(
    id="other",
    name="Other",
    base_url="https://other.invalid/v1/",
    wire_api=WireApi.RESPONSES,
    env_key="OTHER_KEY",
    query_params={"api-version": "1"},
    http_headers={"x-team": "blue"},
)
PLAIN = ModelProvider(
    id="plain", name="Plain", base_url="http://plain.invalid/v1", wire_api=WireApi.RESPONSES
)


class Recorder(httpx.AsyncBaseTransport):
    """Answers everything, and remembers what came."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)


async def test_a_provider_gets_one_get_with_its_own_key() -> None:
    server = Recorder(lambda _: httpx.Response(200, headers={"content-type": "application/json"}))
    answer = await ask(OTHER, LOGIN, {"OTHER_KEY": "other-secret"}, transport=server)
    (request,) = server.requests
    assert (request.method, str(request.url)) == ("GET", "https://other.invalid/v1/models?api-version=1")
    assert request.headers["authorization"] == "Bearer other-secret"
    assert request.headers["x-team"] == "blue"
    assert (answer.status, answer.carried_credential) == (200, True)
    assert "secret" not in repr(answer)


@pytest.mark.parametrize("provider", [OTHER, PLAIN])
async def test_the_stored_login_goes_to_nobody_else(provider: ModelProvider) -> None:
    server = Recorder(lambda _: httpx.Response(401))
    answer = await ask(provider, LOGIN, {}, transport=server)
    (request,) = server.requests
    assert "authorization" not in request.headers
    assert "stored-login" not in repr(request.headers)
    assert (answer.status, answer.carried_credential) == (401, False)


async def test_the_stored_login_goes_to_openai() -> None:
    server = Recorder(lambda _: httpx.Response(200))
    await ask(OPENAI, LOGIN, {}, transport=server)
    assert server.requests[0].headers["authorization"] == "Bearer sk-stored-login"


async def test_a_redirect_is_told_and_not_followed() -> None:
    server = Recorder(
        lambda _: httpx.Response(302, headers={"location": "https://user:pw@elsewhere.invalid/?k=v"})
    )
    answer = await ask(OPENAI, LOGIN, {}, transport=server)
    assert len(server.requests) == 1
    assert answer.location == "https://elsewhere.invalid/?k=…"
    assert judge_answer(OPENAI, answer, is_active=True).status is Status.WARN


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://x.invalid", "http:// or https://"),
        ("no url", "http:// or https://"),
        ("http://", "no host name"),
        ("https://x.invalid:99999", "port"),
    ],
)
async def test_a_base_url_that_is_none_is_told(url: str, words: str) -> None:
    answer = await ask(ModelProvider(id="x", name="X", base_url=url), None, {})
    assert answer.status is None
    assert words in (answer.problem or "")


async def test_a_port_where_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        provider = ModelProvider(id="x", name="X", base_url=f"http://127.0.0.1:{port}/v1")
        answer = await ask(provider, None, {})
    assert answer.problem == "the connection was refused: nothing listens there"


async def test_a_proxy_where_nothing_listens_is_not_taken_for_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://user:hunter2@127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.delenv("http_proxy", raising=False)
        monkeypatch.setenv("NO_PROXY", "near.invalid")
        monkeypatch.delenv("no_proxy", raising=False)
        answer = await ask(PLAIN, None, {})
    result = judge_answer(PLAIN, answer, is_active=True)
    assert result.summary == (
        "plain at http://plain.invalid/v1/models through the proxy: "
        "the connection was refused: nothing listens there"
    )
    assert not goes_by_proxy("http://near.invalid/v1")
    assert not goes_by_proxy("http://[bad/v1")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "host name is not known"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "certificate is not trusted"),
        (ssl.SSLError(1, "wrong version number"), "no encrypted connection"),
        (ConnectionResetError(104, "reset"), "was cut"),
        (OSError(113, "No route to host"), "No route to host"),
        (None, "the connection failed"),
    ],
)
def test_failures_are_told_in_plain_words(cause: BaseException | None, words: str) -> None:
    error = httpx.ConnectError("with hunter2 in it")
    error.__cause__ = cause
    assert words in describe_failure(error)
    assert "hunter2" not in describe_failure(error)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer("u", 0.1, 200, "application/json"), Status.OK),
        (Answer("u", 0.1, 404), Status.OK),
        (Answer("u", 0.1, 401), Status.OK),
        (Answer("u", 0.1, 401, carried_credential=True), Status.FAIL),
        (Answer("u", 0.1, 403, carried_credential=True), Status.WARN),
        (Answer("u", 0.1, 407), Status.FAIL),
        (Answer("u", 0.1, 503), Status.WARN),
        (Answer("u", 0.1, 200, "text/html; charset=utf-8"), Status.WARN),
        (Answer("u", 0.1, 200, carried_credential=True, is_unencrypted=True), Status.WARN),
        (Answer("u", 0.1, problem="it is down"), Status.FAIL),
    ],
)
def test_answers(answer: Answer, status: Status) -> None:
    assert judge_answer(OPENAI, answer, is_active=True).status is status
    expected = Status.WARN if status is Status.FAIL else status
    assert judge_answer(OPENAI, answer, is_active=False).status is expected


def test_the_worst_provider_speaks_for_all() -> None:
    good = judge_answer(OPENAI, Answer("u", 0.1, 200), is_active=True)
    bad = judge_answer(OTHER, Answer("v", 0.1, problem="it is down"), is_active=False)
    result = judge_providers([good, bad])
    assert (result.status, result.summary) == (Status.WARN, bad.summary)
    assert result.details == (f"ok: {good.summary}",)


def test_those_in_use_and_those_configured_are_asked(scratch_home: ScratchHome) -> None:
    scratch_home.write(
        "config.toml", '[model_providers.mine]\nname = "Mine"\nbase_url = "http://mine.invalid"\n'
    )
    services = Services(environ=scratch_home.environ())
    assert [each.id for each in providers_to_ask(load_config(services=services))] == ["openai", "mine"]
    demo = load_config(overrides=["model_provider=demo"], services=services)
    assert [each.id for each in providers_to_ask(demo)] == ["mine"]


def test_proxies_are_shown_without_passwords() -> None:
    environ = {"HTTPS_PROXY": "http://user:hunter2@proxy.invalid:3128", "no_proxy": "localhost,.corp"}
    result = judge_proxies(environ, None)
    assert result.summary == "proxies: HTTPS_PROXY=http://proxy.invalid:3128, no_proxy=localhost,.corp"
    assert "hunter2" not in repr(result)
    assert judge_proxies(environ, "HTTPS_PROXY names no proxy").status is Status.FAIL
    assert judge_proxies({}, None).summary == "no proxy is set"


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    with pytest.raises(TlsSetupError) as problem:
        tls_context(environ)
    assert judge_certificates(environ, str(problem.value)).status is Status.FAIL
    assert str(tmp_path) in judge_certificates(environ, None).summary
    assert judge_certificates({}, None).status is Status.OK
