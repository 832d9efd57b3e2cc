"""What the app knows besides the conversation itself: plain data, changed by the controller alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from codex_core.config.config import Config
    from codex_protocol.tokens import TokenUsageInfo
    from codex_tui.composer.draft import Message
    from codex_tui.composer.shortcuts import FooterState
    from codex_tui.screens.panel import Panel

_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "K"))


class Hint(Enum):
    """What a further press of a key would do, said below the composer until another key comes."""

    NONE = auto()
    INTERRUPT_OR_QUIT = auto()
    """Ctrl+C was pressed."""
    LEAVE_TURN = auto()
    """Ctrl+D was pressed while a turn runs."""
    EDIT_PREVIOUS = auto()
    """Esc was pressed with nothing to interrupt and nothing written."""


class TurnClock:
    """Seconds a turn has worked: it stands still while the user is asked something."""

    def __init__(self) -> None:
        self._worked = 0.0
        self._since: float | None = None

    def start(self, now: float) -> None:
        """A turn begins."""
        self._worked, self._since = 0.0, now

    def pause(self, now: float) -> None:
        """The user is asked."""
        if self._since is not None:
            self._worked += now - self._since
            self._since = None

    def go_on(self, now: float) -> None:
        """The user has answered."""
        if self._since is None:
            self._since = now

    def seconds(self, now: float) -> float:
        """How long it has worked until now."""
        return self._worked + (0.0 if self._since is None else now - self._since)


@dataclass(slots=True)
class OpenPanel:
    """A question on the screen, and who waits for the answer."""

    panel: Panel
    answer: asyncio.Future[object]
    waits_for_user: bool
    """Whether it came up by itself and work waits for it; else the user has called for it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt of this conversation, and the number of the cell where it stands in the history."""

    message: Message
    cell: int


@dataclass(slots=True)
class AppState:
    """Everything that is shown and is not part of the history."""

    config: Config
    """The settings of the next turn."""
    is_ready: bool = False
    """Whether there is a conversation to send something to."""
    resuming_since: float | None = None
    """When the recorded conversation was asked for that is not on the screen yet, if one was."""
    is_replaying: bool = False
    """Whether it is not even all in the history."""
    is_running: bool = False
    """Whether a turn runs."""
    is_turn_coming: bool = False
    """Whether a message was handed in that begins a turn, of which nothing was heard yet."""
    is_leaving: bool = False
    was_used: bool = False
    """Whether anything was said in this session, so that there is something to come back to."""
    hint: Hint = Hint.NONE
    clock: TurnClock = field(default_factory=TurnClock)
    panels: list[OpenPanel] = field(default_factory=list)
    """Open questions, the one on the screen first."""
    steering: list[Message] = field(default_factory=list)
    """Messages given to the running turn that do not stand in the history yet."""
    is_stopping: bool = False
    """Whether the turn was asked to stop and nothing was heard of its end yet."""
    afterwards: list[Message] = field(default_factory=list)
    """What was said since then: it is for the next turn, whatever becomes of this one."""
    is_steering_due: bool = False
    """Whether the request that carries them is on its way."""
    failed_servers: set[str] = field(default_factory=set)
    """MCP servers of this conversation that did not start."""
    said: list[Said] = field(default_factory=list)
    """What the user has said in this conversation, oldest first."""

    @property
    def is_busy(self) -> bool:
        """Whether a message sent now would meet a turn."""
        return self.is_running or self.is_turn_coming

    @property
    def panel(self) -> OpenPanel | None:
        """The question on the screen."""
        return self.panels[0] if self.panels else None


def short_count(number: int) -> str:
    """Three significant digits: `999`, `1.20K`, `10.3K`, `123M` (spec: tui.md section 4)."""
    for size, unit in _UNITS:
        if number >= size:
            value = number / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f}{unit}"
    return str(number)


def footer_state(
    state: AppState, tokens: TokenUsageInfo | None, *, has_extended_keys: bool = False
) -> FooterState:
    """What the line below the composer depends on."""
    from codex_tui.composer.shortcuts import FooterState

    used, left = "", None
    if tokens is not None and not tokens.total_token_usage.is_zero:
        used = short_count(tokens.total_token_usage.blended_total)
        if tokens.model_context_window is not None:
            left = tokens.last_token_usage.percent_of_context_window_remaining(tokens.model_context_window)
    return FooterState(
        has_extended_keys=has_extended_keys,
        is_running=state.is_running,
        is_interrupt_hinted=state.hint is Hint.INTERRUPT_OR_QUIT,
        is_backtrack_primed=state.hint is Hint.EDIT_PREVIOUS,
        tokens_used=used,
        context_left_percent=left,
    )
