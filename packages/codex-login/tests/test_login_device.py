"""Signing in on another device (spec: auth.md section 15)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codex_login import device_login
from codex_login.browser_login import SignInSettings
from codex_login.device_login import request_device_code, wait_for_device
from codex_login.errors import CredentialsError, SignInError
from codex_login.oauth import issuer_at
from codex_login.testing import MockIssuer

ASK, POLL = "/api/accounts/deviceauth/usercode", "/api/accounts/deviceauth/token"

NOT_ENABLED = (
    "device code login is not enabled for this Codex server. Use the browser login or verify the server URL."
)


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


def settings(home: Path, issuer: MockIssuer, **more: object) -> SignInSettings:
    return SignInSettings(str(home), issuer=issuer_at(issuer.url), **more)


class Naps:
    """Sleeps that take no time."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


async def test_from_the_code_to_the_file(tmp_path, issuer):
    issuer.device_answers = [403, 404, 403]
    chosen = settings(tmp_path / "home", issuer)
    code = await request_device_code(chosen)
    assert (code.page, code.user_code) == (f"{issuer.url}/codex/device", "ABCD-12345")
    assert "device-1" not in repr(code)
    naps = Naps()
    tokens = await wait_for_device(chosen, code, sleep=naps)
    assert naps.taken == [5.0] * 3
    assert issuer.asked(ASK)[0].fields == {"client_id": "app_EMoamEEZ73f0CkXaXp7hrann"}
    assert len(issuer.asked(POLL)) == 4
    assert issuer.asked(POLL)[0].fields == {"device_auth_id": "device-1", "user_code": "ABCD-12345"}
    [exchange] = issuer.asked("/oauth/token")
    assert exchange.fields["redirect_uri"] == f"{issuer.url}/deviceauth/callback"
    document = json.loads((tmp_path / "home" / "auth.json").read_text())
    assert (document["auth_mode"], document["OPENAI_API_KEY"]) == ("chatgpt", None)
    assert document["tokens"]["access_token"] == tokens.access_token


async def fails(chosen: SignInSettings, **more: object) -> str:
    with pytest.raises(SignInError) as caught:
        await wait_for_device(chosen, await request_device_code(chosen), sleep=Naps(), **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "reply", "message"),
    [
        (
            ASK,
            (404, {}, b""),
            NOT_ENABLED,
        ),
        (ASK, (503, {}, b""), "device code request failed with status 503 Service Unavailable"),
        (ASK, (200, {}, b"<"), "device code request failed: error decoding response body"),
        (ASK, (200, {}, b"[]"), "device code request failed: error decoding response body"),
        (
            ASK,
            (200, {}, b'{"device_auth_id": "d", "user_code": "\\u001b[2J"}'),
            "device code request failed: error decoding response body",
        ),
        (POLL, (500, {}, b""), "device auth failed with status 500 Internal Server Error"),
        (POLL, (200, {}, b"{}"), "device auth failed: error decoding response body"),
        (
            POLL,
            (200, {}, b'{"authorization_code": "c", "code_verifier": "v", "code_challenge": "other"}'),
            "device auth failed: error decoding response body",
        ),
        (
            "authorization_code",
            (400, {}, b""),
            "Token exchange failed: token endpoint returned status 400 Bad Request",
        ),
    ],
)
async def test_failures(tmp_path, issuer, path, reply, message):
    issuer.failing[path] = reply
    assert await fails(settings(tmp_path, issuer)) == message
    assert not (tmp_path / "auth.json").exists()


async def test_a_server_that_is_busy_for_a_while_ends_nothing(tmp_path, issuer):
    issuer.device_answers = [429, 502, 503, 503, 403, 500, 500, 500, 500]
    chosen = settings(tmp_path, issuer)
    await wait_for_device(chosen, await request_device_code(chosen), sleep=Naps())
    assert len(issuer.asked(POLL)) == 10


async def test_a_refusal_ends_it_at_once(tmp_path, issuer):
    issuer.device_answers = [403, 400, 403]
    assert await fails(settings(tmp_path, issuer)) == "device auth failed with status 400 Bad Request"
    assert len(issuer.asked(POLL)) == 2


async def test_a_code_nobody_types_runs_out(tmp_path, issuer, monkeypatch):
    monkeypatch.setattr(device_login, "CODE_LIFETIME_S", 0.05)
    issuer.failing[POLL] = (403, {}, b"")
    chosen = settings(tmp_path, issuer)
    code = await request_device_code(chosen)
    with pytest.raises(SignInError, match=r"^device auth timed out after 15 minutes$"):
        await wait_for_device(chosen, code)


async def test_an_issuer_that_stays_away_is_given_up(tmp_path, issuer):
    chosen = settings(tmp_path, issuer)
    code = await request_device_code(chosen)
    naps = Naps()
    gone = SignInSettings(str(tmp_path), issuer=issuer_at("http://127.0.0.1:1"))
    with pytest.raises(SignInError, match=r"^error sending request for url \(http://127\.0\.0\.1:1/api/"):
        await wait_for_device(gone, code, sleep=naps)
    assert len(naps.taken) == device_login.MAX_FAILURES - 1


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("5", 5.0), (2, 2.0), ("0", 1.0), ("-3", 1.0), ("1e9", 60.0), ("nan", 5.0), ("soon", 5.0), (None, 5.0)],
)
async def test_the_interval_is_kept_within_reason(tmp_path, issuer, given, seconds):
    reply = {"device_auth_id": "d", "usercode": "X-1", "interval": given}
    issuer.failing[ASK] = (200, {}, json.dumps(reply).encode())
    code = await request_device_code(settings(tmp_path, issuer))
    assert (code.user_code, code.interval_s) == ("X-1", seconds)


async def test_a_home_that_cannot_be_is_told_first(tmp_path, issuer):
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialsError, match="cannot be made"):
        await request_device_code(settings(tmp_path / "file" / "x", issuer))
    assert issuer.requests == []


async def test_another_workspace_is_refused(tmp_path, issuer):
    assert await fails(settings(tmp_path, issuer, workspace_id="acc-9")) == (
        "Login is restricted to workspace id acc-9."
    )
    assert not (tmp_path / "auth.json").exists()
