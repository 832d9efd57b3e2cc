"""Opening a terminal for the model: allowed or not, confined or not, announced, and watched for a while.

The same decisions as for `shell` (spec: exec-sandbox.md (d)), where the reference asks and confines nothing
(agent.md D24).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.sandbox import SandboxType
from codex_core.tools.clearance import WantedCommand, clearance, confined
from codex_core.tools.runtime import DEFAULT_TIMEOUT_MS, ToolOutput
from codex_core.tools.sandbox_failure import REJECTED_BY_USER, ask_to_retry
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.approval.decide import ApprovalKey
    from codex_core.execution.terminal_sessions import Exchange, TerminalRequest, TerminalSession
    from codex_core.tools.runtime import ToolRuntime

_KNOWN_BASH = frozenset({"bash", "/bin/bash", "/usr/bin/bash"})

PLAIN_OUTPUT: Mapping[str, str] = {
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "COLORTERM": "",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GH_PAGER": "cat",
    "CODEX_CI": "1",
}
"""Makes programs print what a model can read, though they are on a terminal (spec: agent.md section 26)."""

PAGERS = ("PAGER", "GIT_PAGER", "GH_PAGER")
"""Not to be changed: on a terminal, a pager makes a harmless `git log` a program that takes commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalCommand(WantedCommand):
    """A program the model wants on a terminal."""

    wait_ms: int

    @property
    def judged(self) -> tuple[str, ...]:
        """The command as the tables know it: which bash runs a script makes no difference to them."""
        match self.argv:
            case (shell, "-lc" | "-c", script) if shell in _KNOWN_BASH:
                return ("bash", "-lc", script)
            case _:
                return self.argv


@dataclass(frozen=True, slots=True)
class Opened:
    """A terminal was opened and watched for a while."""

    session: TerminalSession
    exchange: Exchange
    wall_s: float


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The program could not be started; says why."""

    session_id: int
    reason: str


async def open_terminal(command: TerminalCommand, runtime: ToolRuntime) -> Opened | NotStarted | ToolOutput:
    """The whole way of a command; a `ToolOutput` where it needed no terminal or was refused one."""
    cleared = await clearance(command, runtime, patch_timeout_ms=DEFAULT_TIMEOUT_MS)
    if isinstance(cleared, ToolOutput):
        return cleared
    opened = await _start(command, cleared.sandbox, runtime, is_harmless=cleared.is_harmless)
    if isinstance(opened, NotStarted) or cleared.is_harmless or not _was_denied(opened, cleared.sandbox):
        return opened
    if runtime.context.approval_policy in (AskForApproval.NEVER, AskForApproval.ON_REQUEST):
        return opened  # the model sees what was refused, and may ask for more
    return await _retry_unsandboxed(command, cleared.key, opened, runtime)


async def _retry_unsandboxed(
    command: TerminalCommand, key: ApprovalKey, refused: Opened, runtime: ToolRuntime
) -> Opened | NotStarted | ToolOutput:
    """After a refusal of the sandbox: asks whether to run again without it (exec-sandbox.md D.4)."""
    failure = f"sandbox denied exec error, exit code: {refused.exchange.exit_code}"
    if not await ask_to_retry(command.call_id, command.argv, command.cwd, failure, runtime, key=key):
        return ToolOutput(REJECTED_BY_USER, success=False)
    runtime.terminals.forget(refused.session.id)
    return await _start(command, SandboxType.NONE, runtime, is_harmless=False)


async def _start(
    command: TerminalCommand, sandbox: SandboxType, runtime: ToolRuntime, *, is_harmless: bool
) -> Opened | NotStarted:
    """Starts the program between its events and waits for what it prints first.

    A cancellation meanwhile ends the program: the model would never learn that it is there.
    """
    from codex_core.approval.describe import parse_command
    from codex_protocol.config_types import ExecOutputStream
    from codex_protocol.events import ExecCommandBeginEvent, ExecCommandOutputDeltaEvent

    terminals = runtime.terminals
    number = terminals.new_id()
    started = runtime.services.monotonic()
    try:
        terminals.require_room()
        request = _request(command, sandbox, runtime, is_harmless=is_harmless)
    except ExecutionError as error:
        return NotStarted(number, str(error))
    await runtime.emit(
        ExecCommandBeginEvent(
            call_id=command.call_id,
            command=command.argv,
            cwd=command.cwd,
            parsed_cmd=tuple(parse_command(list(command.judged))),
        )
    )

    async def on_output(chunk: bytes) -> None:
        stream = ExecOutputStream.STDOUT
        await runtime.emit(ExecCommandOutputDeltaEvent(call_id=command.call_id, stream=stream, chunk=chunk))

    async def on_end(session: TerminalSession) -> None:
        text = session.transcript.content().decode("utf-8", "replace")
        code = -1 if session.exit_code is None else session.exit_code
        await _emit_end(command.call_id, text, code, session.duration_s, runtime)

    try:
        session = await terminals.open(number, request, on_output=on_output, on_end=on_end)
    except ExecutionError as error:
        await _emit_end(command.call_id, str(error), -1, 0.0, runtime)
        return NotStarted(number, str(error))
    try:
        exchange = await session.talk(b"", command.wait_ms / 1000)
    except asyncio.CancelledError:
        await terminals.end(session)
        raise
    return Opened(session, exchange, runtime.services.monotonic() - started)


def _request(
    command: TerminalCommand, sandbox: SandboxType, runtime: ToolRuntime, *, is_harmless: bool
) -> TerminalRequest:
    """Raises: ExecutionError."""
    from codex_core.execution.environment import build_environment
    from codex_core.execution.sandbox import sandbox_environment
    from codex_core.execution.terminal_sessions import Confinement, TerminalRequest

    context = runtime.context
    policy = context.shell_environment_policy
    environment = build_environment(
        policy,
        runtime.services.environ,
        network_disabled=not context.sandbox_policy.has_full_network_access,
    )
    for name in ("LINES", "COLUMNS"):  # of our own terminal, if of any
        if name not in policy.set:
            environment.pop(name, None)
    for name, value in PLAIN_OUTPUT.items():
        if name in PAGERS or name not in policy.set:
            environment[name] = value
    argv = confined(command.argv, sandbox, runtime, tmpdir=environment.get("TMPDIR"))
    request = TerminalRequest(
        argv, command.cwd, sandbox_environment(environment, sandbox), is_harmless=is_harmless
    )
    if sandbox is SandboxType.NONE:
        return request
    return replace(request, confinement=Confinement(context.sandbox_policy, context.cwd))


def _was_denied(opened: Opened, sandbox: SandboxType) -> bool:
    """Whether the program has ended already, and by the sandbox's doing as it looks."""
    from codex_core.execution.command import ExecOutcome
    from codex_core.execution.sandbox import looks_denied

    if opened.exchange.exit_code is None:
        return False
    session = opened.session
    printed = session.transcript.content()
    outcome = ExecOutcome(
        exit_code=None if session.signal else session.exit_code,
        signal=session.signal,
        timed_out=False,
        stdout=printed,
        stderr=b"",
        aggregated=printed,
        duration_s=session.duration_s,
    )
    return looks_denied(outcome, sandbox)


async def _emit_end(call_id: str, text: str, exit_code: int, duration_s: float, runtime: ToolRuntime) -> None:
    from codex_core.execution.output import truncate_for_model
    from codex_protocol.events import Duration, ExecCommandEndEvent

    await runtime.emit(
        ExecCommandEndEvent(
            call_id=call_id,
            stdout=text,
            stderr="",
            aggregated_output=text,
            exit_code=exit_code,
            duration=Duration.from_seconds(duration_s),
            formatted_output=truncate_for_model(text),
        )
    )
