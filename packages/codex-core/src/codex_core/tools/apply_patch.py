"""`apply_patch`: the model edits files (spec: agent.md section 15, exec-sandbox.md D.5 and (e))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.sandbox import SandboxType, platform_sandbox
from codex_core.tools.runtime import DEFAULT_TIMEOUT_MS, CallKind, ToolOutput, bad_arguments
from codex_core.tools.sandbox_failure import (
    REJECTED_BY_USER,
    ask_to_retry,
    failure_of,
    is_denied,
    told_to_model,
)
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command import ExecOutcome
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.patch.invocation import PatchCall
    from codex_core.tools.runtime import ToolCall, ToolRuntime
    from codex_protocol.file_change import FileChange


class ApplyPatchTool:
    """Checks a patch against the files, asks where it must, and applies it inside the sandbox."""

    names = ("apply_patch", "applypatch")
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """As a function or as free text, by the model's family and the caller's wish."""
        from codex_core.model.families import PatchToolKind
        from codex_core.patch.specification import custom_tool, function_tool

        match context.family.patch_tool:
            case PatchToolKind.FUNCTION:
                return function_tool()
            case PatchToolKind.FREEFORM:
                return custom_tool()
            case PatchToolKind.NONE:
                return custom_tool() if context.offers_apply_patch else None

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Applies the patch of the call in the turn's directory."""
        from codex_core.patch.invocation import PatchCall, detect_patch
        from codex_protocol.errors import ProtocolError
        from codex_protocol.jsonio import loads

        text: object = call.arguments
        if call.kind is not CallKind.CUSTOM:
            try:
                arguments = loads(call.arguments)
            except ProtocolError as error:
                return bad_arguments(str(error))
            text = arguments.get("input") if isinstance(arguments, dict) else None
            if not isinstance(text, str):
                return bad_arguments("missing field `input`: a string is expected")
        detected = detect_patch(("apply_patch", str(text)), runtime.context.cwd)
        if isinstance(detected, PatchCall):
            return await run_patch(detected, call.call_id, DEFAULT_TIMEOUT_MS, runtime)
        return ToolOutput(getattr(detected, "message", "error: this is not a patch"), success=False)


async def run_patch(patch: PatchCall, call_id: str, timeout_ms: int, runtime: ToolRuntime) -> ToolOutput:
    """The whole way of a patch: does it fit, may it be applied, apply it, tell the model."""
    from codex_core.approval.decide import Ask, Reason, Reject, decide_patch
    from codex_core.approval.writable import repository_of
    from codex_core.errors import PatchError
    from codex_core.patch.verify import verify_patch
    from codex_protocol.events import BackgroundEventEvent
    from codex_protocol.ops import ReviewDecision

    if runtime.command_server is not None:
        runtime.command_server.prepare()
    if "\0" in patch.directory:
        return ToolOutput("error: the directory holds a NUL character, which no path can have", success=False)
    context = runtime.context
    try:
        verified = verify_patch(patch.patch, patch.directory)
    except PatchError as error:
        return ToolOutput(f"error: {error}", success=False)

    platform = platform_sandbox()
    decision = decide_patch(
        verified.paths,
        approval_policy=context.approval_policy,
        sandbox_policy=context.sandbox_policy,
        cwd=context.cwd,
        tmpdir=runtime.services.environ.get("TMPDIR"),
        settings=(runtime.config.codex_home, *repository_of(context.cwd)),
        platform_sandbox=platform is not SandboxType.NONE,
    )
    if isinstance(decision, Reject):
        if decision.reason is not Reason.EMPTY_PATCH:
            # The model alone would know of it: there is no begin and no end for what was never begun.
            await runtime.emit(BackgroundEventEvent(message=decision.sentence))
        return ToolOutput(decision.sentence, success=False)
    sandbox = SandboxType.NONE
    if isinstance(decision, Ask):
        answer = await runtime.ask_patch(call_id, verified.changes)
        if answer not in (ReviewDecision.APPROVED, ReviewDecision.APPROVED_FOR_SESSION):
            return ToolOutput("patch rejected by user", success=False)
    elif decision.sandboxed:
        sandbox = platform
    return await _apply(
        patch, verified.changes, call_id, timeout_ms, sandbox, runtime, asked=isinstance(decision, Ask)
    )


async def _apply(
    patch: PatchCall,
    changes: dict[str, FileChange],
    call_id: str,
    timeout_ms: int,
    sandbox: SandboxType,
    runtime: ToolRuntime,
    *,
    asked: bool,
) -> ToolOutput:
    """Runs the patch program, confined as decided, between its begin and end events."""
    from codex_core.execution.output import format_exec_output, model_payload
    from codex_protocol.events import PatchApplyBeginEvent, PatchApplyEndEvent

    context = runtime.context
    await runtime.emit(PatchApplyBeginEvent(call_id=call_id, auto_approved=not asked, changes=changes))
    runtime.diff.patch_begins(changes)
    try:
        outcome = await _run_patch_program(patch, timeout_ms, sandbox, runtime)
    except ExecutionError as error:
        await runtime.emit(PatchApplyEndEvent(call_id=call_id, stdout="", stderr=str(error), success=False))
        await emit_turn_diff(runtime)
        return ToolOutput(f"execution error: {error}", success=False)
    failure = failure_of(outcome, denied=is_denied(outcome, sandbox))
    exit_code = 124 if outcome.timed_out or outcome.exit_code is None else outcome.exit_code
    await runtime.emit(
        PatchApplyEndEvent(
            call_id=call_id,
            stdout=outcome.stdout.decode("utf-8", "replace"),
            stderr=outcome.stderr.decode("utf-8", "replace"),
            success=exit_code == 0,
        )
    )
    await emit_turn_diff(runtime)

    if failure is not None:
        if context.approval_policy is AskForApproval.ON_FAILURE and sandbox is not SandboxType.NONE:
            return await _retry_unsandboxed(patch, changes, call_id, timeout_ms, failure, runtime)
        return told_to_model(failure, sandbox)
    text = format_exec_output(outcome)
    return ToolOutput(model_payload(text, exit_code, outcome.duration_s), success=exit_code == 0)


async def _retry_unsandboxed(
    patch: PatchCall,
    changes: dict[str, FileChange],
    call_id: str,
    timeout_ms: int,
    failure: str,
    runtime: ToolRuntime,
) -> ToolOutput:
    """After a refusal of the sandbox under on-failure: asks as for a command (agent.md section 15)."""
    argv = (runtime.config.apply_patch_exe or "apply_patch", patch.text)
    if not await ask_to_retry(call_id, argv, patch.directory, failure, runtime):
        return ToolOutput(REJECTED_BY_USER, success=False)
    return await _apply(patch, changes, call_id, timeout_ms, SandboxType.NONE, runtime, asked=True)


async def _run_patch_program(
    patch: PatchCall, timeout_ms: int, sandbox: SandboxType, runtime: ToolRuntime
) -> ExecOutcome:
    from codex_core.execution.command import ExecRequest, run_command
    from codex_core.tools.clearance import confined

    program = runtime.config.apply_patch_exe
    if program is None:
        raise ExecutionError("the apply_patch program was required but not provided")
    argv = confined((program,), sandbox, runtime, tmpdir=runtime.services.environ.get("TMPDIR"))
    # The patch goes in by stdin: an argument may not be longer than 128 KiB on Linux.
    request = ExecRequest(
        argv=argv,
        cwd=patch.directory,
        env=_environment(runtime),
        timeout_ms=timeout_ms,
        stdin=patch.text.encode(),
    )
    return await run_command(request, server=runtime.command_server)


def _environment(runtime: ToolRuntime) -> dict[str, str]:
    """Nothing of the user's environment but the writable temporary directory the sandbox honours."""
    tmpdir = runtime.services.environ.get("TMPDIR")
    return {"TMPDIR": tmpdir} if tmpdir else {}


async def emit_turn_diff(runtime: ToolRuntime) -> None:
    """Sends what patches changed so far in this turn, if anything."""
    from codex_protocol.events import TurnDiffEvent

    if diff := runtime.diff.unified_diff():
        await runtime.emit(TurnDiffEvent(unified_diff=diff))
