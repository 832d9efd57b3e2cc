"""Run the Codex agent once without a terminal: for scripts and CI."""

__version__ = "0.36.0"
