"""What a headless run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.command_line.agent_options import AgentOptions

if TYPE_CHECKING:
    from codex_exec.review import ReviewScope


class Color(StrEnum):
    """When output is coloured."""

    ALWAYS = "always"
    NEVER = "never"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions(AgentOptions):
    """The command line of `codex exec`; of the prompt, None or `-` means standard input."""

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
    is_fork: bool = False
    """Whether to go on in a copy of the session to resume."""
    review: ReviewScope | None = None
    """What to review; None for an ordinary turn."""


@dataclass(frozen=True, slots=True)
class ProtoOptions:
    """The command line of `codex proto`, parsed; the overrides have not been read yet."""

    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
    demo: bool = False
