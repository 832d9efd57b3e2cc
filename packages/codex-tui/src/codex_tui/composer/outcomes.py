"""What the composer asks of the app after a key, a paste or an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_tui.composer.draft import Message
    from codex_tui.composer.key_map import Action
    from codex_tui.composer.slash_commands import SlashCommand


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message to send, and to add to the history; `later`: after the running turn, whatever else holds."""

    message: Message
    later: bool = False


@dataclass(frozen=True, slots=True)
class CommandChosen:
    """A slash command to run, and what was typed behind its name."""

    command: SlashCommand
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing was done, to be shown as an error; the draft is still there."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The draft was thrown away by Ctrl+C: time for the hint on how to quit."""


@dataclass(frozen=True, slots=True)
class HistoryWanted:
    """A prompt to fetch by `get_history_entry_request`; the answer goes to `Composer.provide_prompt`."""

    log_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class FilesWanted:
    """Files to search for, in place of what was searched before; the answer goes to `provide_files`.

    Empty when nothing is to be searched any more.
    """

    query: str


@dataclass(frozen=True, slots=True)
class EditorWanted:
    """A text to edit in the user's editor; what comes of it goes to `Composer.edited`."""

    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A key of the app: ESCAPE, QUIT, INTERRUPT_OR_QUIT, PASTE_IMAGE or TRANSCRIPT."""

    action: Action


Outcome = Submitted | CommandChosen | Refused | Cleared | HistoryWanted | FilesWanted | EditorWanted | Asked
