"""What keys do, as a table: names of keys as `codex_tui.term.keys` has them, and the action of each.

Sources: spec tui.md sections 9.1 and 10; undo, yank, the history search and the editor are of newer releases
or of other line editors.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Action(StrEnum):
    """Something a key can ask of the composer."""

    SUBMIT = "submit"
    QUEUE = "queue"
    NEWLINE = "newline"
    LEFT = "left"
    RIGHT = "right"
    WORD_LEFT = "word-left"
    WORD_RIGHT = "word-right"
    UP = "up"
    DOWN = "down"
    LINE_START = "line-start"
    LINE_END = "line-end"
    LINE_START_OR_ABOVE = "line-start-or-above"
    LINE_END_OR_BELOW = "line-end-or-below"
    TEXT_START = "text-start"
    TEXT_END = "text-end"
    ERASE_LEFT = "erase-left"
    ERASE_RIGHT = "erase-right"
    ERASE_RIGHT_OR_QUIT = "erase-right-or-quit"
    KILL_WORD_LEFT = "kill-word-left"
    KILL_WORD_RIGHT = "kill-word-right"
    KILL_LINE_START = "kill-line-start"
    KILL_LINE_END = "kill-line-end"
    YANK = "yank"
    YANK_OLDER = "yank-older"
    UNDO = "undo"
    REDO = "redo"
    SEARCH_HISTORY = "search-history"
    EDIT_ELSEWHERE = "edit-elsewhere"
    TAKE_BACK = "take-back"
    CANCEL = "cancel"
    ESCAPE = "escape"
    # What the app does, asked by the composer's keys:
    QUIT = "quit"
    INTERRUPT_OR_QUIT = "interrupt-or-quit"
    PASTE_IMAGE = "paste-image"
    TRANSCRIPT = "transcript"
    # In a popup:
    POPUP_UP = "popup-up"
    POPUP_DOWN = "popup-down"
    POPUP_COMPLETE = "popup-complete"
    POPUP_ACCEPT = "popup-accept"
    POPUP_CLOSE = "popup-close"
    # In the history search:
    SEARCH_OLDER = "search-older"
    SEARCH_NEWER = "search-newer"
    SEARCH_ACCEPT = "search-accept"
    SEARCH_LEAVE = "search-leave"
    SEARCH_ERASE = "search-erase"


KeyMap = MappingProxyType[str, Action]


def _table(rows: Mapping[Action, str]) -> KeyMap:
    return MappingProxyType({key: action for action, keys in rows.items() for key in keys.split()})


EDITING_KEYS: KeyMap = _table(
    {
        Action.SUBMIT: "enter",
        Action.QUEUE: "tab",
        Action.NEWLINE: (
            "ctrl+j shift+enter alt+enter ctrl+enter ctrl+m alt+ctrl+j alt+shift+enter ctrl+shift+enter"
        ),
        Action.LEFT: "left ctrl+b",
        Action.RIGHT: "right ctrl+f",
        Action.WORD_LEFT: "alt+left ctrl+left alt+b",
        Action.WORD_RIGHT: "alt+right ctrl+right alt+f",
        Action.UP: "up ctrl+p",
        Action.DOWN: "down ctrl+n",
        Action.LINE_START: "home",
        Action.LINE_END: "end",
        Action.LINE_START_OR_ABOVE: "ctrl+a",
        Action.LINE_END_OR_BELOW: "ctrl+e",
        Action.TEXT_START: "ctrl+home alt+<",
        Action.TEXT_END: "ctrl+end alt+>",
        Action.ERASE_LEFT: "backspace ctrl+h shift+backspace",
        Action.ERASE_RIGHT: "delete shift+delete",
        Action.ERASE_RIGHT_OR_QUIT: "ctrl+d",
        Action.KILL_WORD_LEFT: "alt+backspace ctrl+w alt+ctrl+h ctrl+backspace",
        Action.KILL_WORD_RIGHT: "alt+delete alt+d ctrl+delete",
        Action.KILL_LINE_START: "ctrl+u",
        Action.KILL_LINE_END: "ctrl+k",
        Action.YANK: "ctrl+y",
        Action.YANK_OLDER: "alt+y",
        Action.UNDO: "ctrl+underscore ctrl+_ ctrl+/ ctrl+shift+-",
        Action.REDO: "alt+_ alt+/ ctrl+shift+z",
        Action.SEARCH_HISTORY: "ctrl+r",
        Action.EDIT_ELSEWHERE: "ctrl+g",
        Action.TAKE_BACK: "alt+up",
        Action.CANCEL: "ctrl+c",
        Action.ESCAPE: "escape",
        Action.PASTE_IMAGE: "ctrl+v",
        Action.TRANSCRIPT: "ctrl+t",
    }
)
POPUP_KEYS: KeyMap = _table(
    {
        Action.POPUP_UP: "up ctrl+p",
        Action.POPUP_DOWN: "down ctrl+n",
        Action.POPUP_COMPLETE: "tab",
        Action.POPUP_ACCEPT: "enter",
        Action.POPUP_CLOSE: "escape",
    }
)
"""Go before `EDITING_KEYS` while a popup is open."""
SEARCH_KEYS: KeyMap = _table(
    {
        Action.SEARCH_OLDER: "ctrl+r up ctrl+p",
        Action.SEARCH_NEWER: "ctrl+s down ctrl+n",
        Action.SEARCH_ACCEPT: "enter tab",
        Action.SEARCH_LEAVE: "escape ctrl+c ctrl+g",
        Action.SEARCH_ERASE: "backspace ctrl+h shift+backspace",
    }
)
"""Go before `EDITING_KEYS` while prompts are searched."""


def keys_of(action: Action, table: KeyMap = EDITING_KEYS) -> tuple[str, ...]:
    """The keys bound to an action, the one to show first."""
    return tuple(key for key, bound in table.items() if bound is action)
