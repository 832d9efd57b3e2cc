"""Signing in with a real OpenID provider in a real browser, from the terminal to a request.

Install the provider once and say where, then run this file; Chromium is looked for on PATH:

    npm install --prefix DIR oidc-provider
    CODEX_OPENID_PROVIDER=DIR/node_modules pytest tests/test_login_openid.py

With CODEX_PICTURES=DIR the pages are kept there as pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chromium import Tab, find_chromium, new_tab
from codex_core.testing import ScratchHome, answer, message
from codex_core.testing.home import to_toml
from codex_core.testing.pytest_plugin import StartModelServer
from codex_core.testing.scripts import RunningScript, run_script_async, start_script
from codex_login.auth import AuthManager
from codex_login.oauth import CLIENT_ID

MODULES = os.environ.get("CODEX_OPENID_PROVIDER", "")
NODE = shutil.which("node") or ""
CHROMIUM = find_chromium() or ""
PICTURES = os.environ.get("CODEX_PICTURES", "")

pytestmark = [
    pytest.mark.skipif(not MODULES, reason="CODEX_OPENID_PROVIDER names no node_modules with oidc-provider"),
    pytest.mark.skipif(not NODE, reason="there is no node"),
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium"),
]

LOGIN = """
import sys
from codex_cli.sign_in import sign_in_with_browser
from codex_login.browser_login import SignInSettings
from codex_login.oauth import issuer_at
sys.exit(sign_in_with_browser(SignInSettings(sys.argv[1], issuer=issuer_at(sys.argv[2]), port=0)))
"""
"""`codex login --experimental_issuer URL`, but on a port that is free."""


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of the provider."""
    script = Path(__file__).with_name("openid_provider.mjs")
    with subprocess.Popen(
        [NODE, str(script), MODULES, CLIENT_ID],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with new_tab(CHROMIUM, tmp_path) as page:
        yield page


@asynccontextmanager
async def logging_in(home: ScratchHome, issuer: str) -> AsyncIterator[tuple[RunningScript, str]]:
    """The login, and the URL it has opened in the browser that BROWSER names."""
    opened = home.path / "opened"
    os.mkfifo(opened)
    browser = home.path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n')
    browser.chmod(0o755)
    environ = home.environ(BROWSER=str(browser))
    command = [sys.executable, "-c", LOGIN, str(home.codex_home), issuer]
    async with start_script(command, env=environ, cwd=home.path) as process:
        url = await asyncio.wait_for(asyncio.to_thread(opened.read_text), 30)
        yield process, url


async def keep(tab: Tab, name: str) -> None:
    for scheme in ("light", "dark"):
        picture = await tab.look(dark=scheme == "dark")
        assert picture.startswith(b"\x89PNG")
        if PICTURES:
            (Path(PICTURES) / f"{name}-{scheme}.png").write_bytes(picture)


async def sign_in(tab: Tab, url: str) -> None:
    await tab.open(url)
    await tab.run("document.querySelector('[name=login]').value = 'ann'")
    await tab.run("document.querySelector('[name=password]').value = 'x'")
    await tab.submit("document.querySelector('form').submit()")
    await tab.submit("document.querySelector('form').submit()")  # consent


async def test_from_the_terminal_to_a_request(
    provider: str, tab: Tab, scratch_home: ScratchHome, model_server: StartModelServer
) -> None:
    async with logging_in(scratch_home, provider) as (process, url):
        assert url.startswith(f"{provider}/oauth/authorize?")
        await sign_in(tab, url)
        done = (await process.finish()).check()
    assert done.stderr.endswith("\nSuccessfully logged in\n")
    assert url in done.stderr
    assert await tab.run("document.title") == "Signed in to Codex"
    assert "ann@example.test" in await tab.run("document.body.innerText")
    assert await tab.run("document.querySelectorAll('script').length") == 0
    await keep(tab, "success")
    path = scratch_home.codex_home / "auth.json"
    tokens = json.loads(path.read_text())["tokens"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens["account_id"] == "account-of-ann"
    assert tokens["oauth_provenance"]["issuer"] == provider

    # Renewed where it came from: the provider takes the old refresh token, and takes it once.
    manager = AuthManager(str(scratch_home.codex_home))
    renewed = await manager.refresh_token()
    assert renewed != tokens["access_token"]
    assert json.loads(path.read_text())["tokens"]["refresh_token"] != tokens["refresh_token"]

    server = model_server([answer(message("done"))])
    scratch_home.write(
        "config.toml",
        to_toml(
            {
                "model": "m",
                "model_provider": "p",
                "model_providers": {
                    "p": {
                        "name": "P",
                        "base_url": server.base_url,
                        "wire_api": "responses",
                        "requires_openai_auth": True,
                    }
                },
            }
        ),
    )
    command = ("codex", "exec", "--skip-git-repo-check", "hi")
    (await run_script_async(*command, env=scratch_home.environ(), cwd=scratch_home.path)).check()
    [request] = server.requests
    assert request.header("authorization") == f"Bearer {renewed}"
    assert request.header("chatgpt-account-id") == "account-of-ann"
    assert request.header("originator") == "codex_cli_rs"

    assert await manager.sign_out()
    assert not path.exists()


async def test_the_user_says_no(provider: str, tab: Tab, scratch_home: ScratchHome) -> None:
    async with logging_in(scratch_home, provider) as (process, url):
        await tab.open(url)
        await tab.submit("document.querySelector('a[href$=abort]').click()")
        done = (await process.finish()).check(1)
    assert "\nError logging in: Sign-in failed: " in done.stderr
    assert await tab.run("document.title") == "Not signed in to Codex"
    await keep(tab, "refused")
    assert not (scratch_home.codex_home / "auth.json").exists()


async def test_a_made_up_callback_does_not_disturb(
    provider: str, tab: Tab, scratch_home: ScratchHome
) -> None:
    async with logging_in(scratch_home, provider) as (process, url):
        port = url.partition("localhost%3A")[2].partition("%2F")[0]
        for path in ("/auth/callback?code=x&state=y", "/success", "/success?state=y"):
            await tab.open(f"http://localhost:{port}{path}")
            assert await tab.run("document.body.innerText") == "State mismatch"
        await tab.open("data:text/html,<p>another site</p>")
        await tab.run(f"fetch('http://127.0.0.1:{port}/cancel', {{mode: 'no-cors'}}).catch(() => 0)")
        await sign_in(tab, url)
        (await process.finish()).check()
    assert (scratch_home.codex_home / "auth.json").exists()
