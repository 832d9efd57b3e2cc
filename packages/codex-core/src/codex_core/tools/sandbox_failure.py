"""A run that the sandbox, or a signal, ended: how it is recognised, told, and tried again without sandbox.

Commands and patches are judged alike (spec: exec-sandbox.md D.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.execution.command import ExecOutcome
    from codex_core.execution.sandbox import SandboxType
    from codex_core.tools.runtime import ToolRuntime
    from codex_protocol.ops import ReviewDecision

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


async def ask_to_retry(
    call_id: str, argv: Sequence[str], cwd: str, failure: str, runtime: ToolRuntime
) -> ReviewDecision | None:
    """Says what failed and asks whether to run again without the sandbox; None for anything but a yes."""
    from codex_protocol.events import BackgroundEventEvent
    from codex_protocol.ops import ReviewDecision

    await runtime.emit(BackgroundEventEvent(message=f"Execution failed: {failure}"))
    answer = await runtime.ask_exec(call_id, tuple(argv), cwd, "command failed; retry without sandbox?")
    if answer not in (ReviewDecision.APPROVED, ReviewDecision.APPROVED_FOR_SESSION):
        return None
    await runtime.emit(BackgroundEventEvent(message="retrying command without sandbox"))
    return answer
