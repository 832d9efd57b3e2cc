"""How much of a plan's allowance is used, as response headers tell it (spec: agent.md section 26).

No I/O: headers in, a `RateLimits` event out.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from codex_core.model.response_events import Credits, RateLimits, RateLimitWindow

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "x-codex-"
_WHOLE_NUMBER = re.compile(r"[0-9]{1,12}")


def rate_limits_in(headers: Mapping[str, str]) -> RateLimits | None:
    """What the headers of one response say about limits; None when they say nothing.

    A value that cannot be read is as if it were not there. `headers` must ignore the case of names.
    """
    limits = RateLimits(
        primary=_window(headers, "primary"),
        secondary=_window(headers, "secondary"),
        credits=_credits(headers),
    )
    return None if limits == RateLimits() else limits


def _window(headers: Mapping[str, str], name: str) -> RateLimitWindow | None:
    used = _percent(headers.get(f"{_PREFIX}{name}-used-percent"))
    if used is None:
        return None
    minutes = _number(headers.get(f"{_PREFIX}{name}-window-minutes"))
    resets_at = _number(headers.get(f"{_PREFIX}{name}-reset-at"))
    if not used and not minutes and resets_at is None:
        return None  # zeros stand for a limit that the account does not have
    return RateLimitWindow(used, minutes, resets_at)


def _credits(headers: Mapping[str, str]) -> Credits | None:
    has_credits = _flag(headers.get(f"{_PREFIX}credits-has-credits"))
    unlimited = _flag(headers.get(f"{_PREFIX}credits-unlimited"))
    if has_credits is None or unlimited is None:
        return None
    return Credits(has_credits, unlimited, (headers.get(f"{_PREFIX}credits-balance") or "").strip() or None)


def _percent(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(value: str | None) -> int | None:
    value = (value or "").strip()
    return int(value) if _WHOLE_NUMBER.fullmatch(value) else None


def _flag(value: str | None) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get((value or "").strip().lower())
