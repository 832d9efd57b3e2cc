"""auth.json between the reference and ours: what one has written the other goes on with (spec: auth.md 1, 2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from codex_core.testing import ModelServer, ScratchHome, ScratchRepo, answer, message, script_path
from codex_core.testing.scripts import run_script_async
from codex_login.auth import AuthManager
from codex_login.browser_login import BrowserLogin, SignInSettings
from codex_login.http import make_client
from codex_login.oauth import issuer_at
from codex_login.testing import MockIssuer, make_jwt

pytestmark = pytest.mark.reference

KEY = "sk-proj-0123456789-ABCDE"
OURS = script_path("codex")
NANOSECONDS = "2999-11-22T08:34:14.755560189Z"


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


async def said(home: ScratchHome, program: str, *arguments: str, code: int = 0) -> str:
    done = await run_script_async([program], *arguments, env=home.environ(), cwd=home.path)
    return done.check(code).stderr


def stored(home: ScratchHome) -> Any:
    return json.loads((home.codex_home / "auth.json").read_text())


async def request_of(program: list[str], home: ScratchHome, repo: ScratchRepo) -> dict[str, str | None]:
    """The credentials in the request of one headless run."""
    async with ModelServer([answer(message("done"))]) as server:
        home.use_model_server(server.base_url, provider={"requires_openai_auth": True})
        done = await run_script_async(program, "exec", "hi", env=home.environ(), cwd=repo.path)
        done.check()
        [request] = server.requests
        return {name: request.header(name) for name in ("authorization", "chatgpt-account-id")}


async def test_a_key_stored_by_either_is_the_others(reference: str, scratch_home: ScratchHome) -> None:
    files = []
    for writer, reader in ((reference, OURS), (OURS, reference)):
        assert await said(scratch_home, writer, "login", "--api-key", KEY) == "Successfully logged in\n"
        files.append((scratch_home.codex_home / "auth.json").read_bytes())
        status = await said(scratch_home, reader, "login", "status")
        assert status == "Logged in using an API key - sk-proj-***ABCDE\n"
        assert await said(scratch_home, reader, "logout") == "Successfully logged out\n"
    assert files[0] == files[1]


@pytest.mark.parametrize("gives_key", [False, True])
async def test_our_chatgpt_login_works_with_the_reference(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, issuer: MockIssuer, gives_key: bool
) -> None:
    issuer.gives_key = gives_key
    settings = SignInSettings(str(scratch_home.codex_home), issuer=issuer_at(issuer.url), port=0)
    async with BrowserLogin(settings) as login:
        async with make_client(login.auth_url) as client:
            await client.get(login.auth_url, follow_redirects=True)
        await login.wait()
    before = stored(scratch_home)
    ours = await request_of([OURS], scratch_home, git_repo)
    theirs = await request_of([reference], scratch_home, git_repo)
    assert ours == {
        "authorization": f"Bearer {before['tokens']['access_token']}",
        "chatgpt-account-id": "acc-123",
    }
    status = await said(scratch_home, reference, "login", "status")
    if gives_key:
        # The reference does not know `auth_mode`, and takes the key that lies beside the tokens.
        assert status.startswith("Logged in using an API key - ")
        assert theirs == {"authorization": f"Bearer {before['OPENAI_API_KEY']}", "chatgpt-account-id": None}
    else:
        assert status == "Logged in using ChatGPT\n"
        assert theirs == ours
    assert stored(scratch_home) == before


async def test_a_file_in_the_form_of_the_reference_is_gone_on_with_and_stays_one(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, issuer: MockIssuer
) -> None:
    tokens = {**issuer.new_tokens(), "account_id": "acc-123"}
    document = {"OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": NANOSECONDS}
    scratch_home.write("auth.json", json.dumps(document, indent=2))
    assert await said(scratch_home, reference, "login", "status") == "Logged in using ChatGPT\n"
    assert await said(scratch_home, OURS, "login", "status") == "Logged in using ChatGPT\n"
    ours = await request_of([OURS], scratch_home, git_repo)
    assert ours == await request_of([reference], scratch_home, git_repo)

    from codex_login.refresh import TokenRefresher

    home = str(scratch_home.codex_home)
    manager = AuthManager(home, refresher=TokenRefresher(home, issuer=issuer.url, environ={}))
    renewed = await manager.refresh_token()
    assert list(stored(scratch_home)) == ["OPENAI_API_KEY", "tokens", "last_refresh"]
    assert list(stored(scratch_home)["tokens"]) == ["id_token", "access_token", "refresh_token", "account_id"]
    after = await request_of([reference], scratch_home, git_repo)
    assert after == {"authorization": f"Bearer {renewed}", "chatgpt-account-id": "acc-123"}
    assert await said(scratch_home, reference, "logout") == "Successfully logged out\n"
    assert AuthManager(home).auth() is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"OPENAI_API_KEY": 1}',
        '{"tokens": {}}',
        json.dumps({"tokens": {"id_token": "x.y", "access_token": "a", "refresh_token": "r"}}),
        json.dumps({"tokens": {"id_token": make_jwt({}), "access_token": "a", "refresh_token": "r"}, "last_refresh": "x"}),
    ],
)  # fmt: skip
async def test_what_one_cannot_use_the_other_cannot_either(
    reference: str, scratch_home: ScratchHome, content: str
) -> None:
    scratch_home.write("auth.json", content)
    for program in (reference, OURS):
        text = await said(scratch_home, program, "login", "status", code=1)
        assert text.startswith("Error checking login status: "), program


@pytest.mark.parametrize("content", ["{}", '{"OPENAI_API_KEY": null}', '{"tokens": null, "x": 1}'])
async def test_nothing_means_chatgpt_to_both(reference: str, scratch_home: ScratchHome, content: str) -> None:
    scratch_home.write("auth.json", content)
    for program in (reference, OURS):
        assert await said(scratch_home, program, "login", "status") == "Logged in using ChatGPT\n", program
