"""Telling that a conversation no longer fits into a model, whoever serves it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
# Servers that only say it in words: OpenAI's own chat wire, Azure, vLLM, llama.cpp, LM Studio, SGLang,
# Ollama, and gateways to Claude and Gemini.
_WORDS = re.compile(
    r"maximum context length"
    r"|exceeds? the (?:model's |model |available )?(?:maximum )?context"
    r"|(?:greater|longer) than the (?:model's )?context length"
    r"|context (?:the )?overflows"
    r"|context size has been exceeded"
    r"|prompt is too long"
    r"|exceeds the maximum number of tokens",
    re.IGNORECASE,
)


def is_overflow(codes: AbstractSet[object], message: str) -> bool:
    """Whether an error with one of these codes, or with this message, says that the input is too long."""
    return bool(codes & _CODES) or _WORDS.search(message) is not None
