"""Delays between tries and how they are written."""

from __future__ import annotations

import pytest

from codex_core.model.errors import StreamDisconnected
from codex_core.model.retry import backoff, delay_in_text, format_delay, retry_after, retry_notice


@pytest.mark.parametrize(
    ("attempt", "jitter", "seconds"),
    [(1, 1.0, 0.2), (2, 1.0, 0.4), (5, 1.0, 3.2), (1, 0.9, 0.18), (1, 1.0999, 0.219), (12, 1.0, 409.6)],
)
def test_backoff_doubles_and_is_cut_to_milliseconds(attempt: int, jitter: float, seconds: float) -> None:
    assert backoff(attempt, jitter) == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0), ("1", 1), (" 30 ", 30), ("1.5", None), ("-1", None), ("", None), (None, None), ("٣", None)],
)
def test_retry_after_counts_whole_seconds_only(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_as_a_date_is_ignored() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") is None


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 250ms.", 0.25),
        ("Please try again in 1.898s. Visit x", 1.898),
        ("please try again in 12s", 12),
        ("Please try again in 1 second.", 1),
        ("Please try again in 2.5 seconds.", 2.5),
        ("Please try again in 20 milliseconds", 0.02),
        ("Please try again in a while.", None),
        ("Please try again in 3 sheep.", None),
        ("", None),
    ],
)
def test_a_delay_is_found_in_the_words_of_the_server(message: str, seconds: float | None) -> None:
    assert delay_in_text(message) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.196, "196ms"),
        (0.2, "200ms"),
        (0.0015, "1.5ms"),
        (1.5, "1.5s"),
        (2, "2s"),
        (1.898, "1.898s"),
        (90.25, "90.25s"),
        (0, "0ns"),
        (0.000001, "1µs"),
    ],
)
def test_delays_are_written_without_trailing_zeros(seconds: float, text: str) -> None:
    assert format_delay(seconds) == text


def test_a_retry_is_announced_with_its_number_and_delay() -> None:
    notice = retry_notice(StreamDisconnected("Rate limit reached."), retry=2, limit=5, delay=0.25)
    assert notice == (
        "stream error: stream disconnected before completion: Rate limit reached.; retrying 2/5 in 250ms…"
    )
