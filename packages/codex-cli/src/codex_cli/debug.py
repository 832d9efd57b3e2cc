"""`codex debug`: the sandbox and the decisions about commands, by hand (spec: config-cli.md section 7)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codex_cli.commands import split_overrides, unrecognized, usage_error
from codex_core.execution.sandbox import SandboxType
from codex_exec.lean_typer import TrailingCommand, new_app
from codex_exec.usage import USAGE_ERROR_EXIT_CODE
from codex_exec.usage import usage_error as parser_error

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_COMMAND = "the following required arguments were not provided:\n  <COMMAND>..."

Overrides = Annotated[
    list[str] | None,
    typer.Option("-c", "--config", metavar="key=value", help="Override one configuration value; repeatable."),
]
Trailing = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND", help="Program and arguments, taken word for word."),
]

_HELP = """\
Usage: codex debug [OPTIONS] <COMMAND>

  Look behind: the sandbox, and decisions about commands.

Commands:
  landlock  Run a command in the sandbox of Linux
  seatbelt  Run a command in the sandbox of macOS
  approval  Say whether a command would run, be asked about or be refused, and why
  help      Print this, or the help of one of these

Options:
  -c, --config <key=value>  Override one configuration value; repeatable
  -h, --help                Print help
"""
_NAMES = ("landlock", "seatbelt", "approval", "help")


def run_debug(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """Runs one of the commands below `debug`; returns the exit code, unless it becomes another program."""
    own, rest = split_overrides(arguments)
    if rest is None:
        return usage_error("a value is required for '--config <key=value>' but none was supplied")
    merged = (*overrides, *own)
    match rest:
        case []:
            sys.stderr.write(_HELP)
            return USAGE_ERROR_EXIT_CODE
        case ["-h" | "--help", *_] | ["help"] | ["help", "-h" | "--help", *_]:
            sys.stdout.write(_HELP)
            return 0
        case ["help", name, *_]:
            return run_debug([name, "--help"], merged)
        case ["landlock", *words]:
            return _confined(words, merged, "landlock", SandboxType.LINUX_SECCOMP)
        case ["seatbelt", *words]:
            return _confined(words, merged, "seatbelt", SandboxType.MACOS_SEATBELT)
        case ["approval", *words]:
            from codex_cli.approval import run_approval

            return run_approval(words, merged)
        case [name, *_] if name.startswith("-"):
            return usage_error(f"unexpected argument '{name}' found")
        case [name, *_]:
            return unrecognized(name, _NAMES)
    raise AssertionError(rest)


def _confined(arguments: Sequence[str], overrides: Sequence[str], name: str, sandbox: SandboxType) -> int:
    """Runs a command read-only, or with `--full-auto` as `workspace-write` (spec: exec-sandbox.md C.6)."""
    app, command = new_app(TrailingCommand)
    outcome: list[int] = []

    @command(help=_CONFINED_HELP)
    def confined(
        words: Trailing = None,
        full_auto: Annotated[
            bool,
            typer.Option(
                "--full-auto", help="Let it write here: workspace-write, as [sandbox_workspace_write] says."
            ),
        ] = False,
        config: Overrides = None,
    ) -> None:
        from codex_cli.confined import run_confined
        from codex_core.config.config import ConfigFlags
        from codex_protocol.config_types import SandboxMode

        if not words:
            raise typer.BadParameter(NO_COMMAND)
        mode = SandboxMode.WORKSPACE_WRITE if full_auto else SandboxMode.READ_ONLY
        flags = ConfigFlags(sandbox_mode=mode)
        outcome.append(
            run_confined(words, sandbox=sandbox, flags=flags, overrides=(*overrides, *(config or ())))
        )

    try:
        app(list(arguments), prog_name=f"codex debug {name}", standalone_mode=False)
    except typer.TyperException as error:
        return parser_error(error, sys.stderr)
    return outcome[0] if outcome else 0


_CONFINED_HELP = """Run a command in the sandbox, read-only and without network, with the environment that
commands of the agent get.

The exit code is the command's: 127 if there is no such program, 101 if the sandbox could not be set up
and nothing was run. A configured sandbox_mode does not count here."""
