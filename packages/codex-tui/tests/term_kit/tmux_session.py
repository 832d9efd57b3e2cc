"""A program in a real terminal: tmux, on a server of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 30.0


class TmuxSession:
    """A plain shell in a window of `cols` by `rows`; `close` ends the server."""

    def __init__(self, *, cols: int = 80, rows: int = 24) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("tmux is not installed")
        self._directory = tempfile.mkdtemp(prefix="codex-tui-tmux-")
        self._socket = os.path.join(self._directory, "socket")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        profile = os.path.join(self._directory, "profile")
        with open(profile, "w", encoding="utf-8") as file:
            file.write("PS1='shell$ '\n")
        self._environ = {**environ, "TERM": "xterm-256color", "HOME": self._directory, "ENV": profile}
        config = os.path.join(self._directory, "tmux.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("set-option -g status off\nset-option -g history-limit 50000\n")
        self._tmux("-f", config, "new-session", "-d", "-x", str(cols), "-y", str(rows), "/bin/sh -i")
        try:
            self.resize(cols, rows)
            self.wait_for("shell$")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server and what runs in it."""
        self._tmux("kill-server")
        shutil.rmtree(self._directory, ignore_errors=True)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            env=self._environ,
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Types the text as it is."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names (`Enter`, `C-z`)."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Pastes the text as tmux's own key does: marked, if the program wants that."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p")

    def enter(self, line: str) -> None:
        """Types a line and presses Enter."""
        self.type(line)
        self.press("Enter")

    def resize(self, cols: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(cols), "-y", str(rows))

    def screen(self, *, colours: bool = False) -> list[str]:
        """The rows of the screen."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else [])).rstrip("\n").split("\n")

    def everything(self) -> list[str]:
        """Scrollback and screen."""
        return self._tmux("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    def value(self, name: str) -> str:
        """A format variable of the pane: `alternate_on`, `cursor_flag`, `cursor_y`."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait_for(self, shown: str | Callable[[], bool]) -> None:
        """Until the text is on the screen, or the function says so."""
        test = shown if callable(shown) else (lambda: shown in "\n".join(self.screen()))
        deadline = time.monotonic() + LIMIT_S
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(f"{shown!r} never came:\n" + "\n".join(self.screen()))
            time.sleep(0.02)

    def wait_still(self) -> None:
        """Until what is there has been the same for a while."""
        last, since = self.everything(), time.monotonic()
        deadline = since + LIMIT_S
        while time.monotonic() - since < 0.4 and time.monotonic() < deadline:
            time.sleep(0.05)
            now = self.everything()
            if now != last:
                last, since = now, time.monotonic()
