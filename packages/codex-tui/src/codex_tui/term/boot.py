"""The first frame, before anything heavy is imported, and the keys typed until the app is there.

    boot = Boot(Terminal(), draw)
    with boot:                      # paints; leaves the terminal as it was if the app never takes over
        from codex_tui.app import ...
        run_inline(App(boot))

`draw` makes the view from what was typed so far. A thread echoes plain text and backspaces into it; the
first other key ends that, and it and all behind it wait as bytes for the app's decoder.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is this plus enumerations, 4 ms before the first frame
import os
import select
import sys

from codex_tui.term.facts import TerminalFacts, questions
from codex_tui.term.surface import Surface
from codex_tui.term.tty import READ_BYTES, cut_cursor_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread
    from types import FrameType, TracebackType
    from typing import Self

    from codex_tui.term.surface import View
    from codex_tui.term.tty import Terminal

_BACKSPACES = (0x7F, 0x08)
_INTERRUPT = b"\x03"
_EXIT_SIGNALS = (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGINT)
_JOIN_S = 0.5
"""A thread that waits for an import of the main thread does not end while that handles a signal."""


class Boot:
    """A terminal taken over by its first frame, until `finish` hands it to the app.

    Args:
        draw: (typed text, columns, rows) to the view to show; called in a thread, so it must not import
            what the main thread is importing.
    """

    def __init__(self, terminal: Terminal, draw: Callable[[str, int, int], View]) -> None:
        self.terminal = terminal
        self.surface = Surface(*terminal.size())
        self.facts = TerminalFacts()
        self._draw = draw
        self._typed = ""
        self._rest = bytearray()
        self._thread: Thread | None = None
        self._wake: tuple[int, int] | None = None
        self._is_dying = False
        self._is_handed_over = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Takes the terminal, paints the first frame and starts to echo.

        Raises:
            OSError: it is no terminal, or it is gone.
        """
        self.terminal.farewell = self.surface.leave
        for number in _EXIT_SIGNALS:
            if _signal.getsignal(number) is not _signal.SIG_IGN:
                _signal.signal(number, self._die)
        try:
            self.terminal.enter()
            cursor = self.terminal.ask_cursor()
            # The frame goes over what a terminal shows of questions that it does not understand.
            begin = self.surface.start(cursor) + questions(os.environ.get("TERM", ""))
            self.terminal.write(begin + self.surface.frame(self._draw("", *self.surface.size)))
            self._start_echo()
        except BaseException:
            self.close()
            raise

    def finish(self) -> tuple[str, bytes]:
        """Ends the echo: the text typed so far, and the bytes of what came after it."""
        self._stop_echo()
        self._is_handed_over = True
        typed, rest = self._typed, bytes(self._rest) + self.terminal.take_typed()
        self._typed = ""
        self._rest.clear()
        return typed, rest

    def close(self) -> None:
        """Ends the echo and gives the terminal back, if that is still to be done."""
        self._stop_echo()
        self.terminal.leave()

    # --- echo ----------------------------------------------------------------------------------------

    def _start_echo(self) -> None:
        import gc
        from threading import Thread

        gc.disable()  # imports make much that stays; the app turns it on again
        self._take(self.terminal.take_typed())
        self._wake = os.pipe()
        # A daemon: if the main thread dies while importing, nothing waits for a key.
        self._thread = Thread(target=self._echo, args=(self._wake[0],), name="boot-echo", daemon=True)
        self._thread.start()

    def _stop_echo(self) -> None:
        if self._thread is None or self._wake is None:
            return
        os.write(self._wake[1], b"x")
        thread, self._thread = self._thread, None
        if thread.is_alive():
            thread.join(_JOIN_S if self._is_dying else None)
        elif self._is_dying:  # a signal came while it was being started: it may run yet, and finds that byte
            return
        for fd in self._wake:
            os.close(fd)
        self._wake = None

    def _echo(self, wake: int) -> None:
        in_fd = self.terminal.in_fd
        while True:
            ready = select.select((in_fd, wake), (), ())[0]
            if wake in ready:
                return
            try:
                data = os.read(in_fd, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                return  # the terminal is gone; whoever takes over will see that, too
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Echoes the text at the beginning of `data`, keeps the rest."""
        if not data:
            return
        before = self._typed
        self._rest += data
        if self.terminal.unanswered and cut_cursor_report(self._rest):
            self.terminal.unanswered -= 1
        while self._rest:
            if self._rest[0] in _BACKSPACES:
                del self._rest[0]
                self._typed = _without_last(self._typed)
            elif run := _plain_prefix(self._rest):
                self._typed += run.decode()
                del self._rest[: len(run)]
            elif not self.facts.cut_answer(self._rest):
                break
        if self._is_dying:
            return
        if _INTERRUPT * 2 in self._rest or (not self._typed and self._rest.startswith(_INTERRUPT)):
            from threading import main_thread

            # A real signal: it ends a system call, too.
            _signal.pthread_kill(main_thread().ident or 0, _signal.SIGINT)
        elif self._typed != before and self.terminal.size() == self.surface.size:
            self.terminal.write(self.surface.frame(self._draw(self._typed, *self.surface.size)))

    def _die(self, number: int, _frame: FrameType | None) -> None:
        """Gives the terminal back, then dies of the signal."""
        if number == _signal.SIGINT and self._is_handed_over:
            # The app has ended: one Ctrl-C too many shall not cut off what is said at the end.
            self._is_handed_over = False
            return
        self._is_dying = True
        self._stop_echo()
        self.terminal.leave()
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
        sys.exit(128 + number)  # somebody blocked it


def _plain_prefix(data: bytearray) -> bytes:
    """The whole characters at the beginning of `data` that just type themselves."""
    end = 0
    while end < len(data) and data[end] >= 0x20 and data[end] not in _BACKSPACES:
        end += 1
    run = bytes(data[:end])
    try:
        text = run.decode()
    except UnicodeDecodeError as error:
        text = run[: error.start].decode()
    for index, character in enumerate(text):
        if not character.isprintable() and character not in "\u200d\ufe0f":
            text = text[:index]
            break
    return text.encode()


def _without_last(text: str) -> str:
    """`text` without its last character, as a reader counts them."""
    if text.isascii():
        return text[:-1]
    from rich.cells import split_graphemes

    spans = split_graphemes(text)[0]
    return text[: spans[-1][0]]
