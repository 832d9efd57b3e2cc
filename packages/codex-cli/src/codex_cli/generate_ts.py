"""`codex generate-ts`: TypeScript declarations of the editor protocol (spec: protocol.md section 13)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.command_line.parser import Invocation

FAILED = 1


def run_generate_ts(invocation: Invocation) -> int:
    """Writes one file per type into a directory; returns the exit code."""
    return _write(invocation.inner.text("out") or "", invocation.inner.text("prettier"))


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
