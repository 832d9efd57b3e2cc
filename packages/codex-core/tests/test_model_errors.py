"""The sentences users read when a model does not answer (spec: agent.md section 9)."""

from __future__ import annotations

import pytest

from codex_core.errors import ModelError
from codex_core.model import errors
from codex_core.model.errors import (
    ConnectionFailed,
    ContextWindowExceeded,
    HighDemand,
    IncompleteAnswer,
    MissingApiKey,
    QuotaExceeded,
    RetryLimitReached,
    StreamDisconnected,
    UnexpectedStatus,
    UsageLimitReached,
    UsageNotIncluded,
    status_line,
)

LIMIT = "You've hit your usage limit."


@pytest.mark.parametrize(
    ("error", "text", "retryable"),
    [
        (
            StreamDisconnected("idle timeout waiting for SSE"),
            "stream disconnected before completion: idle timeout waiting for SSE",
            True,
        ),
        (UnexpectedStatus(400, "no such model"), "unexpected status 400 Bad Request: no such model", False),
        (RetryLimitReached(429), "exceeded retry limit, last status: 429 Too Many Requests", True),
        (
            HighDemand(),
            "We're currently experiencing high demand, which may cause temporary errors.",
            True,
        ),
        (ConnectionFailed("http://h/v1/x"), "error sending request for url (http://h/v1/x)", True),
        (MissingApiKey("KEY", None), "Missing environment variable: `KEY`.", False),
        (MissingApiKey("KEY", "Ask Ann."), "Missing environment variable: `KEY`. Ask Ann.", False),
        (
            UsageNotIncluded(),
            "To use Codex with your ChatGPT plan, upgrade to Plus: https://openai.com/chatgpt/pricing.",
            False,
        ),
    ],
)
def test_texts_and_whether_to_ask_again(error: ModelError, text: str, retryable: bool) -> None:
    assert str(error) == text
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("plan", "seconds", "text"),
    [
        (
            "plus",
            90061,
            f"{LIMIT} Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 1 day 1 hour 1 minute.",
        ),
        ("plus", None, f"{LIMIT} Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again later."),
        (
            "team",
            120,
            f"{LIMIT} To get more access now, send a request to your admin or try again in 2 minutes.",
        ),
        (
            "business",
            None,
            f"{LIMIT} To get more access now, send a request to your admin or try again later.",
        ),
        (
            "free",
            90061,
            "To use Codex with your ChatGPT plan, upgrade to Plus: https://openai.com/chatgpt/pricing.",
        ),
        ("pro", 59, f"{LIMIT} Try again in less than a minute."),
        ("enterprise", 172800, f"{LIMIT} Try again in 2 days."),
        ("something new", 3600, f"{LIMIT} Try again in 1 hour."),
        (None, None, f"{LIMIT} Try again later."),
        (None, 0, f"{LIMIT} Try again in less than a minute."),
    ],
)
def test_a_usage_limit_is_told_by_plan(plan: str | None, seconds: float | None, text: str) -> None:
    assert str(UsageLimitReached(plan, seconds)) == text
    assert not UsageLimitReached(plan, seconds).retryable


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (413, "413 Payload Too Large"),
        (422, "422 Unprocessable Entity"),
        (503, "503 Service Unavailable"),
        (599, "599 <unknown status code>"),
    ],
)
def test_statuses_are_named_the_same_on_every_python(status: int, line: str) -> None:
    assert status_line(status) == line


@pytest.mark.parametrize(
    "error", [ContextWindowExceeded(), QuotaExceeded(), IncompleteAnswer("max_output_tokens")]
)
def test_what_would_fail_again_is_not_asked_again(error: ModelError) -> None:
    assert not error.retryable


def test_the_servers_own_words_are_added() -> None:
    assert str(QuotaExceeded("Pay up.")).endswith(" The server says: Pay up.")
    assert str(ContextWindowExceeded("Too long.")).endswith(" The server says: Too long.")


def test_every_leaf_is_a_model_error_and_in_the_tree_of_the_docstring() -> None:
    leaves = [value for value in vars(errors).values() if isinstance(value, type) and value is not ModelError]
    assert leaves
    for leaf in leaves:
        assert issubclass(leaf, ModelError)
        assert f" {leaf.__name__} " in (errors.__doc__ or "")
