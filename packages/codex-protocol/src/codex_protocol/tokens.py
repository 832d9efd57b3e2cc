"""How many tokens were used, added up over a session, and what that leaves of the context window.

Formulas: spec protocol.md section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.base import WireModel
from codex_protocol.fields import Uint

if TYPE_CHECKING:
    from collections.abc import Mapping

BASELINE_TOKENS = 12_000
"""What the fixed part of every request takes; not counted against the user."""


class TokenUsage(WireModel):
    """Tokens of one answer, or of many added up."""

    input_tokens: Uint
    cached_input_tokens: Uint
    output_tokens: Uint
    reasoning_output_tokens: Uint
    total_tokens: Uint

    @classmethod
    def zero(cls) -> TokenUsage:
        """No tokens at all."""
        return cls(
            input_tokens=0, cached_input_tokens=0, output_tokens=0, reasoning_output_tokens=0, total_tokens=0
        )

    @property
    def is_zero(self) -> bool:
        """Whether nothing was used."""
        return self.total_tokens == 0

    @property
    def non_cached_input(self) -> int:
        """Input tokens that were not served from the provider's cache."""
        return max(0, self.input_tokens - self.cached_input_tokens)

    @property
    def blended_total(self) -> int:
        """What users are shown: input that was not cached, and output."""
        return self.non_cached_input + self.output_tokens

    @property
    def tokens_in_context_window(self) -> int:
        """What stays in the model's window: everything but the reasoning, which is dropped."""
        return max(0, self.total_tokens - self.reasoning_output_tokens)

    def percent_of_context_window_remaining(self, context_window: int) -> int:
        """Whole percent of the window, beyond its fixed part, that is still free: 0 to 100."""
        if context_window <= BASELINE_TOKENS:
            return 0
        effective = context_window - BASELINE_TOKENS
        used = max(0, self.tokens_in_context_window - BASELINE_TOKENS)
        # Whole-number division: in 64-bit floats 29/100*100 would come out as 28.
        return max(0, effective - used) * 100 // effective

    def plus(self, other: TokenUsage) -> TokenUsage:
        """Both, field by field."""
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_output_tokens=self.reasoning_output_tokens + other.reasoning_output_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
        )

    def summary(self, locale: str = "en_US") -> str:
        """The line that ends an interactive session, with numbers as readers of `locale` expect them."""
        from codex_protocol.number_format import with_separators

        def shown(number: int) -> str:
            return with_separators(number, locale)

        cached = f" (+ {shown(self.cached_input_tokens)} cached)" if self.cached_input_tokens else ""
        reasoning = (
            f" (reasoning {shown(self.reasoning_output_tokens)})" if self.reasoning_output_tokens else ""
        )
        return (
            f"Token usage: total={shown(self.blended_total)} input={shown(self.non_cached_input)}{cached} "
            f"output={shown(self.output_tokens)}{reasoning}"
        )


def from_responses_usage(usage: Mapping[str, object]) -> TokenUsage:
    """The `usage` object of a Responses API answer in our terms; absent details count as 0.

    Raises:
        ProtocolError: when one of the three totals is missing or is no unsigned integer.
    """
    return TokenUsage.from_wire(
        {
            **{key: usage[key] for key in ("input_tokens", "output_tokens", "total_tokens") if key in usage},
            "cached_input_tokens": _detail(usage.get("input_tokens_details"), "cached_tokens"),
            "reasoning_output_tokens": _detail(usage.get("output_tokens_details"), "reasoning_tokens"),
        }
    )


def _detail(details: object, key: str) -> object:
    return details.get(key, 0) if isinstance(details, dict) else 0


class TokenUsageInfo(WireModel):
    """Tokens of the session so far, of its last answer, and the size of the model's window."""

    total_token_usage: TokenUsage
    last_token_usage: TokenUsage
    model_context_window: Uint | None = None

    @classmethod
    def updated(
        cls, prev: TokenUsageInfo | None, usage: TokenUsage | None, window: int | None
    ) -> TokenUsageInfo | None:
        """The info after an answer that used `usage`; None while nothing has ever been reported.

        The window is taken when the info is first made and kept from then on.
        """
        if usage is None:
            return prev
        if prev is None:
            prev = cls(
                total_token_usage=TokenUsage.zero(), last_token_usage=usage, model_context_window=window
            )
        return cls(
            total_token_usage=prev.total_token_usage.plus(usage),
            last_token_usage=usage,
            model_context_window=prev.model_context_window,
        )
