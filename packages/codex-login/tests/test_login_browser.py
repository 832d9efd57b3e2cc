"""Signing in through a browser, which here is a plain HTTP client (spec: auth.md section 8)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from codex_login import browser_login, callback_server
from codex_login.auth import AuthManager
from codex_login.browser_login import BrowserLogin, SignInSettings
from codex_login.errors import AddressError, CredentialsError, SignInCancelled, SignInError
from codex_login.http import make_client
from codex_login.oauth import Issuer, challenge_of, issuer_at
from codex_login.testing import IssuerRequest, MockIssuer
from codex_protocol.config_types import AuthMode

NOW = datetime(2026, 11, 22, 8, 34, 14, 755560, tzinfo=UTC)


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


def settings(home: Path, issuer: MockIssuer, **more: object) -> SignInSettings:
    return SignInSettings(
        str(home),
        issuer=issuer_at(issuer.url),
        port=more.pop("port", 0),
        environ={"TERM": "xterm"},
        now=lambda: NOW,
        **more,
    )


async def get(url: str, **headers: str) -> httpx.Response:
    async with make_client(url) as client:
        return await client.get(url, headers=headers)


async def browse(url: str) -> httpx.Response:
    """The page a browser ends up at."""
    async with make_client(url) as client:
        return await client.get(url, follow_redirects=True)


def callback(login: BrowserLogin, **query: str) -> str:
    return str(httpx.URL(f"http://127.0.0.1:{login.port}/auth/callback", params=query))


def state_of(login: BrowserLogin) -> str:
    return dict(parse_qsl(urlsplit(login.auth_url).query))["state"]


async def fails(login: BrowserLogin) -> str:
    with pytest.raises((SignInError, CredentialsError)) as caught:
        await login.wait()
    return str(caught.value)


async def test_the_url_has_the_parameters_of_the_contract_in_their_order(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        address, _, query = login.auth_url.partition("?")
        assert address == f"{issuer.url}/oauth/authorize"
        fields = parse_qsl(query)
        assert [name for name, _ in fields] == [
            "response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method",
            "id_token_add_organizations", "codex_cli_simplified_flow", "state", "originator",
        ]  # fmt: skip
        values = dict(fields)
        assert values["redirect_uri"] == f"http://localhost:{login.port}/auth/callback"
        assert "scope=openid%20profile%20email%20offline_access&" in query
        assert (len(values["code_challenge"]), len(values["state"])) == (43, 43)
        assert values["originator"] == "codex_cli_rs"
        assert login.auth_url not in repr(login)


async def test_a_sign_in_from_the_first_page_to_a_request(tmp_path, issuer):
    home = tmp_path / "new" / "home"
    async with BrowserLogin(settings(home, issuer)) as login:
        page = await browse(login.auth_url)
        await login.wait()
        assert login.email == "someone@example.test"
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["connection"] == "close"
    assert "<title>Signed in to Codex</title>" in page.text
    assert "someone@example.test" in page.text
    path = home / "auth.json"
    document = json.loads(path.read_text())
    assert document == {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": "sk-exchanged-0123456789",
        "tokens": {
            "id_token": document["tokens"]["id_token"],
            "access_token": document["tokens"]["access_token"],
            "refresh_token": next(iter(issuer.refresh_tokens)),
            "account_id": "acc-123",
            "oauth_provenance": {"issuer": issuer.url, "client_id": "app_EMoamEEZ73f0CkXaXp7hrann"},
        },
        "last_refresh": "2026-11-22T08:34:14.755560Z",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    manager = AuthManager(str(home))
    assert manager.mode is AuthMode.CHATGPT
    assert (manager.account_id, manager.plan_type) == ("acc-123", "pro")
    assert await manager.bearer_token() == document["tokens"]["access_token"]


async def test_fields_of_newer_programs_survive_a_sign_in_but_not_those_of_the_old_tokens(tmp_path, issuer):
    async with MockIssuer() as other:
        tokens = {
            **other.new_tokens(),
            "account_id": "a",
            "oauth_provenance": {"issuer": other.url},
            "more": 1,
        }
        newer = {"agent_identity": {"key": "k"}, "x": [1]}
        document = {
            "OPENAI_API_KEY": "sk-old",
            "tokens": tokens,
            "last_refresh": "2026-01-01T00:00:00Z",
            **newer,
        }
        (tmp_path / "auth.json").write_text(json.dumps(document))
        async with BrowserLogin(settings(tmp_path, issuer)) as login:
            await browse(login.auth_url)
            await login.wait()
        stored = json.loads((tmp_path / "auth.json").read_text())
        assert other.requests == []
    assert {name: stored[name] for name in newer} == newer
    assert stored["tokens"]["oauth_provenance"]["issuer"] == issuer.url
    assert "more" not in stored["tokens"]
    assert stored["OPENAI_API_KEY"] != "sk-old"


async def test_no_token_is_ever_in_an_address(tmp_path, issuer):
    addresses = []

    async def note(response: httpx.Response) -> None:
        addresses.append(str(response.url) + response.headers.get("location", ""))

    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        async with make_client(login.auth_url) as client:
            client.event_hooks["response"].append(note)
            await client.get(login.auth_url, follow_redirects=True)
        await login.wait()
    tokens = json.loads((tmp_path / "auth.json").read_text())["tokens"]
    assert len(addresses) == 3
    assert not any(str(tokens[name]) in address for name in tokens for address in addresses)


async def test_the_code_is_exchanged_as_the_contract_says(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        challenge = dict(parse_qsl(urlsplit(login.auth_url).query))["code_challenge"]
        await browse(login.auth_url)
        await login.wait()
    code, key = issuer.asked("/oauth/token")
    names = [part.partition("=")[0] for part in code.body.decode().split("&")]
    assert names == ["grant_type", "code", "redirect_uri", "client_id", "code_verifier"]
    assert len(code.fields["code_verifier"]) == 86
    assert challenge_of(code.fields["code_verifier"]) == challenge
    assert key.body.decode().startswith(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=app_EMoamEEZ73f0CkXaXp7hrann"
        "&requested_token=openai-api-key&subject_token="
    )
    assert key.body.decode().endswith(
        "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
    )
    for request in (code, key):
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert not {"originator", "user-agent", "authorization"} & set(request.headers)


async def test_an_account_without_a_key_is_signed_in_all_the_same(tmp_path, issuer):
    issuer.gives_key = False
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        await browse(login.auth_url)
        await login.wait()
    assert json.loads((tmp_path / "auth.json").read_text())["OPENAI_API_KEY"] is None


async def test_only_the_default_issuer_is_not_named_in_the_file(tmp_path, issuer, secrets):
    secrets.learn_stand_in(issuer.url, Issuer().url)

    async def relay(request: httpx.Request) -> httpx.Response:
        """The real issuer's address, answered by the mock."""
        asked = IssuerRequest("POST", request.url.path, {}, dict(request.headers), request.content)
        status, headers, content = issuer._reply(asked)
        return httpx.Response(status, headers=headers, content=content)

    chosen = SignInSettings(str(tmp_path), port=0, transport=httpx.MockTransport(relay))
    async with BrowserLogin(chosen) as login:
        query = dict(parse_qsl(urlsplit(login.auth_url).query))
        code = issuer._new_code(query["redirect_uri"], query["code_challenge"])
        await browse(callback(login, code=code, state=query["state"]))
        await login.wait()
    assert set(json.loads((tmp_path / "auth.json").read_text())["tokens"]) == {
        "id_token", "access_token", "refresh_token", "account_id",
    }  # fmt: skip


async def test_refused_by_the_user_or_the_issuer(tmp_path, issuer):
    issuer.denial = {"error": "access_denied", "error_description": "You said <no>\x1b[31m."}
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        page = await browse(login.auth_url)
        assert await fails(login) == "Sign-in failed: You said <no> [31m."
    assert page.status_code == 200
    assert "Sign-in failed: You said &lt;no&gt; [31m." in page.text
    assert "codex login" in page.text
    assert not (tmp_path / "auth.json").exists()
    assert issuer.asked("/oauth/token") == []


@pytest.mark.parametrize("state", ["wrong", "", "\udcff"])
async def test_a_callback_with_another_state_changes_nothing(tmp_path, issuer, state):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        given = {"state": state.encode(errors="replace").decode()} if state else {}
        answer = await get(callback(login, code="stolen", **given))
        assert (answer.status_code, answer.text) == (400, "State mismatch")
        assert answer.headers["content-type"].startswith("text/plain")
        assert issuer.requests == []
        await browse(login.auth_url)
        await login.wait()


async def test_a_callback_without_a_code_changes_nothing(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        for more in ({}, {"code": ""}):
            answer = await get(callback(login, state=state_of(login), **more))
            assert (answer.status_code, answer.text) == (400, "Missing authorization code")
        await browse(login.auth_url)
        await login.wait()


@pytest.mark.parametrize("query", ["", "?state=wrong", "?state="])
async def test_the_success_page_needs_a_sign_in(tmp_path, issuer, query):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        address = f"http://127.0.0.1:{login.port}/success{query}"
        assert (await get(address)).status_code == 400
        assert (await get(address.partition("?")[0] + f"?state={state_of(login)}")).status_code == 400
        assert not (tmp_path / "auth.json").exists()
        await browse(login.auth_url)
        await login.wait()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, {}, b"secret-body"), "token endpoint returned status 500 Internal Server Error"),
        ((400, {}, b"{}"), "token endpoint returned status 400 Bad Request"),
        ((200, {}, b"<html>"), "error decoding response body"),
        ((200, {}, b'{"id_token":"a.b.c","access_token":"at"}'), "error decoding response body"),
        (
            (200, {}, b'{"id_token":"nonsense","access_token":"at","refresh_token":"rt"}'),
            "invalid ID token format",
        ),
    ],
)
async def test_a_code_that_cannot_be_exchanged_ends_it_with_the_reason(tmp_path, issuer, answer, why):
    issuer.failing["authorization_code"] = answer
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        page = await browse(login.auth_url)
        assert await fails(login) == f"Token exchange failed: {why}"
    assert page.status_code == 500
    assert f"Token exchange failed: {why}" in page.text
    assert "secret-body" not in page.text
    assert not (tmp_path / "auth.json").exists()


async def test_an_issuer_that_is_gone_is_named_without_the_query(tmp_path, issuer):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
        chosen = SignInSettings(str(tmp_path), issuer=Issuer(gone), port=0)
        async with BrowserLogin(chosen) as login:
            await browse(callback(login, code="c0de", state=state_of(login)))
            message = await fails(login)
    assert message.startswith(f"Token exchange failed: error sending request for url ({gone}/oauth/token): ")
    assert "c0de" not in message


async def test_what_cannot_be_stored_is_told_on_both_sides(tmp_path, issuer, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = '{"OPENAI_API_KEY": "sk-old"}'
    (tmp_path / "auth.json").write_text(before)
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        monkeypatch.setattr(os, "fsync", full)
        page = await browse(login.auth_url)
        message = await fails(login)
    assert message == (
        f"Unable to persist auth file: {tmp_path}/auth.json cannot be written: "
        "No space left on device (os error 28)"
    )
    assert page.status_code == 500
    assert "No space left on device" in page.text
    assert (tmp_path / "auth.json").read_text() == before
    assert os.listdir(tmp_path) == ["auth.json"]


async def test_a_home_that_is_not_writable_is_told_before_anybody_signs_in(tmp_path, issuer, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CredentialsError, match="it is not writable"):
        await BrowserLogin(settings(tmp_path, issuer)).start()
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialsError, match="cannot be made: Not a directory"):
        await BrowserLogin(settings(tmp_path / "file" / "home", issuer)).start()


async def test_any_method_will_do_also_one_without_a_body(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        url = f"http://127.0.0.1:{login.port}/"
        async with make_client(url) as client:
            for method, text in (("HEAD", ""), ("POST", "Not Found")):
                answer = await client.request(method, url, content=b"x" * 9)
                assert (answer.status_code, answer.text) == (404, text)
            answer = await client.head(f"{url}cancel")
        assert answer.headers["content-length"] == str(len("Login cancelled"))
        assert await fails(login) == "Login cancelled"


async def test_the_page_comes_though_a_name_in_it_is_no_text(tmp_path, issuer, monkeypatch):
    def refuse(*_: object) -> None:
        raise CredentialsError("/home/\udcff/auth.json cannot be written")

    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        monkeypatch.setattr(browser_login, "store_sign_in", refuse)
        page = await browse(login.auth_url)
        assert "/home/?/auth.json cannot be written" in page.text
        assert "cannot be written" in await fails(login)


async def test_other_paths_are_not_there(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        for path in ("/", "/success/", "/auth/callback/", "/favicon.ico"):
            answer = await get(f"http://127.0.0.1:{login.port}{path}")
            assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_what_is_no_http_is_refused_and_silence_harms_nobody(tmp_path, issuer, monkeypatch):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", login.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", login.port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        await browse(login.auth_url)
        await login.wait()
        for each in (writer, silent_writer):
            each.close()
            with contextlib.suppress(OSError):
                await each.wait_closed()
    assert await silent.read() == b""


async def test_a_second_sign_in_takes_the_port_and_ends_the_first(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as first:
        waiting = asyncio.create_task(fails(first))
        closing = asyncio.create_task(_close_after(waiting, first))
        async with BrowserLogin(settings(tmp_path, issuer, port=first.port)) as second:
            assert await waiting == "Login cancelled"
            await closing
            assert second.port == first.port
            await browse(second.auth_url)
            await second.wait()


async def _close_after(waiting: asyncio.Task[str], login: BrowserLogin) -> None:
    await asyncio.wait([waiting])
    await login.aclose()


async def test_a_port_that_stays_busy_is_an_error(tmp_path, issuer, monkeypatch):
    monkeypatch.setattr(callback_server, "BIND_PAUSE_S", 0)
    monkeypatch.setattr(callback_server, "CANCEL_TIMEOUT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SignInError, match=rf"^Port 127\.0\.0\.1:{port} is already in use$"):
            await BrowserLogin(settings(tmp_path, issuer, port=port)).start()


async def test_a_web_page_cannot_cancel(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        address = f"http://127.0.0.1:{login.port}/cancel"
        for header in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
            assert (await get(address, **header)).status_code == 403
        await browse(login.auth_url)
        await login.wait()


async def test_cancelled_by_a_program(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        answer = await get(f"http://127.0.0.1:{login.port}/cancel")
        assert (answer.status_code, answer.text) == (200, "Login cancelled")
        with pytest.raises(SignInCancelled, match=r"^Login cancelled$"):
            await login.wait()


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_stopped_from_inside_the_port_is_free_at_once(tmp_path, issuer, how):
    login = BrowserLogin(settings(tmp_path, issuer))
    await login.start()
    waiting = asyncio.create_task(login.wait())
    await asyncio.sleep(0)
    if how == "cancel":
        login.cancel()
    await login.aclose()
    with pytest.raises(SignInCancelled, match=r"^Login was not completed$"):
        await waiting
    async with BrowserLogin(settings(tmp_path, issuer, port=login.port)) as again:
        assert again.port == login.port


async def test_a_browser_that_never_fetches_the_last_page_is_not_waited_for(tmp_path, issuer, monkeypatch):
    monkeypatch.setattr(browser_login, "SUCCESS_GRACE_S", 0)
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        first = await get(login.auth_url)
        assert (await get(first.headers["location"])).status_code == 302
        await login.wait()
    assert (tmp_path / "auth.json").exists()


async def test_a_callback_that_is_loaded_twice_is_exchanged_once(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        address = (await get(login.auth_url)).headers["location"]
        answers = await asyncio.gather(get(address), get(address))
        assert [answer.status_code for answer in answers] == [302, 302]
        assert len(issuer.asked("/oauth/token")) == 2  # the code, and the key


async def test_an_owner_who_has_not_finished_is_taken_there(tmp_path, issuer, secrets):
    secrets.learn_stand_in(issuer.url, Issuer().url)
    issuer.auth_claims = {"is_org_owner": True, "organization_id": "org&1", "project_id": "proj"}
    tokens = issuer.new_tokens()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=tokens)

    chosen = SignInSettings(str(tmp_path), port=0, transport=httpx.MockTransport(answer))
    async with BrowserLogin(chosen) as login:
        page = await browse(callback(login, code="c", state=state_of(login)))
        await login.wait()
    link = (
        page.text.partition('http-equiv="refresh" content="3;url=')[2].partition('"')[0].replace("&amp;", "&")
    )
    assert link.partition("?")[0] == "https://platform.openai.com/org-setup"
    assert parse_qsl(urlsplit(link).query) == [
        ("p", "pro"),
        ("t", tokens["id_token"]),
        ("with_org", "org&1"),
        ("project_id", "proj"),
    ]
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("claims", [{"is_org_owner": True, "completed_platform_onboarding": True}, {}])
async def test_nobody_else_is_and_no_other_issuers_token_goes_there(tmp_path, issuer, claims):
    issuer.auth_claims = claims or {"is_org_owner": True}
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        page = await browse(login.auth_url)
        await login.wait()
    assert "refresh" not in page.text
    assert "platform" not in page.text


async def test_a_sign_in_with_another_workspace_than_asked_for_is_refused(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer, workspace_id="acc-9")) as login:
        assert login.auth_url.endswith("&allowed_workspace_id=acc-9")
        await browse(login.auth_url)
        assert await fails(login) == "Login is restricted to workspace id acc-9."
    assert not (tmp_path / "auth.json").exists()


async def test_the_address_may_be_pasted(tmp_path, issuer):
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        wrong = [
            "hello",
            "http://[",
            login.auth_url,
            f"http://localhost:{login.port}/auth/callback?code=c&state=x",
            f"http://localhost:{login.port}/auth/callback?state={state_of(login)}",
        ]
        for text in wrong:
            assert await login.paste(text)
        assert issuer.requests == []
        address = (await get(login.auth_url)).headers["location"]
        assert await login.paste(f"  {address}\n") is None
        await login.wait()
    assert (tmp_path / "auth.json").exists()


async def test_a_refusal_may_be_pasted(tmp_path, issuer):
    issuer.denial = {"error": "access_denied"}
    async with BrowserLogin(settings(tmp_path, issuer)) as login:
        assert await login.paste((await get(login.auth_url)).headers["location"]) is None
        assert await fails(login) == "Sign-in failed: access_denied"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://issuer.test", "must be reached by https"),
        ("https://ann:pa55@issuer.test", "https://issuer.test must have no user name"),
        ("ftp://issuer.test", "is no address of a server"),
        ("issuer.test", "is no address of a server"),
        ("https://issuer.test?x=secret", "is no address of a server"),
        ("https://[", "is no address of a server"),
        ("https://issuer.test:99999", "is no address of a server"),
    ],
)
def test_an_issuer_must_be_one_that_tokens_can_be_sent_to(url, problem):
    with pytest.raises(AddressError, match=problem) as caught:
        issuer_at(url)
    assert "secret" not in str(caught.value)


def test_issuers():
    assert issuer_at() == Issuer()
    assert issuer_at("https://issuer.test/x/", "me") == Issuer("https://issuer.test/x", "me")
    assert issuer_at("http://localhost:1").token_url == "http://localhost:1/oauth/token"
