"""How long to wait before asking again, and how to say so (spec: agent.md section 9)."""

from __future__ import annotations

import re

BACKOFF_BASE_MS = 200
MAX_SILENT_WAIT_S = 60.0
"""A server that asks for more patience than this is not waited for in silence: the turn says so."""
PASSING_STATUSES = frozenset({408, 409, 429})
"""Statuses below 500 after which the same request may succeed (spec: agent.md section 25, D10)."""

_WHOLE_SECONDS = re.compile(r"[0-9]{1,9}")
_DELAY_IN_TEXT = re.compile(
    r"please try again in (\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|seconds?)\b", re.IGNORECASE
)


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before try number `attempt` (1, 2, …) is repeated; `jitter` is a factor near 1.

    200 ms, doubled each time, cut to whole milliseconds.
    """
    return int(BACKOFF_BASE_MS * 2 ** (attempt - 1) * jitter) / 1000


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for; None without one, and for the form with a date."""
    if header is None or not _WHOLE_SECONDS.fullmatch(header.strip()):
        return None
    return float(header.strip())


def delay_in_text(message: str) -> float | None:
    """Seconds that a sentence such as `Please try again in 1.5s.` asks for; None if it asks for nothing."""
    match = _DELAY_IN_TEXT.search(message)
    if match is None:
        return None
    amount = float(match[1])
    return amount / 1000 if match[2].lower().startswith("m") else amount


def format_delay(seconds: float) -> str:
    """A delay for people: `196ms`, `1.5ms`, `1.5s`, `2s`; at most nanoseconds, no trailing zeros."""
    nanoseconds = round(seconds * 1_000_000_000)
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)):
        if nanoseconds >= size:
            whole, part = divmod(nanoseconds, size)
            digits = str(part).rjust(len(str(size)) - 1, "0").rstrip("0")
            return f"{whole}.{digits}{unit}" if digits else f"{whole}{unit}"
    return f"{nanoseconds}ns"


def retry_notice(error: Exception, *, retry: int, limit: int, delay: float) -> str:
    """The sentence that tells a client about a turn being asked again after `error`."""
    return f"stream error: {error}; retrying {retry}/{limit} in {format_delay(delay)}…"
