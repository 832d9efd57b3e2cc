"""What one request asks: the instructions, the items so far and the tools; and with which settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.families import ModelFamily
    from codex_core.model.tool_spec import ToolSpec
    from codex_protocol.config_types import ReasoningEffort, ReasoningSummary, Verbosity
    from codex_protocol.items import ResponseItem


@dataclass(frozen=True, slots=True)
class Prompt:
    """The content of one model request."""

    instructions: str
    input: tuple[ResponseItem, ...]
    """Every item the model is to see, in order; each call with its output."""
    tools: tuple[ToolSpec, ...] = ()
    parallel_tool_calls: bool = False


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """The rest of a request's body: which model, how hard it is to think, whose cache it uses."""

    model: str
    family: ModelFamily
    conversation_id: str
    effort: ReasoningEffort | None = None
    summary: ReasoningSummary | None = None
    verbosity: Verbosity | None = None
    store: bool = False
    """Whether the server keeps the answer and items are sent back with their ids (Azure demands both)."""
