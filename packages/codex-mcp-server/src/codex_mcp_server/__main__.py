"""The `codex-mcp-server` command. Its server is built in a coming version; until then it says so."""

from __future__ import annotations

import sys


def main() -> int:
    """Says what to use instead and returns 1."""
    from codex_core.arg0 import dispatch

    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    if sys.argv[1:] in (["--version"], ["-V"]):
        from codex_mcp_server import __version__

        print(f"codex-mcp-server {__version__}")
        return 0
    print("The MCP server is not part of this version. Use `codex exec`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
