"""The words of the configuration that travel on the wire, each with the text it is written as."""

from __future__ import annotations

from enum import StrEnum


class AskForApproval(StrEnum):
    """When the user is asked before a command runs (spec: protocol.md section 1)."""

    UNTRUSTED = "untrusted"
    """Everything asks but commands known to only read."""
    ON_FAILURE = "on-failure"
    """Everything runs confined; what fails there asks to run again without confinement."""
    ON_REQUEST = "on-request"
    """The model asks when it needs more than the sandbox gives."""
    NEVER = "never"
    """Nobody is asked; failures go back to the model."""


class SandboxMode(StrEnum):
    """How far commands are confined."""

    READ_ONLY = "read-only"
    WORKSPACE_WRITE = "workspace-write"
    DANGER_FULL_ACCESS = "danger-full-access"


class ReasoningEffort(StrEnum):
    """How hard a reasoning model thinks."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ReasoningSummary(StrEnum):
    """How much of its reasoning a model sums up for the user."""

    AUTO = "auto"
    CONCISE = "concise"
    DETAILED = "detailed"
    NONE = "none"


class Verbosity(StrEnum):
    """How long a model's answers are meant to be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class AuthMode(StrEnum):
    """What stands behind a sign-in."""

    API_KEY = "apikey"
    CHATGPT = "chatgpt"


class HistoryPersistence(StrEnum):
    """Whether prompts are kept in history.jsonl."""

    SAVE_ALL = "save-all"
    NONE = "none"


class ReviewDecision(StrEnum):
    """What a user answers when asked to approve something."""

    APPROVED = "approved"
    APPROVED_FOR_SESSION = "approved_for_session"
    """Approve, and the identical command for the rest of the session."""
    DENIED = "denied"
    """Tell the model no and go on with the turn."""
    ABORT = "abort"
    """Tell the model no and stop the turn."""


class TurnAbortReason(StrEnum):
    """Why a turn ended before it was done."""

    INTERRUPTED = "interrupted"
    REPLACED = "replaced"


class InputMessageKind(StrEnum):
    """What a user-role message carries."""

    PLAIN = "plain"
    USER_INSTRUCTIONS = "user_instructions"
    ENVIRONMENT_CONTEXT = "environment_context"


class ExecOutputStream(StrEnum):
    """Which stream of a command a chunk of output came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
