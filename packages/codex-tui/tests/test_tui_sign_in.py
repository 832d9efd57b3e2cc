"""Signing in from inside the app, at an issuer on loopback: every way, its ends and its mistakes."""

from __future__ import annotations

import dataclasses
import json
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
from app_kit import at_provider, codex
from memory_app import until

from codex_core.presentation.spans import plain_text
from codex_core.testing import answer, message
from codex_login.http import make_client
from codex_login.oauth import issuer_at
from codex_login.testing import MockIssuer
from codex_protocol.config_types import AuthMode, SandboxMode
from codex_tui.history.wrapping import line_width
from codex_tui.options import TuiOptions
from codex_tui.screens.sign_in import BrowserPanel, DevicePanel
from codex_tui.term.inputs import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from app_kit import RunningApp

URL = "https://auth.example.test/oauth/authorize?" + "&".join(f"field_{n}=value-{n:040}" for n in range(8))


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


def undecided(tmp_path: Path) -> TuiOptions:
    """At a provider that wants a sign-in, in a directory nobody has decided about."""
    return TuiOptions(
        overrides=at_provider(tmp_path, requires_openai_auth=True).overrides, cwd=str(tmp_path / "work")
    )


@asynccontextmanager
async def signing_in(
    tmp_path: Path,
    issuer: MockIssuer,
    *,
    options: TuiOptions | None = None,
    environ: dict[str, str] | None = None,
    cols: int = 80,
    rows: int = 40,
) -> AsyncIterator[RunningApp]:
    """The app, asking how to sign in."""
    given = options or at_provider(tmp_path, requires_openai_auth=True)
    script = [answer(message("Hello."))]
    async with codex(
        tmp_path,
        script,
        options=given,
        environ=environ,
        cols=cols,
        rows=rows,
        issuer=issuer_at(issuer.url),
    ) as run:
        await run.asked("How do you want to sign in?")
        yield run


def url_of(run: RunningApp) -> str:
    """The address on the screen, as somebody would copy it."""
    panel = run.controller.state.panel
    assert panel is not None
    rows = [plain_text(row) for row in panel.panel.rows(run.app.size.width, 40)]
    first = next(at for at, row in enumerate(rows) if row.startswith("http"))
    last = next(at for at, row in enumerate(rows[first:], first) if row.startswith("▌"))
    assert [row for row in rows[first:last] if row not in run.screen] == []
    return "".join(rows[first:last])


async def opened(url: str) -> str:
    """The page a browser ends up at."""
    async with make_client(url) as client:
        return (await client.get(url, follow_redirects=True)).text


async def ended_up_at(url: str) -> str:
    """Where the issuer sends a browser that cannot reach us."""
    async with make_client(url) as client:
        return (await client.get(url, follow_redirects=False)).headers["location"]


def stored(tmp_path: Path) -> dict[str, object]:
    path = tmp_path / "home" / "auth.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, object] = json.loads(path.read_text())
    return found


# --- with a browser ----------------------------------------------------------------------------------


async def test_a_browser_signs_in_and_a_turn_follows(tmp_path: Path, issuer: MockIssuer) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in in your browser", "Esc cancel")
        assert "Signed in to Codex" in await opened(url_of(run))
        await run.shows("You are signed in with ChatGPT as someone@example.test.", "what to do")
        await run.hides("Finish signing in")
        assert run.controller.launch.auth.mode is AuthMode.CHATGPT
        await run.idle()
        await run.submits("hi")
        await run.shows("> Hello.")
        sent = dict(run.transport.requests[-1].headers)
        assert sent["chatgpt-account-id"] == "acc-123"
    assert stored(tmp_path)["auth_mode"] == "chatgpt"


async def test_the_users_browser_is_asked_to_open_the_address(tmp_path: Path, issuer: MockIssuer) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opening\nmv {tmp_path}/opening {tmp_path}/opened\n'
    )
    browser.chmod(0o755)
    async with signing_in(tmp_path, issuer, environ={"BROWSER": str(browser)}) as run:
        assert "> 1. Sign in with ChatGPT" in run.screen
        run.type("\r")
        await run.shows("A browser was asked to open this address")
        await until((tmp_path / "opened").exists)
        assert (tmp_path / "opened").read_text() == url_of(run)
        await run.escape()
        await run.asked("How do you want to sign in?")


async def test_the_address_of_a_browser_elsewhere_can_be_pasted(tmp_path: Path, issuer: MockIssuer) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        run.type("\x1b[200~https://somewhere.test/\x1b[201~")
        await run.shows("› https://somewhere.test/", "⏎ hand in")
        run.type("\r")
        await run.shows("That is not the address of the page after signing in")
        found = await ended_up_at(url_of(run))
        run.type(f"\x1b[200~{found[:20]}\n{found[20:]}\x1b[201~")
        await run.shows("You are signed in with ChatGPT as someone@example.test.")
        code = dict(parse_qsl(urlsplit(found).query))["code"]
        assert code not in run.text
    assert stored(tmp_path)["auth_mode"] == "chatgpt"


async def test_esc_gives_the_port_back_and_another_way_can_be_taken(
    tmp_path: Path, issuer: MockIssuer
) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        port = urlsplit(dict(parse_qsl(urlsplit(url_of(run)).query))["redirect_uri"]).port
        await run.escape()
        await run.hides("Finish signing in")
        await run.shows("How do you want to sign in?")
        with pytest.raises(Exception, match="onnect"):
            await opened(f"http://127.0.0.1:{port}/")
        run.type("2")
        await run.asked("Sign in with an API key")
        run.type("sk-one-0123456789\r")
        await run.shows("The API key is stored")
    assert stored(tmp_path)["OPENAI_API_KEY"] == "sk-one-0123456789"


async def test_who_cancels_when_it_is_done_is_signed_in_all_the_same(
    tmp_path: Path, issuer: MockIssuer
) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        await ended_up_at(await ended_up_at(url_of(run)))  # the browser never asks for its last page
        assert (tmp_path / "home" / "auth.json").exists()
        await run.escape()
        await run.shows("You are signed in with ChatGPT as someone@example.test.")


async def test_credentials_kept_in_memory_are_used_and_stored_nowhere(
    tmp_path: Path, issuer: MockIssuer
) -> None:
    given = at_provider(tmp_path, requires_openai_auth=True)
    overrides = (*given.overrides, 'cli_auth_credentials_store="ephemeral"')
    async with signing_in(tmp_path, issuer, options=dataclasses.replace(given, overrides=overrides)) as run:
        run.type("1")
        await run.shows("Finish signing in")
        await opened(url_of(run))
        await run.shows("You are signed in")
        await run.idle()
        await run.submits("hi")
        await run.shows("> Hello.")
        assert "authorization" in dict(run.transport.requests[-1].headers)
    assert not (tmp_path / "home" / "auth.json").exists()


async def test_a_refusal_is_told_and_asked_again(tmp_path: Path, issuer: MockIssuer) -> None:
    issuer.denial = {"error": "access_denied", "error_description": "Not \x1b[31mtoday"}
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        await opened(url_of(run))
        await run.asked("You could not be signed in: Sign-in failed", "How do you want to sign in?")
        run.type("\x1b")
        await run.shows("You are not signed in", "what to do")
    assert not (tmp_path / "home" / "auth.json").exists()


async def test_a_home_that_cannot_be_written_is_told_before_anybody_signs_in(
    tmp_path: Path, issuer: MockIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_login import browser_login
    from codex_login.errors import CredentialsError

    def refuse(_settings: object) -> None:
        raise CredentialsError("credentials cannot be stored in /home: it is not writable")

    monkeypatch.setattr(browser_login, "check_storable", refuse)
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.asked("credentials cannot be stored", "How do you want to sign in?")
        run.type("\x1b")
        await run.shows("You are not signed in")
    assert issuer.requests == []


async def test_the_app_can_be_left_while_it_waits(tmp_path: Path, issuer: MockIssuer) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        run.controller.leave()
        await until(lambda: not run.app.is_running)


# --- with a code -------------------------------------------------------------------------------------


async def test_a_code_for_another_device_signs_in(tmp_path: Path, issuer: MockIssuer) -> None:
    issuer.device_answers, issuer.device_interval = [403], "1"
    async with signing_in(tmp_path, issuer, environ={"SSH_CONNECTION": "a b", "BROWSER": "x"}) as run:
        assert "> 3. Sign in with a code" in run.screen
        run.type("\r")
        await run.shows("/codex/device", "Never enter a code that somebody sent you")
        await run.shows("You are signed in with ChatGPT as someone@example.test.")
    assert stored(tmp_path)["auth_mode"] == "chatgpt"


async def test_a_server_without_codes_is_told(tmp_path: Path, issuer: MockIssuer) -> None:
    issuer.failing["/api/accounts/deviceauth/usercode"] = (404, {}, b"")
    async with signing_in(tmp_path, issuer) as run:
        run.type("3")
        await run.asked("device code login is not enabled", "How do you want to sign in?")
        run.type("\x1b")
        await run.shows("You are not signed in")


# --- the order, and its end --------------------------------------------------------------------------


async def test_trust_is_asked_about_behind_the_sign_in(tmp_path: Path, issuer: MockIssuer) -> None:
    async with signing_in(tmp_path, issuer, options=undecided(tmp_path)) as run:
        assert "Do you trust" not in run.text
        run.type("2")
        await run.asked("Sign in with an API key")
        run.type("sk-with-q-0123456789\r")
        await run.asked("Do you trust the files in")
        run.type("1")
        await run.idle()
        assert run.controller.state.config.sandbox_policy.mode is SandboxMode.WORKSPACE_WRITE


@pytest.mark.parametrize("key", ["\x03", "\x04"])
@pytest.mark.parametrize("way", ["", "1", "2", "3"])
async def test_ctrl_c_and_ctrl_d_end_all_questions_and_decide_nothing(
    tmp_path: Path, issuer: MockIssuer, way: str, key: str
) -> None:
    issuer.device_answers = [403] * 100
    async with signing_in(tmp_path, issuer, options=undecided(tmp_path)) as run:
        if way:
            run.type(way)
            await run.hides("How do you want to sign in?")
            await run.drawn()
        run.type(key)
        await run.shows("You are not signed in", "what to do")
        assert "Do you trust" not in run.text
        assert run.controller.state.config.sandbox_policy.mode is SandboxMode.READ_ONLY
        run.type("q")
        await run.shows("▌ q")
    assert not (tmp_path / "home" / "auth.json").exists()
    assert not (tmp_path / "home" / "config.toml").exists()


async def test_ctrl_d_at_the_question_about_trust_decides_nothing(tmp_path: Path, issuer: MockIssuer) -> None:
    async with signing_in(tmp_path, issuer, options=undecided(tmp_path)) as run:
        run.type("2")
        await run.asked("Sign in with an API key")
        run.type("sk-0123456789\r")
        await run.asked("Do you trust the files in")
        run.type("\x04")
        await run.shows("what to do")
        await run.idle()
        assert run.controller.state.config.sandbox_policy.mode is SandboxMode.READ_ONLY


# --- signing out -------------------------------------------------------------------------------------


async def test_logout_takes_the_sign_in_away_tells_the_issuer_and_says_so(
    tmp_path: Path, issuer: MockIssuer
) -> None:
    async with signing_in(tmp_path, issuer) as run:
        run.type("1")
        await run.shows("Finish signing in")
        await opened(url_of(run))
        await run.shows("You are signed in")
        await run.idle()
        run.type("/logout\r")
        await run.shows("You are signed out.")
        await until(lambda: not run.app.is_running)
    assert not (tmp_path / "home" / "auth.json").exists()
    assert len(issuer.asked("/oauth/revoke")) == 1


async def test_logout_without_a_sign_in_says_that(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await run.idle()
        run.type("/logout\r")
        await run.shows("You were not signed in.")
        await until(lambda: not run.app.is_running)


# --- the looks ---------------------------------------------------------------------------------------


def looks(panel: BrowserPanel | DevicePanel, width: int, rows: int) -> list[str]:
    found = panel.rows(width, rows)
    assert all(line_width(row) <= width for row in found)
    assert len(found) <= rows
    return [plain_text(row) for row in found]


@pytest.mark.parametrize(("width", "rows"), [(60, 18), (80, 22), (120, 40), (40, 18)])
def test_the_whole_address_is_there_by_itself_and_can_be_clicked(width: int, rows: int) -> None:
    panel = BrowserPanel(lambda _text: None, lambda: 0.0)
    panel.url = URL
    shown = looks(panel, width, rows)
    of_address = [row for row in shown if not row.startswith("▌") and row and not row.startswith("Esc")]
    assert "".join(of_address) == URL
    linked = [span for row in panel.rows(width, rows) for span in row if span.link]
    assert {span.link for span in linked} == {URL}
    assert "".join(span.text for span in linked) == URL
    assert shown[-1] == "Esc cancel"


def test_a_small_window_says_that_there_is_more() -> None:
    panel = BrowserPanel(lambda _text: None, lambda: 0.0)
    panel.url = URL
    shown = looks(panel, 40, 8)
    assert "Finish signing in" in shown[0]
    assert "… the rest needs a larger window" in shown
    assert shown[-1] == "Esc cancel"


def test_what_is_pasted_is_not_shown_and_a_wrong_one_can_be_corrected() -> None:
    given: list[str] = []
    panel = BrowserPanel(given.append, lambda: 0.0)
    panel.url = URL
    panel.paste("http://localhost:1/wrong?code=secret")
    shown = "\n".join(looks(panel, 60, 18))
    assert "code=…" in shown
    assert "secret" not in shown
    panel.press(Key("ctrl+u"))
    for letter in "ab":
        panel.press(Key(letter, letter))
    panel.press(Key("backspace"))
    panel.press(Key("enter"))
    panel.press(Key("enter"))
    panel.problem = "That is no address. " * 20
    looks(panel, 60, 18)
    panel.paste("x" * 100_000)
    looks(panel, 60, 18)
    assert given == ["a"]


@pytest.mark.parametrize(("width", "rows"), [(60, 18), (40, 10), (100, 30)])
def test_the_code_and_its_page_are_always_there(width: int, rows: int) -> None:
    panel = DevicePanel(lambda: 0.0)
    assert "Asking for a code" in looks(panel, width, rows)[0]
    panel.page, panel.code = "https://auth.openai.com/codex/device", "ABCD-EF0123"
    shown = looks(panel, width, rows)
    assert "https://auth.openai.com/codex/device" in shown
    assert any("ABCD-EF0123" in row for row in shown)
    assert shown[-1] == "Esc cancel"
