"""What the keys do, said to the user: the line below the composer, and the sheet of `/help`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Emphasis, Span, Style
from codex_tui.composer.key_map import EDITING_KEYS, Action, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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


def footer(state: FooterState, width: int = 10_000, *, is_mac: bool = False) -> Line:
    """The line below the composer in at most `width` cells (spec: tui.md section 4).

    Where there is too little room the keys most people know go first; the counts change, so they stay.
    """
    line: Line = ()
    for usage, least in _usage(state):
        hints = _hints(state)
        while True:
            line = (*_key_spans(hints, is_mac=is_mac, indent=state.is_interrupt_hinted), *usage)
            if sum(len(span.text) for span in line) <= width:
                return tuple(span for span in line if span.text)
            if len(hints) <= least:
                break
            hints.remove(min(hints, key=lambda hint: hint.weight))
    return tuple(_cut(line, width))


@dataclass(frozen=True, slots=True)
class _Hint:
    key: str
    words: str
    weight: int
    """The lightest go first."""


def _hints(state: FooterState) -> list[_Hint]:
    if state.is_interrupt_hinted:
        return [_Hint("ctrl+c", "again to interrupt" if state.is_running else "again to quit", 9)]
    newline = "shift+enter" if state.has_extended_keys else "ctrl+j"
    found = [_Hint("enter", "send", 5), _Hint(newline, "newline", 2)]
    if state.is_running:
        found.append(_Hint("tab", "queue", 4))
    found += [_Hint("ctrl+t", "transcript", 1), _Hint("ctrl+c", "quit", 3)]
    if state.is_backtrack_primed:
        found.append(_Hint("escape", "edit prev", 8))
    return found


def _key_spans(hints: Sequence[_Hint], *, is_mac: bool, indent: bool) -> list[Span]:
    spans: list[Span] = []
    for hint in hints:
        spans.append(Span("   " if spans else " " if indent else "", Style.DIM))
        spans += (
            Span(key_label(hint.key, is_mac=is_mac), Style.ACCENT, Emphasis.FAINT),
            Span(f" {hint.words}", Style.DIM),
        )
    return spans


def _usage(state: FooterState) -> list[tuple[list[Span], int]]:
    """What was used and is left, in full and in short, each with how many hints shall stay beside it."""
    if not state.tokens_used:
        return [([], 1)]
    found: list[tuple[list[Span], int]] = []
    left = state.context_left_percent
    style = Style.WARNING if left is not None and left < LOW_CONTEXT_PERCENT else Style.DIM
    for used_words, left_words, least in (("tokens used", "context left", 2), ("used", "left", 1)):
        spans = [Span(f"   {state.tokens_used} {used_words}", Style.DIM)]
        if left is not None:
            spans += (Span("   ", Style.DIM), Span(f"{left}% {left_words}", style))
        found.append((spans, least))
    return found


def _cut(line: Iterable[Span], room: int) -> Iterator[Span]:
    for span in line:
        if room <= 0:
            return
        yield Span(span.text[:room], span.style, span.emphasis)
        room -= len(span.text)


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
