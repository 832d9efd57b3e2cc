"""The `codex` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code.

    What is asked most often is answered before anything else is imported.
    """
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from codex_cli import __version__

        print(f"codex-cli {__version__}")
        return 0
    import gc

    # Start-up makes much and drops nothing; the collector takes a tenth of its time. On again with the turn.
    gc.disable()
    from codex_core.arg0 import dispatch

    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    from codex_cli.commands import run_command_line
    from codex_core.startup import run_program

    return run_program(lambda: run_command_line(arguments))


if __name__ == "__main__":
    sys.exit(main())
