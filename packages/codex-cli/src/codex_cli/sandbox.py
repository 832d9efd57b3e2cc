"""`codex sandbox`, `debug landlock`, `debug seatbelt`: a command in the sandbox, or what that comes to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_cli import sandbox_options as options
from codex_core.command_line.options import CONFIG
from codex_core.command_line.parser import usage_line
from codex_core.command_line.usage import UsageError
from codex_core.config.config import ConfigFlags
from codex_core.execution.sandbox import Isolation, SandboxType, platform_sandbox
from codex_protocol.config_types import SandboxMode

if TYPE_CHECKING:
    from codex_core.command_line.grammar import Option
    from codex_core.command_line.parser import Invocation

_SANDBOXES = {"linux": SandboxType.LINUX_SECCOMP, "macos": SandboxType.MACOS_SEATBELT}


def run_sandbox(invocation: Invocation) -> int:
    """Becomes the confined command; returns the exit code where none was started."""
    from codex_cli import confined

    _check_combination(invocation)
    platform = invocation.inner.command.name
    sandbox = _SANDBOXES[platform] if platform in _SANDBOXES else platform_sandbox()
    isolation = invocation.last_text("isolation")
    if invocation.is_on("self_test"):
        words = [] if isolation is None else ["--isolation", isolation]
        return confined.run_self_test(
            [*words, *(["--json"] if invocation.is_on("json") else [])], sandbox=sandbox
        )
    cd, roots = invocation.last_text("cd"), _added_roots(invocation)
    for directory in roots:
        _require_directory(directory, cd)
    flags = ConfigFlags(
        sandbox_mode=_mode(invocation),
        cwd=cd,
        add_dirs=roots,
        network_access=invocation.is_on("network"),
        sandbox_isolation=None if isolation is None else Isolation(isolation),
    )
    if invocation.is_on("explain"):
        return confined.run_explain(sandbox=sandbox, flags=flags, overrides=invocation.overrides)
    command = invocation.inner.texts("command")
    return confined.run_confined(command, sandbox=sandbox, flags=flags, overrides=invocation.overrides)


def run_landlock(invocation: Invocation) -> int:
    """Becomes a command confined by the sandbox of Linux (spec: exec-sandbox.md C.6)."""
    return _run_in(SandboxType.LINUX_SECCOMP, invocation)


def run_seatbelt(invocation: Invocation) -> int:
    """Becomes a command confined by the sandbox of macOS (spec: exec-sandbox.md C.6)."""
    return _run_in(SandboxType.MACOS_SEATBELT, invocation)


def _run_in(sandbox: SandboxType, invocation: Invocation) -> int:
    from codex_cli.confined import run_confined

    command, flags = invocation.inner.texts("command"), ConfigFlags(sandbox_mode=_mode(invocation))
    return run_confined(command, sandbox=sandbox, flags=flags, overrides=invocation.overrides)


def _mode(invocation: Invocation) -> SandboxMode:
    mode = invocation.last_text("sandbox")
    if invocation.is_on("full_auto"):
        return SandboxMode.WORKSPACE_WRITE
    return SandboxMode.READ_ONLY if mode is None else SandboxMode(mode)


def _added_roots(invocation: Invocation) -> tuple[str, ...]:
    return tuple(root for level in invocation.levels for root in level.texts("add_dir"))


def _check_combination(invocation: Invocation) -> None:
    """Nothing that was said is ignored in silence: what cannot count is an error.

    Options may stand before and behind the name of a system, so this is about both levels.
    """

    def is_given(option: Option) -> bool:
        return any(option.key in level.values for level in invocation.levels)

    def error(message: str) -> UsageError:
        return UsageError(message, usage=usage_line(invocation.path))

    words = invocation.inner.texts("command")
    if is_given(options.SELF_TEST):
        alone = (options.SELF_TEST, options.JSON, options.ISOLATION, CONFIG)
        for other in invocation.inner.command.options:
            if other not in alone and is_given(other):
                raise error(f"the argument '--self-test' cannot be used with '{other.label}'")
    elif is_given(options.JSON):
        raise error("the argument '--json' needs '--self-test'")
    if is_given(options.SELF_TEST) or is_given(options.EXPLAIN):
        if words:
            raise error(f"unexpected argument '{words[0]}' found")
    elif not words:
        raise error("the following required arguments were not provided:\n  <COMMAND>...")
    if is_given(options.FULL_AUTO) and is_given(options.MODE):
        raise error(f"the argument '--full-auto' cannot be used with '{options.MODE.label}'")
    if _mode(invocation) is not SandboxMode.WORKSPACE_WRITE:
        for option in (options.ADD_DIR, options.NETWORK):
            if is_given(option):
                raise error(f"the argument '{option.label}' needs '--sandbox workspace-write'")


def _require_directory(directory: str, cwd: str | None) -> None:
    """The helper leaves out a root it cannot open, and JSON has no bytes but UTF-8: better said here."""
    problem = "it is not a directory"
    if os.path.isdir(os.path.join(cwd or "", directory)):
        try:
            directory.encode()
            return
        except UnicodeEncodeError:
            problem = "its name is not UTF-8"
    raise UsageError(f"invalid value {directory!r} for '{options.ADD_DIR.label}': {problem}")
