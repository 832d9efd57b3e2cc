"""One line of talk with the model: its items, and whether they are kept on disk.

A session has one that is recorded; a review has its own, which nobody keeps.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.conversation.history import History

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from codex_core.conversation.turn_context import TurnContext
    from codex_protocol.items import ResponseItem
    from codex_protocol.rollout import CompactedItem
    from codex_protocol.tokens import TokenUsage


@dataclass(frozen=True, slots=True)
class _Bridge:
    """What a history begins with since it was last compacted."""

    initial: tuple[ResponseItem, ...]
    summary: str
    end: int
    """How many items these are, with the bridge."""


class Thread:
    """The items a task asks the model with; `write` and `write_compacted` keep what is added."""

    def __init__(
        self,
        history: History,
        *,
        initial_items: Callable[[TurnContext], Sequence[ResponseItem]] = lambda _: (),
        write: Callable[[ResponseItem], Awaitable[None]] | None = None,
        write_compacted: Callable[[CompactedItem, bool], Awaitable[None]] | None = None,
    ) -> None:
        self.history = history
        self.usage: TokenUsage | None = None
        """What the last answer said it used; None at the beginning and after a compaction."""
        self._bridge: _Bridge | None = None
        self._was_compacted = False
        self._is_ahead = False
        """Whether the last item on disk is one that the history does not have yet."""
        self._initial_items = initial_items
        self._write = write
        self._write_compacted = write_compacted

    @property
    def is_recorded(self) -> bool:
        """Whether what is added here goes to disk."""
        return self._write is not None

    async def record(self, items: Iterable[ResponseItem]) -> None:
        """Adds items to the history, and to the rollout."""
        items = list(items)
        self.history.record(items)
        if self._write is not None:
            for item in items:
                await self._write(item)

    @contextlib.asynccontextmanager
    async def written_ahead(self, item: ResponseItem) -> AsyncIterator[None]:
        """An item that is on disk in the block, and in the history after it: behind a summary made inside."""
        self._is_ahead = True
        try:
            if self._write is not None:
                await self._write(item)
            yield
        finally:
            self._is_ahead = False
            self.history.record([item])

    async def compact(self, summary: str, context: TurnContext, *, keep_images: bool) -> None:
        """Puts a bridge with this summary in the place of everything so far."""
        from codex_core.conversation.compaction import compacted_history
        from codex_protocol.rollout import CompactedItem

        initial = tuple(self._initial_items(context))
        self.history = compacted_history(initial, self.history, summary, keep_images=keep_images)
        self._bridge = _Bridge(initial, summary, len(self.history.items))
        self._was_compacted = True
        self.usage = None
        if self._write_compacted is not None:
            await self._write_compacted(CompactedItem(message=summary), self._is_ahead)

    def shorten(self) -> bool:
        """Cuts what the user said in the bridge, and its pictures; false when nothing is left to cut.

        The rollout keeps everything: a model with more room may go on from it.
        """
        from codex_core.conversation.compaction import compacted_history, shorter_words

        bridge, limit = self._bridge, shorter_words(self.history)
        if bridge is None or limit is None:
            return False
        later = self.history.items[bridge.end :]
        said = History(carried=self.history.carried)
        self.history = compacted_history(
            bridge.initial, said, bridge.summary, keep_images=False, max_chars=limit
        )
        self.history.record(later)
        self.usage = None
        return True

    def take_compacted(self) -> bool:
        """Whether a bridge has been put in since this was asked last."""
        was_compacted, self._was_compacted = self._was_compacted, False
        return was_compacted

    def is_full(self, limit: int | None) -> bool:
        """Whether the last answer left `limit` or more tokens in the model's window; 0 is none."""
        return bool(limit) and self.usage is not None and self.usage.tokens_in_context_window >= (limit or 0)
