"""A run that the sandbox, or a signal, ended: how it is recognised, told, and tried again without sandbox.

Commands and patches are judged alike (spec: exec-sandbox.md D.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.approval.decide import ApprovalKey
    from codex_core.execution.command import ExecOutcome
    from codex_core.execution.sandbox import SandboxType
    from codex_core.tools.runtime import ToolRuntime

REJECTED_BY_USER = "exec command rejected by user"
KILLED = "command was killed by a signal"


def is_denied(
    outcome: ExecOutcome,
    sandbox: SandboxType,
    environ: Mapping[str, str] | None = None,
    *,
    can_be_denied: bool = True,
) -> bool:
    """Whether the sandbox refused something. `environ` is the command's, for the language it speaks;
    `can_be_denied` is false for what only reads."""
    from codex_core.execution.sandbox import looks_denied

    return can_be_denied and looks_denied(outcome, sandbox, environ)


def failure_of(outcome: ExecOutcome, *, denied: bool) -> str | None:
    """Why the sandbox, or a signal, ended the program; None for a run that counts."""
    from codex_core.execution.output import denial_text

    if denied:
        return denial_text(outcome)
    if outcome.signal is not None and not outcome.timed_out:
        return KILLED
    return None


def told_to_model(failure: str, sandbox: SandboxType) -> ToolOutput:
    """What the model reads where nobody is asked about a retry."""
    return ToolOutput(f"failed in sandbox {sandbox.label} with execution error: {failure}", success=False)


async def tell_refusal(exit_code: int, runtime: ToolRuntime) -> None:
    """Says to people that it was the sandbox, where nobody is ever asked; the end event tells neither."""
    from codex_protocol.events import BackgroundEventEvent

    mode = runtime.context.sandbox_policy.mode
    await runtime.emit(BackgroundEventEvent(message=f"refused by the {mode} sandbox, exit code {exit_code}"))


async def ask_to_retry(
    call_id: str,
    argv: Sequence[str],
    cwd: str,
    failure: str,
    runtime: ToolRuntime,
    *,
    key: ApprovalKey | None = None,
) -> bool:
    """Says what failed and asks whether to run again without the sandbox (spec: exec-sandbox.md D.4).

    `key` is remembered when the user allows it for the session.
    """
    from codex_protocol.events import BackgroundEventEvent
    from codex_protocol.ops import ReviewDecision

    await runtime.emit(BackgroundEventEvent(message=f"Execution failed: {failure}"))
    answer = await runtime.ask_exec(call_id, tuple(argv), cwd, "command failed; retry without sandbox?")
    if answer not in (ReviewDecision.APPROVED, ReviewDecision.APPROVED_FOR_SESSION):
        return False
    await runtime.emit(BackgroundEventEvent(message="retrying command without sandbox"))
    if answer is ReviewDecision.APPROVED_FOR_SESSION and key is not None:
        runtime.approved.add(key)
    return True
