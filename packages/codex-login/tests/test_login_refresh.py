"""Renewing ChatGPT tokens (spec: auth.md sections 3 and 4)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import fcntl
import json
import logging
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from codex_login import issuer as issuer_module
from codex_login import refresh as refresh_module
from codex_login.auth import AuthManager, login_with_api_key
from codex_login.errors import LoginError, RefreshError
from codex_login.refresh import TokenRefresher, is_stale
from codex_login.storage import parse_auth, read_auth

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = (NOW - timedelta(days=29)).isoformat()
FRESH = (NOW - timedelta(days=27)).isoformat()


def jwt(**claims) -> str:
    return "aGVhZA." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"


ID_TOKEN = jwt(email="a@b.c")
NEW_ID_TOKEN = jwt(email="new@b.c")


class Issuer:
    """Answers token requests and keeps them."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.arrived = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.arrived.set()
        await self.go_on.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def manager(self, home) -> AuthManager:
        refresher = TokenRefresher(
            str(home),
            issuer="https://issuer.test",
            transport=httpx.MockTransport(self),
            environ={"TERM": "xterm"},
            now=lambda: NOW,
        )
        return AuthManager(str(home), refresher=refresher)


def renewed(**fields) -> httpx.Response:
    return httpx.Response(
        200, json={"id_token": NEW_ID_TOKEN, "access_token": "at-2", "refresh_token": "rt-2", **fields}
    )


def store(home, *, access="at-1", refresh="rt-1", account="acc", last=FRESH, **others) -> None:
    tokens = {"id_token": ID_TOKEN, "access_token": access, "refresh_token": refresh, "account_id": account}
    fields = {"OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": last, **others}
    (home / "auth.json").write_text(
        json.dumps({name: value for name, value in fields.items() if value is not None})
    )


def stored(home) -> dict:
    return json.loads((home / "auth.json").read_text())


@contextlib.contextmanager
def lock_held(home):
    """The lock as another process holds it: locks of separate openings exclude each other."""
    with open(home / "auth.json.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    ("last", "access", "stale"),
    [
        (FRESH, "opaque", False),
        (OLD, "opaque", True),
        (None, "opaque", True),
        (FRESH, jwt(exp=NOW.timestamp() + 60), False),
        (FRESH, jwt(exp=NOW.timestamp() - 60), True),
        (FRESH, jwt(exp="soon"), False),
        (OLD, jwt(exp=NOW.timestamp() + 60), True),
        (NOW.isoformat(), jwt(exp=NOW.timestamp() - 60), False),  # the clock is fast, or would renew for ever
        ((NOW + timedelta(days=1)).isoformat(), jwt(exp=NOW.timestamp() - 60), True),
    ],
)
def test_when_tokens_are_due(tmp_path, last, access, stale):
    store(tmp_path, last=last, access=access)
    assert is_stale(parse_auth((tmp_path / "auth.json").read_text()), NOW) is stale


async def test_request_has_the_form_of_the_contract(tmp_path):
    store(tmp_path)
    issuer = Issuer(renewed())
    await issuer.manager(tmp_path).refresh_token()
    [request] = issuer.requests
    assert (request.method, str(request.url)) == ("POST", "https://issuer.test/oauth/token")
    assert json.loads(request.content) == {
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        "grant_type": "refresh_token",
        "refresh_token": "rt-1",
        "scope": "openid profile email",
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["originator"] == "codex_cli_rs"
    assert request.headers["user-agent"].startswith("codex_cli_rs/0.36.0 (")


async def test_old_tokens_are_renewed_before_use_and_stored(tmp_path):
    store(tmp_path, last=OLD, agent_identity="kept")
    manager = Issuer(renewed()).manager(tmp_path)
    assert await manager.bearer_token() == "at-2"
    assert stored(tmp_path) == {
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": NEW_ID_TOKEN,
            "access_token": "at-2",
            "refresh_token": "rt-2",
            "account_id": "acc",
        },
        "last_refresh": "2026-11-22T12:00:00.000000Z",
        "agent_identity": "kept",
    }
    assert await manager.bearer_token() == "at-2"


async def test_fresh_tokens_are_used_as_they_are(tmp_path):
    store(tmp_path)
    issuer = Issuer()
    assert await issuer.manager(tmp_path).bearer_token() == "at-1"
    assert issuer.requests == []


async def test_what_the_issuer_leaves_out_stays(tmp_path):
    store(tmp_path)
    await Issuer(httpx.Response(200, json={"access_token": "at-2"})).manager(tmp_path).refresh_token()
    assert stored(tmp_path)["tokens"] == {
        "id_token": ID_TOKEN,
        "access_token": "at-2",
        "refresh_token": "rt-1",
        "account_id": "acc",
    }


async def test_conversations_that_need_it_at_once_share_one_renewal(tmp_path):
    store(tmp_path, last=OLD)
    issuer = Issuer(renewed())
    issuer.go_on.clear()
    manager = issuer.manager(tmp_path)
    asking = [asyncio.create_task(manager.bearer_token()) for _ in range(3)]
    await issuer.arrived.wait()
    issuer.go_on.set()
    assert await asyncio.gather(*asking) == ["at-2", "at-2", "at-2"]
    assert len(issuer.requests) == 1


async def test_tokens_another_process_has_renewed_are_taken_without_asking(tmp_path):
    store(tmp_path)
    issuer = Issuer()
    manager = issuer.manager(tmp_path)
    store(tmp_path, access="at-other", refresh="rt-other")
    assert await manager.refresh_token() == "at-other"
    assert issuer.requests == []


async def test_renewal_waits_for_the_process_that_holds_the_lock(tmp_path, monkeypatch):
    store(tmp_path)
    issuer = Issuer()
    manager = issuer.manager(tmp_path)
    polled = asyncio.Event()
    original = asyncio.sleep

    async def sleep(_seconds: float) -> None:
        polled.set()
        await original(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with lock_held(tmp_path):
        asking = asyncio.create_task(manager.refresh_token())
        await polled.wait()
        store(tmp_path, access="at-other")
    assert await asking == "at-other"
    assert issuer.requests == []


async def test_lock_that_is_never_given_up_is_an_error(tmp_path, monkeypatch):
    store(tmp_path)
    monkeypatch.setattr(refresh_module, "LOCK_TIMEOUT_S", 0)
    held_too_long = r"another process has been holding .*auth\.json\.lock"
    with lock_held(tmp_path), pytest.raises(RefreshError, match=held_too_long):
        await Issuer().manager(tmp_path).refresh_token()


async def test_where_the_file_system_knows_no_locks_nobody_is_kept_out(tmp_path, monkeypatch):
    store(tmp_path)

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert await Issuer(renewed()).manager(tmp_path).refresh_token() == "at-2"
    assert stored(tmp_path)["tokens"]["refresh_token"] == "rt-2"


async def test_an_answer_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(issuer_module, "MAX_ANSWER_BYTES", 100)
    store(tmp_path)
    with pytest.raises(RefreshError, match="is too long"):
        await Issuer(renewed(more="x" * 100)).manager(tmp_path).refresh_token()


@pytest.mark.parametrize("change", ["other account", "signed out", "key"])
async def test_another_sign_in_since_is_not_renewed(tmp_path, change):
    store(tmp_path)
    issuer = Issuer()
    manager = issuer.manager(tmp_path)
    match change:
        case "other account":
            store(tmp_path, account="acc-2", access="at-2")
        case "signed out":
            (tmp_path / "auth.json").unlink()
        case "key":
            (tmp_path / "auth.json").write_text('{"OPENAI_API_KEY": "k"}')
    with pytest.raises(RefreshError, match="you have since logged out or signed in to another account"):
        await manager.refresh_token()
    assert issuer.requests == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"code": "refresh_token_expired"}}, " because your refresh token has expired"),
        ({"error": "refresh_token_reused"}, " because your refresh token was already used"),
        ({"code": "refresh_token_invalidated"}, " because your refresh token was revoked"),
        ({"error": {"code": "something"}}, ""),
        ([], ""),
    ],
)
async def test_refusal_for_good_is_remembered(tmp_path, body, reason):
    store(tmp_path)
    issuer = Issuer(httpx.Response(401, json=body))
    manager = issuer.manager(tmp_path)
    for _ in range(2):
        with pytest.raises(RefreshError) as raised:
            await manager.refresh_token()
        assert str(raised.value) == (
            f"Your access token could not be refreshed{reason}. Please log out and sign in again."
        )
        assert raised.value.retryable is False
    assert len(issuer.requests) == 1


async def test_refusal_is_forgotten_with_the_tokens_it_was_about(tmp_path):
    store(tmp_path)
    issuer = Issuer(httpx.Response(401), renewed())
    manager = issuer.manager(tmp_path)
    with pytest.raises(RefreshError):
        await manager.refresh_token()
    store(tmp_path, access="at-1b", refresh="rt-1b")
    manager.reload()
    assert await manager.refresh_token() == "at-2"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(400), "Failed to refresh token: 400 Bad Request"),
        (httpx.Response(503), "Failed to refresh token: 503 Service Unavailable"),
        (httpx.Response(200, content=b"<html>"), "Failed to refresh token: error decoding response body"),
        (httpx.Response(200, json=[]), "Failed to refresh token: error decoding response body"),
        (
            httpx.Response(200, json={"id_token": "x"}),
            "Failed to refresh token: error decoding response body",
        ),
        (
            httpx.ConnectError("refused"),
            "Failed to refresh token: error sending request for url (https://issuer.test/oauth/token)",
        ),
    ],
)
async def test_failure_that_may_pass_can_be_tried_again(tmp_path, answer, message):
    store(tmp_path)
    before = read_auth(str(tmp_path))
    manager = Issuer(answer, renewed()).manager(tmp_path)
    with pytest.raises(RefreshError) as raised:
        await manager.refresh_token()
    assert str(raised.value) == message
    assert raised.value.retryable is True
    assert read_auth(str(tmp_path)) == before
    assert await manager.refresh_token() == "at-2"


async def test_issuer_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    store(tmp_path)
    monkeypatch.setattr(refresh_module, "TIMEOUT_S", 0)
    issuer = Issuer()
    issuer.go_on.clear()
    with pytest.raises(RefreshError, match=r"Failed to refresh token: .*: no answer within 0 seconds"):
        await issuer.manager(tmp_path).refresh_token()


async def test_bearer_token_falls_back_to_the_old_one_and_says_why(tmp_path, caplog):
    store(tmp_path, last=OLD)
    manager = Issuer(httpx.Response(400)).manager(tmp_path)
    with caplog.at_level(logging.DEBUG):
        assert await manager.bearer_token() == "at-1"
    assert str(manager.problem) == "Failed to refresh token: 400 Bad Request"
    assert not any(secret in caplog.text for secret in ("at-1", "rt-1", ID_TOKEN))


async def test_after_a_401_newer_tokens_of_the_file_come_first_then_the_issuer(tmp_path):
    store(tmp_path)
    issuer = Issuer(renewed())
    manager = issuer.manager(tmp_path)
    store(tmp_path, access="at-other", refresh="rt-other")
    assert await manager.recover_from_unauthorized() is True
    assert (await manager.bearer_token(), issuer.requests) == ("at-other", [])
    assert await manager.recover_from_unauthorized() is True
    assert await manager.bearer_token() == "at-2"
    assert json.loads(issuer.requests[0].content)["refresh_token"] == "rt-other"


async def test_after_a_401_a_failing_renewal_is_no_recovery(tmp_path):
    store(tmp_path)
    manager = Issuer(httpx.Response(401)).manager(tmp_path)
    assert await manager.recover_from_unauthorized() is False
    assert isinstance(manager.problem, LoginError)
    assert await manager.bearer_token() == "at-1"


async def test_endpoint_can_be_moved_by_the_environment(tmp_path):
    store(tmp_path)
    issuer = Issuer(renewed())
    refresher = TokenRefresher(
        str(tmp_path),
        transport=httpx.MockTransport(issuer),
        environ={"CODEX_REFRESH_TOKEN_URL_OVERRIDE": "https://elsewhere.test/token"},
        now=lambda: NOW,
    )
    await AuthManager(str(tmp_path), refresher=refresher).refresh_token()
    assert str(issuer.requests[0].url) == "https://elsewhere.test/token"


async def test_answer_on_its_way_is_stored_though_the_caller_is_cancelled(tmp_path):
    store(tmp_path, last=OLD)
    issuer = Issuer(renewed())
    issuer.go_on.clear()
    asking = asyncio.create_task(issuer.manager(tmp_path).bearer_token())
    await issuer.arrived.wait()
    asking.cancel()
    await asyncio.sleep(0)
    assert not asking.done()
    issuer.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert stored(tmp_path)["tokens"]["refresh_token"] == "rt-2"


async def test_caller_is_not_held_back_for_long_and_the_answer_still_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(refresh_module, "CANCEL_GRACE_S", 0)
    store(tmp_path, last=OLD)
    issuer = Issuer(renewed())
    issuer.go_on.clear()
    manager = issuer.manager(tmp_path)
    asking = asyncio.create_task(manager.bearer_token())
    await issuer.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    again = asyncio.create_task(manager.bearer_token())
    await asyncio.sleep(0)
    issuer.go_on.set()
    assert await again == "at-2"
    assert len(issuer.requests) == 1
    assert stored(tmp_path)["tokens"]["refresh_token"] == "rt-2"


async def test_cancelling_while_waiting_for_the_lock_ends_at_once(tmp_path):
    store(tmp_path, last=OLD)
    issuer = Issuer()
    with lock_held(tmp_path):
        asking = asyncio.create_task(issuer.manager(tmp_path).bearer_token())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert issuer.requests == []


@pytest.mark.parametrize("change", ["logout", "key", "other account", "same account"])
async def test_sign_in_or_out_during_a_renewal_is_what_counts(tmp_path, change):
    store(tmp_path)
    issuer = Issuer(renewed())
    issuer.go_on.clear()
    asking = asyncio.create_task(issuer.manager(tmp_path).refresh_token())
    await issuer.arrived.wait()
    match change:
        case "logout":
            assert AuthManager(str(tmp_path)).logout()
        case "key":
            login_with_api_key(str(tmp_path), "sk-new")
        case "other account":
            store(tmp_path, account="acc-2", access="at-3")
        case "same account":
            store(tmp_path, access="at-3", refresh="rt-3")
    path = tmp_path / "auth.json"
    before = path.read_text() if path.exists() else None
    issuer.go_on.set()
    if change == "same account":
        assert await asking == "at-3"
    else:
        with pytest.raises(RefreshError, match="you have since logged out or signed in to another account"):
            await asking
    assert (path.read_text() if path.exists() else None) == before


@pytest.mark.parametrize("after", ["logout", "key"])
async def test_a_sign_in_or_out_in_this_process_right_after_a_renewal_is_what_counts(tmp_path, after):
    store(tmp_path)
    manager = Issuer(renewed()).manager(tmp_path)
    refresher = manager._refresher

    class Changing:
        async def refresh(self, cached):
            found = await refresher.refresh(cached)
            if after == "logout":
                manager.logout()
            else:
                login_with_api_key(str(tmp_path), "sk-new")
                manager.reload()
            return found

    manager._refresher = Changing()
    assert await manager.refresh_token() == (None if after == "logout" else "sk-new")
    assert (manager.auth() is None) is (after == "logout")


async def test_secrets_in_the_issuers_url_are_not_shown(tmp_path):
    store(tmp_path)
    refresher = TokenRefresher(
        str(tmp_path),
        transport=httpx.MockTransport(Issuer(httpx.ConnectError("no"))),
        environ={"CODEX_REFRESH_TOKEN_URL_OVERRIDE": "https://ann:pa55@issuer.test/t?key=s3"},
    )
    with pytest.raises(RefreshError) as caught:
        await AuthManager(str(tmp_path), refresher=refresher).refresh_token()
    assert str(caught.value).endswith("(https://issuer.test/t?key=…)")


async def test_a_refresh_token_is_not_sent_in_clear(tmp_path):
    store(tmp_path)
    issuer = Issuer(httpx.Response(200, json={}))
    refresher = TokenRefresher(
        str(tmp_path),
        transport=httpx.MockTransport(issuer),
        environ={"CODEX_REFRESH_TOKEN_URL_OVERRIDE": "http://issuer.test/t"},
    )
    with pytest.raises(RefreshError, match=r"http://issuer\.test/t must be reached by https") as caught:
        await AuthManager(str(tmp_path), refresher=refresher).refresh_token()
    assert not caught.value.retryable
    assert issuer.requests == []
