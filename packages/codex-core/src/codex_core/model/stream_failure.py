"""What an error reported inside a stream means, on either wire.

Spec: agent.md sections 9 and 26, "Stream end".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model.errors import (
    ContextWindowExceeded,
    QuotaExceeded,
    RequestRefused,
    StreamDisconnected,
    UsageNotIncluded,
)
from codex_core.model.event_data import text
from codex_core.model.retry import delay_in_text

if TYPE_CHECKING:
    from codex_core.errors import ModelError


def stream_failure(error: dict[str, object]) -> ModelError:
    """The error that an `error` object with `code` (or `type`) and `message` stands for."""
    code = text(error.get("code")) or text(error.get("type")) or ""
    message = text(error.get("message"))
    match code:
        case "context_length_exceeded" | "exceed_context_size_error":
            return ContextWindowExceeded(message)
        case "insufficient_quota":
            return QuotaExceeded(message)
        case "usage_not_included":
            return UsageNotIncluded()
        case "invalid_prompt":
            return RequestRefused(message or "the model's provider refused this input")
        case _:
            delay = delay_in_text(message) if message and code == "rate_limit_exceeded" else None
            return StreamDisconnected(message or "response.failed event received", retry_after=delay)
