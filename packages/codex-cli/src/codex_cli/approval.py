"""`codex debug approval`: how a command reads, which rule judges it, and what is decided; nothing is run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from codex_cli.debug import NO_COMMAND, Overrides, Trailing
from codex_core.errors import CodexError
from codex_exec.lean_typer import TrailingCommand, new_app
from codex_exec.usage import usage_error
from codex_protocol.config_types import AskForApproval, SandboxMode  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.config.config import Config
    from codex_core.services import Services

FAILED = 1


def run_approval(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """Prints the explanation; returns the exit code, which is 0 whatever was decided."""
    app, command = new_app(TrailingCommand)

    @command(help=_HELP, epilog=_EPILOG)
    def approval(
        words: Trailing = None,
        policy: Annotated[
            AskForApproval | None,
            typer.Option(
                "-a",
                "--ask-for-approval",
                metavar="APPROVAL_POLICY",
                help="untrusted, on-failure, on-request or never (default: as configured).",
            ),
        ] = None,
        sandbox: Annotated[
            SandboxMode | None,
            typer.Option(
                "-s",
                "--sandbox",
                metavar="SANDBOX_MODE",
                help="read-only, workspace-write or danger-full-access (default: as configured).",
            ),
        ] = None,
        cd: Annotated[
            str | None,
            typer.Option("-C", "--cd", metavar="DIR", help="Directory to work in (default: this one)."),
        ] = None,
        escalated: Annotated[
            bool, typer.Option("--escalated", help="As if the model had asked to run it without the sandbox.")
        ] = False,
        approved: Annotated[
            bool, typer.Option("--approved", help="As if it had been approved for the session before.")
        ] = False,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
        config: Overrides = None,
    ) -> None:
        from codex_core.config import ConfigFlags, load_config
        from codex_core.services import Services
        from codex_core.startup import user_environ

        if not words:
            raise typer.BadParameter(NO_COMMAND)
        services = Services(environ=user_environ())
        flags = ConfigFlags(approval_policy=policy, sandbox_mode=sandbox, cwd=cd)
        loaded = load_config(overrides=(*overrides, *(config or ())), flags=flags, services=services)
        asked = _Circumstances(escalated=escalated, approved=approved)
        _print(tuple(words), asked, loaded, services, as_json=json)

    try:
        app(list(arguments), prog_name="codex debug approval", standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    except CodexError as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    return 0


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


_HELP = """Say how a command reads, which rule judges it, and whether it would run, be asked about or be
refused.

Nothing is run. The command is what a tool call holds, so a line for the shell is given as:
bash -lc 'LINE'."""

_EPILOG = "Example: codex debug approval -a untrusted -- bash -lc 'ls | wc -l'"
