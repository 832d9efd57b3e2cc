"""`codex mcp check [NAME]`: starts the configured MCP servers, lists their tools and says what is wrong."""

from __future__ import annotations

import sys

from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.options import CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.command_line.parser import Invocation
    from codex_core.config.mcp_servers import McpServerConfig
    from codex_core.mcp.connections import McpConnections
    from codex_core.services import Services
    from codex_core.tools.mcp import McpTool

FAILED = 1
INTERRUPTED = 130
MAX_DESCRIPTION = 80

NO_SERVERS = "No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`."

CHECK = Command(
    "check",
    summary="Start the configured servers and list their tools",
    about="Start the configured MCP servers, or the one of that name, as the agent would, list their tools "
    "and say what is wrong. Exit code 1: something is.",
    options=(Option("--json", key="json", help="Print JSON, for scripts"), CONFIG),
    arguments=(Argument("NAME", key="name", help="Only this server, even if it is switched off"),),
    run="codex_cli.mcp_check:check_servers",
    examples=(
        ("codex mcp check", "all of them"),
        ("codex mcp check docs", "one of them"),
    ),
)
"""What the command takes; importing it is cheap."""


def check_servers(invocation: Invocation) -> int:
    """Starts what the command line names, and prints how it went; returns the exit code."""
    import asyncio

    from codex_core.config import load_config
    from codex_core.errors import CodexError
    from codex_core.services import Services
    from codex_core.startup import user_environ

    services = Services(environ=user_environ())
    try:
        config = load_config(overrides=invocation.overrides, services=services)
        servers = _chosen(config.mcp_servers, invocation.inner.text("name"))
        reports = asyncio.run(_examine(servers, config.cwd, services)) if servers else []
    except CodexError as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    if invocation.inner.is_on("json"):
        import json

        print(json.dumps([report.json_object() for report in reports], indent=2, ensure_ascii=False))
    else:
        print("\n".join(line for report in reports for line in report.lines()) or NO_SERVERS)
    return FAILED if any(report.status == "failed" for report in reports) else 0


class Report:
    """How one server did."""

    def __init__(self, config: McpServerConfig, connections: McpConnections) -> None:
        name = config.name
        connection = connections.connections.get(name)
        self.name = name
        self.how = _how(config)
        """How it is reached; many a failure is a misspelled program."""
        self.error = connections.failures.get(name)
        self.status = "failed" if self.error is not None else "ok" if config.enabled else "disabled"
        self.server = None if connection is None else connection.server_info
        self.seconds = None if connection is None else connection.startup_s
        self.tools = [tool for tool in connections.tools() if tool.address.server == name]
        self.notes = connections.notes().get(name, ())

    def json_object(self) -> dict[str, object]:
        """All of it, for scripts."""
        return {
            "name": self.name,
            "status": self.status,
            "error": self.error,
            "server": self.server,
            "startup_seconds": None if self.seconds is None else round(self.seconds, 3),
            "tools": [_tool_object(tool) for tool in self.tools],
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The server, then what is to be said of it, indented."""
        from codex_core.presentation.safe_text import exact_text

        if self.status == "failed":
            said = (f"{self.name}: failed: {self.error}", f"  {self.how}")
            return [exact_text(line).replace("\n", " ") for line in said]
        if self.status == "disabled":
            return [f"{self.name}: disabled"]
        count = f"{len(self.tools)} tool{'' if len(self.tools) == 1 else 's'}"
        server = "" if self.server is None else f" ({self.server})"
        width = max((len(tool.names[0]) for tool in self.tools), default=0)
        rows = [f"  {tool.names[0]:<{width}}  {_summary(tool)}".rstrip() for tool in self.tools]
        notes = [f"  note: {note}" for note in self.notes]
        head = f"{self.name}: ok, {count} in {self.seconds or 0:.2f} s{server}"
        return [exact_text(line).replace("\n", " ") for line in (head, *rows, *notes)]


async def _examine(servers: Mapping[str, McpServerConfig], cwd: str, services: Services) -> list[Report]:
    from codex_core.mcp.connections import McpConnections

    connections = McpConnections.start(servers, cwd=cwd, services=services)
    try:
        await connections.ready()
        return [Report(servers[name], connections) for name in sorted(servers)]
    finally:
        await connections.aclose()


def _chosen(servers: Mapping[str, McpServerConfig], name: str | None) -> Mapping[str, McpServerConfig]:
    """All servers, or the one that is named. Raises: ConfigError when there is none of that name."""
    if name is None:
        return servers
    from dataclasses import replace

    from codex_core.config.problems import suggestion
    from codex_core.errors import ConfigError

    server = servers.get(name)
    if server is None:
        raise ConfigError(f"No MCP server named '{name}' found.{suggestion(name, tuple(servers))}")
    return {name: replace(server, enabled=True)}


def _how(server: McpServerConfig) -> str:
    from codex_core.config.mcp_servers import McpStdioTransport

    if isinstance(server.transport, McpStdioTransport):
        return f"command: {server.transport.command}"
    from codex_login.shown_url import shown_url

    return f"url: {shown_url(server.transport.url)}"


def _tool_object(tool: McpTool) -> dict[str, object]:
    return {
        "name": tool.names[0],
        "tool": tool.address.tool,
        "description": tool.listed.description,
        "read_only": tool.listed.is_read_only,
    }


def _summary(tool: McpTool) -> str:
    first, *_ = tool.listed.description.strip().splitlines() or [""]
    return first if len(first) <= MAX_DESCRIPTION else first[:MAX_DESCRIPTION] + "…"
