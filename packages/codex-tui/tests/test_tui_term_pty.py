"""The demo program on a pseudo terminal: boot, typing, streaming, signals and ends."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios

import pytest
from pty_session import DEMO, PtySession

NUMBER = re.compile(r"\[(\d{5})\]")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")


def numbers(session: PtySession) -> list[int]:
    return [int(found) for found in NUMBER.findall("\n".join(session.emulator.everything()))]


def test_the_first_frame_comes_before_anything_heavy_is_imported(tmp_path: object) -> None:
    report = f"{tmp_path}/modules"
    with PtySession([*DEMO, "--report", report, "--slow-import", "0"]) as session:
        session.wait_for("ready when you are")
        session.wait_for(lambda: os.path.exists(report) and os.path.getsize(report) > 0)
        with open(report, encoding="utf-8") as file:
            loaded = set(file.read().split())
    heavy = {
        "asyncio",
        "rich",
        "textual",
        "pydantic",
        "httpx",
        "mcp",
        "typer",
        "dataclasses",
        "typing",
        "re",
        "inspect",
    }
    assert loaded & heavy == set()


def test_keys_typed_while_the_app_is_imported_are_echoed_and_kept() -> None:
    with PtySession([*DEMO, "--slow-import", "0.5"]) as session:
        session.wait_for("ready")
        session.send("työpX\x7fed")
        session.wait_for("> työped")
        session.send(" early\rsecond")
        session.wait_for("• työped early")
        session.wait_for("> second")


def test_keys_typed_before_the_program_started_are_kept() -> None:
    with PtySession(typed=b"first") as session:
        session.wait_for("> first")


def test_five_thousand_lines_while_typing_lose_nothing() -> None:
    draft = "a draft that nobody may touch"
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("rows 4000\rstream 1000 1000\r")
        for character in draft:
            session.send(character)
            session.pump(0.02)
        session.wait_for("stream done")
        session.wait_for(f"> {draft}")
        assert numbers(session) == list(range(5000))


@pytest.mark.parametrize(
    ("cols", "rows", "sizes"),
    [
        (40, 24, ((40, 12), (62, 24), (28, 30))),
        (80, 24, ((80, 40), (50, 20), (80, 24))),
        (500, 50, ((10, 50), (200, 6), (120, 1), (80, 24))),
    ],
)
def test_five_thousand_lines_at_any_width_through_resizes_popups_and_overlays(
    cols: int, rows: int, sizes: tuple[tuple[int, int], ...]
) -> None:
    draft = "a draft"
    with PtySession(cols=cols, rows=rows) as session:
        session.wait_for("ready")
        session.send("rows 4400\rstream 600 500\r")
        session.send(draft[:3])
        for size in sizes:
            session.resize(*size)
            session.send(draft[3] if size is sizes[0] else "")
            for _ in range(6):
                session.pump(0.03)
        session.send(draft[4:])
        session.wait_for(lambda: "stream done" in "\n".join(session.emulator.everything()))
        for size in ((45, 15), (90, 30)):
            session.resize(*size)
            session.pump(0.03)
        session.wait_for(lambda: "stream done" in "\n".join(session.emulator.everything()))
        session.wait_for(f"> {draft}")
        session.send("\x7f" * len(draft) + "popup 9\r")
        session.wait_for("popup 8")
        session.send("overlay\r")
        session.wait_for("press q")
        session.send("q")
        session.wait_for("popup 8")
        session.send("popup 0\rlast\r")
        session.wait_for("• last")
        session.quiet(0.2)
        assert numbers(session) == list(range(5000))
        text = "\n".join(session.emulator.everything())
        assert [text.count(mark) for mark in ("popup", "press q", "ready", "• last")] == [0, 0, 1, 1]


def test_a_storm_of_resizes_while_streaming_loses_and_doubles_nothing() -> None:
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("stream 400 400\r")
        session.wait_for("[00010]")
        for number in range(60):
            session.resize(30 + number * 7 % 50, 5 + number * 5 % 21)
            session.pump(0.005)
        session.wait_for(lambda: "stream done" in "\n".join(session.emulator.everything()))
        session.wait_for(">")
        session.quiet()
        assert numbers(session) == list(range(400))


def test_popups_grow_and_shrink_without_a_trace_in_the_history() -> None:
    with PtySession(cols=40, rows=12) as session:
        session.wait_for("ready")
        session.send("rows 30\r")
        session.wait_for("[00029]")
        for count in (3, 8, 20, 1, 0):
            session.send(f"popup {count}\r")
            session.wait_for(f"popup {min(count, 9) - 1}" if count else "ready")
        session.send("rows 5\r")
        session.wait_for("[00034]")
        session.quiet(0.2)
        text = "\n".join(session.emulator.everything())
        assert numbers(session) == list(range(35))
        assert "popup" not in text
        assert text.count("ready") == 1


def test_resizes_while_streaming_lose_and_double_nothing() -> None:
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("stream 300 300\r")
        session.wait_for("[00020]")
        for cols, rows in ((60, 10), (60, 20), (40, 20), (80, 12)):
            for _ in range(8):
                session.pump(0.02)
            session.resize(cols, rows)
        session.wait_for("stream done")
        session.quiet()
        assert numbers(session) == list(range(300))


def test_history_that_streams_under_an_overlay_is_there_afterwards() -> None:
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("stream 60 200\roverlay\r")
        session.wait_for("press q")
        session.quiet(0.6)
        assert session.emulator.is_alternate
        session.send("q")
        session.wait_for("stream done")
        assert numbers(session) == list(range(60))


def test_a_window_of_one_row_is_survived() -> None:
    with PtySession(cols=12, rows=1) as session:
        session.wait_for(">")
        session.resize(3, 2)
        session.resize(50, 14)
        session.send("rows 3\r")
        session.wait_for("[00002]")
        session.quiet()
        assert numbers(session) == [0, 1, 2]


def test_another_program_gets_a_sane_terminal_and_ours_goes_on_below() -> None:
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("rows 2\rshell\r")
        session.wait_for("from-the-shell")
        session.wait_for("ready")
        text = "\n".join(session.emulator.everything())
        assert re.search(r"(?<!-)\becho\b", text)
        session.send("later\r")
        session.wait_for("• later")
        text = "\n".join(session.emulator.everything())
        assert text.index("[00001]") < text.index("from-the-shell") < text.index("• later")


def test_after_a_kill_the_next_start_comes_up_and_leaves_a_sane_terminal() -> None:
    with PtySession(cols=60, rows=12) as session:
        session.wait_for("ready")
        session.send("rows 3\roverlay\r")
        session.wait_for("press q")
        usual = session.before
        os.kill(session.pid, signal.SIGKILL)
        assert session.wait_exit() == -signal.SIGKILL
        assert termios.tcgetattr(session.slave) != usual
        session.feed("\x1b[?1049l\x1b[3;8r\x1b[?25l")
        session.restart()
        session.wait_for("> ")
        session.send("again\r")
        session.wait_for("• again")
        assert session.emulator.margins is None
        assert 25 in session.emulator.private_modes
        session.send("exit\r")
        assert session.wait_exit() == 0
        lines = termios.tcgetattr(session.slave)[3]
        assert isinstance(lines, int)
        assert lines & termios.ECHO
        assert lines & termios.ICANON
        assert lines & termios.ISIG
        assert termios.tcgetattr(session.slave)[1] == usual[1]


@pytest.mark.parametrize(
    ("keys", "code"),
    [("exit\r", 0), ("crash\r", 1), ("overlay\r", -signal.SIGTERM)],
)
def test_however_it_ends_the_terminal_is_sane(keys: str, code: int) -> None:
    with PtySession(cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("rows 2\r")
        session.wait_for("[00001]")
        session.send(keys)
        if keys == "overlay\r":
            session.wait_for("press q")
            os.kill(session.pid, signal.SIGTERM)
            code = 128 + signal.SIGTERM
        assert session.wait_exit() == code
        assert session.is_sane()
        assert numbers(session)[:2] == [0, 1]
        if code == 1:
            text = "\n".join(session.emulator.everything())
            assert "crashed on command" in text
            assert "s3cret" not in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with PtySession() as session:
        session.wait_for("ready")
        session.send("here\r")
        session.wait_for("• here")
        os.kill(session.pid, number)
        assert session.wait_exit() == 128 + number
        assert session.is_sane()


def test_a_second_signal_ends_what_hangs() -> None:
    with PtySession() as session:
        session.wait_for("ready")
        session.send("here\r")
        session.wait_for("• here")
        session.send("hang 60\r")
        session.wait_for(lambda: any("hanging" in string for string in session.emulator.strings))
        while not session.is_over(0.3):
            os.kill(session.pid, signal.SIGTERM)
        assert session.wait_exit() == -signal.SIGTERM
        assert session.is_sane()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_the_app_is_imported_leaves_a_sane_terminal(number: signal.Signals) -> None:
    with PtySession([*DEMO, "--slow-import", "60"]) as session:
        session.wait_for("ready")
        os.kill(session.pid, number)
        assert session.wait_exit() == -number
        assert session.is_sane()


def test_an_error_while_the_app_is_imported_leaves_a_sane_terminal() -> None:
    with PtySession([*DEMO, "--crash-in-boot"]) as session:
        assert session.wait_exit() == 1
        assert session.is_sane()
        assert "the boot crashed" in "\n".join(session.emulator.everything())


def test_an_error_before_the_app_took_over_leaves_a_sane_terminal() -> None:
    with PtySession([*DEMO, "--crash-on-mount"]) as session:
        session.wait_for("ready")
        session.send("typed")
        assert session.wait_exit() == 1
        assert session.is_sane()
        assert "crashed before it was there" in "\n".join(session.emulator.everything())


def test_a_window_that_changes_while_the_app_is_imported_is_noticed() -> None:
    with PtySession([*DEMO, "--slow-import", "0.3"], cols=60, rows=16) as session:
        session.wait_for("ready")
        session.send("rows 3 70")
        session.resize(40, 10)
        session.send("\r")
        session.wait_for("[00002]")
        session.quiet()
        assert session.emulator.everything()[0] == "• [00000]".ljust(40, "x")
        assert numbers(session) == [0, 1, 2]


@pytest.mark.parametrize(("typed", "keys"), [("", "\x03"), ("x", "\x03\x03"), ("x", "\rmore\x03\x03")])
def test_interrupts_end_a_start_that_takes_too_long(typed: str, keys: str) -> None:
    with PtySession([*DEMO, "--slow-import", "60"]) as session:
        session.wait_for("ready")
        session.send(typed)
        session.wait_for(f">{' ' if typed else ''}{typed}")
        session.quiet(0.2)
        session.send(keys)
        assert session.wait_exit() == -signal.SIGINT
        assert session.is_sane()
        assert session.emulator.everything() == []


ENDED = """
import os, signal, sys
sys.path.insert(0, {kit!r})
from demo import draw
from codex_tui.term.boot import Boot
from codex_tui.term.tty import Terminal
boot = Boot(Terminal(), draw)
with boot:
    boot.finish()
print("farewell", flush=True)
os.kill(os.getpid(), signal.SIGINT)
print("to the end", flush=True)
os.kill(os.getpid(), signal.SIGINT)
print("never", flush=True)
"""


def test_one_interrupt_too_many_at_the_end_cuts_nothing_off() -> None:
    source = ENDED.format(kit=os.path.dirname(DEMO[1]))
    with PtySession([sys.executable, "-c", source]) as session:
        assert session.wait_exit() == -signal.SIGINT
        assert session.emulator.everything() == ["farewell", "to the end"]
        assert session.is_sane()


def test_an_interrupt_behind_text_waits_for_the_app() -> None:
    with PtySession([*DEMO, "--slow-import", "0.4"]) as session:
        session.wait_for("ready")
        session.send("kept\x03\r")
        session.wait_for("• <ctrl+c>")
        session.wait_for("• kept")


def test_a_paste_before_the_app_is_there_arrives_as_one() -> None:
    with PtySession([*DEMO, "--slow-import", "0.4"]) as session:
        session.wait_for("ready")
        session.send("see \x1b[200~" + "long line\r" * 40 + "\x1b[201~\r")
        session.wait_for("• see [paste 400]")


def test_a_terminal_that_does_not_tell_its_cursor_works_and_a_late_answer_is_no_key() -> None:
    with PtySession(cols=60, rows=10) as session:
        replies: list[str] = []
        session.answer = replies.append
        session.wait_for("ready")
        session.send("typed")
        session.wait_for("> typed")
        session.send("\x1b[1;1R more\r")
        session.wait_for("• typed more")
        assert replies
