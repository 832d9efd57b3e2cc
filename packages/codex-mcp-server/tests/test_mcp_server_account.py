"""Signing in and out by the methods for editors (spec: servers.md section 5.2, auth.md section 11)."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from codex_core.testing import ScratchHome, ScratchRepo
from codex_login.browser_login import BrowserLogin, SignInSettings
from codex_mcp_server import editor_account
from mcp_server_client import Client, Frame, local_server


def token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def issuer(request: httpx.Request) -> httpx.Response:
    """What the issuer answers: tokens for any code, no API key."""
    if b"authorization_code" in request.content:
        return httpx.Response(
            200,
            json={
                "id_token": token(email="u@example.com"),
                "access_token": token(what="access"),
                "refresh_token": "refresh",
            },
        )
    return httpx.Response(400, json={"error": "no key for you"})


@pytest.fixture(autouse=True)
def offline_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins at any free port, with an issuer that is this test."""

    def login(account: editor_account.EditorAccount) -> BrowserLogin:
        settings = SignInSettings(
            account._config.codex_home,
            port=0,
            store=account._store,
            transport=httpx.MockTransport(issuer),
            environ=account._environ,
        )
        return BrowserLogin(settings)

    monkeypatch.setattr(editor_account.EditorAccount, "_real_login", login)


def told(method: str) -> Callable[[Frame], bool]:
    return lambda frame: frame.get("method") == method


async def visit(url: str) -> None:
    """What a browser does when the issuer sends it back."""
    query = parse_qs(urlsplit(url).query)
    back = f"{query['redirect_uri'][0]}?code=c0de&state={query['state'][0]}".replace("localhost", "127.0.0.1")
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(back)
        await browser.get(answer.headers["location"].replace("localhost", "127.0.0.1"))


async def test_a_key(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        assert await client.call("getAuthStatus", {}) == {"requiresOpenaiAuth": True}
        assert await client.call("loginApiKey", {"apiKey": "sk-test"}) == {}
        change = await client.until(told("authStatusChange"))
        assert change["params"] == {"authMethod": "apikey"}
        assert client.frames[-2]["result"] == {}  # the answer came before
        known = {"authMethod": "apikey", "requiresOpenaiAuth": True}
        assert await client.call("getAuthStatus", {"refreshToken": True}) == known
        assert await client.call("getAuthStatus", {"includeToken": True}) == {
            "authMethod": "apikey", "authToken": "sk-test", "requiresOpenaiAuth": True,
        }  # fmt: skip
        assert await client.call("userInfo") == {"allegedUserEmail": None}
        for _ in range(2):
            assert await client.call("logoutChatGpt") == {}
            assert (await client.until(told("authStatusChange")))["params"] == {}
        assert not (scratch_home.codex_home / "auth.json").exists()
        assert await client.call("getAuthStatus", {}) == {"requiresOpenaiAuth": True}


async def test_a_provider_without_login(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    scratch_home.use_model_server("http://127.0.0.1:9/v1")
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.call("loginApiKey", {"apiKey": "sk-test"})
        status = await client.call("getAuthStatus", {"includeToken": True})
    assert status == {"requiresOpenaiAuth": False}


async def test_a_key_that_cannot_be_stored_is_not_shown(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        code, text = await client.error("loginApiKey", {"apiKey": "sk-\u2028secret"})
    assert (code, text.startswith("failed to save api key: ")) == (-32603, True)
    assert "secret" not in text


async def test_signing_in_through_the_browser(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        login = await client.call("loginChatGpt")
        await visit(login["authUrl"])
        complete = await client.until(told("loginChatGptComplete"))
        assert complete["params"] == {"loginId": login["loginId"], "success": True}
        assert (await client.until(told("authStatusChange")))["params"] == {"authMethod": "chatgpt"}
        assert await client.call("userInfo") == {"allegedUserEmail": "u@example.com"}
        status = await client.call("getAuthStatus", {"includeToken": True})
        assert (status["authMethod"], status["authToken"]) == ("chatgpt", token(what="access"))
        assert (await client.error("cancelLoginChatGpt", {"loginId": login["loginId"]}))[0] == -32600
    assert os.stat(scratch_home.codex_home / "auth.json").st_mode & 0o777 == 0o600


async def ended(client: Client, login: dict[str, str]) -> Any:
    frame = await client.until(
        lambda each: told("loginChatGptComplete")(each) and each["params"]["loginId"] == login["loginId"],
        start=0,
    )
    return frame["params"]["error"]


async def test_a_login_that_is_given_up(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    not_completed = "Login server error: Login was not completed"
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        first = await client.call("loginChatGpt")
        assert await client.call("cancelLoginChatGpt", {"loginId": first["loginId"].upper()}) == {}
        assert await ended(client, first) == not_completed
        second = await client.call("loginChatGpt")
        third = await client.call("loginChatGpt")
        assert client.frames[-2]["params"]["loginId"] == second["loginId"]  # told before the new one begins
        assert await ended(client, second) == "Login server error: Login cancelled"
        await client.call("loginApiKey", {"apiKey": "sk-test"})
        assert await ended(client, third) == not_completed
        fourth = await client.call("loginChatGpt")
        await client.call("logoutChatGpt")
        assert await ended(client, fourth) == not_completed
        fifth = await client.call("loginChatGpt")
        port = urlsplit(parse_qs(urlsplit(fifth["authUrl"]).query)["redirect_uri"][0]).port
    # The end of the connection ended it, too: the port is free.
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


async def test_a_login_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    monkeypatch.setattr(editor_account, "LOGIN_SECONDS", 0.0)
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        login = await client.call("loginChatGpt")
        assert await ended(client, login) == "Login timed out"


async def test_a_login_server_that_cannot_start(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        scratch_home.codex_home.rename(scratch_home.codex_home.with_name("away"))
        scratch_home.codex_home.touch()  # a file where the directory was
        code, text = await client.error("loginChatGpt")
        scratch_home.codex_home.unlink()
        await asyncio.to_thread(scratch_home.codex_home.mkdir)
    assert (code, text.startswith("failed to start login server: ")) == (-32603, True)


async def test_a_key_goes_where_the_configuration_wants_it_and_is_used_from_there(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    scratch_home.write("config.toml", 'cli_auth_credentials_store = "ephemeral"\n')
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.call("loginApiKey", {"apiKey": "sk-in-memory"})
        status = await client.call("getAuthStatus", {"includeToken": True})
    assert (status["authMethod"], status["authToken"]) == ("apikey", "sk-in-memory")
    assert not (scratch_home.codex_home / "auth.json").exists()
