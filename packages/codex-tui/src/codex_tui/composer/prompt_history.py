"""Prompts of before: this session's with all that was in them, older ones from the file, fetched one by one.

Numbers count from the oldest prompt; the first `count` are in the file, known by (log id, offset)
(spec: tui.md section 9.4, protocol.md section 10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.composer.draft import EMPTY, draft_of

if TYPE_CHECKING:
    from codex_tui.composer.draft import Draft

MAX_FETCHED_CHARS = 8_000_000
"""Prompts of the file kept in memory; those fetched first are forgotten first and fetched again."""


class PromptHistory:
    """All prompts, where one walks among them, and what has to be fetched for that."""

    def __init__(self) -> None:
        self._log_id = 0
        self._stored_count = 0
        self._fetched: dict[int, str | None] = {}
        self._fetched_chars = 0
        self._asked: set[int] = set()
        self._local: list[Draft] = []
        self._wishes: list[int] = []
        self._shown: int | None = None
        self._recalled: str | None = None
        self._awaited: tuple[int, int] | None = None  # number, direction

    def configure(self, log_id: int, entry_count: int) -> None:
        """What `session_configured` says of the file; what was submitted here stays."""
        self._log_id = log_id
        self._stored_count = entry_count
        self._fetched.clear()
        self._fetched_chars = 0
        self._asked.clear()
        self._wishes.clear()
        self.leave()

    @property
    def count(self) -> int:
        """How many prompts there are."""
        return self._stored_count + len(self._local)

    def remember(self, draft: Draft) -> None:
        """Adds a prompt that was submitted, unless it is the last one again."""
        self.leave()
        if draft.text.strip() and (not self._local or self._local[-1] != draft):
            self._local.append(draft)

    def take_requests(self) -> list[tuple[int, int]]:
        """(log id, offset) of each prompt to fetch by `get_history_entry_request` now."""
        wishes, self._wishes = self._wishes, []
        return [(self._log_id, offset) for offset in wishes]

    def provide(self, log_id: int, offset: int, text: str | None) -> bool:
        """Takes an answer; False if nobody asked for it (it may be an earlier session's)."""
        if log_id != self._log_id or offset not in self._asked:
            return False
        self._asked.discard(offset)
        self._fetched[offset] = text
        self._fetched_chars += len(text or "")
        while self._fetched_chars > MAX_FETCHED_CHARS and len(self._fetched) > 1:
            oldest = next(iter(self._fetched))
            self._fetched_chars -= len(self._fetched.pop(oldest) or "")
        return True

    def is_known(self, number: int) -> bool:
        """Whether `entry` tells; else `want` asks for it."""
        return number >= self._stored_count or number in self._fetched

    def entry(self, number: int) -> Draft | None:
        """A prompt that is known; None where the file has none that can be read."""
        if number >= self._stored_count:
            return self._local[number - self._stored_count]
        text = self._fetched.get(number)
        return None if not text else draft_of(text)

    def want(self, number: int) -> None:
        """Asks for a prompt of the file, once."""
        if not self.is_known(number) and number not in self._asked:
            self._asked.add(number)
            self._wishes.append(number)

    # --- walking -------------------------------------------------------------------------------------

    def leave(self) -> None:
        """The next walk begins at the newest prompt; what is being fetched is not waited for."""
        self._shown = None
        self._recalled = None
        self._awaited = None

    def takes_keys(self, text: str, caret: int) -> bool:
        """Whether Up and Down walk here rather than move the caret."""
        return self.count > 0 and (not text or (caret == 0 and text == self._recalled))

    def older(self) -> Draft | None:
        """The prompt before the present one; None if there is none, or if it has to be fetched first."""
        return self._walk((self.count if self._shown is None else self._shown) - 1, -1)

    def newer(self) -> Draft | None:
        """The prompt behind the present one; an empty draft behind the newest. None as for `older`."""
        return None if self._shown is None else self._walk(self._shown + 1, 1)

    def arrived(self, offset: int, text: str, caret: int) -> Draft | None:
        """What to show now that `provide` took `offset`; None if it is not what is waited for.

        Neither is it any more when the composer, at this text and caret, has gone its own way.
        """
        if self._awaited is None or self._awaited[0] != offset or not self.takes_keys(text, caret):
            return None
        return self._walk(*self._awaited)

    def _walk(self, number: int, step: int) -> Draft | None:
        """Goes to `number`, or further that way as long as there is nothing to show."""
        self._awaited = None
        while 0 <= number < self.count:
            if not self.is_known(number):
                self._awaited = (number, step)
                self.want(number)
                return None
            entry = self.entry(number)
            if entry is not None:
                self._shown = number
                self._recalled = entry.text
                return entry
            number += step
        if number >= self.count:
            self.leave()
            return EMPTY
        return None
