"""The `codex-mcp-server` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    from codex_core.arg0 import dispatch

    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    from codex_core.startup import run_program
    from codex_mcp_server.cli import run_command_line

    return run_program(lambda: run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
