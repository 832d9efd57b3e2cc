"""Token arithmetic, and numbers as people read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_protocol.errors import ProtocolError
from codex_protocol.number_format import in_three_digits, locale_of, with_separators
from codex_protocol.tokens import TokenUsage, TokenUsageInfo, from_responses_usage

DATA = Path(__file__).parent / "data"


def usage(total: int, *, cached: int = 0, output: int = 0, reasoning: int = 0) -> TokenUsage:
    return TokenUsage(
        input_tokens=total - output,
        cached_input_tokens=cached,
        output_tokens=output,
        reasoning_output_tokens=reasoning,
        total_tokens=total,
    )


def test_usage_of_an_answer_counts_absent_details_as_none():
    full = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 20},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 130,
    }
    assert from_responses_usage(full) == usage(130, cached=20, output=30, reasoning=10)
    bare = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": None}
    assert from_responses_usage(bare) == usage(3, output=2)


@pytest.mark.parametrize("broken", [{}, {"input_tokens": 1, "output_tokens": -1, "total_tokens": 0}])
def test_usage_without_its_totals_is_refused(broken):
    with pytest.raises(ProtocolError):
        from_responses_usage(broken)


def test_info_adds_up_and_keeps_the_window_it_was_made_with():
    assert TokenUsageInfo.updated(None, None, 5) is None
    one = TokenUsageInfo.updated(None, usage(10, output=3), 272_000)
    assert one == TokenUsageInfo(
        total_token_usage=usage(10, output=3),
        last_token_usage=usage(10, output=3),
        model_context_window=272_000,
    )
    two = TokenUsageInfo.updated(one, usage(5, output=1, reasoning=1), 128_000)
    assert two == TokenUsageInfo(
        total_token_usage=usage(15, output=4, reasoning=1),
        last_token_usage=usage(5, output=1, reasoning=1),
        model_context_window=272_000,
    )
    assert TokenUsageInfo.updated(two, None, 1) is two


def test_an_unknown_window_is_written_as_null():
    info = TokenUsageInfo.updated(None, TokenUsage.zero(), None)
    assert info is not None
    assert info.to_json().endswith('"total_tokens":0},"model_context_window":null}')


@pytest.mark.parametrize(
    ("in_window", "window", "percent"),
    [
        (0, 272_000, 100),
        (12_000, 272_000, 100),
        (120_000, 272_000, 58),
        (272_000, 272_000, 0),
        (300_000, 272_000, 0),
        (5, 12_000, 0),
        (12_071, 12_100, 29),
    ],
)
def test_percent_left_of_the_window(in_window, window, percent):
    assert usage(in_window).percent_of_context_window_remaining(window) == percent


def test_derived_counts_never_go_below_zero():
    odd = TokenUsage(
        input_tokens=1, cached_input_tokens=5, output_tokens=2, reasoning_output_tokens=9, total_tokens=3
    )
    assert (odd.non_cached_input, odd.blended_total, odd.tokens_in_context_window) == (0, 2, 0)
    assert not odd.is_zero
    assert TokenUsage.zero().is_zero


def test_the_summary_leaves_out_what_is_zero():
    plain = usage(1500, output=500)
    assert plain.summary() == "Token usage: total=1,500 input=1,000 output=500"
    full = usage(12_345, cached=1000, output=2000, reasoning=1500)
    assert full.summary("de_DE") == (
        "Token usage: total=11.345 input=9.345 (+ 1.000 cached) output=2.000 (reasoning 1.500)"
    )


MEASURED = json.loads((DATA / "reference_number_formats.json").read_text())


@pytest.mark.parametrize("locale", MEASURED)
def test_numbers_look_as_the_reference_shows_them_in_that_locale(locale):
    assert [with_separators(1234, locale), with_separators(12_345_678, locale)] == MEASURED[locale]


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("de-DE", "12.345.678"),
        ("DE_de.UTF-8", "12.345.678"),
        ("de_DE@euro", "12.345.678"),
        ("german", "12,345,678"),
    ],
)
def test_locales_are_read_in_the_spellings_systems_use(locale, shown):
    assert with_separators(12_345_678, locale) == shown


@given(st.integers(-(10**18), 10**18))
def test_separators_change_no_digit(number):
    assert int(with_separators(number).replace(",", "")) == number


@pytest.mark.parametrize(
    ("environ", "locale"),
    [
        ({}, "C"),
        ({"LANG": "de_DE"}, "de_DE"),
        ({"LC_NUMERIC": "fr_FR", "LC_CTYPE": "fr_FR"}, "C"),
        ({"LANG": "fr_FR", "LC_MESSAGES": "de_DE"}, "de_DE"),
        ({"LC_MESSAGES": "fr_FR", "LC_ALL": "de_DE"}, "de_DE"),
        ({"LC_ALL": "fr_FR", "LANGUAGE": "de:en"}, "de"),
        ({"LC_ALL": "", "LANG": "de_DE"}, "de_DE"),
    ],
)
def test_the_environment_says_the_locale(environ, locale):
    assert locale_of(environ) == locale


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00K"),
        (9994, "9.99K"),
        (9995, "10.0K"),
        (10_000, "10.0K"),
        (100_000, "100K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (12_345_678, "12.3M"),
        (999_500_000, "1.00G"),
        (1_234_000_000_000, "1,234G"),
    ],
)
def test_large_numbers_have_three_digits(number, shown):
    assert in_three_digits(number) == shown
