"""Wire and disk types of the Codex coding agent: operations, events, model items, rollouts, editor messages."""

__version__ = "0.36.0"
