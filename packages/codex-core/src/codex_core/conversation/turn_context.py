"""The settings one turn runs under; a turn never sees them change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.execution.environment import ShellEnvironmentPolicy
    from codex_core.model.families import ModelFamily
    from codex_protocol.config_types import AskForApproval, ReasoningEffort, ReasoningSummary
    from codex_protocol.sandbox_policy import SandboxPolicy


@dataclass(frozen=True, slots=True)
class TurnContext:
    """Where the turn works, which model it asks, and what it may do without asking."""

    cwd: str
    approval_policy: AskForApproval
    sandbox_policy: SandboxPolicy
    model: str
    family: ModelFamily
    effort: ReasoningEffort | None
    summary: ReasoningSummary
    context_window: int | None
    """Tokens the model can see; None when unknown."""
    base_instructions: str | None
    """Replaces the family's own text when set."""
    shell_environment_policy: ShellEnvironmentPolicy
    offers_plan: bool
    offers_apply_patch: bool
    offers_web_search: bool
    offers_view_image: bool
    offers_exec_command: bool = False
    """Terminals with `exec_command` and `write_stdin` take the shell's place."""
    offers_unified_exec: bool = False
    """Terminals with `unified_exec` take the shell's place."""
