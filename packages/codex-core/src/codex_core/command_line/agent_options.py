"""What every front end that starts the agent can be told on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.arg0 import HelperDirectory
    from codex_core.command_line.resume import ResumeRequest
    from codex_core.config import ConfigFlags
    from codex_protocol.config_types import SandboxMode


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """What `codex` and `codex exec` have in common, parsed; nothing has been checked yet."""

    prompt: str | None = None
    """The first message."""
    images: tuple[str, ...] = ()
    """Files for the first message, relative to the directory the program was started in."""
    overrides: tuple[str, ...] = ()
    """`-c key=value`, in order."""
    model: str | None = None
    profile: str | None = None
    sandbox: SandboxMode | None = None
    cwd: str | None = None
    oss: bool = False
    local_provider: str | None = None
    """`ollama` or `lmstudio`; for `oss`."""
    demo: bool = False
    full_auto: bool = False
    """Sandbox `workspace-write` and fewer questions; goes before `sandbox`."""
    bypass: bool = False
    """No sandbox and no questions; never together with `full_auto`."""
    resume: ResumeRequest | None = None
    """The session to go on with; None for a new one."""


def agent_flags(options: AgentOptions, helpers: HelperDirectory) -> ConfigFlags:
    """What they mean for the configuration; a front end adds how it asks, and what else is its own."""
    from codex_core.config import ConfigFlags
    from codex_core.config.providers import DEMO_ID

    return ConfigFlags(
        model="demo" if options.demo and options.model is None else options.model,
        model_provider=DEMO_ID if options.demo else None,
        profile=options.profile,
        cwd=options.cwd,
        sandbox_mode=options.sandbox,
        full_auto=options.full_auto,
        bypass_approvals_and_sandbox=options.bypass,
        oss=options.oss,
        codex_linux_sandbox_exe=helpers.linux_sandbox_exe,
        apply_patch_exe=helpers.apply_patch_exe,
    )
