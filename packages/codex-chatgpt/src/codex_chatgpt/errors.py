"""The errors of this distribution; `str(error)` is the sentence a user reads."""

from __future__ import annotations

from codex_core.errors import CodexError


class TaskError(CodexError):
    """A cloud task cannot be fetched, or has no changes to apply."""


class GitApplyError(CodexError):
    """The changes of a task cannot be applied to this repository."""
