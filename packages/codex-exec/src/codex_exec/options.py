"""What a headless run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.command_line.resume import ResumeRequest
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
    last_message_file: str | None = None
    resume: ResumeRequest | None = None
    """The session to go on with; None for a new one."""


@dataclass(frozen=True, slots=True)
class ProtoOptions:
    """The command line of `codex proto`, parsed; the overrides have not been read yet."""

    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
