"""Which credential a request carries, and where none of ours ever goes (spec: auth.md section 6)."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from codex_core.config.providers import ModelProvider, WireApi, built_in_providers
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.credentials import Credential, Source, choose_credential, refusal_hint
from codex_core.model.errors import InvalidRequest
from codex_core.services import Services
from codex_login.auth import AuthManager

KEY = AuthManager.from_api_key("sk-stored")
GATEWAY = ModelProvider("gw", "Gateway", "http://10.0.0.5:4000/v1", wire_api=WireApi.RESPONSES)
IN_CLEAR = [
    "http://api.example.com/v1",
    "http://192.168.1.20:8080/v1",
    "http://host.docker.internal:4000/v1",
    "http://127.0.0.1.evil.test/v1",
    "http://localhost.evil.test/v1",
]


async def chosen(provider: ModelProvider, environ: dict[str, str] | None = None) -> Credential:
    return await choose_credential(provider, KEY, environ or {})


@pytest.mark.parametrize("url", IN_CLEAR)
async def test_a_stored_login_is_not_sent_in_clear(url: str) -> None:
    for provider in (
        built_in_providers({"OPENAI_BASE_URL": url})["openai"],
        built_in_providers({}, openai_base_url=url)["openai"],
        replace(GATEWAY, base_url=url, requires_openai_auth=True),
        replace(GATEWAY, base_url=url, requires_openai_auth=True, env_key="NOT_SET"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            await chosen(provider)
        assert str(caught.value) == (
            f"Your login is not sent to {url}: anybody on the way could read it. Use an https address, "
            "or a model provider with an `env_key` of its own for this server."
        )


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com/v1", "http://localhost:1/v1", "http://127.0.0.1:1/v1", "http://[::1]:1/v1"],
)
async def test_a_stored_login_goes_by_https_and_to_this_machine(url: str) -> None:
    openai = built_in_providers({"OPENAI_BASE_URL": url})["openai"]
    assert await chosen(openai) == Credential(Source.LOGIN, "sk-stored")


@pytest.mark.parametrize("url", IN_CLEAR)
async def test_a_key_of_the_provider_goes_where_the_user_says_it_is(url: str) -> None:
    provider = replace(GATEWAY, base_url=url, env_key="GW_KEY", requires_openai_auth=True)
    assert await chosen(provider, {"GW_KEY": "k"}) == Credential(Source.ENVIRONMENT, "k")


@pytest.mark.parametrize("url", IN_CLEAR)
async def test_a_provider_that_gets_no_login_may_be_anywhere(url: str) -> None:
    assert await chosen(replace(GATEWAY, base_url=url)) == Credential(Source.NOWHERE)


async def test_user_name_and_password_of_an_address_stand_in_for_every_other_credential() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(401)

    services = Services(http_transport=httpx.MockTransport(answer), environ={"GW_KEY": "k"})
    for provider in (
        replace(GATEWAY, base_url="https://ann:pa55@gw.test/v1", requires_openai_auth=True),
        replace(GATEWAY, base_url="https://ann:pa55@gw.test/v1", env_key="GW_KEY"),
        replace(GATEWAY, base_url="http://ann:pa55@gw.test/v1"),
    ):
        client = ModelClient(
            provider=replace(provider, request_max_retries=0),
            model="m",
            family=family_for("m"),
            conversation_id="c",
            auth=KEY,
            services=services,
            user_agent="ua",
            originator="o",
        )
        with pytest.raises(ModelError) as caught:
            async for _ in client.stream(Prompt("i", ())):
                pass
        await client.aclose()
        assert "pa55" not in str(caught.value)
        assert str(caught.value).endswith(refusal_hint(provider, Credential(Source.ADDRESS), KEY)), (
            "what to check is the address"
        )
    assert seen == ["Basic YW5uOnBhNTU="] * 3
