"""`@`: the word at the caret that names a file, what was found for it, and how a path is put in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from codex_tui.composer.choices import Choices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.composer.draft import Draft

_SPECIAL = re.compile(r"[\s\"'\\]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text that begins with `@`, with or without a quote behind it."""

    start: int
    end: int
    query: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A path that fits, relative to the session's directory, and which of its characters do."""

    path: str
    indices: tuple[int, ...] = ()


class Wait(Enum):
    """What the popup says when it has no rows."""

    LOADING = auto()
    NOTHING = auto()


class FilePopup:
    """The rows for one token; those found before stay while a search for a longer one runs."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.choices: Choices[FoundFile] = Choices()
        self.is_waiting = bool(query)

    @property
    def wait(self) -> Wait:
        """What to show in place of rows (spec: tui.md section 9.5)."""
        return Wait.LOADING if self.is_waiting else Wait.NOTHING

    def search(self, query: str) -> bool:
        """The token reads so now; whether that needs a search."""
        if query == self.query:
            return False
        if not query.startswith(self.query) or not self.query:
            self.choices.show(())
        self.query = query
        self.is_waiting = bool(query)
        return self.is_waiting

    def provide(self, query: str, files: Sequence[FoundFile]) -> None:
        """Takes an answer, unless the token reads differently now."""
        if query == self.query:
            self.is_waiting = False
            self.choices.show(tuple(files))


def token_at(draft: Draft, caret: int) -> Token | None:
    """The word that begins with `@` around the caret, or right behind the blank it is on.

    An element ends a word: what is inside of labels is no text.
    """
    text = draft.text
    for placed in reversed(draft.elements):
        text = text[: placed.start] + " " * (placed.end - placed.start) + text[placed.end :]
    before = text[:caret]
    start = caret - (len(before.rsplit(None, 1)[-1]) if before and not before[-1].isspace() else 0)
    if text[start : start + 1] != "@" and text[caret : caret + 1] in (" ", "\t"):
        start = caret + 1
    if text[start : start + 1] != "@":
        return None
    end = start + len(text[start:].split(None, 1)[0])
    return Token(start, end, text[start + 1 : end].removeprefix('"'))


def inserted_path(path: str) -> str:
    """How a path is written into the text: quoted if it would fall apart at its blanks, then a blank."""
    if not _SPECIAL.search(path):
        return path + " "
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" '
