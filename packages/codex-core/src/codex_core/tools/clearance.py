"""Before a command runs: is it a patch, may it run, must somebody be asked, and in which sandbox.

`shell` and the interactive terminals go the same way (spec: exec-sandbox.md D.1-D.3).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.execution.sandbox import SandboxType, platform_sandbox, sandbox_command
from codex_core.tools.runtime import ToolOutput
from codex_core.tools.sandbox_failure import REJECTED_BY_USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.approval.decide import ApprovalKey
    from codex_core.tools.runtime import ToolRuntime


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCommand:
    """A command the model wants to run, with its directory made absolute."""

    call_id: str
    argv: tuple[str, ...]
    cwd: str
    escalated: bool = False
    justification: str | None = None

    @property
    def judged(self) -> tuple[str, ...]:
        """The argv as the tables of the approval know it: what is judged is what runs."""
        return self.argv


@dataclass(frozen=True, slots=True)
class Clearance:
    """The command may run, in this sandbox."""

    sandbox: SandboxType
    key: ApprovalKey
    """What is remembered when the user allows it for the session."""
    is_harmless: bool
    """It only reads: the sandbox refuses no reading, so if it fails, it has failed by itself."""


async def clearance(
    command: WantedCommand, runtime: ToolRuntime, *, patch_timeout_ms: int
) -> Clearance | ToolOutput:
    """Whether and how the command runs; an output where it was a patch, or was refused."""
    from codex_core.approval.decide import ApprovalKey, Ask, Reason, Reject, Run, decide_command
    from codex_core.patch.invocation import NotAPatch, PatchProblem, detect_patch
    from codex_core.tools.apply_patch import run_patch
    from codex_protocol.events import BackgroundEventEvent
    from codex_protocol.ops import ReviewDecision

    detected = detect_patch(command.judged, command.cwd)
    if isinstance(detected, PatchProblem):
        return ToolOutput(detected.message, success=False)
    if not isinstance(detected, NotAPatch):
        return await run_patch(detected, command.call_id, patch_timeout_ms, runtime)

    context = runtime.context
    key = ApprovalKey(argv=command.judged, cwd=command.cwd)
    platform = platform_sandbox()
    decision = decide_command(
        command.judged,
        cwd=command.cwd,
        approval_policy=context.approval_policy,
        sandbox_policy=context.sandbox_policy,
        approved=runtime.approved,
        escalated=command.escalated,
        platform_sandbox=platform is not SandboxType.NONE,
    )
    if isinstance(decision, Reject):
        # The model alone would know of it: there is no begin and no end for what was never begun.
        await runtime.emit(BackgroundEventEvent(message=decision.sentence))
        return ToolOutput(decision.sentence, success=False)
    sandbox = SandboxType.NONE
    if isinstance(decision, Ask):
        answer = await runtime.ask_exec(command.call_id, command.argv, command.cwd, command.justification)
        if answer is ReviewDecision.APPROVED_FOR_SESSION:
            runtime.approved.add(key)
        elif answer is not ReviewDecision.APPROVED:
            return ToolOutput(REJECTED_BY_USER, success=False)
    elif decision.sandboxed:
        sandbox = platform
    is_harmless = isinstance(decision, Run) and decision.reason is Reason.KNOWN_SAFE
    return Clearance(sandbox, key, is_harmless)


def absolute_directory(workdir: str | None, runtime: ToolRuntime) -> str:
    """The directory a command is started in."""
    cwd = runtime.context.cwd
    return os.path.join(cwd, workdir) if workdir else cwd


def confined(
    argv: Sequence[str], sandbox: SandboxType, runtime: ToolRuntime, *, tmpdir: str | None
) -> tuple[str, ...]:
    """The command line that runs `argv` in this sandbox, as the turn and the configuration say.

    `tmpdir` is the `TMPDIR` of the command.

    Raises:
        ExecutionError: there is no sandbox to be had.
    """
    context, config = runtime.context, runtime.config
    return sandbox_command(
        argv,
        policy=context.sandbox_policy,
        sandbox=sandbox,
        policy_cwd=context.cwd,
        helper_exe=config.codex_linux_sandbox_exe,
        tmpdir=tmpdir,
        settings=(config.codex_home,),
        isolation=config.sandbox_isolation,
    )
