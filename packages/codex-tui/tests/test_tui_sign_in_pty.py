"""Signing in on a pseudo terminal, in a small window, with a browser that is a program of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pty_session import PtySession

from codex_login.testing import MockIssuer
from codex_tui.attention import SEEN_S

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")

PROGRAM = Path(__file__).parent / "term_kit" / "sign_in_program.py"
COLS, ROWS = 60, 20


@contextmanager
def issuing(issuer: MockIssuer) -> Iterator[MockIssuer]:
    """The issuer at work beside this thread."""
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with issuer:
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert started.wait(20)
        yield issuer
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    for name in ("home", "work"):
        (tmp_path / name).mkdir(exist_ok=True)
    return {
        "CODEX_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
        "OPENAI_API_KEY": "",
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
        "BROWSER": "",
        **more,
    }


def screen(session: PtySession) -> list[str]:
    return [row.rstrip() for row in session.emulator.screen()]


def answer(session: PtySession, key: str) -> None:
    """Answers a question when it has been on the screen long enough to be seen."""
    session.quiet(SEEN_S + 0.2)
    session.send(key)


def test_a_whole_sign_in_in_a_small_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    browser, go = tmp_path / "browser", tmp_path / "go"
    browser.write_text(
        f"#!{sys.executable} -I\n"
        "import os, sys, time, urllib.request\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
        "urllib.request.urlopen(sys.argv[1]).read()\n"
    )
    browser.chmod(0o755)
    given = environ(tmp_path, BROWSER=str(browser))
    with (
        issuing(MockIssuer()) as issuer,
        PtySession(
            [sys.executable, str(PROGRAM), issuer.url], cols=COLS, rows=ROWS, environ=given
        ) as session,
    ):
        session.wait_for("How do you want to sign in?")
        session.wait_for("Esc go on without")
        answer(session, "1")
        session.wait_for("Finish signing in in your browser")
        session.wait_for("Esc cancel")
        shown = screen(session)
        text = "".join(shown)
        # The address is whole, and so is all that stands around it.
        assert f"{issuer.url}/oauth/authorize?response_type=code" in text
        assert "&originator=codex_cli_rs" in text
        assert "A browser was asked to open this address" in text
        assert "does not load." in text
        assert b"\x1b]8;;" + issuer.url.encode() in session.output
        go.touch()
        session.wait_for("You are signed in with ChatGPT as")
        session.wait_for("Do you trust the files in")
        session.wait_for("Esc decide later")
        answer(session, "2")
        session.wait_for("directory:")
        session.wait_for("⏎ send")
        session.send("\x04")
        assert session.wait_exit() == 0
        assert session.is_sane()
    stored = json.loads((tmp_path / "home" / "auth.json").read_text())
    assert stored["auth_mode"] == "chatgpt"


def test_a_signal_while_it_waits_leaves_the_terminal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    monkeypatch.chdir(tmp_path)
    with (
        issuing(MockIssuer()) as issuer,
        PtySession(
            [sys.executable, str(PROGRAM), issuer.url],
            cols=COLS,
            rows=ROWS,
            environ=environ(tmp_path),
        ) as session,
    ):
        session.wait_for("How do you want to sign in?")
        answer(session, "1")
        session.wait_for("Open this address in a browser")
        os.kill(session.pid, signal.SIGTERM)
        assert session.wait_exit() == 128 + signal.SIGTERM
        assert session.is_sane()
        assert "Traceback" not in "\n".join(session.emulator.everything())
    assert not (tmp_path / "home" / "auth.json").exists()
