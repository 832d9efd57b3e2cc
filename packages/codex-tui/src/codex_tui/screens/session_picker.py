"""The list of recorded sessions, to go on with one of them (spec: tui.md section 15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_line
from codex_core.presentation.spans import Breaks, Emphasis, Line, Paragraph, Span, Style
from codex_tui.history.session_cells import shown_directory
from codex_tui.history.wrapping import line_width, wrapped
from codex_tui.screens.panel import Answer, key_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from codex_tui.term.inputs import Key

_MIN_ROWS = 6
_MIN_SHOWN = 1
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Leaving(Enum):
    """The answer of who wants no session at all."""

    LEAVING = auto()


LEAVING = Leaving.LEAVING


@dataclass(frozen=True, slots=True)
class ListedSession:
    """One that can be gone on with."""

    session_id: str
    preview: str
    """What the user said first, empty if that cannot be shown."""
    began: datetime
    """Timezone-aware."""
    directory: str = ""

    def matches(self, words: Iterable[str]) -> bool:
        """Whether all of these words, in small letters, are somewhere in it."""
        text = f"{self.preview}\n{self.directory}\n{self.session_id}".casefold()
        return all(word in text for word in words)


class SessionPicker:
    """Sessions, newest first; the answer is an id, None for a new session, or `LEAVING`.

    They come in pages: `want_more` is called when the next one is needed, `add` takes it.
    """

    def __init__(
        self,
        title: str,
        want_more: Callable[[], None],
        *,
        now: Callable[[], datetime],
        home: str = "",
    ) -> None:
        self._title = title
        self._want_more = want_more
        self._now = now
        self._home = home
        self._all: list[ListedSession] = []
        self._found: list[ListedSession] = []
        self._query = ""
        self._selected = 0
        self._top = 0
        self._shown = _MIN_SHOWN
        """How many had room when they were drawn last."""
        self._is_whole = False
        self._is_waiting = False

    @property
    def selected(self) -> ListedSession | None:
        """The one that Enter takes."""
        return self._found[self._selected] if self._found else None

    def add(self, sessions: Iterable[ListedSession], *, is_last: bool) -> None:
        """Takes the next page; the last one may be empty."""
        added = list(sessions)
        self._all += added
        self._found += [each for each in added if each.matches(self._query.casefold().split())]
        self._is_waiting = False
        self._is_whole = is_last
        self._fill()

    def press(self, key: Key) -> Answer | None:
        """Up and Down do not walk around; whatever is a letter searches."""
        match key.name:
            case "up" | "ctrl+p":
                self._move(-1)
            case "down" | "ctrl+n":
                self._move(1)
            case "pageup" | "left":
                self._move(-self._shown)
            case "pagedown" | "right":
                self._move(self._shown)
            case "home":
                self._move(-self._selected)
            case "end":
                self._move(len(self._found))
            case "enter":
                return Answer(self.selected.session_id) if self.selected is not None else None
            case "escape":
                return Answer(None)
            case "ctrl+c" | "ctrl+d":
                return Answer(LEAVING)
            case "backspace" | "ctrl+h":
                self._search(self._query[:-1])
            case "ctrl+u":
                self._search("")
            case "ctrl+w":
                self._search(" ".join(self._query.split()[:-1]))
            case _ if key.text and key.text.isprintable():
                self._search(self._query + key.text)
        return None

    def paste(self, text: str) -> None:
        """Searches what was pasted."""
        self._search(self._query + " ".join(text.split()))

    def _search(self, query: str) -> None:
        if query == self._query:
            return
        self._query = query
        words = query.casefold().split()
        self._found = [each for each in self._all if each.matches(words)]
        self._selected = self._top = 0
        self._fill()

    def _move(self, steps: int) -> None:
        self._selected = max(0, min(self._selected + steps, len(self._found) - 1))
        self._fill()

    def _fill(self) -> None:
        """Asks for another page where the one after next could not be shown."""
        is_short = len(self._found) - self._selected <= 2 * self._shown
        if is_short and not self._is_whole and not self._is_waiting:
            self._is_waiting = True
            self._want_more()

    # --- what it looks like --------------------------------------------------------------------------

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """Title, search, as many sessions as have room, where the selected one was, and the keys."""
        head = [_one_row([Span(self._title, Style.CURRENT)], width), self._search_row(width)]
        keys = [("⏎", "go on"), ("Esc", "new one"), ("Ctrl+C", "quit"), ("↑/↓ PgUp/PgDn", "move")]
        while len(keys) > 1 and line_width(key_hints(*keys)) > width:
            keys.pop()
        foot = [self._place_row(width), key_hints(*keys)]
        if max_rows >= _MIN_ROWS + 2:
            head, foot = [*head, ()], [(), *foot]
        elif max_rows < _MIN_ROWS:
            head, foot = head[1:], foot[1:]
        room = max(max_rows - len(head) - len(foot), _MIN_SHOWN)
        if room != self._shown:
            self._shown = room
            self._fill()
        return [*head, *self._session_rows(width, room), *foot]

    def _search_row(self, width: int) -> Line:
        if not self._query:
            return (Span("Type to search", Style.DIM),)
        # The end of what is typed is what the user looks at.
        shown = exact_line(self._query)
        while line_width((Span(shown),)) > max(width - len("Search: "), 1):
            shown = shown[1:]
        return (Span("Search: ", Style.DIM), Span(shown, Style.ACCENT))

    def _session_rows(self, width: int, room: int) -> list[Line]:
        if not self._found:
            told = "No sessions found" if self._is_whole else "Looking for sessions …"
            return [(Span(told, Style.DIM, Emphasis.ITALIC),)]
        lowest = max(len(self._found) - room, 0)
        self._top = max(min(self._top, self._selected, lowest), self._selected - room + 1)
        seen = self._found[self._top : self._top + room]
        times = [time_since(each.began, self._now()) for each in seen]
        column = max(map(len, times))
        return [
            self._row(each, f"{time:<{column}}", width, is_selected=each is self.selected)
            for each, time in zip(seen, times, strict=True)
        ]

    @staticmethod
    def _row(session: ListedSession, time: str, width: int, *, is_selected: bool) -> Line:
        # More than fits on any screen need not be made safe.
        text = exact_line(" ".join(session.preview[: 4 * width].split())) or "(no message yet)"
        style = Style.CURRENT if is_selected else Style.PLAIN
        return _one_row(
            [Span("> " if is_selected else "  ", style), Span(time, Style.DIM), Span(f"  {text}", style)],
            width,
        )

    def _place_row(self, width: int) -> Line:
        if self.selected is None:
            return ()
        count = f"{self._selected + 1} of {len(self._found)}{'' if self._is_whole else '+'}"
        place = shown_directory(self.selected.directory, self._home, max(width - len(count) - 5, 0))
        return _one_row([Span(f"{count} · {place}" if place else count, Style.DIM)], width)


def time_since(began: datetime, now: datetime) -> str:
    """`1 second ago`, `49 minutes ago`, in the largest unit that is full (spec: tui.md section 15)."""
    seconds = max(int((now - began.astimezone(UTC)).total_seconds()), 0)
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def _one_row(spans: list[Span], width: int) -> Line:
    """What fits into one row, with a sign where something does not."""
    rows = wrapped([Paragraph(tuple(spans), breaks=Breaks.ANYWHERE)], width)
    if len(rows) == 1:
        return rows[0]
    first = wrapped([Paragraph(tuple(spans), breaks=Breaks.ANYWHERE)], width - 1)[0]
    return (*first, Span("…", spans[-1].style))
