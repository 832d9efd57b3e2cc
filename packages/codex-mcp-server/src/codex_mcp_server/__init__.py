"""The Codex agent as an MCP server and editor backend."""

__version__ = "0.36.0"
