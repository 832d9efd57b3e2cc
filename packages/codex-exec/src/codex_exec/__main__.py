"""The `codex-exec` command."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is this plus enumerations, which cost time
import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    _end_at_ctrl_c()
    import gc

    # Start-up makes much and drops nothing; the collector takes a tenth of its time. On again with the turn.
    gc.disable()
    from codex_core.arg0 import dispatch

    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    from codex_core.startup import leave, run_program
    from codex_exec.cli import run_command_line

    return leave(run_program(lambda: run_command_line(sys.argv[1:])))


def _end_at_ctrl_c() -> None:
    """Lets Ctrl-C end the process until a command has something to put in order first."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # it may be ignored
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
