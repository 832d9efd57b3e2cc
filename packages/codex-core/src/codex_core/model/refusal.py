"""What an HTTP status other than success means: which error it is, and whether to send the request again.

No I/O: status, headers and body in, verdict out (spec: agent.md sections 9, 25 D10 and 26 "Stream end").
"""

from __future__ import annotations

import json
import math
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
from codex_core.model.overflow import is_overflow
from codex_core.model.rate_limits import rate_limits_in
from codex_core.model.retry import MAX_SILENT_WAIT_S, PASSING_STATUSES, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.errors import ModelError


# Of the chat templates of Mistral's and Google's models, passed on by llama.cpp, vLLM and others.
_ALTERNATION_WORDS = re.compile(r"roles must alternate|must alternate roles", re.IGNORECASE)

# llama.cpp, vLLM (two ways), OpenRouter, Ollama and LM Studio.
_IMAGE_WORDS = re.compile(
    r"image input is not supported"
    r"|not a multimodal model"
    r"|at most 0 image"
    r"|no endpoints found that support image input"
    r"|does ?n[o']t support (?:image|vision)"
    r"|missing data required for image input",
    re.IGNORECASE,
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
    wants_alternation: bool = False
    """Whether the model's chat template takes no two messages of the user in a row."""
    refuses_images: bool = False
    """Whether the model takes no images."""


def judge_refusal(
    status: int,
    headers: Mapping[str, str],
    body: str,
    *,
    plan: str | None,
    hint: str | None = None,
    now: float = 0.0,
) -> Refusal:
    """The verdict on a response that is no success.

    `plan` is the plan of the login in use; `hint` is what to tell the user when the credential is refused;
    `now` is the time in seconds since 1970 UTC.
    """
    problem = _problem(body)
    words = {problem.get("type"), problem.get("code")}
    message = problem.get("message")
    message = message if isinstance(message, str) else None
    if status == 429:
        if "usage_limit_reached" in words:
            return Refusal(_usage_limit(problem, plan, headers, now), may_repeat=False)
        if "usage_not_included" in words:
            return Refusal(UsageNotIncluded(), may_repeat=False)
        if "insufficient_quota" in words:
            return Refusal(QuotaExceeded(message), may_repeat=False)
    if status in {400, 413, 422, 500} and is_overflow(words, message or body):
        return Refusal(ContextWindowExceeded(message), may_repeat=False)
    if status in {400, 422, 500} and _ALTERNATION_WORDS.search(message or body):
        return Refusal(UnexpectedStatus(status, body), may_repeat=False, wants_alternation=True)
    if status in {400, 404, 422, 500} and _IMAGE_WORDS.search(message or body):
        return Refusal(UnexpectedStatus(status, body), may_repeat=False, refuses_images=True)
    if status == 401:
        return Refusal(Unauthorized(status, body, hint=hint), may_repeat=False)
    if status in PASSING_STATUSES or status >= 500:
        wait = retry_after(headers.get("retry-after"))
        error = HighDemand(message) if status == 500 else RetryLimitReached(status, retry_after=wait)
        # A long wait is the turn's to announce; the error carries it there.
        return Refusal(error, may_repeat=wait is None or wait <= MAX_SILENT_WAIT_S, wait=wait)
    return Refusal(UnexpectedStatus(status, body), may_repeat=False)


def _problem(body: str) -> dict[str, object]:
    """What a JSON body says is wrong: its `error`, or the body itself; empty when it says nothing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    # OpenAI's form, then those of servers that put the fields, or one sentence, at the top.
    error = document.get("error") or (document if "message" in document else document.get("detail"))
    if isinstance(error, str):
        return {"message": error}
    # A code or type that is no string (llama.cpp repeats the status) could not be looked up in a set.
    return (
        {k: v for k, v in error.items() if not isinstance(v, (list, dict))} if isinstance(error, dict) else {}
    )


def _usage_limit(
    problem: Mapping[str, object], plan: str | None, headers: Mapping[str, str], now: float
) -> UsageLimitReached:
    named = problem.get("plan_type")
    seconds = _seconds(problem.get("resets_in_seconds"))
    if seconds is None and (resets_at := _seconds(problem.get("resets_at"))) is not None:
        seconds = max(0.0, resets_at - now)
    return UsageLimitReached(
        named if isinstance(named, str) and named else plan, seconds, rate_limits_in(headers)
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
