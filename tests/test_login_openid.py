"""Signing in with a real OpenID provider in a real browser, from the terminal to a request.

Install the provider once and say where, then run this file; Chromium is looked for on PATH:

    npm install --prefix DIR oidc-provider
    CODEX_OPENID_PROVIDER=DIR/node_modules pytest tests/test_login_openid.py

CODEX_CHROMIUM names another browser of that kind. With CODEX_PICTURES=DIR the pages are kept there as pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
import tempfile
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
settings = SignInSettings(sys.argv[1], issuer=issuer_at(sys.argv[2]), port=int(sys.argv[3]))
sys.exit(sign_in_with_browser(settings))
"""
"""`codex login --experimental_issuer URL`, but on a port that the test chooses; 0 is any that is free."""
TAKE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Makes the terminal the one that Ctrl-C on it is sent to."""


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
async def tab() -> AsyncIterator[Tab]:
    # Not the test's own directory: the browser makes a socket there, whose name must not be long.
    with tempfile.TemporaryDirectory(prefix="tab-", ignore_cleanup_errors=True) as home:
        async with new_tab(CHROMIUM, Path(home)) as page:
            yield page


@asynccontextmanager
async def logging_in(
    home: ScratchHome, issuer: str, port: int = 0
) -> AsyncIterator[tuple[RunningScript, str]]:
    """The login, and the URL it has opened in the browser that BROWSER names."""
    opened, browser = browser_of(home)
    command = [sys.executable, "-c", LOGIN, str(home.codex_home), issuer, str(port)]
    async with start_script(command, env=home.environ(BROWSER=browser), cwd=home.path) as process:
        url = await asyncio.wait_for(asyncio.to_thread(opened.read_text), 30)
        yield process, url


def browser_of(home: ScratchHome) -> tuple[Path, str]:
    """A pipe, and a program to be called as a browser that writes its URL there."""
    opened, browser = home.path / "opened", home.path / "browser"
    if not opened.exists():
        os.mkfifo(opened)
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n')
    browser.chmod(0o755)
    return opened, str(browser)


def port_of(url: str) -> int:
    return int(url.partition("localhost%3A")[2].partition("%2F")[0])


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
        port = port_of(url)
        for path in ("/auth/callback?code=x&state=y", "/success", "/success?state=y"):
            await tab.open(f"http://localhost:{port}{path}")
            assert await tab.run("document.body.innerText") == "State mismatch"
        await tab.open("data:text/html,<p>another site</p>")
        await tab.run(f"fetch('http://127.0.0.1:{port}/cancel', {{mode: 'no-cors'}}).catch(() => 0)")
        await sign_in(tab, url)
        (await process.finish()).check()
    assert (scratch_home.codex_home / "auth.json").exists()


async def test_a_code_that_the_provider_does_not_exchange(
    provider: str, tab: Tab, scratch_home: ScratchHome
) -> None:
    async with logging_in(scratch_home, provider) as (process, url):
        await tab.open(f"{provider}/fail-once")
        await sign_in(tab, url)
        done = (await process.finish()).check(1)
    why = "Token exchange failed: token endpoint returned status 500 Internal Server Error"
    assert done.stderr.endswith(f"\nError logging in: {why}\n")
    assert await tab.run("document.title") == "Not signed in to Codex"
    assert why in await tab.run("document.body.innerText")
    assert "on fire" not in await tab.run("document.body.innerText")
    await keep(tab, "not-exchanged")
    assert not (scratch_home.codex_home / "auth.json").exists()


async def test_a_right_code_with_a_wrong_state(provider: str, tab: Tab, scratch_home: ScratchHome) -> None:
    async with logging_in(scratch_home, provider) as (process, url):
        state = url.partition("&state=")[2].partition("&")[0]
        await sign_in(tab, url.replace(f"&state={state}", "&state=of-somebody-else"))
        assert await tab.run("document.body.innerText") == "State mismatch"
        await tab.open(url)  # signed in already, so it comes back at once
        if "callback" not in await tab.run("location.href") and "success" not in await tab.run(
            "location.href"
        ):
            await tab.submit("document.querySelector('form').submit()")
        (await process.finish()).check()
    assert await tab.run("document.title") == "Signed in to Codex"
    assert (scratch_home.codex_home / "auth.json").exists()


async def test_a_port_that_another_login_holds_and_one_that_another_program_holds(
    provider: str, tab: Tab, scratch_home: ScratchHome
) -> None:
    async with logging_in(scratch_home, provider) as (first, url):
        await tab.open(url)
        async with logging_in(scratch_home, provider, port_of(url)) as (second, second_url):
            done = (await first.finish()).check(1)
            assert done.stderr.endswith("\nError logging in: Login cancelled\n")
            await sign_in(tab, second_url)
            (await second.finish()).check()
    assert await tab.run("document.title") == "Signed in to Codex"

    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(stay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = [sys.executable, "-c", LOGIN, str(scratch_home.codex_home), provider, str(port)]
    done = await run_script_async(command, env=scratch_home.environ(), cwd=scratch_home.path)
    server.close()
    await server.wait_closed()
    assert f"Error logging in: Port 127.0.0.1:{port} is already in use\n" in done.check(1).stderr


@pytest.mark.parametrize(("key", "code"), [(b"\x1b", 1), (b"\x03", 130)], ids=["esc", "ctrl-c"])
async def test_given_up_on_the_terminal(
    provider: str, tab: Tab, scratch_home: ScratchHome, key: bytes, code: int
) -> None:
    opened, browser = browser_of(scratch_home)
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TAKE_TERMINAL + LOGIN, str(scratch_home.codex_home), provider, "0",
        env=scratch_home.environ(TERM="xterm", BROWSER=browser),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        url = await asyncio.wait_for(asyncio.to_thread(opened.read_text), 30)
        seen = b""
        while b"Esc cancels." not in seen:
            seen += await asyncio.wait_for(asyncio.to_thread(os.read, ours, 65536), 30)
        await tab.open(url)
        os.write(ours, key)
        assert await asyncio.wait_for(process.wait(), 30) == code
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
    await sign_in(tab, url)  # the browser finds nobody any more
    assert (await tab.run("document.title")) != "Signed in to Codex"
    assert not (scratch_home.codex_home / "auth.json").exists()
