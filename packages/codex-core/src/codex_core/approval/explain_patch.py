"""Everything that was found out about one patch: whether it fits, where it writes, what was decided.

For people and tests that want to know why; the session itself only calls `decide_patch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.approval.decide import PATCH_ROWS, Decision, decide_patch
from codex_core.approval.explain import decision_json, decision_text
from codex_core.errors import PatchError
from codex_core.patch.invocation import NotAPatch, PatchProblem, detect_patch
from codex_core.patch.verify import verify_patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.config_types import AskForApproval
    from codex_protocol.jsonio import JSON
    from codex_protocol.sandbox_policy import SandboxPolicy


@dataclass(frozen=True, slots=True)
class PatchExplanation:
    """Why a patch is applied, asked about or refused."""

    argv: tuple[str, ...]
    paths: tuple[str, ...]
    """Every place it would write, remove or move; absolute."""

    problem: str | None = None
    """Why nothing can be applied, as the model is told it; then nothing is decided."""

    row: int | None = None
    """Which row of the decision table for patches fitted, counted from 1."""

    decision: Decision | None = None

    def to_json(self) -> dict[str, JSON]:
        """The explanation as JSON-able values."""
        shown: dict[str, JSON] = {"argv": list(self.argv), "patch": True, "paths": list(self.paths)}
        if self.decision is None:
            return {
                **shown,
                "row": None,
                "decision": "reject",
                "reason": "unusable",
                "sentence": self.problem,
            }
        return {**shown, "row": self.row, **decision_json(self.decision)}

    def lines(self) -> list[str]:
        """The explanation as lines of text for a person."""
        lines = ["reads as: a patch", *(f"writes:   {path}" for path in self.paths)]
        if self.decision is None:
            return [*lines, f"decision: refuse ({self.problem})"]
        reason = f"row {self.row} for patches: {self.decision.sentence}"
        return [*lines, f"decision: {decision_text(self.decision)} ({reason})"]


def explain_patch(
    argv: Sequence[str],
    *,
    cwd: str,
    approval_policy: AskForApproval,
    sandbox_policy: SandboxPolicy,
    tmpdir: str | None,
    settings: Sequence[str] = (),
    platform_sandbox: bool,
) -> PatchExplanation | None:
    """What would be done with `argv` if it is a patch; None if it is an ordinary command."""
    detected = detect_patch(argv, cwd)
    if isinstance(detected, NotAPatch):
        return None
    if isinstance(detected, PatchProblem):
        return PatchExplanation(tuple(argv), (), problem=detected.message)
    try:
        paths = verify_patch(detected.patch, detected.directory).paths
    except PatchError as error:
        return PatchExplanation(tuple(argv), (), problem=f"error: {error}")
    decision = decide_patch(
        paths,
        approval_policy=approval_policy,
        sandbox_policy=sandbox_policy,
        cwd=cwd,
        tmpdir=tmpdir,
        settings=settings,
        platform_sandbox=platform_sandbox,
    )
    row = 1 + next(index for index, row in enumerate(PATCH_ROWS) if row.outcome == decision)
    return PatchExplanation(tuple(argv), paths, row=row, decision=decision)
