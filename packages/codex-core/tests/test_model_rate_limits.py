"""What response headers say about a plan's allowances (spec: agent.md section 26)."""

from __future__ import annotations

import httpx
import pytest

from codex_core.model.rate_limits import rate_limits_in
from codex_core.model.response_events import Credits, RateLimits, RateLimitWindow

FULL = {
    "X-Codex-Primary-Used-Percent": "12.5",
    "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": "1800000000",
    "x-codex-secondary-used-percent": "4",
    "x-codex-credits-has-credits": "true",
    "x-codex-credits-unlimited": "False",
    "x-codex-credits-balance": "9.99",
}


def test_both_windows_and_the_credits_are_read() -> None:
    limits = rate_limits_in(httpx.Headers(FULL))
    assert limits == RateLimits(
        RateLimitWindow(12.5, 300, 1_800_000_000), RateLimitWindow(4.0), Credits(True, False, "9.99")
    )
    assert limits.to_wire() == {
        "primary": {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1_800_000_000},
        "secondary": {"used_percent": 4.0, "window_minutes": None, "resets_at": None},
        "credits": {"has_credits": True, "unlimited": False, "balance": "9.99"},
    }


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/event-stream"},
        {"x-codex-primary-used-percent": "nan"},
        {"x-codex-primary-used-percent": "lots"},
        {"x-codex-primary-used-percent": "0", "x-codex-primary-window-minutes": "0"},
        {"x-codex-credits-has-credits": "maybe", "x-codex-credits-unlimited": "false"},
    ],
)
def test_headers_that_say_nothing_are_no_limits(headers: dict[str, str]) -> None:
    assert rate_limits_in(httpx.Headers(headers)) is None


def test_a_broken_detail_does_not_cost_the_rest() -> None:
    headers = {**FULL, "x-codex-primary-reset-at": "tomorrow", "x-codex-credits-balance": " "}
    limits = rate_limits_in(httpx.Headers(headers))
    assert limits is not None
    assert limits.primary == RateLimitWindow(12.5, 300)
    assert limits.credits == Credits(True, False)
