"""The rows between history and composer: what the turn does, and the messages that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Emphasis, Line, Span, Style
from codex_tui.history.progress import elapsed_text, spinner
from codex_tui.history.wrapping import wrapped
from codex_tui.term.rows import cell_width

if TYPE_CHECKING:
    from codex_tui.composer.message_queue import MessageQueue
    from codex_tui.history.history import History
    from codex_tui.state import AppState

_STEERING_ROWS = 3
_PATIENCE_S = 0.2
"""What is there sooner needs no word that it is coming."""


def status_rows(history: History, state: AppState, now: float, width: int) -> list[Line]:
    """`⠹ Working (12s • Esc to interrupt)` below a blank row; nothing while no turn runs.

    A recorded conversation that takes its time to come up is told of in its place.
    """
    if state.resuming_since is not None:
        waited = now - state.resuming_since
        if waited < _PATIENCE_S:
            return []
        return [(), (Span(f"{spinner(waited)} ", Style.ACCENT), Span("Resuming the session …", Style.STRONG))]
    if not state.is_running:
        return []
    seconds = state.clock.seconds(now)
    words = exact_line(history.status)
    tail = f" ({elapsed_text(seconds)} • "
    room = max(width - len(tail) - len("Esc to interrupt)") - 3, 8)
    if cell_width(words) > room:
        words = words[: room - 1]
        while cell_width(words) > room - 1:
            words = words[:-1]
        words += "…"
    return [
        (),
        (
            Span(f"{spinner(seconds)} ", Style.ACCENT),
            Span(words, Style.STRONG),
            Span(tail, Style.DIM),
            Span("Esc", Style.DIM, Emphasis.BOLD),
            Span(" to interrupt)", Style.DIM),
        ),
    ]


def queue_rows(state: AppState, queue: MessageQueue, width: int) -> list[Line]:
    """What was said into the turn and has not reached the model, and what waits behind it."""
    from codex_core.presentation.spans import Paragraph, line

    rows: list[Line] = []
    for message in (*state.steering, *state.afterwards):
        text = Span(exact_text(message.text).split("\n")[0], Style.DIM, Emphasis.ITALIC)
        mark = Paragraph(line(text), (Span(" → ", Style.DIM),), (Span("   "),))
        rows += wrapped([mark], width)[:_STEERING_ROWS]
    if rows:
        rows = [(), *rows]
    return [*rows, *queue.rows(width)]
