"""Which tools a turn offers, and who answers a call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from codex_core.tools.runtime import CallKind, ToolOutput

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import Tool, ToolCall, ToolRuntime


_SHELL = "shell"
"""Not offered where terminals take its place (spec: agent.md section 11)."""


class ToolRegistry:
    """The tools of a session, in the order they are offered (spec: agent.md section 11)."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._tools = tools
        self._by_name = {name: tool for tool in tools for name in tool.names}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All of them, in order, whether offered or not."""
        return self._tools

    def with_tools(self, extra: tuple[Tool, ...]) -> ToolRegistry:
        """These tools and more, offered behind them; a name that is taken stays whose it is."""
        new = tuple(tool for tool in extra if not any(name in self._by_name for name in tool.names))
        return ToolRegistry(self._tools + new) if new else self

    def specs(self, context: TurnContext) -> tuple[ToolSpec, ...]:
        """What the model is offered in a turn with these settings."""
        hidden = _SHELL if context.offers_exec_command or context.offers_unified_exec else None
        return tuple(
            spec
            for tool in self._tools
            if tool.names[0] != hidden and (spec := tool.spec(context)) is not None
        )

    def is_parallel_safe(self, call: ToolCall) -> bool:
        """Whether a call may run beside other calls of its answer."""
        tool = self._by_name.get(call.name)
        return tool is not None and tool.is_parallel_safe

    def offers(self, name: str, context: TurnContext) -> bool:
        """Whether the model is offered the tool of that name in a turn with these settings."""
        tool = self._by_name.get(name)
        return tool is not None and tool.spec(context) is not None

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Answers a call; tools that were not offered answer too, an unknown name is an output."""
        tool = self._by_name.get(call.name)
        if tool is None or (call.kind is CallKind.CUSTOM and call.name != "apply_patch"):
            kind = "custom tool call" if call.kind is CallKind.CUSTOM else "call"
            return ToolOutput(f"unsupported {kind}: {call.name}", success=False)
        return await tool.run(call, runtime)


def registry_for(context: TurnContext) -> ToolRegistry:
    """The built-in tools of a session that starts with these settings."""
    registry = default_registry()
    if not (context.offers_exec_command or context.offers_unified_exec):
        return registry
    from codex_core.tools.terminal import ExecCommandTool, UnifiedExecTool, WriteStdinTool

    terminals = ToolRegistry((UnifiedExecTool(), ExecCommandTool(), WriteStdinTool()))
    return terminals.with_tools(registry.tools)


@cache
def default_registry() -> ToolRegistry:
    """The built-in tools but terminals, which only those sessions have that ask for them."""
    from codex_core.tools.apply_patch import ApplyPatchTool
    from codex_core.tools.plan import PlanTool
    from codex_core.tools.shell import ShellTool
    from codex_core.tools.view_image import ViewImageTool
    from codex_core.tools.web_search import WebSearchTool

    return ToolRegistry((ShellTool(), PlanTool(), ApplyPatchTool(), WebSearchTool(), ViewImageTool()))
