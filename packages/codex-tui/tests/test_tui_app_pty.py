"""`codex-tui` itself on a pseudo terminal: start, a whole visit of the demo, ends and crashes."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from pty_session import PtySession

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")

CODEX = [sys.executable, "-m", "codex_tui", "--demo"]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory the app starts in; a home of its own beside it."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("CODEX_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(work)
    return work


def text(session: PtySession) -> str:
    return "\n".join(session.emulator.everything())


def test_a_visit_of_the_demo_from_its_prompt_to_the_way_back(workspace: Path) -> None:
    with PtySession([*CODEX, "show me around"], cols=90, rows=24) as session:
        session.wait_for("Nothing left this machine")
        session.wait_for("tokens used")
        session.send("\x03")
        session.wait_for("again to quit")
        session.send("\x03")
        assert session.wait_exit() == 0
        found = text(session)
        assert found.count("▌ show me around") == 1
        assert found.index(">_ Codex") < found.index("▌ show me around") < found.index("Updated Plan")
        assert "Token usage: total=" in found
        assert "codex resume " in found
        assert "again to quit" not in found
        assert session.is_sane()
        assert b"\x1b]9;" in session.output
    assert (workspace / "codex-demo.md").exists()


def test_keys_typed_from_the_first_frame_on_are_kept(workspace: Path) -> None:
    assert workspace.exists()
    with PtySession(CODEX, cols=90, rows=24, typed=b"typed at on") as session:
        session.wait_for("starting …")
        session.send("ce")
        session.wait_for("directory:")
        session.wait_for("▌ typed at once")
        session.send("\x03")
        session.wait_for("again to quit")
        session.send("\x03")
        assert session.wait_exit() == 0
        assert session.is_sane()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_and_nothing_behind(workspace: Path, number: signal.Signals) -> None:
    assert workspace.exists()
    with PtySession([*CODEX, "show me around"], cols=90, rows=24) as session:
        session.wait_for("Working")
        os.kill(session.pid, number)
        assert session.wait_exit() == 128 + number
        assert session.is_sane()
        assert "Traceback" not in text(session)


def test_a_configuration_that_cannot_be_used_is_one_sentence(workspace: Path) -> None:
    (workspace.parent / "home" / "config.toml").write_text("approval_policy = 'sometimes'\n")
    with PtySession(CODEX, cols=90, rows=24) as session:
        assert session.wait_exit() == 1
        assert "Error loading configuration" in text(session)
        assert "Traceback" not in text(session)
        assert session.is_sane()


def test_without_a_terminal_it_says_what_to_use_instead(workspace: Path) -> None:
    import subprocess

    done = subprocess.run(CODEX, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=workspace)
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr
    assert "codex exec" in done.stderr
