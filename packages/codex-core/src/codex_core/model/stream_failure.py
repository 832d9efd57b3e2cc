"""What an error reported inside a stream means, on either wire.

Spec: agent.md sections 9 and 26, "Stream end".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model.errors import (
    ContextWindowExceeded,
    QuotaExceeded,
    RequestRefused,
    ServerOverloaded,
    StreamDisconnected,
    UsageLimitReached,
    UsageNotIncluded,
)
from codex_core.model.event_data import text
from codex_core.model.overflow import is_overflow
from codex_core.model.retry import PASSING_STATUSES, delay_in_text

if TYPE_CHECKING:
    from codex_core.errors import ModelError


def stream_failure(error: dict[str, object]) -> ModelError:
    """The error that an `error` object with `code` (or `type`) and `message` stands for."""
    code = text(error.get("code")) or text(error.get("type")) or ""
    message = text(error.get("message"))
    if is_overflow({code, error.get("type")} if text(error.get("type")) else {code}, message or ""):
        return ContextWindowExceeded(message)
    match code:
        case "insufficient_quota":
            return QuotaExceeded(message)
        case "usage_not_included":
            return UsageNotIncluded()
        case "usage_limit_reached":
            return UsageLimitReached(text(error.get("plan_type")), None)
        case "server_is_overloaded" | "slow_down":
            return ServerOverloaded(message)
        case "invalid_prompt":
            return RequestRefused(message or "the model's provider refused this input")
    status = error.get("code")
    if isinstance(status, int) and 400 <= status < 500 and status not in PASSING_STATUSES:
        # Chat servers report an HTTP status here once the head of the answer is out.
        return RequestRefused(message or f"the server refused this input ({status})")
    delay = delay_in_text(message) if message and code == "rate_limit_exceeded" else None
    return StreamDisconnected(message or "response.failed event received", retry_after=delay)
