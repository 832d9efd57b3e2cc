"""`codex` as a typer application, to mount in a command line of one's own.

`codex` itself does not go through typer: no stock parser has the grammar that users of the reference know,
and importing typer takes longer than a whole help page. A program with a typer application of its own has
paid for that already, and gets all commands with two lines:

    app = typer.Typer()
    app.add_typer(new_typer_app(), name="codex")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from codex_cli.commands import ROOT, run_command_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.command_line.grammar import Command

_AS_TYPED = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def new_typer_app() -> typer.Typer:
    """An application with every command of `codex`. What follows a command's name is read by its own grammar.

    Exit codes are those of `codex`; usage lines name `codex` too, whatever the application is mounted as.
    """
    app = typer.Typer(
        help=ROOT.about, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
    )
    for command in ROOT.commands:
        if command.is_reserved:
            continue
        for name in command.names:
            app.command(
                name,
                help=command.about or command.summary,
                short_help=command.summary,
                hidden=command.is_hidden or name != command.name,
                add_help_option=False,
                context_settings=_AS_TYPED,
            )(_runner(command))
    return app


def _runner(command: Command) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        raise typer.Exit(run_command_line([command.name, *context.args]))

    return run
