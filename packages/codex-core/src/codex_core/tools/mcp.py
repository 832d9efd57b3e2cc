"""A tool of an MCP server, as the model calls it (spec: agent.md section 17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.mcp.errors import McpError
from codex_core.tools.runtime import ToolOutput

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.mcp.connection import ServerConnection
    from codex_core.mcp.listing import ListedTool
    from codex_core.mcp.naming import ToolAddress
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime
    from codex_protocol.mcp_types import CallToolResult


class McpTool:
    """Passes calls on to the server and its results back."""

    def __init__(
        self, name: str, address: ToolAddress, connection: ServerConnection, listed: ListedTool
    ) -> None:
        self.names = (name,)
        self.address = address
        """Whose tool it is, and how it is called there."""
        self.listed = listed
        self._connection = connection

    @property
    def is_parallel_safe(self) -> bool:
        """What the tool says of itself: whether it only reads."""
        return self.listed.is_read_only

    def spec(self, context: TurnContext) -> ToolSpec | None:  # noqa: ARG002 - the same in every turn
        """Always offered, under its qualified name."""
        from codex_core.model.tool_spec import FunctionTool

        return FunctionTool(
            name=self.names[0], description=self.listed.description, parameters=self.listed.parameters
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Calls the tool between its two events; no approval, no sandbox: the server runs as configured."""
        from codex_core.mcp.results import event_result, model_view
        from codex_protocol.errors import ProtocolError
        from codex_protocol.events import Duration, McpInvocation, McpToolCallBeginEvent, McpToolCallEndEvent
        from codex_protocol.jsonio import loads
        from codex_protocol.ops import ImageInput

        arguments: object = None
        if call.arguments.strip():
            try:
                arguments = loads(call.arguments)
            except ProtocolError as error:
                return ToolOutput(f"err: {error}", success=False)
        invocation = McpInvocation(server=self.address.server, tool=self.address.tool, arguments=arguments)
        await runtime.emit(McpToolCallBeginEvent(call_id=call.call_id, invocation=invocation))
        started = runtime.services.monotonic()
        result: CallToolResult | str
        try:
            result = await self._connection.call(self.address.tool, arguments)
        except McpError as error:
            result = f"tool call error: tool call failed for `{self.address}`: {error}"
        duration = Duration.from_seconds(runtime.services.monotonic() - started)
        await runtime.emit(
            McpToolCallEndEvent(
                call_id=call.call_id,
                invocation=invocation,
                duration=duration,
                result=result if isinstance(result, str) else event_result(result),
            )
        )
        if isinstance(result, str):
            return ToolOutput(result, success=False)
        view = model_view(result)
        for image in view.images:
            runtime.inject(ImageInput(image_url=image))
        return ToolOutput(view.text, success=view.success)
