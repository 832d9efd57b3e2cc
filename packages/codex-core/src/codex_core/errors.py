"""The root of our errors and one family per room.

CodexError
├── ConfigError      the configuration cannot be used
├── ModelError       the model could not be asked, or answered badly
├── ExecutionError   a command could not be run as asked
├── PatchError       a patch cannot be read or applied
└── SessionError     a conversation cannot be started, found or continued

`str(error)` is the sentence a user reads. Leaf classes live in the rooms that raise them.
"""

from __future__ import annotations


class CodexError(Exception):
    """A condition we know: front ends print its sentence, never a traceback."""

    retryable: bool = False
    """Whether the same request can succeed when it is simply made again."""


class ConfigError(CodexError):
    """The configuration, an override or a profile cannot be used."""


class ModelError(CodexError):
    """The model could not be reached, refused, or its answer broke off."""

    retry_after: float | None = None
    """Seconds the server asks to wait before another try; None when it did not say."""


class ExecutionError(CodexError):
    """A command could not be started or confined as asked."""


class PatchError(CodexError):
    """A patch cannot be parsed, does not fit the files, or cannot be written."""


class SessionError(CodexError):
    """A conversation cannot be started, found, resumed or continued."""
