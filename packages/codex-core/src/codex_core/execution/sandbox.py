"""Which sandbox there is, how a command is wrapped for it, and whether it was the sandbox that said no."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.execution.command import ExecOutcome
    from codex_protocol.sandbox_policy import SandboxPolicy

_DENIAL_WORDS = (
    b"operation not permitted",
    b"permission denied",
    b"read-only file system",
    b"seccomp",
    b"sandbox",
    b"landlock",
    b"failed to write file",
)
_LAUNCH_FAILURE = b"codex-linux-sandbox: cannot run "
"""How our helper begins to say that there is no such program: its name is no word of refusal there."""

_SIGSYS_EXIT_CODE = 128 + 31  # what a shell returns for a child that seccomp killed


class SandboxUnavailable(ExecutionError):  # noqa: N818 - says what is the case
    """A command was to be confined and there is nothing to confine it with."""


class SandboxType(StrEnum):
    """What confines a command."""

    NONE = "none"
    LINUX_SECCOMP = "linux-seccomp"
    """Our helper program `codex-linux-sandbox`."""
    MACOS_SEATBELT = "macos-seatbelt"

    @property
    def label(self) -> str:
        """Its name in tool outputs (spec: exec-sandbox.md D.4)."""
        match self:
            case SandboxType.NONE:
                return "None"
            case SandboxType.LINUX_SECCOMP:
                return "LinuxSeccomp"
            case SandboxType.MACOS_SEATBELT:
                return "MacosSeatbelt"


class Isolation(StrEnum):
    """How far a command is kept apart on Linux: the words of the helper's option and of our key."""

    AUTO = "auto"
    """Namespaces where the kernel allows them, Landlock and seccomp always."""
    NAMESPACES = "namespaces"
    """Like `AUTO`, but nothing runs where the kernel does not allow them."""
    LANDLOCK = "landlock"
    """Landlock and seccomp only."""


def platform_sandbox(platform: str = sys.platform) -> SandboxType:
    """What this system can confine commands with."""
    if platform == "linux":
        return SandboxType.LINUX_SECCOMP
    if platform == "darwin":
        return SandboxType.MACOS_SEATBELT
    return SandboxType.NONE


def sandbox_command(
    argv: Sequence[str],
    *,
    policy: SandboxPolicy,
    sandbox: SandboxType,
    policy_cwd: str,
    helper_exe: str | None,
    tmpdir: str | None = None,
    settings: Sequence[str] = (),
    isolation: Isolation | None = None,
    outlives_parent: bool = False,
) -> tuple[str, ...]:
    """The command line that runs `argv` in the sandbox, or `argv` itself without one.

    `policy_cwd` is the workspace, whatever directory the command runs in: a command must not make a place
    writable by being started there. `tmpdir` is the command's TMPDIR, which the helper on Linux reads itself.
    `settings` are directories that stay read-only also below a writable root: CODEX_HOME.
    `isolation` is for the helper, too; None leaves it to its default. `outlives_parent` lets the command go
    on when the process that started it ends.

    Raises:
        SandboxUnavailable: when `helper_exe` is needed and missing.
        SpawnFailed: when `argv` is empty.
    """
    if not argv:
        from codex_core.execution.spawn import SpawnFailed

        raise SpawnFailed("command args are empty")
    match sandbox:
        case SandboxType.NONE:
            return tuple(argv)
        case SandboxType.LINUX_SECCOMP:
            if helper_exe is None:
                raise SandboxUnavailable("codex-linux-sandbox was required but not provided")
            from codex_protocol.jsonio import dumps

            options = helper_options(policy, settings, isolation)
            if outlives_parent:
                options = ("--outlive-parent", *options)
            return (helper_exe, *options, policy_cwd, dumps(policy.to_wire()), "--", *argv)
        case SandboxType.MACOS_SEATBELT:
            from codex_core.execution.seatbelt import seatbelt_command

            return seatbelt_command(argv, policy, policy_cwd=policy_cwd, tmpdir=tmpdir, settings=settings)


def helper_options(
    policy: SandboxPolicy, settings: Sequence[str], isolation: Isolation | None
) -> tuple[str, ...]:
    """What the helper on Linux is told besides the policy and what it is about."""
    options: tuple[str, ...] = () if isolation is None else ("--isolation", isolation.value)
    if policy.mode == "workspace-write":
        for directory in settings:
            options += ("--settings", directory)
    return options


def sandbox_environment(env: Mapping[str, str], sandbox: SandboxType) -> dict[str, str]:
    """`env` with what tells a command on macOS that it is confined (spec: exec-sandbox.md A.2)."""
    if sandbox is not SandboxType.MACOS_SEATBELT:
        return dict(env)
    from codex_core.execution.seatbelt import SANDBOX_VALUE, SANDBOX_VARIABLE

    return {**env, SANDBOX_VARIABLE: SANDBOX_VALUE}


def looks_denied(
    outcome: ExecOutcome, sandbox: SandboxType, environ: Mapping[str, str] | None = None
) -> bool:
    """Whether a failure looks like the sandbox's doing: by the words it printed, or by its end.

    `environ` is the command's; it says in which language the words may be besides English. A guess (spec:
    agent.md section 26, "Denial test"): programs report a refusal in their own ways.
    """
    if sandbox is SandboxType.NONE or outcome.timed_out or outcome.exit_code == 0:
        return False
    for output in (outcome.aggregated, outcome.stderr, outcome.stdout):
        lower = output.lower().replace(_LAUNCH_FAILURE, b"")
        if any(word in lower for word in _DENIAL_WORDS):
            return True
    if environ is not None and outcome.aggregated:
        from codex_core.execution.refusal_words import refusals_in_language_of

        if any(word in outcome.aggregated for word in refusals_in_language_of(environ)):
            return True
    if sandbox is not SandboxType.LINUX_SECCOMP:
        return False
    return outcome.exit_code == _SIGSYS_EXIT_CODE or outcome.signal == signal.SIGSYS
