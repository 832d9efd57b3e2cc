"""Telling a user who looks elsewhere what happened (spec: tui.md section 18.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent

_ANSWER_CHARS = 200
_COMMAND_CHARS = 30
# Terminals known to show OSC 9 as a message; to others it may mean something else, so they get the bell.
_OSC9_PROGRAMS = frozenset({"wezterm", "ghostty", "iterm.app", "kitty"})
_OSC9_TERMS = ("xterm-kitty", "xterm-ghostty", "wezterm")
_MULTIPLEXERS = ("tmux", "screen")


class NotificationKind(StrEnum):
    """What may be told."""

    TURN_COMPLETE = "agent-turn-complete"
    APPROVAL = "approval-requested"


LATER_KINDS = frozenset({"plan-mode-prompt", "user-input-requested"})
"""Kinds of newer releases, for things this one does not ask."""


class Method(StrEnum):
    """How a terminal is made to tell."""

    AUTO = "auto"
    OSC9 = "osc9"
    BELL = "bel"


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """What config.toml says of notifications."""

    kinds: frozenset[NotificationKind] = frozenset(NotificationKind)
    method: Method = Method.AUTO


def uses_osc9(method: Method, environ: Mapping[str, str]) -> bool:
    """Whether a message goes out as OSC 9; else the bell rings."""
    if method is not Method.AUTO:
        return method is Method.OSC9
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith(_MULTIPLEXERS):
        return False
    return environ.get("TERM_PROGRAM", "").lower() in _OSC9_PROGRAMS or term.startswith(_OSC9_TERMS)


class Notifications:
    """Says what happened, in a few words, if the user wants to hear of it.

    `show` shows a message, `ring` rings; whether anybody looks is their business.
    """

    def __init__(
        self,
        settings: NotificationSettings,
        environ: Mapping[str, str],
        *,
        show: Callable[[str], None],
        ring: Callable[[], None],
    ) -> None:
        self._kinds = settings.kinds
        self._is_shown = uses_osc9(settings.method, environ)
        self._show = show
        self._ring = ring

    def turn_complete(self, last_message: str | None) -> None:
        """A turn is over; with the beginning of its answer."""
        self._tell(NotificationKind.TURN_COMPLETE, _short(last_message or "done", _ANSWER_CHARS))

    def approval_wanted(self, request: ExecApprovalRequestEvent | ApplyPatchApprovalRequestEvent) -> None:
        """A turn waits for a decision."""
        from codex_core.presentation import blocks
        from codex_protocol.events import ExecApprovalRequestEvent

        if isinstance(request, ExecApprovalRequestEvent):
            text = f"Approval requested: {_short(blocks.command_text(request.command), _COMMAND_CHARS)}"
        else:
            count = len(request.changes)
            text = f"Codex wants to edit {next(iter(request.changes)) if count == 1 else f'{count} files'}"
        self._tell(NotificationKind.APPROVAL, text)

    def _tell(self, kind: NotificationKind, text: str) -> None:
        if kind not in self._kinds:
            return
        if self._is_shown:
            self._show(text)
        else:
            self._ring()


def _short(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters as people count them."""
    from codex_tui.composer.clusters import split_line

    shown = split_line(" ".join(text[: limit * 16].split())).shown
    return "".join(shown) if len(shown) <= limit else "".join((*shown[: limit - 1], "…"))
