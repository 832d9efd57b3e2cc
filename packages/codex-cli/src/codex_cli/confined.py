"""Turns this process into a confined command, with the environment that commands of the agent get.

The process becomes the sandbox's helper and that becomes the command, so signals, exit codes, job control and
the terminal are the command's own; nothing of ours stays in between.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.errors import CodexError
from codex_core.execution.sandbox import SandboxType, platform_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

    from codex_core.config.config import Config, ConfigFlags

FAILED = 1

_NAMES = {
    SandboxType.LINUX_SECCOMP: "Landlock and seccomp confine commands on Linux only",
    SandboxType.MACOS_SEATBELT: "Seatbelt confines commands on macOS only",
    SandboxType.NONE: "There is nothing to confine commands with on this system",
}


def run_confined(
    command: Sequence[str], *, sandbox: SandboxType, flags: ConfigFlags, overrides: Sequence[str]
) -> int:
    """Becomes `command`, confined as `flags` and the configuration say; returns only when that failed."""

    def start(config: Config, env: Mapping[str, str]) -> None:
        from codex_core.execution.sandbox import sandbox_command, sandbox_environment

        argv = sandbox_command(
            command,
            policy=config.sandbox_policy,
            sandbox=sandbox,
            policy_cwd=config.cwd,
            helper_exe=config.codex_linux_sandbox_exe,
            tmpdir=env.get("TMPDIR"),
            settings=(config.codex_home,),
            isolation=config.sandbox_isolation,
            outlives_parent=True,
        )
        os.chdir(config.cwd)
        become(argv, sandbox_environment(env, sandbox))

    return _prepare(start, sandbox=sandbox, flags=flags, overrides=overrides)


def run_explain(*, sandbox: SandboxType, flags: ConfigFlags, overrides: Sequence[str]) -> int:
    """Says what the sandbox comes to here, without running a command."""

    def explain(config: Config, env: Mapping[str, str]) -> None:
        if sandbox is SandboxType.MACOS_SEATBELT:
            from codex_core.execution.seatbelt import seatbelt_command

            words = seatbelt_command(
                (),
                config.sandbox_policy,
                policy_cwd=config.cwd,
                tmpdir=env.get("TMPDIR"),
                settings=(config.codex_home,),
            )
            print("\n".join(words[2:-1]))  # the policy and its parameters
            return
        from codex_core.execution.sandbox import helper_options
        from codex_protocol.jsonio import dumps

        options = helper_options(config.sandbox_policy, (config.codex_home,), config.sandbox_isolation)
        policy = dumps(config.sandbox_policy.to_wire())
        become((_required(config.codex_linux_sandbox_exe), *options, "--explain", config.cwd, policy), env)

    return _prepare(explain, sandbox=sandbox, flags=flags, overrides=overrides)


def run_self_test(options: Sequence[str], *, sandbox: SandboxType) -> int:
    """Becomes the helper's self-test, run in the environment we were given."""
    from codex_core.startup import prepared_process

    if sandbox is not SandboxType.LINUX_SECCOMP:
        return _fail("the self-test is that of the sandbox on Linux")
    if (problem := _problem_with(sandbox)) is not None:
        return _fail(problem)
    try:
        with prepared_process() as (services, helpers):
            helpers.keep_for_exec()
            helper = _required(helpers.linux_sandbox_exe)
            become((helper, "--self-test", *options), services.environ, is_own=True)
    except CodexError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"the self-test cannot be started: {error.strerror} (os error {error.errno})")


def become(argv: Sequence[str], env: Mapping[str, str], *, is_own: bool = False) -> NoReturn:
    """Replaces this process by the program `argv` begins with, a path.

    `env` is for the command that the sandbox helper is to run, not for the helper, unless `is_own`.

    Raises: OSError, ValueError.
    """
    from codex_core.execution.spawn import environment_aside

    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # the interpreter ignores both, and exec hands that on
        signal.signal(number, signal.SIG_DFL)
    # Names and values are what the user's environment holds, byte for byte (see `original_environ`).
    encoded = {_bytes(name): _bytes(value) for name, value in env.items()}
    words = [_bytes(word) for word in argv]
    if not is_own:
        words, encoded, descriptor = environment_aside(words, encoded)
        if descriptor is not None:
            os.set_inheritable(descriptor, True)
    os.execve(words[0], words, encoded)


def _prepare(
    start: Callable[[Config, Mapping[str, str]], None],
    *,
    sandbox: SandboxType,
    flags: ConfigFlags,
    overrides: Sequence[str],
) -> int:
    """Resolves configuration and environment for `start`; a known problem is one sentence on stderr."""
    from codex_core.config import load_config
    from codex_core.execution.environment import build_environment
    from codex_core.startup import prepared_process

    if (problem := _problem_with(sandbox)) is not None:
        return _fail(problem)
    try:
        with prepared_process() as (services, helpers):
            flags = replace(flags, codex_linux_sandbox_exe=helpers.linux_sandbox_exe)
            config = load_config(overrides=overrides, flags=flags, services=services)
            env = build_environment(
                config.shell_environment_policy,
                services.environ,
                network_disabled=not config.sandbox_policy.has_full_network_access,
            )
            helpers.keep_for_exec()
            start(config, env)
            return 0
    except CodexError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"the command cannot be started: {error.strerror} (os error {error.errno})")


def _problem_with(sandbox: SandboxType) -> str | None:
    """Why this system does not have the sandbox; None if it has."""
    if sandbox is platform_sandbox() and sandbox is not SandboxType.NONE:
        return None
    system = {"linux": "Linux", "darwin": "macOS"}.get(sys.platform, sys.platform)
    return f"{_NAMES[sandbox]}; this is {system}"


def _required(helper: str | None) -> str:
    from codex_core.execution.sandbox import SandboxUnavailable

    if helper is None:
        raise SandboxUnavailable("codex-linux-sandbox was required but not provided")
    return helper


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _fail(message: str) -> int:
    print(f"Error: {message}", file=sys.stderr)
    return FAILED
