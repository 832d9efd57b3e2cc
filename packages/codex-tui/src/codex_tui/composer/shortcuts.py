"""What the keys do, said to the user: the line below the composer, and the sheet of `/help`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Emphasis, Span, Style
from codex_tui.composer.key_map import EDITING_KEYS, Action, keys_of

if TYPE_CHECKING:
    from codex_core.presentation.spans import Line

LOW_CONTEXT_PERCENT = 20
_NAMES = {
    "enter": "⏎",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "Esc",
    "backspace": "⌫",
    "delete": "Del",
    "tab": "Tab",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "space": "Space",
    "underscore": "_",
}
_MODIFIERS = {"ctrl": "Ctrl+", "alt": "Alt+", "shift": "Shift+"}
_MAC_MODIFIERS = {"ctrl": "⌃", "alt": "⌥", "shift": "⇧"}


@dataclass(frozen=True, slots=True)
class FooterState:
    """What the line below the composer depends on."""

    has_extended_keys: bool = False
    """Whether the terminal tells Shift+Enter from Enter."""
    is_running: bool = False
    is_interrupt_hinted: bool = False
    """Ctrl+C was pressed just now."""
    is_backtrack_primed: bool = False
    tokens_used: str = ""
    """As `short_count` writes it; empty before the first report."""
    context_left_percent: int | None = None
    """None if the model's window is not known."""


def key_label(key: str, *, is_mac: bool = False) -> str:
    """A key as hints write it: `ctrl+j` is `Ctrl+J`, or `⌃J` on a Mac."""
    *modifiers, name = key.split("+") if not key.endswith("+") else [*key[:-2].split("+"), "+"]
    table = _MAC_MODIFIERS if is_mac else _MODIFIERS
    shown = _NAMES.get(name) or (name.upper() if len(name) == 1 else name.capitalize())
    order = ("ctrl", "alt", "shift")
    return "".join(table[word] for word in order if word in modifiers) + shown


def footer(state: FooterState, *, is_mac: bool = False) -> Line:
    """The line below the composer, as long as it is (spec: tui.md section 4)."""
    newline = "shift+enter" if state.has_extended_keys else "ctrl+j"
    hints: list[tuple[str, str]]
    if state.is_interrupt_hinted:
        hints = [("ctrl+c", "again to interrupt" if state.is_running else "again to quit")]
    else:
        hints = [("enter", "send"), (newline, "newline")]
        if state.is_running:
            hints.append(("tab", "queue"))
        hints += [("ctrl+t", "transcript"), ("ctrl+c", "quit")]
        if state.is_backtrack_primed:
            hints.append(("escape", "edit prev"))
    spans: list[Span] = []
    for key, words in hints:
        spans.append(Span("   " if spans else " " if state.is_interrupt_hinted else "", Style.DIM))
        spans += (Span(key_label(key, is_mac=is_mac), Style.ACCENT), Span(f" {words}", Style.DIM))
    if state.tokens_used:
        spans.append(Span(f"   {state.tokens_used} tokens used", Style.DIM))
        left = state.context_left_percent
        if left is not None:
            style = Style.WARNING if left < LOW_CONTEXT_PERCENT else Style.DIM
            spans += (Span("   ", Style.DIM), Span(f"{left}% context left", style))
    return tuple(span for span in spans if span.text)


_SHEET: tuple[tuple[str, tuple[tuple[Action, str], ...]], ...] = (
    (
        "Sending",
        (
            (Action.SUBMIT, "send"),
            (Action.NEWLINE, "new line"),
            (Action.QUEUE, "queue for the next turn"),
            (Action.TAKE_BACK, "edit the message queued last"),
            (Action.ESCAPE, "interrupt; twice when idle: edit an earlier message"),
            (Action.CANCEL, "clear, interrupt or quit"),
        ),
    ),
    (
        "Editing",
        (
            (Action.WORD_LEFT, "word left"),
            (Action.WORD_RIGHT, "word right"),
            (Action.LINE_START_OR_ABOVE, "start of line"),
            (Action.LINE_END_OR_BELOW, "end of line"),
            (Action.KILL_WORD_LEFT, "cut the word before"),
            (Action.KILL_LINE_START, "cut to the start of the line"),
            (Action.KILL_LINE_END, "cut to the end of the line"),
            (Action.YANK, "put in what was cut"),
            (Action.YANK_OLDER, "then: what was cut before that"),
            (Action.UNDO, "undo"),
            (Action.REDO, "redo"),
        ),
    ),
    (
        "More",
        (
            (Action.UP, "earlier prompts, from an empty line"),
            (Action.SEARCH_HISTORY, "search earlier prompts"),
            (Action.EDIT_ELSEWHERE, "edit in $EDITOR"),
            (Action.PASTE_IMAGE, "attach the image in the clipboard"),
            (Action.TRANSCRIPT, "transcript"),
        ),
    ),
)


def shortcut_sheet(*, is_mac: bool = False) -> list[Line]:
    """All keys worth knowing in groups, for `/help`."""
    rows: list[Line] = []
    for title, lines in _SHEET:
        if rows:
            rows.append(())
        rows.append((Span(title, Style.HEADING, Emphasis.BOLD),))
        for action, words in lines:
            label = key_label(keys_of(action, EDITING_KEYS)[0], is_mac=is_mac)
            rows.append((Span(f"  {label:<16}", Style.ACCENT), Span(words)))
    rows.append((Span(f"  {'/':<16}", Style.ACCENT), Span("commands and saved prompts")))
    rows.append((Span(f"  {'@':<16}", Style.ACCENT), Span("name a file")))
    return rows
