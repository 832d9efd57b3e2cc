"""The terminal device, on pseudo terminals of this process."""

from __future__ import annotations

import os
import pty
import termios
import threading
import warnings
from collections.abc import Iterator

import pytest

from codex_tui.term.tty import DEFAULT_SIZE, Terminal, cut_cursor_report, is_terminal


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """(master, slave) of a pseudo terminal."""
    master, slave = pty.openpty()
    yield master, slave
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            pass


def settings(fd: int) -> list[object]:
    return termios.tcgetattr(fd)


def test_enter_makes_it_raw_and_leave_puts_it_back_once(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    before = settings(slave)
    terminal.farewell = lambda: "bye"
    terminal.enter()
    assert settings(slave)[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == 0  # type: ignore[operator]
    assert settings(slave)[1] & termios.OPOST == 0  # type: ignore[operator]
    assert terminal.is_raw
    terminal.leave()
    terminal.leave()
    assert settings(slave) == before
    assert os.read(master, 100) == b"bye"
    assert not terminal.is_raw


def test_what_a_killed_program_left_is_not_put_back(ends: tuple[int, int]) -> None:
    _, slave = ends
    usual = settings(slave)
    killed = Terminal(slave, slave)
    killed.enter()
    terminal = Terminal(slave, slave)
    terminal.enter()
    terminal.leave()
    inputs, outputs, _, lines = settings(slave)[:4]
    assert (outputs, lines) == (usual[1], usual[3])
    assert isinstance(inputs, int)
    assert inputs & termios.ICRNL
    killed.leave()


def test_what_another_program_left_raw_is_not_put_back(ends: tuple[int, int]) -> None:
    _, slave = ends
    terminal = Terminal(slave, slave)
    usual = settings(slave)
    terminal.enter()
    terminal.leave()
    editor = Terminal(slave, slave)
    editor.enter()  # and crashes
    terminal.enter()
    terminal.leave()
    assert settings(slave) == usual
    editor.leave()


def test_what_a_shell_set_meanwhile_is_put_back(ends: tuple[int, int]) -> None:
    _, slave = ends
    terminal = Terminal(slave, slave)
    terminal.enter()
    terminal.leave()
    changed = termios.tcgetattr(slave)
    changed[0] &= ~termios.IXON
    termios.tcsetattr(slave, termios.TCSANOW, changed)
    terminal.enter()
    terminal.leave()
    assert settings(slave) == changed


def test_entering_twice_keeps_what_held_before_the_first(ends: tuple[int, int]) -> None:
    _, slave = ends
    terminal = Terminal(slave, slave)
    before = settings(slave)
    terminal.enter()
    termios.tcsetattr(slave, termios.TCSANOW, before)  # a shell did that while we were stopped
    terminal.enter()
    assert settings(slave) != before
    terminal.leave()
    assert settings(slave) == before


def test_a_forked_child_that_exits_leaves_the_terminal_alone(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    terminal.farewell = lambda: "bye"
    terminal.enter()
    raw = settings(slave)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # test runners have threads
        pid = os.fork()
    if pid == 0:
        terminal.leave()
        os._exit(0)
    os.waitpid(pid, 0)
    assert settings(slave) == raw
    terminal.leave()
    assert os.read(master, 100) == b"bye"


def test_the_size_has_a_default(ends: tuple[int, int]) -> None:
    _, slave = ends
    assert Terminal(slave, slave).size() == DEFAULT_SIZE  # nobody set one
    termios.tcsetwinsize(slave, (7, 33))
    assert Terminal(slave, slave).size() == (33, 7)
    reading, writing = os.pipe()
    assert Terminal(reading, writing).size() == DEFAULT_SIZE
    assert not is_terminal(slave, writing)
    os.close(reading)
    os.close(writing)


def test_what_is_no_terminal_is_refused() -> None:
    reading, writing = os.pipe()
    with pytest.raises(OSError, match="Inappropriate"):
        Terminal(reading, writing).enter()
    os.close(reading)
    os.close(writing)


def test_the_cursor_is_asked_for_and_keys_beside_the_answer_are_kept(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    terminal.enter()

    def answer() -> None:
        assert os.read(master, 100) == b"\x1b[6n"
        os.write(master, b"ab\x1b[12;40Rc")

    thread = threading.Thread(target=answer)
    thread.start()
    assert terminal.ask_cursor(10) == (39, 11)
    thread.join()
    assert terminal.take_typed() == b"abc"
    assert terminal.unanswered == 0
    terminal.leave()


def test_a_terminal_that_does_not_answer_is_not_waited_for_and_loses_no_keys(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    terminal.enter()
    os.write(master, b"keys\x1b[A")
    assert terminal.ask_cursor(0.01) is None
    assert terminal.unanswered == 1
    assert terminal.read() == b"keys\x1b[A"
    terminal.leave()


def test_a_terminal_that_went_away_takes_everything_in_silence(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    terminal.enter()
    os.close(master)
    terminal.write("text" * 100)
    assert terminal.is_gone
    assert terminal.read() == b""
    assert terminal.ask_cursor(0.01) is None
    terminal.leave()


def test_a_terminal_somebody_made_non_blocking_gets_everything(ends: tuple[int, int]) -> None:
    master, slave = ends
    terminal = Terminal(slave, slave)
    terminal.enter()
    os.set_blocking(slave, False)
    received = bytearray()

    def read() -> None:
        while len(received) < 300_000:
            received.extend(os.read(master, 65536))

    thread = threading.Thread(target=read)
    thread.start()
    terminal.write("x" * 300_000)
    thread.join(20)
    assert len(received) == 300_000
    terminal.leave()


@pytest.mark.parametrize(
    ("data", "found", "rest"),
    [
        (b"\x1b[3;4R", (3, 2), b""),
        (b"a\x1b[A\x1b[3;4Rb", (3, 2), b"a\x1b[Ab"),
        (b"\x1b[3;4", None, b"\x1b[3;4"),
        (b"\x1b[R\x1b[3R", None, b"\x1b[R\x1b[3R"),
        (b"\x1b[0;0R", (0, 0), b""),
        (b"\x1b[" + b"9" * 5000 + b";1R\x1b[2;1R", (0, 1), b"\x1b[" + b"9" * 5000 + b";1R"),
    ],
)
def test_a_report_is_cut_out(data: bytes, found: tuple[int, int] | None, rest: bytes) -> None:
    buffer = bytearray(data)
    assert cut_cursor_report(buffer) == found
    assert bytes(buffer) == rest
