"""The app in a real terminal (tmux): resizes while it works, Ctrl-Z and back, the end."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from tmux_session import TmuxSession

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

ONCE = ("▌ show me", "Updated Plan", "• Ran wc -l", "Nothing left this", "To remove the file I made")


def test_a_session_survives_resizes_and_a_stop(tmp_path: Path) -> None:
    work = tmp_path / "w"
    work.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    with TmuxSession(cols=90, rows=24) as session:
        session.enter(f"cd {work}; export CODEX_HOME={home}; echo BEFORE")
        session.wait_for("BEFORE")
        session.enter(f"{sys.executable} -m codex_tui --demo 'show me'")
        session.wait_for("Looking around")
        session.resize(60, 20)
        session.wait_for(lambda: "Nothing left this" in "\n".join(session.everything()))
        session.resize(100, 30)
        session.wait_still()
        session.type("a draft")
        session.wait_for("▌ a draft")
        session.press("C-z")
        session.wait_for("Stopped")
        session.enter("fg")
        session.wait_for("▌ a draft")
        session.press("C-c")
        session.wait_for("again to quit")
        session.press("C-c")
        session.wait_for("codex resume")
        session.wait_still()
        text = "\n".join(session.everything())
        assert {mark: text.count(mark) for mark in ONCE} == {**dict.fromkeys(ONCE, 1), "Updated Plan": 2}
        assert "again to quit" not in text
        assert session.screen()[-1] == "shell$"
        session.enter("stty -a | grep -ow -- '-*echo' | sed 's/^/is:/'")
        session.wait_for("is:echo")
