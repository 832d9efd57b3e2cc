"""What is being written: text in which pastes and images stand as labels, and the message it becomes.

Offsets are code points. A label is part of the text, and an element says that it is more than its letters.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGE_PASTE_CHARS = 1000
"""A paste of more characters than this is shown as a label (spec: tui.md section 9.2)."""

_LINE_END = re.compile(r"\r\n?")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PastedText:
    """Text too long to be shown while the message is written."""

    text: str

    @property
    def label(self) -> str:
        """What stands in the draft for it."""
        return f"[Pasted Content {len(self.text)} chars]"


@dataclass(frozen=True, slots=True)
class AttachedImage:
    """A picture that goes with the message."""

    path: str
    size: str
    """Pixels and kind, as in `640x480 PNG`."""

    @property
    def label(self) -> str:
        """What stands in the draft for it, and goes out in the text."""
        return f"[image {self.size}]"


Element = PastedText | AttachedImage


@dataclass(frozen=True, slots=True)
class Placed:
    """An element and the offset where its label begins."""

    start: int
    element: Element

    @property
    def end(self) -> int:
        """The offset behind the label."""
        return self.start + len(self.element.label)


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the agent: its text, the files of its images in order, and the draft it was made from."""

    text: str
    images: tuple[str, ...] = ()
    draft: Draft | None = None
    """None for a message that was not written here, such as a saved prompt."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.images and not self.text.strip()

    def as_draft(self) -> Draft:
        """What to edit to say it again: as it was written, and images that went along beside it."""
        draft = self.draft or draft_of(self.text)
        placed = [each.element.path for each in draft.elements if isinstance(each.element, AttachedImage)]
        for path in self.images:
            if path in placed:
                placed.remove(path)
            else:
                beside = element_draft(AttachedImage(path, os.path.basename(path)))
                draft = draft + draft_of(" ") + beside if draft.text else beside
        return draft


@dataclass(frozen=True, slots=True)
class Draft:
    """A text with the elements in it, in order and apart from each other."""

    text: str = ""
    elements: tuple[Placed, ...] = ()

    def __add__(self, other: Draft) -> Draft:
        shift = len(self.text)
        moved = tuple(replace(placed, start=placed.start + shift) for placed in other.elements)
        return Draft(self.text + other.text, self.elements + moved)

    def cut(self, start: int, end: int) -> Draft:
        """The part from `start` to `end`; an element that is only touched becomes plain letters."""
        inside = tuple(
            replace(placed, start=placed.start - start)
            for placed in self.elements
            if start <= placed.start and placed.end <= end
        )
        return Draft(self.text[start:end], inside)

    def spliced(self, start: int, end: int, inserted: Draft) -> Draft:
        """This draft with `inserted` in place of what is between `start` and `end`."""
        return self.cut(0, start) + inserted + self.cut(end, len(self.text))

    def message(self) -> Message:
        """The message: pastes written out, blanks around it gone unless it has pastes.

        The labels of images stay in the text (spec: tui.md sections 9.1 and 9.3).
        """
        parts: list[str] = []
        images: list[str] = []
        at = 0
        has_pastes = False
        for placed in self.elements:
            parts.append(self.text[at : placed.start])
            match placed.element:
                case PastedText(text):
                    parts.append(text)
                    has_pastes = True
                case AttachedImage(path) as image:
                    parts.append(image.label)
                    images.append(path)
            at = placed.end
        parts.append(self.text[at:])
        text = "".join(parts)
        return Message(text if has_pastes else text.strip(), tuple(images), self)


EMPTY = Draft()


def clean_text(text: str) -> str:
    """`text` as it may stand in a draft: line feeds end lines, no halves of characters."""
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    return text if text.isascii() else _HALF_CHARACTER.sub("\ufffd", text)


def draft_of(text: str) -> Draft:
    """A draft of plain text."""
    return Draft(clean_text(text))


def element_draft(element: Element) -> Draft:
    """A draft that is one element."""
    return Draft(element.label, (Placed(0, element),))


def pasted_draft(text: str) -> Draft:
    """What a paste of `text` puts in: itself, or a label when it is large."""
    text = clean_text(text)
    return element_draft(PastedText(text)) if len(text) > LARGE_PASTE_CHARS else Draft(text)


def joined_drafts(drafts: Iterable[Draft]) -> Draft:
    """The drafts one below the other."""
    whole: Draft | None = None
    for draft in drafts:
        whole = draft if whole is None else whole + Draft("\n") + draft
    return whole or EMPTY


def edited_elsewhere(before: Draft, text: str) -> Draft:
    """The draft after `before.text` was changed to `text` where elements are unknown, in an editor.

    Labels that are still there stand for their elements again, equal ones in their order; the line end that
    editors put behind the last line is taken off.
    """
    text = clean_text(text)
    if text.endswith("\n") and not before.text.endswith("\n"):
        text = text[:-1]
    waiting: dict[str, list[Element]] = {}
    for placed in before.elements:
        waiting.setdefault(placed.element.label, []).append(placed.element)
    if not waiting:
        return Draft(text)
    labels = re.finditer("|".join(map(re.escape, waiting)), text)
    return Draft(text, tuple(Placed(at.start(), waiting[at[0]].pop(0)) for at in labels if waiting[at[0]]))
