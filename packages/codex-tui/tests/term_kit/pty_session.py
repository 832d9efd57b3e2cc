"""A program on a pseudo terminal, its screen in an `Emulator`."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEMO = [sys.executable, str(Path(__file__).parent / "demo.py")]
LIMIT_S = 30.0
# Makes the terminal the controlling one of its session: a signal for each resize, and job control.
_WITH_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
_FRAME = re.compile(r".+?(?:\x1b\[\?2026l|\Z)", re.DOTALL)
_INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z")


class PtySession:
    """`argv` with a controlling terminal of its own; `close` ends it."""

    def __init__(
        self,
        argv: Sequence[str] = DEMO,
        *,
        cols: int = 80,
        rows: int = 24,
        typed: bytes = b"",
        tells: dict[str, str] | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.emulator = Emulator(cols, rows)
        self.emulator.tells = tells or {}
        self.output = b""
        self._undecoded = ""
        self._frames: deque[str] = deque()
        master, slave = pty.openpty()
        self.slave = slave  # kept open: the line settings are looked at when the program is gone
        self.master = master
        self._set_size(cols, rows)
        if typed:
            os.write(master, typed)
        self.before = termios.tcgetattr(slave)
        self._argv = argv
        self._environ = {**os.environ, "TERM": "xterm-256color", **(environ or {})}
        self.restart()

    def restart(self) -> None:
        """The program again on the terminal that the last one left."""
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _WITH_TERMINAL, *self._argv],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=self._environ,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def feed(self, text: str) -> None:
        """Something else writes to the terminal."""
        self.emulator.feed(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self.master)
        os.close(self.slave)

    def send(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        while data:
            _, writable, _ = select.select((), (self.master,), (), 0.05)
            if writable:
                data = data[os.write(self.master, data[:1024]) :]
            self._drain()

    def answer(self, reply: str) -> None:
        """What the terminal says when asked; tests put something else in its place."""
        os.write(self.master, reply.encode())

    def resize(self, cols: int, rows: int) -> None:
        self._drain()
        self.emulator.resize(rows, cols)
        self._set_size(cols, rows)

    def _set_size(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def pump(self, timeout_s: float) -> bool:
        """Takes what the program wrote, up to the end of a frame; False if nothing came in time.

        Frame by frame, or on a busy machine nobody would ever see what is there for a moment.
        """
        if self._frames:
            self._show(self._frames.popleft())
            return True
        if not select.select((self.master,), (), (), timeout_s)[0]:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.output += data
        self._undecoded += data.decode("utf-8", "replace")
        # Kitty's sequences and strings must arrive whole.
        cut = _INCOMPLETE.search(self._undecoded)
        held = cut[0] if cut else ""
        whole, self._undecoded = self._undecoded[: len(self._undecoded) - len(held)], held
        self._frames.extend(_FRAME.findall(whole))
        if self._frames:
            self._show(self._frames.popleft())
        return True

    def _show(self, text: str) -> None:
        self.emulator.feed(text)
        for reply in self.emulator.replies:
            self.answer(reply)
        self.emulator.replies.clear()

    def _drain(self) -> None:
        while self.pump(0):
            pass

    def wait_for(self, shown: Callable[[], bool] | str, limit_s: float = LIMIT_S) -> None:
        """Until the text is on the screen or has left it for the scrollback, or the function says so."""
        test = shown if callable(shown) else (lambda: shown in "\n".join(self.emulator.everything()))
        deadline = time.monotonic() + limit_s
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(f"{shown!r} never came:\n" + "\n".join(self.emulator.everything()[-40:]))
            self.pump(0.05)

    def quiet(self, seconds: float = 0.4) -> None:
        """Until the program has written nothing for a while."""
        while self.pump(seconds):
            pass
        if self._undecoded:
            self.emulator.feed(self._undecoded)
            self._undecoded = ""

    def is_over(self, limit_s: float) -> bool:
        """Whether the program ends within that time."""
        deadline = time.monotonic() + limit_s
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                return False
            self.pump(0.02)
        return True

    def wait_exit(self, limit_s: float = LIMIT_S) -> int:
        """The exit code, negative for a signal; all output is taken."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            self.pump(0.02)
            if (code := self._process.poll()) is not None:
                self.quiet(0.05)
                return code
        raise AssertionError("the program did not end:\n" + "\n".join(self.emulator.screen()))

    def is_sane(self) -> bool:
        """Whether the terminal is as it was before the program came."""
        return (
            termios.tcgetattr(self.slave) == self.before
            and self.emulator.private_modes == {7, 25}
            and self.emulator.kitty_pushes == [0, 0]
            and not self.emulator.is_alternate
        )
