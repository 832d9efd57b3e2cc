"""What the MCP server was asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class McpServerOptions:
    """The command line of `codex mcp serve`, parsed; the overrides have not been read yet."""

    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
