"""What a headless run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.command_line.resume import ResumeRequest
    from codex_exec.review import ReviewScope
    from codex_protocol.config_types import SandboxMode


class Color(StrEnum):
    """When output is coloured."""

    ALWAYS = "always"
    NEVER = "never"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """The command line of `codex exec`, parsed; nothing has been checked against the world yet."""

    prompt: str | None = None
    """The request; None or `-` means standard input."""
    images: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
    model: str | None = None
    profile: str | None = None
    sandbox: SandboxMode | None = None
    cwd: str | None = None
    oss: bool = False
    local_provider: str | None = None
    """`ollama` or `lmstudio`; for `oss`."""
    demo: bool = False
    full_auto: bool = False
    bypass: bool = False
    skip_git_repo_check: bool = False
    color: Color = Color.AUTO
    json: bool = False
    """Events as lines of the 0.36 schema."""
    thread_json: bool = False
    """Events as lines of the newer schema, which goes before."""
    last_message_file: str | None = None
    output_schema_file: str | None = None
    ephemeral: bool = False
    """Leave no session file."""
    resume: ResumeRequest | None = None
    """The session to go on with; None for a new one."""
    is_fork: bool = False
    """Whether to go on in a copy of that session."""
    review: ReviewScope | None = None
    """What to review; None for an ordinary turn."""


@dataclass(frozen=True, slots=True)
class ProtoOptions:
    """The command line of `codex proto`, parsed; the overrides have not been read yet."""

    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
