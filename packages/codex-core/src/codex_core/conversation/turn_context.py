"""The settings one turn runs under; a turn never sees them change."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.execution.environment import ShellEnvironmentPolicy
    from codex_core.model.families import ModelFamily
    from codex_protocol.config_types import AskForApproval, ReasoningEffort, ReasoningSummary
    from codex_protocol.ops import OverrideTurnContextOp, UserTurnOp
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
    output_schema: Mapping[str, object] | None = None
    """JSON Schema that the final message must fit; None leaves it free."""

    def with_model(self, model: str) -> TurnContext:
        """The same with another model, which brings its family and window along."""
        from codex_core.model.families import find_family, model_info

        if model == self.model:
            return self
        return replace(
            self,
            model=model,
            family=find_family(model) or self.family,
            context_window=model_info(model).context_window,
        )

    def for_turn(self, op: UserTurnOp) -> TurnContext:
        """What one turn asks for; a relative directory is below the present one."""
        return replace(
            self.with_model(op.model),
            cwd=os.path.join(self.cwd, op.cwd),
            approval_policy=op.approval_policy,
            sandbox_policy=op.sandbox_policy,
            effort=op.effort,
            summary=op.summary,
        )

    def overridden(self, op: OverrideTurnContextOp) -> TurnContext:
        """The same but for what the operation names; a relative directory is below the present one."""
        from codex_protocol.ops import ClearEffort

        effort = self.effort if op.effort is None else op.effort
        return replace(
            self.with_model(op.model or self.model),
            cwd=self.cwd if op.cwd is None else os.path.join(self.cwd, op.cwd),
            approval_policy=op.approval_policy or self.approval_policy,
            sandbox_policy=op.sandbox_policy or self.sandbox_policy,
            effort=None if isinstance(effort, ClearEffort) else effort,
            summary=op.summary or self.summary,
        )
