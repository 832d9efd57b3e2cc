"""The start of the installed `codex` on a pseudo terminal: the first frame, and ends before there is an app."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from pty_session import PtySession

from codex_core.testing.scripts import ScriptNotInstalledError, script_path

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")

# The main thread stands still behind the first frame, as it does for a moment while it imports.
STUCK = """
import sys, time
import codex_tui.run
def stand_still(*_, **__):
    while True:
        time.sleep(60)
codex_tui.run._prepare = stand_still
sys.argv[0] = "codex"
from codex_cli.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The console script, in an empty directory with a home of its own."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    for name in ("OPENAI_API_KEY", "NO_COLOR", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CODEX_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(work)
    try:
        return script_path("codex")
    except ScriptNotInstalledError as error:
        pytest.skip(str(error))


def text(session: PtySession) -> str:
    return "\n".join(session.emulator.everything())


@pytest.mark.parametrize("keys", ["\x03", "\x03\x03", "typed\x03\x03"])
def test_ctrl_c_while_it_starts_leaves_the_terminal_as_it_was(codex: str, keys: str) -> None:
    assert codex
    with PtySession([sys.executable, "-c", STUCK], cols=90) as session:
        session.wait_for("starting …")
        session.send(keys)
        assert session.wait_exit() == -signal.SIGINT
        assert session.is_sane()
        assert text(session) == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_leaves_the_terminal_as_it_was(codex: str, number: signal.Signals) -> None:
    assert codex
    with PtySession([sys.executable, "-c", STUCK], cols=90) as session:
        session.wait_for("starting …")
        os.kill(session.pid, number)
        assert session.wait_exit() == -number
        assert session.is_sane()
        assert text(session) == ""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_signal_while_the_echo_begins_leaves_the_terminal_as_it_was(codex: str, moment: str) -> None:
    assert codex
    kill = "os.kill(os.getpid(), signal.SIGINT)"
    before, after = (kill, "") if moment == "before" else ("", kill)
    begun = f"""
import os, signal, threading
start = threading.Thread.start
def starting(self):
    {before or "pass"}
    start(self)
    {after or "pass"}
threading.Thread.start = starting
"""
    with PtySession([sys.executable, "-c", begun + STUCK], cols=90) as session:
        assert session.wait_exit() == -signal.SIGINT
        assert session.is_sane()
        assert text(session) == ""


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["--no-such-option"], "unexpected argument '--no-such-option'", 2),
        (["resume", "--last", "id", "prompt"], "cannot be used with '--last'", 2),
        (["--full-auto", "--yolo"], "cannot be used with", 2),
        (["cloud"], "not part of this version", 1),
        (["--version"], "codex-cli ", 0),
    ],
)
def test_what_is_no_start_of_the_app_shows_no_frame(
    codex: str, arguments: list[str], sentence: str, code: int
) -> None:
    with PtySession([codex, *arguments], cols=100) as session:
        assert session.wait_exit() == code
        assert session.is_sane()
        assert sentence in text(session)
        assert b"\x1b[?2026h" not in session.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-c", "approval_policy=7"], "Error loading configuration"),
        (["-c", "nonsense"], "Error parsing -c overrides"),
        (["-i", "missing.png"], "there is no image at missing.png"),
        (["-C", "/no/such/directory"], "/no/such/directory"),
    ],
)
def test_a_start_that_fails_is_one_sentence_and_nothing_of_the_frame(
    codex: str, arguments: list[str], sentence: str
) -> None:
    with PtySession([codex, "--demo", *arguments], cols=160) as session:
        assert session.wait_exit() == 1
        assert session.is_sane()
        assert sentence in text(session)
        assert "starting" not in text(session)
        assert "Traceback" not in text(session)


def test_a_terminal_that_cannot_place_its_cursor_is_told_of(codex: str) -> None:
    with PtySession([codex, "--demo"], cols=200, environ={"TERM": "dumb"}) as session:
        assert session.wait_exit() == 1
        assert b"\x1b" not in session.output
        assert "TERM=dumb" in text(session)
        assert "codex exec" in text(session)


@pytest.mark.parametrize(("value", "is_coloured"), [("1", False), ("", True)])
def test_the_first_frame_has_no_colours_where_none_are_wanted(
    codex: str, value: str, is_coloured: bool
) -> None:
    with PtySession([codex, "--demo"], environ={"NO_COLOR": value}) as session:
        session.wait_for("starting …")
        assert (b"\x1b[36m" in session.output) is is_coloured


def test_text_and_enter_typed_before_anything_is_there_is_the_first_message(codex: str) -> None:
    with PtySession([codex, "--demo"], cols=90, rows=30) as session:
        session.wait_for("starting …")
        session.send("show me aroumd\x7f\x7fnd\r")
        session.wait_for("▌ show me around")
        session.wait_for("Nothing left this machine")
        assert text(session).count("▌ show me around") == 1
        session.send("\x03")
        session.wait_for("again to quit")
        session.send("\x03")
        assert session.wait_exit() == 0
        assert session.is_sane()


BREAKS = """
import sys
from codex_tui.app import CodexApp
def broken(self, *, has_focus):
    raise ValueError("a\\nhandler broke on " + "x" * 300)
CodexApp.terminal_focus_changed = broken
sys.argv[0] = "codex"
from codex_cli.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("log", ["info", "off"])
def test_an_error_nobody_expected_is_one_sentence_and_its_report(
    codex: str, tmp_path: Path, log: str
) -> None:
    assert codex
    argv = [sys.executable, "-c", BREAKS, "--demo"]
    with PtySession(argv, cols=400, rows=40, environ={"RUST_LOG": log}) as session:
        session.wait_for("directory:")
        session.send("a draft")
        session.wait_for("▌ a draft")
        session.send("\x1b[I")
        assert session.wait_exit() == 1
        assert session.is_sane()
        found = text(session)
    report = tmp_path / "home" / "log" / "codex-tui.log"
    assert "Error: Codex ended because of an internal error (ValueError: a handler broke on xxx" in found
    assert "x…)." in found
    assert ("Traceback" in found) is (log == "off")
    assert (str(report) in found) is (log == "info")
    if log == "info":
        assert "in broken" in report.read_text()
        assert len([row for row in found.splitlines() if "internal error" in row]) == 1


def test_a_session_that_is_not_there_is_told_on_a_sane_terminal(codex: str) -> None:
    missing = "12345678-1234-1234-1234-123456789abc"
    with PtySession([codex, "--demo", "resume", missing], cols=120) as session:
        assert session.wait_exit() == 1
        assert session.is_sane()
        assert missing in text(session)
        assert "Traceback" not in text(session)
        assert "starting" not in text(session)
