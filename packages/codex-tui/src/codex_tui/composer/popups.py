"""Which popup is open for a draft: commands behind a slash on the first line, files behind an `@`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.composer.choices import Choices
from codex_tui.composer.file_popup import FilePopup, token_at
from codex_tui.composer.slash_commands import typed_command

if TYPE_CHECKING:
    from codex_tui.composer.draft import Draft
    from codex_tui.composer.file_popup import Token
    from codex_tui.composer.slash_commands import CommandTable, Match


class CommandPopup:
    """The commands that fit the name typed so far."""

    def __init__(self, typed: str) -> None:
        self.typed = typed
        self.choices: Choices[Match] = Choices()


class Popups:
    """Opens, narrows and closes popups as the draft changes.

    One closed by hand stays so until its word changes.
    """

    def __init__(self, commands: CommandTable) -> None:
        self._commands = commands
        self.open: CommandPopup | FilePopup | None = None
        self.token: Token | None = None
        """The word the file popup is for."""
        self._closed: str | None = None

    def follow(self, draft: Draft, caret: int) -> str | None:
        """Sets the popup for this draft; what to search files for from now on, None if that is unchanged."""
        before = self.open.query if isinstance(self.open, FilePopup) else ""
        name = _name_being_typed(draft, caret)
        self.token = None if name is not None else token_at(draft, caret)
        word = f"/{name}" if name is not None else f"@{self.token.query}" if self.token else None
        if word != self._closed:
            self._closed = None
        if word is None or self._closed is not None:
            self.open = None
        elif name is not None:
            self._follow_name(name)
        elif self.token is not None:
            self._follow_token(self.token.query)
        after = self.open.query if isinstance(self.open, FilePopup) else ""
        return after if after != before else None

    def close(self, draft: Draft, caret: int) -> None:
        """Closes what is open until the word it is for changes."""
        name = _name_being_typed(draft, caret)
        token = token_at(draft, caret)
        self._closed = f"/{name}" if name is not None else f"@{token.query}" if token else None

    def reload(self) -> None:
        """The commands have changed."""
        if isinstance(self.open, CommandPopup):
            self.open = None

    def _follow_name(self, name: str) -> None:
        if isinstance(self.open, CommandPopup) and self.open.typed == name:
            return
        matches = self._commands.matching(name)
        self.open = CommandPopup(name) if matches else None
        if self.open is not None:
            self.open.choices.show(matches)

    def _follow_token(self, query: str) -> None:
        if isinstance(self.open, FilePopup):
            self.open.search(query)
        else:
            self.open = FilePopup(query)


def _name_being_typed(draft: Draft, caret: int) -> str | None:
    """The name behind the slash the text begins with, as long as nothing follows and the caret is in it."""
    typed = typed_command(draft.text) if draft.text.startswith("/") else None
    if typed is None or typed.has_ended or caret > len(typed.name) + 1:
        return None
    if any(placed.start <= len(typed.name) for placed in draft.elements):
        return None
    return typed.name
