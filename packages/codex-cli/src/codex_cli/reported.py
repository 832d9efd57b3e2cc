"""Runs a command to its end or to a condition we know, which is one sentence on stderr and exit code 1."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1


def reported(run: Callable[[], None]) -> int:
    """The exit code of `run`: 0, or 1 after its `CodexError` was printed."""
    try:
        run()
    except CodexError as error:
        from codex_core.presentation.safe_text import exact_text

        # A name in a file may hold what steers a terminal.
        print(f"Error: {exact_text(str(error))}", file=sys.stderr)
        return FAILED
    return 0
