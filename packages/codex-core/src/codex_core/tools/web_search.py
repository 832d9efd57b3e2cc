"""`web_search`: offered to the model, answered by the provider's own servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime


class WebSearchTool:
    """Only a specification: searches run on the provider's side and never reach us as calls."""

    names = ("web_search",)
    is_parallel_safe = True

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered when the configuration turns it on."""
        if not context.offers_web_search:
            return None
        from codex_core.model.tool_spec import WebSearchTool as WebSearchSpec

        return WebSearchSpec()

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:  # noqa: ARG002
        """A model that calls it as a function is told that this does not exist."""
        return ToolOutput(f"unsupported call: {call.name}", success=False)
