"""What `[mcp_servers]` says: how each MCP server is reached, how long it may take and what it may offer.

`command`, `args`, `env` and `startup_timeout_ms` are keys of 0.36.0 (spec: config-cli.md section 9); the
others come from later releases (section 17) and have the effect they have there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.tables import TableReader

DEFAULT_STARTUP_TIMEOUT_S = 10.0
DEFAULT_TOOL_TIMEOUT_S = 60.0

LATER_KEYS = (
    "default_tools_approval_mode",
    "required",
    "scopes",
    "supports_parallel_tool_calls",
    "tools",
)
"""Keys of later releases that have no effect here; that is told."""

_STDIO_KEYS = ("args", "env", "env_vars", "cwd")
_HTTP_KEYS = ("url", "bearer_token_env_var", "http_headers", "env_http_headers")
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class McpStdioTransport:
    """A program that we start and talk to over its stdin and stdout."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    """Variables with their values, on top of the small base a server gets; None if the key is not there."""
    env_vars: tuple[str, ...] = ()
    """Names of further variables that are passed on from our own environment."""
    cwd: str | None = None
    """Where it is started, as written; None means the session's working directory."""


@dataclass(frozen=True, slots=True)
class McpHttpTransport:
    """A server that runs somewhere and speaks streamable HTTP."""

    url: str
    bearer_token_env_var: str | None = None
    """Name of the environment variable with the token."""
    http_headers: Mapping[str, str] = field(default_factory=dict)
    env_http_headers: Mapping[str, str] = field(default_factory=dict)
    """Header name -> environment variable; sent when the variable is set and not blank."""


@dataclass(frozen=True, slots=True)
class McpServerConfig:
    """One entry of `mcp_servers`."""

    name: str
    transport: McpStdioTransport | McpHttpTransport
    startup_timeout_ms: int | None = None
    """As configured, in whichever unit; None if it is not. What counts is `startup_timeout_s`."""
    tool_timeout_s: float = DEFAULT_TOOL_TIMEOUT_S
    """Seconds one call of a tool may take."""
    enabled: bool = True
    """A server that is switched off is listed but never started."""
    enabled_tools: tuple[str, ...] | None = None
    """If given, only these tools are offered; names as the server knows them."""
    disabled_tools: tuple[str, ...] = ()
    """These are not offered, whatever `enabled_tools` says."""

    @property
    def startup_timeout_s(self) -> float:
        """Seconds for `initialize` and the first `tools/list`."""
        if self.startup_timeout_ms is None:
            return DEFAULT_STARTUP_TIMEOUT_S
        return self.startup_timeout_ms / 1000

    def offers(self, tool: str) -> bool:
        """Whether the tool of that name may be offered to the model."""
        if tool in self.disabled_tools:
            return False
        return self.enabled_tools is None or tool in self.enabled_tools


def is_valid_server_name(name: str) -> bool:
    """Whether the name can be part of the name of a tool: ASCII letters, digits, `-` and `_`."""
    return _NAME.fullmatch(name) is not None


def read_mcp_servers(top: TableReader) -> dict[str, McpServerConfig]:
    """The servers by name, in the order of the document; `top` reads the whole of it."""
    return {name: _server(name, table) for name, table in top.tables("mcp_servers")}


def _server(name: str, table: TableReader) -> McpServerConfig:
    # Everything is read, whichever transport it belongs to, so that all mistakes are found.
    stdio = McpStdioTransport(
        command=(table.text if table.has("url") else table.required_text)("command") or "",
        args=table.texts("args") or (),
        env=table.text_table("env"),
        env_vars=table.texts("env_vars", named_by="name") or (),
        cwd=table.text("cwd"),
    )
    http = McpHttpTransport(
        url=table.text("url") or "",
        bearer_token_env_var=table.text("bearer_token_env_var"),
        http_headers=table.text_table("http_headers") or {},
        env_http_headers=table.text_table("env_http_headers") or {},
    )
    is_stdio = table.has("command") or not table.has("url")
    useless = [key for key in (_HTTP_KEYS if is_stdio else _STDIO_KEYS) if table.has(key)]
    if useless:
        keys = ", ".join(f"`{key}`" for key in useless)
        kind = "is started by its `command`" if is_stdio else "is reached over its `url`"
        table.notice(f"MCP server `{name}` {kind}, so its {keys} has no effect")
    milliseconds = table.unsigned("startup_timeout_ms")
    seconds = table.seconds("startup_timeout_sec")
    tool_seconds = table.seconds("tool_timeout_sec")
    server = McpServerConfig(
        name=name,
        transport=stdio if is_stdio else http,
        startup_timeout_ms=milliseconds if seconds is None else round(seconds * 1000),
        tool_timeout_s=DEFAULT_TOOL_TIMEOUT_S if tool_seconds is None else tool_seconds,
        enabled=table.flag("enabled") is not False,
        enabled_tools=table.texts("enabled_tools"),
        disabled_tools=table.texts("disabled_tools") or (),
    )
    table.finish(ignored=LATER_KEYS)
    return server
