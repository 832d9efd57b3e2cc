"""`codex-tui` itself on a pseudo terminal: start, a whole visit of the demo, ends and crashes."""

from __future__ import annotations

import os
import re
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


def leave(session: PtySession) -> None:
    session.send("\x03")
    session.wait_for("again to quit")
    session.send("\x03")
    assert session.wait_exit() == 0


def test_a_visit_of_the_demo_from_its_prompt_to_the_way_back(workspace: Path) -> None:
    with PtySession([*CODEX, "show me around"], cols=90, rows=24) as session:
        session.wait_for("Nothing left this machine")
        session.wait_for("tokens used")
        leave(session)
        found = text(session)
        assert found.count("▌ show me around") == 1
        assert found.index(">_ Codex") < found.index("▌ show me around") < found.index("Updated Plan")
        assert "Token usage: total=" in found
        assert "codex resume " in found
        assert "again to quit" not in found
        assert session.is_sane()
        assert b"\x07" in re.sub(rb"\x1b\][^\x07]*\x07", b"", session.output)  # nobody said that they look
    assert (workspace / "codex-demo.md").exists()


def test_keys_typed_from_the_first_frame_on_are_kept(workspace: Path) -> None:
    assert workspace.exists()
    with PtySession(CODEX, cols=90, rows=24, typed=b"typed at on") as session:
        session.wait_for("starting …")
        session.send("ce")
        session.wait_for("directory:")
        session.wait_for("▌ typed at once")
        leave(session)
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


def test_a_session_killed_in_the_middle_of_a_turn_goes_on(workspace: Path) -> None:
    assert workspace.exists()
    with PtySession([*CODEX, "show me around"], cols=90, rows=30) as session:
        session.wait_for("• Ran wc -l")
        os.kill(session.pid, signal.SIGKILL)
        session.wait_exit()
    again = [sys.executable, "-m", "codex_cli", "--demo", "resume", "--last"]
    with PtySession(again, cols=90, rows=30) as session:
        session.wait_for("▌ show me around")
        session.wait_for("Ctrl+C quit")
        session.send("what now")
        session.wait_for("▌ what now")
        session.quiet(0.2)
        session.send("\r")
        session.wait_for("You said: “what now”")
        session.wait_for(lambda: "Esc to interrupt" not in "\n".join(session.emulator.screen()))
        session.send("\x04")
        assert session.wait_exit() == 0
        assert session.is_sane()


CRASHES = {
    "a widget's handler": "import codex_tui.widgets.composer_box as m; m.InputBox.on_key = boom",
    "the controller": "import codex_tui.controller as m; m.Controller.press = boom",
    "an event": "import codex_tui.incoming as m; m.take = boom",
    "drawing": "import codex_tui.app as m; old = m.CodexApp._show_live; m.CodexApp._show_live = later",
}


@pytest.mark.parametrize("place", CRASHES)
def test_a_mistake_of_the_app_is_one_sentence_on_a_sane_terminal(workspace: Path, place: str) -> None:
    code = f"""
import sys
count = 0
def boom(*_arguments, **_options):
    raise ZeroDivisionError("made for a test")
def later(self):
    global count
    count += 1
    if count > 5:
        boom()
    old(self)
{CRASHES[place]}
from codex_tui.cli import run_command_line
sys.exit(run_command_line(["--demo", "show me around"]))
"""
    with PtySession([sys.executable, "-c", code], cols=90, rows=30) as session:
        if place in ("a widget's handler", "the controller"):
            session.wait_for("Working")
            session.send("x")
        assert session.wait_exit() == 1
        found = " ".join(text(session).split())
        assert "internal error (ZeroDivisionError: made for a test)" in found
        assert "Traceback" not in found
        assert session.is_sane()
    rollouts = list((workspace.parent / "home" / "sessions").rglob("*.jsonl"))
    assert len(rollouts) == 1
    assert "show me around" in rollouts[0].read_text()


def test_an_editor_that_leaves_the_terminal_raw_does_no_harm(workspace: Path) -> None:
    editor = workspace.parent / "editor"
    editor.write_text('#!/bin/sh\necho " edited" >> "$1"\nstty raw -echo\nprintf "\\033[?2004l"\n')
    editor.chmod(0o755)
    with PtySession(CODEX, cols=90, rows=24, environ={"VISUAL": str(editor)}) as session:
        session.wait_for("directory:")
        session.send("draft")
        session.wait_for("▌ draft")
        session.send("\x07")
        session.wait_for("▌ draft edited")
        session.send("\x1b[200~ and pasted\x1b[201~")
        session.wait_for("▌ draft edited and pasted")
        leave(session)
        assert session.is_sane()


def test_an_interrupt_meant_for_the_editor_is_not_ours(workspace: Path) -> None:
    editor = workspace.parent / "editor"
    editor.write_text(
        "#!/bin/sh\ntrap \"echo ' survived' >> $1; exit 0\" INT\necho EDITING\nsleep 30 & wait\n"
    )
    editor.chmod(0o755)
    with PtySession(CODEX, cols=90, rows=24, environ={"VISUAL": str(editor)}) as session:
        session.wait_for("directory:")
        session.send("draft")
        session.wait_for("▌ draft")
        session.send("\x07")
        session.wait_for("EDITING")
        session.send("\x03")
        session.wait_for("▌ draft survived")
        leave(session)
        assert session.is_sane()


def test_without_a_local_server_oss_says_so_before_anything_is_drawn(workspace: Path) -> None:
    assert workspace.exists()
    environ = {"CODEX_OSS_BASE_URL": "http://127.0.0.1:9/v1"}
    argv = [sys.executable, "-m", "codex_tui", "--oss"]
    with PtySession(argv, cols=90, rows=24, environ=environ) as session:
        assert session.wait_exit() == 1
        assert "OSS setup failed" in text(session)
        assert "Traceback" not in text(session)
        assert session.is_sane()
