"""What the interactive app was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.command_line.resume import ResumeRequest
    from codex_protocol.config_types import AskForApproval, SandboxMode


@dataclass(frozen=True, slots=True)
class TuiOptions:
    """The command line of `codex` or `codex resume`, parsed; nothing has been checked yet."""

    prompt: str | None = None
    """The first message; None to begin with an empty composer."""
    images: tuple[str, ...] = ()
    """Files for the first message, relative to the directory the program was started in."""
    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
    model: str | None = None
    profile: str | None = None
    sandbox: SandboxMode | None = None
    approval: AskForApproval | None = None
    cwd: str | None = None
    oss: bool = False
    local_provider: str | None = None
    """`ollama` or `lmstudio`; for `oss`."""
    demo: bool = False
    full_auto: bool = False
    """Sandbox `workspace-write`, approval `on-request`; goes before `sandbox` and `approval`."""
    bypass: bool = False
    """No sandbox and no questions; never together with `full_auto`."""
    web_search: bool = False
    resume: ResumeRequest | None = None
    """The session to go on with; without an id and `last` the user picks one. None for a new one."""
