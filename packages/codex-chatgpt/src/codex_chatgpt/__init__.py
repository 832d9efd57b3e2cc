"""ChatGPT backend client of the Codex coding agent."""

__version__ = "0.36.0"
