"""A draft and its caret under single edits: the caret is always on the border of a cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_tui.composer.clusters import Segmenter
from codex_tui.composer.draft import EMPTY, Draft, draft_of
from codex_tui.composer.undo import Change, Kind, UndoLog

if TYPE_CHECKING:
    from codex_tui.composer.clusters import LineClusters

_WORD = re.compile(r"\S+")


class Buffer:
    """The text, the caret in it, and how to take changes back."""

    def __init__(self) -> None:
        self._draft = EMPTY
        self._caret = 0
        self._log = UndoLog()
        self.segmenter = Segmenter()
        self.version = 0
        """Grows with every change of the text."""

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self._draft

    @property
    def text(self) -> str:
        """What is written, labels for its elements."""
        return self._draft.text

    @property
    def caret(self) -> int:
        """The caret's offset."""
        return self._caret

    def place(self, offset: int) -> None:
        """Puts the caret to `offset`, or behind the cluster that is around it."""
        self._log.close_step()
        self._caret = self._on_border(offset)

    def replace(self, start: int, end: int, inserted: Draft | str, kind: Kind = Kind.OTHER) -> Draft:
        """Puts `inserted` in place of a range, the caret behind it; what was there comes back.

        Elements in part in the range go as a whole.
        """
        if isinstance(inserted, str):
            inserted = draft_of(inserted)
        for placed in self._draft.elements:
            if placed.start < start == end < placed.end:
                start = end = placed.end
            elif placed.start < end and placed.end > start:
                start, end = min(start, placed.start), max(end, placed.end)
        removed = self._draft.cut(start, end)
        if removed == inserted:
            self._caret = self._on_border(end)
            return removed
        before = self._caret
        self._draft = self._draft.spliced(start, end, inserted)
        self._caret = self._on_border(start + len(inserted.text))
        self._log.record(Change(start, removed, inserted, before, self._caret, kind))
        self.version += 1
        return removed

    def insert(self, inserted: Draft | str, kind: Kind = Kind.OTHER) -> None:
        """Puts `inserted` at the caret."""
        self.replace(self._caret, self._caret, inserted, kind)

    def reset(self, draft: Draft, caret: int | None = None) -> None:
        """Another draft in place of all of this one, which can be undone; the caret at its end by default."""
        self.replace(0, len(self.text), draft)
        if caret is not None:
            self.place(caret)

    def forget(self) -> None:
        """An empty draft with no past."""
        self._draft, self._caret = EMPTY, 0
        self._log = UndoLog()
        self.version += 1

    def close_step(self) -> None:
        """What is typed next is undone by itself."""
        self._log.close_step()

    def undo(self) -> bool:
        """Takes the last step back; whether there was one."""
        return self._apply(self._log.undo())

    def redo(self) -> bool:
        """Does what was taken back last again; whether there was something."""
        return self._apply(self._log.redo())

    def _apply(self, change: Change | None) -> bool:
        if change is None:
            return False
        end = change.start + len(change.removed.text)
        self._draft = self._draft.spliced(change.start, end, change.inserted)
        self._caret = self._on_border(change.caret_after)
        self.version += 1
        return True

    # --- places --------------------------------------------------------------------------------------

    def line_around(self, offset: int) -> tuple[int, LineClusters]:
        """Where the line around `offset` begins, and its clusters."""
        return self.segmenter.line_at(self._draft, offset)

    def _on_border(self, offset: int) -> int:
        offset = max(0, min(offset, len(self.text)))
        start, clusters = self.line_around(offset)
        return start + clusters.border_at(offset - start)

    def before(self, offset: int) -> int:
        """The border left of the border `offset`."""
        if offset == 0 or self.text[offset - 1] == "\n":
            return max(offset - 1, 0)
        start, clusters = self.line_around(offset)
        return start + clusters.border_before(offset - start)

    def after(self, offset: int) -> int:
        """The border right of the border `offset`."""
        if offset == len(self.text) or self.text[offset] == "\n":
            return min(offset + 1, len(self.text))
        start, clusters = self.line_around(offset)
        return start + clusters.border_after(offset - start)

    def line_start(self, offset: int) -> int:
        """Where the line around `offset` begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Where the line around `offset` ends."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def word_start_before(self, offset: int) -> int:
        """Where the word left of `offset` begins; words are all that is not blank."""
        text = self._opaque_text()[:offset].rstrip()
        return len(text) - len(text.rsplit(None, 1)[-1]) if text else 0

    def word_end_after(self, offset: int) -> int:
        """Where the word right of `offset` ends."""
        match = _WORD.search(self._opaque_text(), offset)
        return match.end() if match else len(self.text)

    def _opaque_text(self) -> str:
        """The text with elements as one word each, blanks in their labels or not."""
        text = self.text
        for placed in self._draft.elements:
            text = text[: placed.start] + "x" * (placed.end - placed.start) + text[placed.end :]
        return text
