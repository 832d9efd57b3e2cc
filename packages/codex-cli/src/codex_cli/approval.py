"""`codex debug approval`: how a command reads, which rule judges it, and what is decided; nothing is run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.reported import reported
from codex_protocol.config_types import AskForApproval, SandboxMode

if TYPE_CHECKING:
    from codex_core.command_line.parser import Invocation
    from codex_core.config.config import Config
    from codex_core.services import Services


def run_approval(invocation: Invocation) -> int:
    """Prints the explanation; returns the exit code, which is 0 whatever was decided."""
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services
    from codex_core.startup import user_environ

    given = invocation.inner
    policy, sandbox = given.text("approval"), given.text("sandbox")
    flags = ConfigFlags(
        approval_policy=None if policy is None else AskForApproval(policy),
        sandbox_mode=None if sandbox is None else SandboxMode(sandbox),
        cwd=given.text("cd"),
    )
    asked = _Circumstances(escalated=given.is_on("escalated"), approved=given.is_on("approved"))

    def run() -> None:
        services = Services(environ=user_environ())
        config = load_config(overrides=invocation.overrides, flags=flags, services=services)
        _print(given.texts("command"), asked, config, services, as_json=given.is_on("json"))

    return reported(run)


@dataclass(frozen=True, slots=True)
class _Circumstances:
    escalated: bool
    approved: bool


def _print(
    words: tuple[str, ...], asked: _Circumstances, config: Config, services: Services, *, as_json: bool
) -> None:
    from codex_core.approval.decide import ApprovalKey
    from codex_core.approval.explain import explain_command
    from codex_core.approval.explain_patch import explain_patch
    from codex_core.approval.writable import repository_of
    from codex_core.execution.sandbox import SandboxType, platform_sandbox

    has_sandbox = platform_sandbox() is not SandboxType.NONE
    explanation = explain_patch(
        words,
        cwd=config.cwd,
        approval_policy=config.approval_policy,
        sandbox_policy=config.sandbox_policy,
        tmpdir=services.environ.get("TMPDIR"),
        settings=(config.codex_home, *repository_of(config.cwd)),
        platform_sandbox=has_sandbox,
    ) or explain_command(
        words,
        cwd=config.cwd,
        approval_policy=config.approval_policy,
        sandbox_policy=config.sandbox_policy,
        approved=(ApprovalKey(words, config.cwd),) if asked.approved else (),
        escalated=asked.escalated,
        platform_sandbox=has_sandbox,
    )
    if as_json:
        import json

        policies = {
            "cwd": config.cwd,
            "approval_policy": config.approval_policy.value,
            "sandbox_policy": config.sandbox_policy.to_wire(),
        }
        print(json.dumps({**policies, **explanation.to_json()}, indent=2))
        return
    lines = [
        f"policies: approval {config.approval_policy.value}, sandbox {config.sandbox_policy.mode.value}",
        *explanation.lines(),
    ]
    # What a command holds may be no text, or may steer the terminal.
    print("\n".join(map(_visible, lines)))


def _visible(line: str) -> str:
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in line
    )
    return shown.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(
        sys.stdout.encoding or "utf-8"
    )
