"""The options of `codex doctor`, parsed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codex_cli.doctor.command import DoctorOptions
from codex_exec.lean_typer import new_app
from codex_exec.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str], *, program: str, overrides: Sequence[str]) -> DoctorOptions | int:
    """What the command line asks for, or the exit code when it asks for help or is wrong."""
    app, command = new_app()
    parsed: list[DoctorOptions] = []

    @command(help=_HELP, epilog=_EPILOG)
    def doctor(
        json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
        network: Annotated[
            bool,
            typer.Option("--network", help="Also ask each configured model provider whether it answers."),
        ] = False,
        cd: Annotated[
            str | None,
            typer.Option("-C", "--cd", metavar="DIR", help="Directory to work in (default: this one)."),
        ] = None,
        profile: Annotated[
            str | None,
            typer.Option(
                "-p", "--profile", metavar="CONFIG_PROFILE", help="Use this profile of config.toml."
            ),
        ] = None,
        config: Annotated[
            list[str] | None,
            typer.Option(
                "-c", "--config", metavar="key=value", help="Override one configuration value; repeatable."
            ),
        ] = None,
    ) -> None:
        parsed.append(DoctorOptions(json, network, cd, profile, (*overrides, *(config or ()))))

    try:
        code = app(list(arguments), prog_name=program, standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    return parsed[0] if parsed else int(code or 0)  # the help was shown, or Ctrl-C


_HELP = """Examine the installation, the configuration, the login, the sandbox and this terminal.

Nothing is changed, and nothing is sent anywhere unless --network says so. Secrets are never shown. The exit
code is 1 if something fails."""

_EPILOG = "Example: codex doctor --network"
