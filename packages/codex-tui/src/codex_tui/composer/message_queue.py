"""Messages written while a turn runs: sent one by one after it, taken back to be edited, or all put back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Emphasis, Span, Style
from codex_tui.composer.clusters import split_line
from codex_tui.composer.draft import joined_drafts
from codex_tui.composer.wrapping import wrap

if TYPE_CHECKING:
    from codex_core.presentation.spans import Line
    from codex_tui.composer.draft import Draft, Message

MAX_ROWS_EACH = 3


class MessageQueue:
    """What waits, oldest first; drafts keep their images and pastes."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What waits, the next one first."""
        return tuple(self._messages)

    def add(self, message: Message) -> None:
        """Puts a message behind the others."""
        self._messages.append(message)

    def take_next(self) -> Message | None:
        """The message to send when a turn has ended; None if nothing waits."""
        return self._messages.popleft() if self._messages else None

    def take_newest(self) -> Draft | None:
        """The draft of the message queued last, which waits no more; None if nothing does."""
        return self._messages.pop().as_draft() if self._messages else None

    def take_all(self) -> Draft:
        """All drafts one below the other, for the composer after an interrupt; nothing waits any more."""
        drafts = [message.as_draft() for message in self._messages]
        self._messages.clear()
        return joined_drafts(drafts)

    def clear(self) -> None:
        """Drops everything."""
        self._messages.clear()

    def rows(self, width: int, take_back_key: str = "Alt+↑") -> list[Line]:
        """The queue as it stands below the status line; nothing if nothing waits (spec: tui.md section 4)."""
        if not self._messages:
            return []
        rows: list[Line] = [()]
        for message in self._messages:
            shown = _first_rows(message, max(width - 3, 1))
            for index, text in enumerate(shown):
                mark = "   " if index else " ↳ "
                rows.append((Span(mark, Style.DIM), Span(text, Style.DIM, Emphasis.ITALIC)))
        rows.append((Span("   "), Span(take_back_key, Style.ACCENT), Span(" edit", Style.DIM)))
        rows.append(())
        return rows


def _first_rows(message: Message, width: int) -> list[str]:
    """At most `MAX_ROWS_EACH` rows of a message, then a mark if there is more."""
    rows: list[str] = []
    text = message.as_draft().text.strip()
    for line in text.split("\n", MAX_ROWS_EACH + 1)[: MAX_ROWS_EACH + 1]:
        # No more of a line is looked at than could be shown.
        clusters = split_line(line[: width * (MAX_ROWS_EACH + 1) * 4])
        firsts = wrap(clusters, width)
        for first, last in zip(firsts, (*firsts[1:], len(clusters.shown)), strict=True):
            rows.append("".join(clusters.shown[first:last]).rstrip())
        if len(rows) > MAX_ROWS_EACH:
            return [*rows[:MAX_ROWS_EACH], "…"]
    return rows
