"""The composer's place on the screen: it shows rows and posts what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from codex_tui.term.inputs import Key
from codex_tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual import events


class InputBox(Lines, can_focus=True):
    """Rows with the keyboard's focus: the composer's, or those of a question in its place."""

    MIN_ROWS = 1

    class Pressed(Message):
        """A key."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    class Pasted(Message):
        """Text pasted at once, or from an input method."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    caret: tuple[int, int] | None = None
    """Row and column of the terminal's cursor; None to hide it."""

    def cursor_cell(self) -> tuple[int, int] | None:
        """Column and row, as the terminal's engine asks for it."""
        return None if self.caret is None else (self.caret[1], self.caret[0])

    def on_key(self, event: events.Key) -> None:
        """Every key is ours."""
        event.stop()
        event.prevent_default()
        self.post_message(self.Pressed(Key(event.key, event.character, event.time)))

    def on_paste(self, event: events.Paste) -> None:
        """A bracketed paste."""
        event.stop()
        self.post_message(self.Pasted(event.text))
