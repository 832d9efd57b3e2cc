"""The `codex` command."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is this plus enumerations, which cost time
import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code.

    What is asked most often is answered before anything else is imported.
    """
    _end_at_ctrl_c()
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from codex_cli import __version__

        try:
            print(f"codex-cli {__version__}", flush=True)
        except OSError as error:
            from codex_core.startup import unwritable

            return unwritable(error)
        return 0
    import gc

    # Start-up makes much and drops nothing; the collector takes a tenth of its time. On again with the turn.
    gc.disable()
    from codex_core.arg0 import dispatch

    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    if arguments:
        from codex_cli.commands import run_command_line
    else:  # the app, which paints that much sooner
        from codex_tui.cli import run_command_line

    try:
        code = run_command_line(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (KeyboardInterrupt, OSError) as end:
        # Imported only now: without it a help page takes a third less time.
        from functools import partial

        from codex_core.startup import run_program

        return run_program(partial(_raise, end))
    if "codex_exec.run" in sys.modules:  # a short life, and much to take apart at its end
        from codex_core.startup import leave

        return leave(code)
    return code


def _raise(end: BaseException) -> int:
    raise end


def _end_at_ctrl_c() -> None:
    """Lets Ctrl-C end the process until a command has something to put in order first."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # it may be ignored
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
