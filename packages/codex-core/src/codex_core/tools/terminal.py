"""`exec_command`, `write_stdin`, `unified_exec`: the model works with programs on terminals.

Spec: agent.md sections 11 and 23. Opening one is in `terminal_start.py`, whether typing needs a question in
`terminal_input.py`, the words of the answers in `terminal_reply.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput, bad_arguments
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.execution.terminal_sessions import Exchange, TerminalSession
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime
    from codex_core.tools.terminal_arguments import (
        ExecCommandArguments,
        UnifiedExecArguments,
        WriteStdinArguments,
    )

MAX_YIELD_MS = 300_000
"""The longest a call waits; the reference has no limit, newer ones have this (spec: agent.md section 26)."""

MAX_UNIFIED_TIMEOUT_MS = 60_000
"""Spec: agent.md section 23."""

_MAX_I32 = 2**31 - 1


class ExecCommandTool:
    """Runs a shell command on a terminal and answers with what it printed first."""

    names = ("exec_command",)
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered when the configuration says so, with escalation where one can ask."""
        if not context.offers_exec_command:
            return None
        from codex_core.model.tool_spec import FunctionTool, boolean, number, object_schema, string

        properties = {
            "cmd": string("The command line for the shell."),
            "login": boolean("Whether the shell reads the user's login files. Default: true."),
            "max_output_tokens": number("How much output to return at most; the middle is cut out."),
            "shell": string("The shell that runs it. Default: /bin/bash."),
            "workdir": string("The directory to run in. Default: the working directory."),
            "yield_time_ms": number("How long to wait for its end, in milliseconds. Default: 10000."),
            **_escalation(context),
        }
        return FunctionTool(
            name="exec_command",
            description=(
                "Runs a shell command on a terminal. Returns its output and exit code, or, when it has not "
                "ended within yield_time_ms, the output so far and a session ID for write_stdin; it then "
                "runs on." + _confinement(context)
            ),
            parameters=object_schema(properties, required=("cmd",)),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Runs the command, or says why not."""
        from codex_core.tools.clearance import absolute_directory
        from codex_core.tools.terminal_arguments import ExecCommandArguments
        from codex_core.tools.terminal_reply import clamp_wait
        from codex_core.tools.terminal_start import NotStarted, TerminalCommand, open_terminal
        from codex_protocol.errors import ProtocolError

        try:
            arguments = ExecCommandArguments.parse(call.arguments)
        except ProtocolError as error:
            return bad_arguments(str(error))
        wait_ms, warnings = clamp_wait(arguments.yield_time_ms, MAX_YIELD_MS)
        command = TerminalCommand(
            call_id=call.call_id,
            argv=(arguments.shell, "-lc" if arguments.login else "-c", arguments.cmd),
            cwd=absolute_directory(arguments.workdir, runtime),
            wait_ms=wait_ms,
            escalated=arguments.with_escalated_permissions,
            justification=arguments.justification,
        )
        opened = await open_terminal(command, runtime)
        if isinstance(opened, ToolOutput):
            return opened
        if isinstance(opened, NotStarted):
            what = f"failed to create exec command session for session id {opened.session_id}"
            return ToolOutput(f"{what}: {opened.reason}", success=False)
        return _told(opened.session, opened.exchange, opened.wall_s, arguments, warnings)


class WriteStdinTool:
    """Types into a program that `exec_command` left running, and answers with what it printed since."""

    names = ("write_stdin",)
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered together with `exec_command`."""
        if not context.offers_exec_command:
            return None
        from codex_core.model.tool_spec import FunctionTool, number, object_schema, string

        properties = {
            "chars": string(
                "What to type. A line ends with \\n, control characters are allowed (\\u0003 is Ctrl-C, "
                "\\u0004 Ctrl-D); nothing at all just waits for output."
            ),
            "max_output_tokens": number("How much output to return at most; the middle is cut out."),
            "session_id": number("The session ID that exec_command gave."),
            "yield_time_ms": number("How long to wait for output, in milliseconds. Default: 250."),
        }
        return FunctionTool(
            name="write_stdin",
            description=(
                "Types into the terminal of a running exec_command session and returns what the program "
                "printed since the last call until yield_time_ms later, or its end and exit code."
            ),
            parameters=object_schema(properties, required=("session_id", "chars")),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Types and waits, or says why not; the program runs on when the wait is interrupted."""
        from codex_core.tools.terminal_arguments import WriteStdinArguments
        from codex_core.tools.terminal_reply import clamp_wait
        from codex_protocol.errors import ProtocolError

        try:
            arguments = WriteStdinArguments.parse(call.arguments)
        except ProtocolError as error:
            return bad_arguments(str(error))
        session = runtime.terminals.find(arguments.session_id)
        if session is None:
            return ToolOutput(f"unknown session id {arguments.session_id}", success=False)
        refused = await _refuse_input(arguments.chars, session, call.call_id, runtime)
        if refused is not None:
            return refused
        wait_ms, warnings = clamp_wait(arguments.yield_time_ms, MAX_YIELD_MS)
        started = runtime.services.monotonic()
        exchange = await session.talk(arguments.chars.encode("utf-8", "replace"), wait_ms / 1000)
        wall_s = runtime.services.monotonic() - started
        return _told(session, exchange, wall_s, arguments, warnings)


def _told(
    session: TerminalSession,
    exchange: Exchange,
    wall_s: float,
    arguments: ExecCommandArguments | WriteStdinArguments,
    warnings: tuple[str, ...],
) -> ToolOutput:
    """What the model reads of the time a terminal was watched."""
    from codex_core.tools.terminal_reply import describe_exchange

    text = describe_exchange(
        exchange,
        session_id=session.id,
        wall_s=wall_s,
        max_tokens=arguments.max_output_tokens,
        warnings=warnings,
    )
    return ToolOutput(text, success=exchange.exit_code in (None, 0))


class UnifiedExecTool:
    """Both in one: an argv opens a terminal, texts for a session are typed into it."""

    names = ("unified_exec",)
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered when the configuration says so, with escalation where one can ask."""
        if not context.offers_unified_exec:
            return None
        from codex_core.model.tool_spec import FunctionTool, array, number, object_schema, string

        properties = {
            "input": array(
                string(),
                "Without session_id: the program and its arguments. With it: texts to type, which are "
                "joined by spaces; a line ends with \\n, nothing at all just waits for output.",
            ),
            "session_id": string("The session to type into; a new program is started without one."),
            "timeout_ms": number(
                "How long to wait for output, in milliseconds. Default: 1000, at most 60000."
            ),
            **_escalation(context),
        }
        return FunctionTool(
            name="unified_exec",
            description=(
                "Runs a program on a terminal, or types into one that is running. Returns JSON with its "
                "output and the session_id to go on with, which is null once the program has ended."
                + _confinement(context)
            ),
            parameters=object_schema(properties, required=("input",)),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Starts or types, waits, or says why not."""
        from codex_core.tools.terminal_arguments import UnifiedExecArguments
        from codex_core.tools.terminal_reply import clamp_wait
        from codex_protocol.errors import ProtocolError

        try:
            arguments = UnifiedExecArguments.parse(call.arguments)
        except ProtocolError as error:
            return bad_arguments(str(error))
        wait_ms, warnings = clamp_wait(arguments.timeout_ms, MAX_UNIFIED_TIMEOUT_MS)
        if arguments.session_id is None:
            return await _start_unified(arguments, call, wait_ms, warnings, runtime)
        number = _session_number(arguments.session_id)
        if isinstance(number, ToolOutput):
            return number
        session = runtime.terminals.find(number)
        if session is None:
            return ToolOutput(f"unified exec failed: Unknown session id {number}", success=False)
        chars = " ".join(arguments.input)
        refused = await _refuse_input(chars, session, call.call_id, runtime)
        if refused is not None:
            return refused
        return await _talk_unified(session, chars, wait_ms, warnings, runtime)


async def _start_unified(
    arguments: UnifiedExecArguments,
    call: ToolCall,
    wait_ms: int,
    warnings: tuple[str, ...],
    runtime: ToolRuntime,
) -> ToolOutput:
    from codex_core.tools.terminal_reply import unified_reply
    from codex_core.tools.terminal_start import NotStarted, TerminalCommand, open_terminal

    if not arguments.input:
        runtime.terminals.new_id()  # a try, like any other
        reason = "missing command line for unified exec request"
        return ToolOutput(f"unified exec failed: {reason}", success=False)
    command = TerminalCommand(
        call_id=call.call_id,
        argv=arguments.input,
        cwd=runtime.context.cwd,
        wait_ms=wait_ms,
        escalated=arguments.with_escalated_permissions,
        justification=arguments.justification,
    )
    opened = await open_terminal(command, runtime)
    if isinstance(opened, ToolOutput):
        return opened
    if isinstance(opened, NotStarted):
        what = "unified exec failed: Failed to create unified exec session"
        return ToolOutput(f"{what}: {opened.reason}", success=False)
    if opened.exchange.exit_code is not None:
        runtime.terminals.forget(opened.session.id)
    text = unified_reply(opened.exchange, session_id=opened.session.id, warnings=warnings)
    return ToolOutput(text, success=True)


async def _talk_unified(
    session: TerminalSession, chars: str, wait_ms: int, warnings: tuple[str, ...], runtime: ToolRuntime
) -> ToolOutput:
    from codex_core.tools.terminal_reply import unified_reply

    exchange = await session.talk(chars.encode("utf-8", "replace"), wait_ms / 1000)
    if exchange.exit_code is not None:
        runtime.terminals.forget(session.id)
    return ToolOutput(unified_reply(exchange, session_id=session.id, warnings=warnings), success=True)


def _session_number(text: str) -> int | ToolOutput:
    """The number a session is known by (spec: agent.md section 23)."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not text:
        problem = "cannot parse integer from empty string"
    elif not (digits.isascii() and digits.isdigit()):
        problem = "invalid digit found in string"
    elif len(digits) > 10 or int(digits) > _MAX_I32 + (text[0] == "-"):
        size = "small" if text[0] == "-" else "large"
        problem = f"number too {size} to fit in target type"
    else:
        return int(text)
    return ToolOutput(f"invalid session_id: {text} due to error {problem}", success=False)


async def _refuse_input(
    chars: str, session: TerminalSession, call_id: str, runtime: ToolRuntime
) -> ToolOutput | None:
    """Why the input does not reach the program; None when it may."""
    from codex_core.tools.sandbox_failure import REJECTED_BY_USER
    from codex_core.tools.terminal_input import REJECTED, InputDecision, decide_input
    from codex_protocol.ops import ReviewDecision

    context = runtime.context
    decision = decide_input(
        chars,
        session,
        approval_policy=context.approval_policy,
        sandbox_policy=context.sandbox_policy,
        cwd=context.cwd,
    )
    if decision is InputDecision.ALLOW or session.has_ended:
        return None
    if decision is InputDecision.REJECT:
        return ToolOutput(REJECTED, success=False)
    reason = f"input for the program in terminal {session.id}"
    if session.request.confinement is None:
        reason += ", which runs outside the sandbox"
    answer = await runtime.ask_exec(call_id, ("write_stdin", chars), session.request.cwd, reason)
    if answer is ReviewDecision.APPROVED_FOR_SESSION:
        session.trusts_input = True
    elif answer is not ReviewDecision.APPROVED:
        return ToolOutput(REJECTED_BY_USER, success=False)
    return None


def _escalation(context: TurnContext) -> dict[str, dict[str, object]]:
    """The properties to ask for more with, where the turn's policies let the model ask."""
    from codex_core.model.tool_spec import boolean, string

    if not _may_escalate(context):
        return {}
    return {
        "justification": string(
            "Only with with_escalated_permissions: one sentence for the user on why it is needed."
        ),
        "with_escalated_permissions": boolean(
            "Asks the user to let this program run without the sandbox; so is asked about all its input."
        ),
    }


def _may_escalate(context: TurnContext) -> bool:
    is_confined = context.sandbox_policy.mode == "workspace-write"
    return is_confined and context.approval_policy is AskForApproval.ON_REQUEST


def _confinement(context: TurnContext) -> str:
    """What the model should know of the sandbox under this turn's policies."""
    match context.sandbox_policy.mode:
        case "danger-full-access":
            return " Programs are not confined."
        case "read-only":
            text = " Programs run in a sandbox: they can read every file but write none."
        case _:
            text = (
                " Programs run in a sandbox: they can read every file, but write only in the working "
                "directory and other writable roots; leave `.git` alone."
            )
    if not context.sandbox_policy.has_full_network_access:
        text += " There is no network."
    if _may_escalate(context):
        text += " One that needs more can ask for it with with_escalated_permissions."
    return text
