"""What `codex apply` was asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """The command line of `codex apply`, parsed; the overrides have not been read yet."""

    task_id: str
    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
