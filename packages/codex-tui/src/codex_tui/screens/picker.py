"""A list to pick from: models, approval modes, whether to trust a directory (spec: tui.md section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from codex_core.presentation.safe_text import exact_line
from codex_core.presentation.spans import Line, Paragraph, Span, Style, line
from codex_tui.history.wrapping import wrapped
from codex_tui.screens.panel import DIM_EDGE, Answer, edged, key_hints, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.term.inputs import Key

Value = TypeVar("Value")
MAX_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Option(Generic[Value]):
    """Something to pick."""

    name: str
    value: Value
    description: str = ""
    is_current: bool = False


class ListPicker(Generic[Value]):
    """Options below a title; the answer is the value of one, or None after Esc."""

    def __init__(
        self,
        title: str,
        options: Sequence[Option[Value]],
        *,
        explanation: str = "",
        selected: int | None = None,
        takes_numbers: bool = False,
        escape: str = "go back",
    ) -> None:
        self._title = title
        self._options = tuple(options)
        self._explanation = explanation
        self._takes_numbers = takes_numbers
        self._escape = escape
        current = next((at for at, option in enumerate(options) if option.is_current), 0)
        self.selected = current if selected is None else selected

    def press(self, key: Key) -> Answer | None:
        """Up and Down walk around, Enter picks, a number does where that is offered."""
        count = len(self._options)
        match key.name:
            case "up" | "ctrl+p" | "k":
                self.selected = (self.selected - 1) % count
            case "down" | "ctrl+n" | "j":
                self.selected = (self.selected + 1) % count
            case "enter":
                return Answer(self._options[self.selected].value)
            case "escape" | "ctrl+c":
                return Answer(None)
            case name if self._takes_numbers and name.isdecimal() and 0 < int(name) <= count:
                return Answer(self._options[int(name) - 1].value)
        return None

    def paste(self, text: str) -> None:
        """Nothing: a paste picks nothing."""

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """Title, options, and what the keys do; in little room less of everything but the title."""
        title = edged(words(self._title, Style.STRONG), width, DIM_EDGE)
        told = edged(words(self._explanation, Style.DIM), width, DIM_EDGE) if self._explanation else []
        foot = [(), key_hints(("⏎", "confirm"), ("Esc", self._escape))]
        room = max_rows - len(title) - len(foot)
        options = [self._option(at, width) for at in range(len(self._options))]
        shown = min(MAX_SHOWN, len(options))
        if shown < len(options) or len(told) + 1 + sum(map(len, options)) > room:
            options = [rows if at == self.selected else _first_of(rows) for at, rows in enumerate(options)]
        chosen = len(options[self.selected]) - 1 if options else 0
        head = next(
            (rows for rows in ([*told, (DIM_EDGE,)], [(DIM_EDGE,)]) if len(rows) + chosen + shown <= room), []
        )
        shown = max(min(shown, room - len(head) - chosen), 1)
        top = max(min(self.selected - shown // 2, len(options) - shown), 0)
        seen = [row for rows in options[top : top + shown] for row in rows]
        return [*title, *head, *seen, *foot]

    def _option(self, at: int, width: int) -> list[Line]:
        option = self._options[at]
        is_selected = at == self.selected
        style = Style.CURRENT if is_selected else Style.PLAIN
        mark = f"{'>' if is_selected else ' '} {at + 1}. "
        name = exact_line(option.name) + (" (current)" if option.is_current else "")
        spans = [Span(name, style)]
        if option.description:
            told = exact_line(option.description)
            spans.append(Span(f"  {told}", Style.CURRENT if is_selected else Style.DIM))
        first, rest = (DIM_EDGE, Span(mark, style)), (DIM_EDGE, Span(" " * len(mark)))
        return wrapped([Paragraph(line(*spans), first, rest)], width)


def _first_of(rows: list[Line]) -> list[Line]:
    """The first row of several, with a sign that there is more."""
    if len(rows) == 1:
        return rows
    *others, last = rows[0]
    return [(*others, Span(last.text[:-1] + "…", last.style))]
