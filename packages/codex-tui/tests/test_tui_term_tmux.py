"""The demo program in a real terminal (tmux): job control, resizes while streaming, a crash."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from tmux_session import TmuxSession

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

DEMO = f"{sys.executable} {Path(__file__).parent / 'term_kit' / 'demo.py'}"
NUMBER = re.compile(r"\[(\d{5})\]")


def numbers(session: TmuxSession) -> list[int]:
    return [int(found) for found in NUMBER.findall("\n".join(session.everything()))]


def echo_is_on(session: TmuxSession) -> bool:
    session.wait_for(lambda: session.screen()[-1] == "shell$")
    session.enter("stty -a | grep -ow -- '-*echo' | sed 's/^/is:/'")
    session.wait_for("\nis:")
    return "\nis:echo" in "\n".join(session.screen())


def test_stop_and_go_on_keeps_draft_and_history() -> None:
    with TmuxSession(cols=70, rows=20) as session:
        session.enter("echo before")
        session.enter(DEMO)
        session.wait_for("ready")
        session.enter("rows 30")
        session.wait_for("[00029]")
        session.type("my draft")
        session.wait_for("> my draft")
        session.press("C-z")
        session.wait_for("Stopped")
        assert "ready" not in "\n".join(session.everything()[-5:])
        assert session.value("cursor_flag") == "1"
        assert echo_is_on(session)
        session.enter("fg")
        session.wait_for("> my draft")
        session.type("!")
        session.wait_for("> my draft!")
        text = "\n".join(session.everything())
        assert numbers(session) == list(range(30))
        assert text.index("before") < text.index("[00000]") < text.index("[00029]") < text.index("Stopped")


def test_stop_in_an_overlay_comes_back_to_it() -> None:
    with TmuxSession(cols=70, rows=20) as session:
        session.enter(DEMO)
        session.wait_for("ready")
        session.enter("rows 3")
        session.enter("overlay")
        session.wait_for("press q")
        session.press("C-z")
        session.wait_for("Stopped")
        assert session.value("alternate_on") == "0"
        session.enter("fg")
        session.wait_for("press q")
        assert session.value("alternate_on") == "1"
        session.press("q")
        session.wait_for("ready")
        assert numbers(session) == [0, 1, 2]


@pytest.mark.parametrize(
    ("policy", "sizes"),
    [
        ("smart", [(70, 12), (50, 24), (90, 15)]),
        ("rebuild", [(50, 20), (70, 14)]),
    ],
)
def test_resizes_while_streaming_lose_and_double_nothing(policy: str, sizes: list[tuple[int, int]]) -> None:
    with TmuxSession(cols=70, rows=20) as session:
        session.enter(f"{DEMO} --policy {policy}")
        session.wait_for("ready")
        session.enter("stream 300 300")
        session.type("draft")
        for number, (cols, rows) in enumerate(sizes, start=1):
            session.wait_for(
                lambda number=number: (found := numbers(session)) != [] and found[-1] > number * 30
            )
            session.resize(cols, rows)
        session.wait_for("stream done")
        session.wait_for("> draft")
        session.wait_still()
        assert numbers(session) == list(range(300))


def test_five_thousand_lines_at_three_widths_are_all_in_the_scrollback() -> None:
    with TmuxSession(cols=80, rows=24) as session:
        session.enter(DEMO)
        session.wait_for("ready")
        session.enter("rows 4000")
        session.wait_for("[03999]")
        session.enter("stream 1000 1000")
        session.type("dra")
        for number, cols in enumerate((44, 120, 80)):
            session.wait_for(lambda number=number: (numbers(session) or [0])[-1] > 4000 + number * 200)
            session.resize(cols, 24)
        session.type("ft")
        session.wait_for("stream done")
        session.wait_for("> draft")
        session.wait_still()
        assert numbers(session) == list(range(5000))
        assert "\n".join(session.everything()).count("ready") == 1


def test_text_and_enter_sent_at_once_are_a_message_and_a_paste_is_none(tmp_path: Path) -> None:
    """tmux says that it marks pastes, so whatever else comes fast was not pasted."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    with TmuxSession(cols=90, rows=30) as session:
        session.enter(f"cd {tmp_path}/work; export CODEX_HOME={tmp_path}/home")
        session.enter(f"{sys.executable} -m codex_tui --demo")
        session.wait_for("directory:")
        session.paste("two\nlines\n")
        session.wait_for("▌ lines")
        session.press("C-c")
        session.press("show me around", "Enter")
        session.wait_for("Looking around")
        text = "\n".join(session.everything())
        assert text.count("▌ show me around") == 1
        assert "▌ two" not in text


@pytest.mark.parametrize("policy", ["smart", "anchor"])
def test_resizes_while_quiet_leave_what_the_shell_printed(policy: str) -> None:
    with TmuxSession(cols=70, rows=20) as session:
        session.enter("echo from-the-shell")
        session.enter(f"{DEMO} --policy {policy}")
        session.wait_for("ready")
        session.enter("rows 40")
        session.wait_for("[00039]")
        session.wait_still()
        for rows in (10, 26):
            session.resize(70, rows)
            session.wait_still()
            assert numbers(session) == list(range(40))
            assert "\n".join(session.everything()).count("ready") == 1
        assert "from-the-shell" in "\n".join(session.everything())


def test_a_crash_leaves_a_sane_terminal_with_its_history() -> None:
    with TmuxSession(cols=70, rows=20) as session:
        session.enter(DEMO)
        session.wait_for("ready")
        session.enter("rows 5")
        session.wait_for("[00004]")
        session.enter("crash")
        session.wait_for("RuntimeError: crashed on command")
        assert echo_is_on(session)
        assert session.value("cursor_flag") == "1"
        assert session.value("alternate_on") == "0"
        assert numbers(session) == list(range(5))
