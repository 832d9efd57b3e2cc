"""`codex generate-ts`: TypeScript declarations of the editor protocol (spec: protocol.md section 13)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codex_exec.lean_typer import new_app
from codex_exec.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1


def run_generate_ts(arguments: Sequence[str]) -> int:
    """Writes one file per type into a directory; returns the exit code."""
    app, command = new_app()
    outcome: list[int] = []

    @command(help="Write TypeScript declarations of the editor protocol, one file per type.")
    def generate_ts(
        out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="Where to; made if missing.")],
        prettier: Annotated[
            str | None, typer.Option("-p", "--prettier", metavar="BIN", help="Formatter to run on the files.")
        ] = None,
        config: Annotated[  # noqa: ARG001 - every command takes overrides; this one reads no configuration
            list[str] | None, typer.Option("-c", "--config", metavar="key=value", hidden=True)
        ] = None,
    ) -> None:
        outcome.append(_write(out, prettier))

    try:
        app(list(arguments), prog_name="codex generate-ts", standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    return outcome[0] if outcome else 0


def _write(directory: str, prettier: str | None) -> int:
    from codex_protocol import typescript

    try:
        paths = typescript.write(directory)
        if prettier is not None:
            done = subprocess.run([prettier, "--write", *paths], check=False, stdout=subprocess.DEVNULL)
            if done.returncode != 0:
                print(f"Error: {prettier} failed with exit code {done.returncode}", file=sys.stderr)
                return FAILED
    except OSError as error:
        print(f"Error: {error.strerror}: {error.filename}", file=sys.stderr)
        return FAILED
    return 0
