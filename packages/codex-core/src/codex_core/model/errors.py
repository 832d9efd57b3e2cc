"""Why the model did not answer, each with the sentence a user reads (spec: agent.md section 9).

ModelError
├── ConnectionFailed         no connection, or it broke before an answer began
├── StreamDisconnected       the answer broke off
├── RetryLimitReached        the server kept refusing with a passing reason (429, 5xx, …)
├── HighDemand               the server kept failing (500)
├── ServerOverloaded         the model has no room for anybody right now
├── UnexpectedStatus         the server refused for good
│   └── Unauthorized         … because of the credential (401)
├── MissingApiKey            the environment variable with the key is not set
├── UsageLimitReached        the ChatGPT plan's allowance is used up
├── UsageNotIncluded         the ChatGPT plan does not include this
├── QuotaExceeded            the API account has no credit left
├── ContextWindowExceeded    the conversation no longer fits into the model
├── RequestRefused           the model's provider will not answer this input
├── IncompleteAnswer         the model stopped in the middle for a reason of its own
├── NotAnEventStream         something answered, but not a model
└── InvalidRequest           the request cannot be sent as configured

`retryable` says whether a turn may ask again; `retry_after` is how long the server wants us to wait, in
seconds, where it said so.
"""

# ruff: noqa: N818 - the names say what happened, as StopIteration does
from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import ModelError

if TYPE_CHECKING:
    from codex_core.model.response_events import RateLimits

PRICING_URL = "https://openai.com/chatgpt/pricing"

# Names as the reference's HTTP library spells them where Python's differ between versions.
_REASONS = {
    413: "Payload Too Large",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}


class ConnectionFailed(ModelError):
    """The server could not be reached, or hung up before it answered; the cause is chained."""

    retryable = True

    def __init__(self, url: str) -> None:
        super().__init__(f"error sending request for url ({url})")
        self.url = url


class StreamDisconnected(ModelError):
    """The answer began but did not reach its end."""

    retryable = True

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"stream disconnected before completion: {detail}")
        self.detail = detail
        self.retry_after = retry_after


class RetryLimitReached(ModelError):
    """Every try of one request met a status that usually passes."""

    retryable = True

    def __init__(self, status: int, *, retry_after: float | None = None) -> None:
        super().__init__(f"exceeded retry limit, last status: {status_line(status)}")
        self.status = status
        self.retry_after = retry_after


class HighDemand(ModelError):
    """The server is there but cannot keep up."""

    retryable = True

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            "We're currently experiencing high demand, which may cause temporary errors." + _quoted(message)
        )


class ServerOverloaded(ModelError):
    """The provider turns requests to this model away until there is room again."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            "The model is overloaded. Try again later, or choose another model." + _quoted(message)
        )


class UnexpectedStatus(ModelError):
    """The server answered with a status that asking again would not change."""

    def __init__(self, status: int, body: str, *, hint: str | None = None) -> None:
        text = f"unexpected status {status_line(status)}: {body}"
        super().__init__(f"{text}\n{hint}" if hint else text)
        self.status = status
        self.body = body


class Unauthorized(UnexpectedStatus):
    """The server does not accept the credential, and it could not be renewed."""


class MissingApiKey(ModelError):
    """The provider takes its key from an environment variable that is unset or blank."""

    def __init__(self, variable: str, instructions: str | None) -> None:
        super().__init__(
            f"Missing environment variable: `{variable}`." + (f" {instructions}" if instructions else "")
        )
        self.variable = variable


class UsageLimitReached(ModelError):
    """The ChatGPT plan's allowance is used up; the sentence depends on the plan."""

    def __init__(
        self, plan: str | None, resets_in_seconds: float | None, rate_limits: RateLimits | None = None
    ) -> None:
        super().__init__(_usage_limit_text(plan, resets_in_seconds))
        self.plan = plan
        self.resets_in_seconds = resets_in_seconds
        self.rate_limits = rate_limits
        """What the refusal's headers told about the allowances."""


class UsageNotIncluded(ModelError):
    """The ChatGPT plan does not include Codex."""

    def __init__(self) -> None:
        super().__init__(f"To use Codex with your ChatGPT plan, upgrade to Plus: {PRICING_URL}.")


class QuotaExceeded(ModelError):
    """The API account has no credit left."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            "The account behind this API key has no quota left. Check its plan and billing details."
            + _quoted(message)
        )


class ContextWindowExceeded(ModelError):
    """The input is longer than the model can take."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            "The conversation no longer fits into the model's context window. Start a new conversation or "
            "shorten this one (/compact) and ask again." + _quoted(message)
        )


class RequestRefused(ModelError):
    """The provider declined this input; the sentence is the provider's."""


class IncompleteAnswer(ModelError):
    """The model ended its answer early, for instance at its output limit."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(f"the model's answer is incomplete: {reason or 'no reason given'}")
        self.reason = reason


class NotAnEventStream(ModelError):
    """The request succeeded, yet what came back is a web page or the like."""

    def __init__(self, url: str, content_type: str) -> None:
        super().__init__(
            f"{url} answered with {content_type} where an event stream was expected; check the provider's "
            "base_url and wire_api"
        )


class InvalidRequest(ModelError):
    """The request cannot be sent as it is configured: a bad URL or header."""


def status_line(status: int) -> str:
    """`429 Too Many Requests`, the way people know statuses."""
    from http import HTTPStatus

    reason = _REASONS.get(status)
    if reason is None:
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = "<unknown status code>"
    return f"{status} {reason}"


def _quoted(message: str | None) -> str:
    return f" The server says: {message}" if message else ""


def _usage_limit_text(plan: str | None, resets_in_seconds: float | None) -> str:
    again = "later" if resets_in_seconds is None else f"in {_time_left(resets_in_seconds)}"
    match (plan or "").lower():
        case "plus":
            return f"You've hit your usage limit. Upgrade to Pro ({PRICING_URL}) or try again {again}."
        case "team" | "business":
            return (
                "You've hit your usage limit. To get more access now, send a request to your admin "
                f"or try again {again}."
            )
        case "free":
            return str(UsageNotIncluded())
        case _:
            return f"You've hit your usage limit. Try again {again}."


def _time_left(seconds: float) -> str:
    minutes = int(seconds) // 60
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    words = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(words) or "less than a minute"
