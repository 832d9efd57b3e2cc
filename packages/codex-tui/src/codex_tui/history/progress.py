"""What shows that something is going on (spec: tui.md section 4)."""

from __future__ import annotations

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10


def spinner(seconds: float) -> str:
    """The frame of the spinner, that many seconds after its start."""
    return _FRAMES[int(max(0.0, seconds) * _FRAMES_PER_SECOND) % len(_FRAMES)]


def elapsed_text(seconds: float) -> str:
    """`12s`, `1m 00s`, `1h 00m 00s`."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m {rest:02d}s"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"
