"""The other tools: those of MCP servers, the model's own web search, the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic_core import core_schema

from codex_protocol.base import WireModel, as_object
from codex_protocol.errors import ProtocolError
from codex_protocol.events.duration import Duration
from codex_protocol.events.model import EventModel
from codex_protocol.jsonio import describe
from codex_protocol.plan import PlanItemArg

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

    from codex_protocol.mcp_types import CallToolResult
    from codex_protocol.shapes import Shape


class McpInvocation(WireModel):
    """Which tool of which MCP server is called, with what."""

    server: str
    tool: str
    arguments: object = None


class McpToolCallBeginEvent(EventModel):
    """A tool of an MCP server is being called."""

    type: Literal["mcp_tool_call_begin"] = "mcp_tool_call_begin"
    call_id: str
    invocation: McpInvocation


class McpOutcome:
    """Marks a field that holds a tool's result, or the text of why there is none.

    On the wire `{"Ok": result}` or `{"Err": text}`.
    """

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_outcome,
            serialization=core_schema.plain_serializer_function_ser_schema(_write_outcome, when_used="json"),
        )

    def wire_shape(self) -> Shape:
        """How the two look."""
        from codex_protocol.mcp_types import CallToolResult
        from codex_protocol.shapes import Either, Member, Named, Object, Text

        return Either((Object((Member("Ok", Named(CallToolResult)),)), Object((Member("Err", Text()),))))


def _read_outcome(value: object) -> CallToolResult | str:
    if isinstance(value, str):
        return value
    from codex_protocol.mcp_types import CallToolResult

    if isinstance(value, CallToolResult):
        return value

    match as_object(value, "a map with the single key `Ok` or `Err`"):
        case {"Ok": result, **rest} if not rest:
            return CallToolResult.from_wire(as_object(result, "a tool result"))
        case {"Err": str(text), **rest} if not rest:
            return text
        case _:
            raise ProtocolError(f"invalid value: {describe(value)}, expected `Ok` or `Err`")


def _write_outcome(value: CallToolResult | str) -> dict[str, object]:
    return {"Err": value} if isinstance(value, str) else {"Ok": value.to_wire()}


if TYPE_CHECKING:
    McpResult: TypeAlias = CallToolResult | str
else:
    McpResult = Annotated[object, McpOutcome()]


class McpToolCallEndEvent(EventModel):
    """A tool of an MCP server has answered; `result` is text when the call itself failed."""

    type: Literal["mcp_tool_call_end"] = "mcp_tool_call_end"
    call_id: str
    invocation: McpInvocation
    duration: Duration
    result: McpResult

    @property
    def is_success(self) -> bool:
        """Whether the tool answered and did not call its answer an error."""
        return not isinstance(self.result, str) and not self.result.is_error


class WebSearchBeginEvent(EventModel):
    """The model's own search tool starts."""

    type: Literal["web_search_begin"] = "web_search_begin"
    call_id: str


class WebSearchEndEvent(EventModel):
    """The model's own search tool has searched."""

    type: Literal["web_search_end"] = "web_search_end"
    call_id: str
    query: str


class PlanUpdateEvent(EventModel):
    """The model's plan as it stands now."""

    type: Literal["plan_update"] = "plan_update"
    explanation: str | None = None
    plan: tuple[PlanItemArg, ...]
