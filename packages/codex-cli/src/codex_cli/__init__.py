"""The codex command: a coding agent that lives in your terminal."""

__version__ = "0.36.0"
