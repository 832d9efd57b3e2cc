"""Which credentials the model client sends to whom, and what it does when they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from client_world import MOCK, Login, World, changed

from codex_core.config.providers import built_in_providers
from codex_core.model.errors import (
    ConnectionFailed,
    InvalidRequest,
    MissingApiKey,
    Unauthorized,
)
from codex_core.model.response_events import (
    Completed,
)
from codex_core.model.scripted.replies import (
    disconnect,
    http_error,
)

if TYPE_CHECKING:
    pass


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
