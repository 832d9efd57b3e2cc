"""Which rows stand below the history: what goes on, the composer or a question, and the line at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Span, Style
from codex_tui.composer.shortcuts import footer
from codex_tui.composer.view import view
from codex_tui.screens.panel import key_hints
from codex_tui.state import Hint, footer_state
from codex_tui.widgets.status import queue_rows, status_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_tui.controller import Controller
    from codex_tui.screens.panel import Panel

_MARGIN_ROWS = 3
_MIN_PANEL_ROWS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """The screen, and what its terminal can do."""

    cols: int
    rows: int
    has_extended_keys: bool = False


@dataclass(frozen=True, slots=True)
class InputPart:
    """What takes keys, and what stands below it."""

    rows: Sequence[Line]
    below: Sequence[Line]
    caret: tuple[int, int] | None
    """Row and column; None to hide the cursor."""


def input_part(controller: Controller, place: Place, placeholder: str) -> InputPart:
    """The question that is open, else the composer."""
    panel = controller.state.panel
    if panel is not None:
        return _question(controller, panel.panel, place)
    seen = view(
        controller.composer,
        place.cols,
        max_rows=max(place.rows - _MARGIN_ROWS, 1),
        placeholder=placeholder,
    )
    below: Sequence[Line]
    if place.rows <= _MARGIN_ROWS:
        below = ()
    elif seen.popup:
        below = seen.popup[: max(place.rows - len(seen.rows) - 1, 1)]
    else:
        below = ((), seen.search or _last_line(controller, place))
    return InputPart(seen.rows, below, seen.caret)


def _question(controller: Controller, panel: Panel, place: Place) -> InputPart:
    draft = _draft_rows(controller.composer.draft.text, place)
    room = max(place.rows - 2 - len(draft), _MIN_PANEL_ROWS)
    # The end holds the answers; what is above it stands in the history, too.
    return InputPart(panel.rows(place.cols, room)[-room:], draft, None)


def _draft_rows(text: str, place: Place) -> list[Line]:
    """What is written and waits behind a question, so that who types on sees where it goes."""
    if not text or place.rows < 2 * _MARGIN_ROWS:
        return []
    from codex_tui.history.wrapping import wrapped
    from codex_tui.screens.panel import words

    last = wrapped(words(text.rsplit("\n", 1)[-1], Style.DIM), max(place.cols - 2, 4))[-1]
    return [(), (Span("▌ ", Style.DIM), *last)]


def _last_line(controller: Controller, place: Place) -> Line:
    state = controller.state
    if state.is_leaving:
        return (Span("leaving …", Style.DIM),)
    if state.hint is Hint.LEAVE_TURN:
        return key_hints(("Ctrl+D", "again to interrupt the turn and quit"))
    shown = footer_state(state, controller.history.tokens, has_extended_keys=place.has_extended_keys)
    return footer(shown, place.cols)


def live_part(controller: Controller, place: Place, room: int) -> list[Line]:
    """What goes on, in at most `room` rows: what the turn says goes first where there is too little."""
    now, state = controller.clock(), controller.state
    live = [] if state.is_replaying else controller.history.live_rows(place.cols, now)
    rows: list[Line] = []
    if state.panel is None:
        rows += status_rows(controller.history, state, now, place.cols)
        rows += queue_rows(state, controller.composer.queue, place.cols)
    if not rows or rows[-1]:
        rows.append(())
    rows = rows[: max(room, 0)]
    left = max(room, 0) - len(rows)
    return [*(live[-left:] if left else []), *rows]
