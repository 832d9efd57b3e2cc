"""What one request asks: the instructions, the items so far and the tools; and with which settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.model.families import ModelFamily
    from codex_core.model.tool_spec import ToolSpec
    from codex_protocol.config_types import ReasoningEffort, ReasoningSummary, Verbosity
    from codex_protocol.items import ResponseItem

DEFAULT_REASONING_FIELD = "reasoning"
"""Of a message on the Chat Completions wire (spec: agent.md section 24)."""
OUTPUT_SCHEMA_NAME = "codex_output_schema"
"""What requests call the schema of the final message."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The content of one model request."""

    instructions: str
    input: tuple[ResponseItem, ...]
    """Every item the model is to see, in order; each call with its output."""
    tools: tuple[ToolSpec, ...] = ()
    parallel_tool_calls: bool = False
    output_schema: Mapping[str, object] | None = None
    """JSON Schema that the final message must fit; None leaves it free."""


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """The rest of a request's body: which model, how hard it is to think, whose cache it uses."""

    model: str
    family: ModelFamily
    conversation_id: str
    effort: ReasoningEffort | None = None
    summary: ReasoningSummary | None = None
    verbosity: Verbosity | None = None
    reasoning_field: str = DEFAULT_REASONING_FIELD
    """The name that reasoning goes by in chat messages; the server's own, once it has used one."""
    alternates: bool = False
    """Whether what the user says in a row goes out as one chat message, as some models demand."""
    store: bool = False
    """Whether the server keeps the answer and items are sent back with their ids (Azure demands both)."""
