"""Ctrl-R: the newest prompt that holds what is typed, then older ones, fetched as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_tui.composer.draft import Draft
    from codex_tui.composer.prompt_history import PromptHistory

FETCH_AHEAD = 16
"""Prompts asked for at once."""
MAX_DEPTH = 2000
"""How many prompts back a search looks: each older one has to be fetched on its own."""


class HistorySearch:
    """A search in progress."""

    def __init__(self, history: PromptHistory, before: Draft, caret: int) -> None:
        self._history = history
        self.before = before
        """The draft there was, for when the search is left."""
        self.caret_before = caret
        self.query = ""
        self.is_waiting = False
        self._found: tuple[int, Draft] | None = None
        self._passed: list[tuple[int, Draft]] = []
        self._next = history.count - 1

    @property
    def match(self) -> Draft | None:
        """The prompt found, which the composer shows."""
        return self._found[1] if self._found else None

    @property
    def is_failed(self) -> bool:
        """Whether no prompt holds what is typed."""
        return bool(self.query) and self._found is None and not self.is_waiting

    def type(self, text: str) -> None:
        """Narrows the search; the present match stays if it fits."""
        self.query += text
        self._restart(self._found[0] if self._found else self._history.count - 1)

    def erase(self) -> None:
        """Takes the last character of what is searched away and begins at the newest prompt again."""
        self.query = self.query[:-1]
        self._restart(self._history.count - 1)

    def older(self) -> None:
        """Goes to the next older match that reads differently."""
        if self._found is None or self.is_waiting:
            return
        self._passed.append(self._found)
        self._next = self._found[0] - 1
        self._look()

    def newer(self) -> None:
        """Goes back to the match before."""
        if self._passed:
            self._found = self._passed.pop()
            self.is_waiting = False

    def resume(self) -> None:
        """Goes on after prompts have arrived."""
        if self.is_waiting:
            self._look()

    def _restart(self, number: int) -> None:
        self._passed.clear()
        self._next = number
        self._found = None
        self.is_waiting = False
        if self.query:
            self._look()

    def _look(self) -> None:
        """Looks from `_next` on; if there is nothing the last match stays."""
        seen = {draft.text for _, draft in self._passed}
        is_exact = any(character.isupper() for character in self.query)
        wanted = self.query if is_exact else self.query.casefold()
        self._found = None
        self.is_waiting = False
        oldest = max(self._history.count - MAX_DEPTH, 0)
        while self._next >= oldest:
            if not self._history.is_known(self._next):
                for number in range(self._next, max(self._next - FETCH_AHEAD, oldest - 1), -1):
                    self._history.want(number)
                self.is_waiting = True
                return
            draft = self._history.entry(self._next)
            if draft is not None:
                text = draft.text if is_exact else draft.text.casefold()
                if wanted in text and draft.text not in seen:
                    self._found = (self._next, draft)
                    return
            self._next -= 1
        if self._passed:
            self._found = self._passed.pop()
