"""What an HTTP status other than success means: which error it is, and whether to send the request again.

No I/O: status, headers and body in, verdict out (spec: agent.md sections 9, 25 D10 and 26 "Stream end").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.model.errors import (
    ContextWindowExceeded,
    HighDemand,
    QuotaExceeded,
    RetryLimitReached,
    Unauthorized,
    UnexpectedStatus,
    UsageLimitReached,
    UsageNotIncluded,
)
from codex_core.model.retry import MAX_SILENT_WAIT_S, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.errors import ModelError

_PASSING_STATUSES = frozenset({408, 409, 429})
_OVERFLOW_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
# Servers that only say it in words: OpenAI's own chat wire, vLLM, llama.cpp, Azure.
_OVERFLOW_WORDS = re.compile(
    r"maximum context length|exceeds the (?:model's |available )?context", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request."""

    error: ModelError
    """To be raised, at once or when the retries are used up."""
    may_repeat: bool
    """Whether the same request may simply be sent again."""
    wait: float | None = None
    """Seconds the server asks us to wait before that; None when it does not say."""


def judge_refusal(
    status: int, headers: Mapping[str, str], body: str, *, plan: str | None, hint: str | None = None
) -> Refusal:
    """The verdict on a response that is no success.

    `plan` is the plan of the login in use; `hint` is what to tell the user when the credential is refused.
    """
    problem = _problem(body)
    words = {problem.get("type"), problem.get("code")}
    message = problem.get("message")
    message = message if isinstance(message, str) else None
    if status == 429:
        if "usage_limit_reached" in words:
            return Refusal(_usage_limit(problem, plan), may_repeat=False)
        if "usage_not_included" in words:
            return Refusal(UsageNotIncluded(), may_repeat=False)
        if "insufficient_quota" in words:
            return Refusal(QuotaExceeded(message), may_repeat=False)
    if status in {400, 413} and (words & _OVERFLOW_CODES or _OVERFLOW_WORDS.search(message or body)):
        return Refusal(ContextWindowExceeded(message), may_repeat=False)
    if status == 401:
        return Refusal(Unauthorized(status, body, hint=hint), may_repeat=False)
    if status in _PASSING_STATUSES or status >= 500:
        wait = retry_after(headers.get("retry-after"))
        error = HighDemand() if status == 500 else RetryLimitReached(status, retry_after=wait)
        # A long wait is the turn's to announce; the error carries it there.
        return Refusal(error, may_repeat=wait is None or wait <= MAX_SILENT_WAIT_S, wait=wait)
    return Refusal(UnexpectedStatus(status, body), may_repeat=False)


def _problem(body: str) -> dict[str, object]:
    """The `error` object of a JSON body; empty when there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, str):
        return {"message": error}
    # A code or type that is no string (llama.cpp repeats the status) could not be looked up in a set.
    return (
        {k: v for k, v in error.items() if not isinstance(v, (list, dict))} if isinstance(error, dict) else {}
    )


def _usage_limit(problem: Mapping[str, object], plan: str | None) -> UsageLimitReached:
    named = problem.get("plan_type")
    seconds = problem.get("resets_in_seconds")
    known = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return UsageLimitReached(
        named if isinstance(named, str) and named else plan,
        float(seconds) if known and isinstance(seconds, (int, float)) else None,
    )
