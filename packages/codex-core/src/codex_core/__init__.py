"""The Codex agent as a library: conversations, tools, sandboxed execution, sessions on disk."""

__version__ = "0.36.0"
