"""While somebody signs in elsewhere: the address to open, the code to type there (spec: tui.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_line
from codex_core.presentation.spans import Breaks, Line, Paragraph, Span, Style, line
from codex_login.oauth import CALLBACK_PATH
from codex_login.shown_url import shown_url
from codex_tui.history.progress import spinner
from codex_tui.history.wrapping import wrapped
from codex_tui.screens.panel import Answer, edged, key_hints, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_tui.term.inputs import Key

_MIN_URL_ROWS = 2
_MAX_LINE_ROWS = 4
_MAX_TYPED_CHARS = 8192


class BrowserPanel:
    """The address to sign in at, and a line for the one a browser elsewhere ended up at; the answer is None.

    `hand_in` gets what was pasted or typed there. `url` is empty until there is one; `problem` is what was
    wrong with what was handed in.
    """

    def __init__(self, hand_in: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.url = ""
        self.is_opened = False
        """Whether a browser was asked to show it."""
        self.problem = ""
        self._hand_in = hand_in
        self._clock = clock
        self._typed = ""

    def press(self, key: Key) -> Answer | None:
        """Esc goes back; letters and Enter are for the line."""
        match key.name:
            case "escape":
                return Answer(None)
            case "enter":
                self._finish()
            case "backspace" | "ctrl+h":
                self._typed = self._typed[:-1]
            case "ctrl+u":
                self._typed = ""
            case _ if key.text and key.text.isprintable():
                self._type(key.text)
        return None

    def paste(self, text: str) -> None:
        """Takes the address; a whole one is handed in at once."""
        self._type("".join(text.split()))
        if f"{CALLBACK_PATH}?" in self._typed:
            self._finish()

    def _type(self, text: str) -> None:
        self._typed, self.problem = (self._typed + text)[:_MAX_TYPED_CHARS], ""

    def _finish(self) -> None:
        if self._typed.strip() and self.url:
            typed, self._typed = self._typed, ""
            self._hand_in(typed)

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """The address stands by itself, without an edge, to be copied; with little room advice gives way."""
        doing = "Finish signing in in your browser" if self.url else "Preparing the sign-in …"
        head = _title(doing, self._clock(), width)
        if not self.url:
            return [*head, (), key_hints(("Esc", "go back"))]
        opened = "A browser was asked to open this address; any other will do:"
        advice = edged(
            words(opened if self.is_opened else "Open this address in a browser:", Style.DIM), width
        )
        elsewhere = edged(
            words(
                "In a browser on another machine, paste here the address it ends up at, even if that page "
                "does not load.",
                Style.DIM,
            ),
            width,
        )
        line_of = edged(self._line(), width)[:_MAX_LINE_ROWS]
        hints = [("⏎", "hand in"), ("Esc", "cancel")] if self._typed else [("Esc", "cancel")]
        foot = [(), key_hints(*hints)]
        url = address_rows(self.url, width)
        room = max_rows - len(head) - len(line_of) - len(foot)
        for given_up in (elsewhere, advice):
            if len(url) + len(advice) + len(elsewhere) > room:
                given_up.clear()
        if len(url) > room:
            foot, room = foot[1:], room + 1
        return [*head, *advice, *_cut(url, max(room, _MIN_URL_ROWS)), *elsewhere, *line_of, *foot]

    def _line(self) -> list[Paragraph]:
        found: list[Paragraph] = []
        if self._typed:
            # What it holds is good once and soon over, but no screen needs it.
            found.append(Paragraph(line(Span("› ", Style.ACCENT), Span(shown_url(self._typed)))))
        if self.problem:
            found += words(self.problem, Style.FAILURE)
        return found


class DevicePanel:
    """The page to open on any device, and the code to type there; the answer is None, after Esc."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.page = ""
        self.code = ""
        self._clock = clock

    def press(self, key: Key) -> Answer | None:
        """Esc goes back."""
        return Answer(None) if key.name == "escape" else None

    def paste(self, text: str) -> None:
        """Nothing: there is nothing to be typed here."""

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """What to do, step by step; with little room without the blank rows and the warning."""
        if not self.code:
            head = _title("Asking for a code …", self._clock(), width)
            return [*head, (), key_hints(("Esc", "go back"))]
        head = _title("Sign in with a code, on any device", self._clock(), width)
        first = edged(words("1. Open this page in a browser and sign in to your account:"), width)
        second = edged(words("2. Enter this code there, within 15 minutes:"), width)
        code = edged([Paragraph(line("   ", Span(exact_line(self.code), Style.CURRENT)))], width)
        warning = edged(
            words(
                "Never enter a code that somebody sent you, and tell nobody this one: it gives access to "
                "your account.",
                Style.WARNING,
            ),
            width,
        )
        foot = [(), key_hints(("Esc", "cancel"))]
        page = address_rows(self.page, width)
        rows = [*head, *first, *page, *second, *code]
        return [*rows, *warning, *foot] if len(rows) + len(warning) + 2 <= max_rows else [*rows, foot[1]]


def address_rows(url: str, width: int) -> list[Line]:
    """An address over the whole width and as far down as it takes; in each row it can be clicked."""
    shown = Span(exact_line(url), Style.LINK, link=url)
    return wrapped([Paragraph((shown,), breaks=Breaks.ANYWHERE)], width)


def _cut(rows: list[Line], room: int) -> list[Line]:
    if len(rows) <= room:
        return rows
    return [*rows[: room - 1], (Span("… the rest needs a larger window", Style.WARNING),)]


def _title(text: str, now: float, width: int) -> list[Line]:
    return edged([Paragraph(line(Span(f"{spinner(now)} ", Style.ACCENT), Span(text, Style.STRONG)))], width)
