"""The room of `codex doctor`."""
