"""Questions of the beginning: each can be answered, left for the one before, or be the last one asked."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_tui.screens.panel import Answer

if TYPE_CHECKING:
    from codex_core.presentation.spans import Line
    from codex_tui.screens.panel import Panel
    from codex_tui.term.inputs import Key


class Stopped(Enum):
    """The answer of who wants to be asked nothing more."""

    STOPPED = auto()


STOPPED = Stopped.STOPPED


class Step:
    """A panel in which Ctrl+C and Ctrl+D end all questions, with the answer `STOPPED`."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """Those of the panel."""
        return self._panel.rows(width, max_rows)

    def press(self, key: Key) -> Answer | None:
        """What the panel does with it, but for the keys that end everything."""
        return Answer(STOPPED) if key.name in ("ctrl+c", "ctrl+d") else self._panel.press(key)

    def paste(self, text: str) -> None:
        """For the panel."""
        self._panel.paste(text)
