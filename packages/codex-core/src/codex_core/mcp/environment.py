"""The environment a stdio server is started with: a small base, what it asks for by name, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.mcp_servers import McpStdioTransport

BASE_VARIABLES = (
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "USER",
    "__CF_USER_TEXT_ENCODING",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "TZ",
)
"""What of our environment every server gets (spec: agent.md section 17); never what may be a credential."""


def server_environment(transport: McpStdioTransport, parent: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a server started from `parent`; what the configuration sets wins."""
    names = (*BASE_VARIABLES, *transport.env_vars)
    return {**{name: parent[name] for name in names if name in parent}, **(transport.env or {})}
