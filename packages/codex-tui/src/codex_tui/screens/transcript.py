"""The conversation in full, and in it the prompt to go back to (spec: tui.md sections 13 and 14)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from codex_core.presentation.spans import Emphasis, Line
from codex_tui.history.cells import transcript_part
from codex_tui.screens.pager import SCROLLING, PagerScreen, PagerView
from codex_tui.screens.panel import key_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_tui.history.cells import Cell
    from codex_tui.history.themes import Theme


class TranscriptView(PagerView):
    """The cells below each other; those of `picks` can be picked, the newest one first."""

    class Picked(Message):
        """The cell with that number."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(
        self, cells: Callable[[], Sequence[Cell]], picks: Sequence[int], theme: Theme, *, is_picking: bool
    ) -> None:
        super().__init__("Transcript", theme, at_end=True)
        self._cells = cells
        self._picks = tuple(picks)
        self._picked: int | None = None  # an index of `_picks`
        self._starts_picking = is_picking

    def count(self) -> int:
        """A part is a cell."""
        return len(self._cells())

    def part(self, number: int, width: int) -> list[Line]:
        """A cell in full, with the blank row above it."""
        return transcript_part(self._cells(), number, width)

    def hints(self) -> list[Line]:
        """Two rows of them."""
        keys = [("q", "quit")]
        if self._picks:
            keys.append(("Esc", "edit prev"))
        if self._picked is not None:
            keys.append(("⏎", "edit message"))
        return [key_hints(*SCROLLING), key_hints(*keys)]

    def on_mount(self) -> None:
        """Begins to pick, if that is what it was opened for."""
        if self._starts_picking:
            self._pick(-1)

    def grow(self) -> None:
        """Takes in what was added to the conversation."""
        self.scroll_window.grow(self.count())
        self.lay_out()

    def pressed(self, key: str) -> bool:
        """Esc picks the prompt before, Enter decides for it."""
        match key:
            case "escape" | "left" if self._picks:
                self._pick(-1)
            case "right" if self._picked is not None:
                self._pick(1)
            case "enter" if self._picked is not None:
                self.post_message(self.Picked(self._picks[self._picked]))
            case _:
                return False
        return True

    def _pick(self, step: int) -> None:
        if not self._picks:
            return
        before = 0 if self._picked is None else self._picked
        self._picked = (before + step) % len(self._picks)
        self.scroll_window.to_part(self._picks[self._picked])
        self.lay_out()

    def adorned(self, row: Line, number: int) -> Line:
        """The picked prompt stands out."""
        if self._picked is None or not row:
            return row
        start, end = self.scroll_window.rows_of(self._picks[self._picked])
        if not start <= number < end:
            return row
        first, *others = row
        flags = Emphasis.REVERSE | first.emphasis | (Emphasis.BOLD if number <= start + 1 else Emphasis.NONE)
        return (
            replace(first, emphasis=flags),
            *(replace(span, emphasis=span.emphasis | Emphasis.REVERSE) for span in others),
        )


class TranscriptScreen(PagerScreen):
    """The transcript; it ends with the number of the cell that was picked, or with None."""

    def __init__(
        self,
        cells: Callable[[], Sequence[Cell]],
        picks: Sequence[int],
        theme: Theme,
        *,
        is_picking: bool = False,
    ) -> None:
        self._transcript = TranscriptView(cells, picks, theme, is_picking=is_picking)
        super().__init__(self._transcript)

    def refresh_cells(self) -> None:
        """Shows what was added to the conversation, if its end is on the screen."""
        if self._transcript.is_attached:
            self._transcript.grow()

    def on_transcript_view_picked(self, message: TranscriptView.Picked) -> None:
        """Closes with the choice."""
        self.close(message.number)
