"""`shell`: the model runs a program (spec: agent.md sections 12-14, exec-sandbox.md (a) and (d))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.sandbox import SandboxType
from codex_core.tools.clearance import WantedCommand, absolute_directory, clearance, confined
from codex_core.tools.runtime import DEFAULT_TIMEOUT_MS, CallKind, ToolOutput, bad_arguments
from codex_core.tools.sandbox_failure import (
    KILLED,
    REJECTED_BY_USER,
    ask_to_retry,
    failure_of,
    is_denied,
    tell_refusal,
    told_to_model,
)
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from codex_core.approval.decide import ApprovalKey
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.command import ExecOutcome
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime
    from codex_protocol.config_types import ExecOutputStream


class ShellTool:
    """Runs an argv under the turn's approval and sandbox policies."""

    names = ("shell", "container.exec", "local_shell")
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """`local_shell` for the family that knows it, else `shell`, with escalation where one can ask."""
        from codex_core.model.families import ShellToolKind
        from codex_core.model.tool_spec import (
            FunctionTool,
            LocalShellTool,
            array,
            boolean,
            number,
            object_schema,
            string,
        )

        asks = context.approval_policy is AskForApproval.ON_REQUEST
        if context.family.shell_tool is ShellToolKind.LOCAL and not asks:
            return LocalShellTool()
        properties = {
            "command": array(
                string(), "The program and its arguments. Nothing is added: for a script use bash -lc."
            ),
            "timeout_ms": number("How long it may run, in milliseconds."),
            "workdir": string("The directory to run in."),
        }
        if asks and context.sandbox_policy.mode == "workspace-write":
            properties["justification"] = string(
                "Only with with_escalated_permissions: one sentence for the user on why."
            )
            properties["with_escalated_permissions"] = boolean(
                "Asks the user to let this command run without the sandbox."
            )
        return FunctionTool(
            name="shell",
            description=_description(context),
            parameters=object_schema(properties, required=("command",)),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Runs the command, or says why not."""
        from codex_protocol.errors import ProtocolError
        from codex_protocol.jsonio import loads_object
        from codex_protocol.tool_calls import ShellToolCallParams

        if runtime.command_server is not None:
            runtime.command_server.prepare()
        try:
            params = ShellToolCallParams.from_wire(loads_object(call.arguments))
        except ProtocolError as error:
            return bad_arguments(str(error))
        if params.workdir and "\0" in params.workdir:
            return bad_arguments("`workdir` holds a NUL character, which no path can have")
        request = ShellRequest(
            call_id=call.call_id,
            argv=tuple(params.command),
            cwd=absolute_directory(params.workdir, runtime),
            timeout_ms=DEFAULT_TIMEOUT_MS if params.timeout_ms is None else params.timeout_ms,
            escalated=bool(params.with_escalated_permissions) and call.kind is not CallKind.LOCAL_SHELL,
            justification=params.justification,
        )
        return await run_shell(request, runtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellRequest(WantedCommand):
    """A command the model asked for."""

    timeout_ms: int


async def run_shell(request: ShellRequest, runtime: ToolRuntime) -> ToolOutput:
    """The whole way of a command: patch or not, allowed or not, run, told to the model."""
    cleared = await clearance(request, runtime, patch_timeout_ms=request.timeout_ms)
    if isinstance(cleared, ToolOutput):
        return cleared
    result = await _attempt(request, cleared.sandbox, runtime, can_be_denied=not cleared.is_harmless)
    if result.failure is None:
        return result.output
    if runtime.context.approval_policy in (AskForApproval.NEVER, AskForApproval.ON_REQUEST):
        if result.refused_code is not None and runtime.context.approval_policy is AskForApproval.NEVER:
            await tell_refusal(result.refused_code, runtime)
        return told_to_model(result.failure, cleared.sandbox)
    return await _retry_unsandboxed(request, cleared.key, result.failure, runtime)


@dataclass(frozen=True, slots=True)
class _Attempt:
    output: ToolOutput
    failure: str | None = None
    """Why the sandbox, or a signal, ended it; None for a run that counts."""
    problem: str | None = None
    """Why it could not be started; None if it was."""
    refused_code: int | None = None
    """The exit code of one the sandbox refused."""


async def _retry_unsandboxed(
    request: ShellRequest, key: ApprovalKey, failure: str, runtime: ToolRuntime
) -> ToolOutput:
    """After a refusal of the sandbox: asks whether to run again without it (exec-sandbox.md D.4)."""
    if not await ask_to_retry(request.call_id, request.argv, request.cwd, failure, runtime, key=key):
        return ToolOutput(REJECTED_BY_USER, success=False)
    retried = await _attempt(request, SandboxType.NONE, runtime)
    if (reason := retried.failure or retried.problem) is not None:
        return ToolOutput(f"retry failed: {reason}", success=False)
    return retried.output


async def _attempt(
    request: ShellRequest, sandbox: SandboxType, runtime: ToolRuntime, *, can_be_denied: bool = True
) -> _Attempt:
    """One run between its begin and end events."""
    from codex_core.approval.describe import parse_command
    from codex_core.execution.command import ExecRequest, run_command
    from codex_core.execution.environment import build_environment
    from codex_core.execution.sandbox import sandbox_environment
    from codex_protocol.events import ExecCommandBeginEvent, ExecCommandOutputDeltaEvent

    context = runtime.context
    await runtime.emit(
        ExecCommandBeginEvent(
            call_id=request.call_id,
            command=request.argv,
            cwd=request.cwd,
            parsed_cmd=tuple(parse_command(list(request.argv))),
        )
    )

    async def on_output(stream: ExecOutputStream, chunk: bytes) -> None:
        await runtime.emit(ExecCommandOutputDeltaEvent(call_id=request.call_id, stream=stream, chunk=chunk))

    environment = build_environment(
        context.shell_environment_policy,
        runtime.services.environ,
        network_disabled=not context.sandbox_policy.has_full_network_access,
    )
    command = request.argv
    if context.shell_environment_policy.use_profile:
        from codex_core.execution.profile import through_login_shell

        command = through_login_shell(command, runtime.services.environ)
    try:
        argv = confined(command, sandbox, runtime, tmpdir=environment.get("TMPDIR"))
        outcome = await run_command(
            ExecRequest(
                argv=argv,
                cwd=request.cwd,
                env=sandbox_environment(environment, sandbox),
                timeout_ms=request.timeout_ms,
            ),
            on_output=on_output,
            server=runtime.command_server,
        )
    except ExecutionError as error:
        await _emit_failed_end(request.call_id, str(error), runtime)
        return _Attempt(ToolOutput(f"execution error: {error}", success=False), problem=str(error))
    denied = is_denied(outcome, sandbox, environment, can_be_denied=can_be_denied)
    return await _judge(request, outcome, runtime, denied=denied)


async def _judge(
    request: ShellRequest, outcome: ExecOutcome, runtime: ToolRuntime, *, denied: bool
) -> _Attempt:
    """Turns an outcome into its end event and into what the model reads."""
    from codex_core.execution.output import format_exec_output, model_payload
    from codex_protocol.events import Duration, ExecCommandEndEvent

    if (failure := failure_of(outcome, denied=denied)) is not None:
        text = outcome.stderr.decode("utf-8", "replace") if denied else f"sandbox error: {KILLED}"
        await _emit_failed_end(request.call_id, text, runtime)
        refused_code = outcome.exit_code if denied else None
        return _Attempt(ToolOutput("", success=False), failure=failure, refused_code=refused_code)

    exit_code = 124 if outcome.timed_out or outcome.exit_code is None else outcome.exit_code
    text = format_exec_output(outcome)
    await runtime.emit(
        ExecCommandEndEvent(
            call_id=request.call_id,
            stdout=outcome.stdout.decode("utf-8", "replace"),
            stderr=outcome.stderr.decode("utf-8", "replace"),
            aggregated_output=outcome.aggregated.decode("utf-8", "replace"),
            exit_code=exit_code,
            duration=Duration.from_seconds(outcome.duration_s),
            formatted_output=text,
        )
    )
    return _Attempt(ToolOutput(model_payload(text, exit_code, outcome.duration_s), success=exit_code == 0))


async def _emit_failed_end(call_id: str, text: str, runtime: ToolRuntime) -> None:
    """The end event of a run that has no exit code of its own (exec-sandbox.md A.3)."""
    from codex_protocol.events import Duration, ExecCommandEndEvent

    await runtime.emit(
        ExecCommandEndEvent(
            call_id=call_id,
            stdout="",
            stderr=text,
            aggregated_output=text,
            exit_code=-1,
            duration=Duration(secs=0, nanos=0),
            formatted_output=text,
        )
    )


def _description(context: TurnContext) -> str:
    """What the model should know of the shell under this turn's policies."""
    text = "Runs a program on the user's machine and returns its exit code and output."
    match context.sandbox_policy.mode:
        case "danger-full-access":
            return text + " Commands are not confined."
        case "read-only":
            text += " Commands run in a sandbox: they can read every file but write none."
        case _:
            text += (
                " Commands run in a sandbox: they can read every file, but write only in the working "
                "directory and other writable roots. `.git` there is read-only."
            )
    if not context.sandbox_policy.has_full_network_access:
        text += " There is no network."
    if (
        context.approval_policy is AskForApproval.ON_REQUEST
        and context.sandbox_policy.mode == "workspace-write"
    ):
        text += " A command that needs more can ask for it with with_escalated_permissions."
    return text
