"""One-shot signals and gates for tests; they live in `codex_core.model.scripted.signals`."""

from __future__ import annotations

from codex_core.model.scripted.signals import (
    Counter,
    Gate,
    Signal,
)

__all__ = [
    "Counter",
    "Gate",
    "Signal",
]
