"""One command outside of any conversation, under the same sandbox (spec: servers.md section 5.3)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.command import ExecRequest, run_command
from codex_core.execution.environment import build_environment
from codex_core.execution.sandbox import SandboxType, platform_sandbox, sandbox_command, sandbox_environment
from codex_protocol.ide import ExecArbitraryCommandResponse, ExecOneOffCommandParams

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_core.services import Services

TIMEOUT_MS = 10_000
_MAX_TIMEOUT_MS = 2**31  # more than three weeks; a timer cannot be set for every 64-bit number


async def run_one_off(
    params: ExecOneOffCommandParams, config: Config, services: Services
) -> ExecArbitraryCommandResponse:
    """How the command ended; a failure of the command itself is a result like any other.

    Raises: ExecutionError when it could not be run, ran out of time, or was killed.
    """
    policy = params.sandbox_policy or config.sandbox_policy
    cwd = os.path.join(config.cwd, params.cwd) if params.cwd else config.cwd
    if "\0" in cwd or any("\0" in word for word in params.command):
        raise ExecutionError("a word of the command, or its directory, holds a NUL character")
    is_confined = policy.mode != "danger-full-access"
    sandbox = platform_sandbox() if is_confined else SandboxType.NONE
    environment = build_environment(
        config.shell_environment_policy, services.environ, network_disabled=not policy.has_full_network_access
    )
    argv = sandbox_command(
        params.command,
        policy=policy,
        sandbox=sandbox,
        policy_cwd=cwd,
        helper_exe=config.codex_linux_sandbox_exe,
        tmpdir=environment.get("TMPDIR"),
        settings=(config.codex_home,),
        isolation=config.sandbox_isolation,
    )
    timeout_ms = TIMEOUT_MS if params.timeout_ms is None else min(params.timeout_ms, _MAX_TIMEOUT_MS)
    outcome = await run_command(
        ExecRequest(argv=argv, cwd=cwd, env=sandbox_environment(environment, sandbox), timeout_ms=timeout_ms)
    )
    if outcome.timed_out:
        raise ExecutionError("sandbox error: command timed out")
    if outcome.exit_code is None:
        raise ExecutionError("sandbox error: command was killed by a signal")
    return ExecArbitraryCommandResponse(
        exit_code=outcome.exit_code,
        stdout=outcome.stdout.decode("utf-8", "replace"),
        stderr=outcome.stderr.decode("utf-8", "replace"),
    )
