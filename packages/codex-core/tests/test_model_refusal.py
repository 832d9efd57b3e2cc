"""What a refused request means and whether it is sent again (spec: agent.md section 9, D10)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

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
from codex_core.model.refusal import Refusal, judge_refusal
from codex_core.model.response_events import RateLimits, RateLimitWindow

if TYPE_CHECKING:
    from codex_core.errors import ModelError

NOW = 1_000_000.0


def judge(
    status: int, body: object = "", *, headers: dict[str, str] | None = None, plan: str | None = None
) -> Refusal:
    text = body if isinstance(body, str) else json.dumps(body)
    return judge_refusal(status, headers or {}, text, plan=plan, hint="Do this.", now=NOW)


@pytest.mark.parametrize("status", [408, 409, 429, 502, 503, 504, 599])
def test_passing_refusals_are_repeated(status: int) -> None:
    refusal = judge(status)
    assert refusal.may_repeat
    assert refusal.wait is None
    assert isinstance(refusal.error, RetryLimitReached)
    assert refusal.error.status == status


def test_a_500_is_repeated_and_ends_as_high_demand() -> None:
    refusal = judge(500)
    assert refusal.may_repeat
    assert isinstance(refusal.error, HighDemand)


def test_a_500_that_says_why_is_passed_on() -> None:
    text = str(judge(500, {"error": {"code": 500, "message": "Failed to parse messages"}}).error)
    assert text.startswith("We're currently experiencing high demand")
    assert text.endswith("The server says: Failed to parse messages")


def test_the_time_of_the_reset_may_be_given_instead_of_the_seconds() -> None:
    error = {"type": "usage_limit_reached", "plan_type": "pro", "resets_at": int(NOW) + 3_600}
    assert str(judge(429, {"error": error}).error) == "You've hit your usage limit. Try again in 1 hour."
    past = {"type": "usage_limit_reached", "resets_at": 5}
    assert str(judge(429, {"error": past}).error).endswith("in less than a minute.")


def test_a_usage_limit_carries_what_the_headers_say_about_it() -> None:
    headers = {"x-codex-primary-used-percent": "100", "x-codex-primary-window-minutes": "300"}
    error = judge(429, {"error": {"type": "usage_limit_reached"}}, headers=headers).error
    assert isinstance(error, UsageLimitReached)
    assert error.rate_limits == RateLimits(primary=RateLimitWindow(100.0, 300))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (
            500,
            "Jinja Exception: After the optional system message, conversation roles must alternate user and",
        ),
        (422, "chat messages must alternate roles between 'user' and 'assistant'."),
    ],
)
def test_a_template_that_takes_no_two_messages_in_a_row_is_understood(status: int, text: str) -> None:
    refusal = judge(status, {"error": {"message": text}})
    assert refusal.wants_alternation
    assert not refusal.may_repeat
    assert not judge(status, {"error": {"message": "no"}}).wants_alternation


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            500,
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        ),
        (400, "tiny is not a multimodal model"),
        (400, "At most 0 image(s) may be provided in one prompt."),
        (404, "No endpoints found that support image input"),
        (400, "Model does not support images. Please use a model that does."),
    ],
)
def test_a_model_that_takes_no_images_is_understood(status: int, text: str) -> None:
    refusal = judge(status, {"error": {"message": text}})
    assert refusal.refuses_images
    assert not refusal.may_repeat
    assert not judge(status, {"error": {"message": "no such image file"}}).refuses_images


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Context size has been exceeded."},
        {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400},
        {"detail": "The prompt is longer than the model's context length."},
        {"error": "The number of tokens to keep is greater than the context length."},
        {"error": {"message": "prompt is too long: 250000 tokens > 200000 maximum"}},
    ],
)
def test_servers_say_in_many_words_that_the_conversation_is_too_long(body: dict[str, object]) -> None:
    refusal = judge(400, body)
    assert not refusal.may_repeat
    assert type(refusal.error) is ContextWindowExceeded
    assert "The server says:" in str(refusal.error)


@pytest.mark.parametrize("status", [300, 307, 400, 402, 403, 404, 405, 413, 422])
def test_other_refusals_are_final_and_show_the_body(status: int) -> None:
    refusal = judge(status, "no such model")
    assert not refusal.may_repeat
    assert type(refusal.error) is UnexpectedStatus
    assert str(refusal.error).endswith(": no such model")


def test_a_refused_credential_comes_with_advice() -> None:
    refusal = judge(401, "bad key")
    assert not refusal.may_repeat
    assert isinstance(refusal.error, Unauthorized)
    assert str(refusal.error) == "unexpected status 401 Unauthorized: bad key\nDo this."


def test_retry_after_is_the_wait() -> None:
    assert judge(429, headers={"retry-after": "3"}).wait == 3
    assert judge(503, headers={"retry-after": "0"}).wait == 0


def test_a_long_wait_is_left_to_the_turn_which_announces_it() -> None:
    refusal = judge(429, headers={"retry-after": "3600"})
    assert not refusal.may_repeat
    assert isinstance(refusal.error, RetryLimitReached)
    assert refusal.error.retryable
    assert refusal.error.retry_after == 3600


def test_a_usage_limit_is_final_and_told_by_the_plan_of_the_body() -> None:
    error = {"type": "usage_limit_reached", "plan_type": "plus", "resets_in_seconds": 90061}
    refusal = judge(429, {"error": error}, plan="free")
    assert not refusal.may_repeat
    assert isinstance(refusal.error, UsageLimitReached)
    assert (refusal.error.plan, refusal.error.resets_in_seconds) == ("plus", 90061)


def test_a_usage_limit_without_plan_is_told_by_the_plan_of_the_login() -> None:
    refusal = judge(429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": True}}, plan="team")
    assert isinstance(refusal.error, UsageLimitReached)
    assert (refusal.error.plan, refusal.error.resets_in_seconds) == ("team", None)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"type": "usage_not_included"}, UsageNotIncluded),
        (429, {"code": "insufficient_quota", "message": "Pay."}, QuotaExceeded),
        (429, {"type": "insufficient_quota"}, QuotaExceeded),
        (400, {"code": "context_length_exceeded", "message": "Too long."}, ContextWindowExceeded),
        (400, {"type": "exceed_context_size_error", "code": 400, "message": "x"}, ContextWindowExceeded),
        (
            400,
            {"message": "This model's maximum context length is 8192 tokens.", "code": None},
            ContextWindowExceeded,
        ),
        (400, {"message": "request exceeds the available context size"}, ContextWindowExceeded),
        (400, {"message": "Your input exceeds the context window of this model."}, ContextWindowExceeded),
    ],
)
def test_what_more_tries_cannot_change_is_said_in_plain_words(
    status: int, error: dict[str, object], kind: type[ModelError]
) -> None:
    refusal = judge(status, {"error": error})
    assert not refusal.may_repeat
    assert type(refusal.error) is kind
    assert not refusal.error.retryable


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", '{"error": 5}', '{"error": {"code": ["x"]}}', '"x"', "[" * 100_000]
)
def test_any_body_can_be_judged(body: str) -> None:
    assert judge(429, body).may_repeat
    assert not judge(400, body).may_repeat
