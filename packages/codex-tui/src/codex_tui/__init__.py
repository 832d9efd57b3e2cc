"""The Codex agent in the terminal."""

__version__ = "0.36.0"
