"""`codex completion`: prints the script for a shell (spec: config-cli.md section 7)."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_core.command_line.parser import Invocation


def run_completion(invocation: Invocation) -> int:
    """Prints the script for the shell that was named; returns the exit code."""
    sys.stdout.write(script(invocation.inner.text("shell") or "bash"))
    return 0


def script(shell: str) -> str:
    """The script that makes `shell` complete what stands behind `codex`."""
    from codex_cli.commands import ROOT
    from codex_cli.completion.places import places

    made: str = import_module(f"codex_cli.completion.{shell}").script(places(ROOT))
    return made
