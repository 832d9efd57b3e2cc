"""The command line of `codex mcp serve` and `codex-mcp-server`, defined once (spec: servers.md section 1)."""

from __future__ import annotations

from codex_core.command_line import options as shared
from codex_core.command_line.grammar import Command
from codex_core.command_line.program import run_command
from codex_mcp_server import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.command_line.parser import Invocation

SERVE = Command(
    "serve",
    summary="Be an MCP server on stdin and stdout",
    about="Be an MCP server on stdin and stdout: the tools `codex` and `codex-reply`, and the methods "
    "editors use. One JSON message per line; the log goes to stderr.",
    options=(shared.CONFIG,),
    run="codex_mcp_server.cli:run",
)
STAND_ALONE = Command(
    "codex-mcp-server",
    summary=SERVE.summary,
    about=SERVE.about,
    options=SERVE.options,
    run=SERVE.run,
    version=f"codex-mcp-server {__version__}",
)


def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `codex-mcp-server` with these arguments and returns the exit code."""
    return run_command(STAND_ALONE, arguments)


def run(invocation: Invocation) -> int:
    """Runs the server, as the command line says."""
    from codex_mcp_server.options import McpServerOptions
    from codex_mcp_server.run import run as serve

    return serve(McpServerOptions(overrides=invocation.overrides))
