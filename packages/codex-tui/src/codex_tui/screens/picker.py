"""A list to pick from: models, approval modes, whether to trust a directory (spec: tui.md section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from codex_core.presentation.safe_text import exact_text
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
        """Title, options, and what the keys do."""
        head = [*words(self._title, Style.STRONG)]
        if self._explanation:
            head += words(self._explanation, Style.DIM)
        found = [*edged(head, width, DIM_EDGE), (DIM_EDGE,)]
        shown = min(MAX_SHOWN, max(max_rows - len(found) - 2, 1))
        top = max(min(self.selected - shown // 2, len(self._options) - shown), 0)
        for at in range(top, min(top + shown, len(self._options))):
            found += self._option(at, width)
        found += [(), key_hints(("⏎", "confirm"), ("Esc", self._escape))]
        return found

    def _option(self, at: int, width: int) -> list[Line]:
        option = self._options[at]
        is_selected = at == self.selected
        style = Style.CURRENT if is_selected else Style.PLAIN
        mark = f"{'>' if is_selected else ' '} {at + 1}. "
        name = exact_text(option.name).replace("\n", " ") + (" (current)" if option.is_current else "")
        spans = [Span(name, style)]
        if option.description:
            spans.append(
                Span(f"  {exact_text(option.description)}", Style.CURRENT if is_selected else Style.DIM)
            )
        first, rest = (DIM_EDGE, Span(mark, style)), (DIM_EDGE, Span(" " * len(mark)))
        rows = wrapped([Paragraph(line(*spans), first, rest)], width)
        return rows if is_selected else rows[:1]
