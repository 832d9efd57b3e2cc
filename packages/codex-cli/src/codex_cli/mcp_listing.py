"""MCP servers of the configuration as text and as JSON (spec: config-cli.md section 7).

What 0.36.0 prints is the contract for servers that use its keys only; what later keys say is added behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.config.mcp_servers import DEFAULT_TOOL_TIMEOUT_S, McpHttpTransport, McpStdioTransport
from codex_core.presentation.safe_text import exact_text
from codex_login.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from codex_core.config.mcp_servers import McpServerConfig

MASK = "*****"


def table(servers: Sequence[McpServerConfig]) -> str:
    """The servers in aligned columns, those over HTTP in a table of their own."""
    has_status = not all(server.enabled for server in servers)
    programs: list[list[str]] = []
    sites: list[list[str]] = []
    for server in servers:
        status = ["enabled" if server.enabled else "disabled"] if has_status else []
        match server.transport:
            case McpStdioTransport(command=command, args=args, env=env):
                programs.append([server.name, command, " ".join(args), _masked_pairs(env), *status])
            case McpHttpTransport(url=url, bearer_token_env_var=variable):
                sites.append([server.name, shown_url(url), variable or "", *status])
    last = ["Status"] if has_status else []
    parts = []
    if programs:
        parts.append(_columns([["Name", "Command", "Args", "Env", *last], *programs]))
    if sites:
        parts.append(_columns([["Name", "Url", "Bearer Token Env Var", *last], *sites]))
    return "\n\n".join(parts)


def page(server: McpServerConfig) -> str:
    """One server, a line for each thing that is known of it."""
    lines = [server.name]
    match server.transport:
        case McpStdioTransport(command=command, args=args, env=env, env_vars=env_vars, cwd=cwd):
            lines += [
                f"  command: {command}",
                f"  args: {' '.join(args) or '-'}",
                f"  env: {_masked_pairs(env) or '-'}",
            ]
            lines += [f"  env_vars: {', '.join(env_vars)}"] if env_vars else []
            lines += [f"  cwd: {cwd}"] if cwd is not None else []
        case McpHttpTransport(url=url, bearer_token_env_var=variable, http_headers=headers) as http:
            lines += [f"  url: {shown_url(url)}", f"  bearer_token_env_var: {variable or '-'}"]
            lines += [f"  http_headers: {_masked_pairs(headers)}"] if headers else []
            lines += [f"  env_http_headers: {_pairs(http.env_http_headers)}"] if http.env_http_headers else []
    if server.startup_timeout_ms is not None:
        lines.append(f"  startup_timeout_ms: {server.startup_timeout_ms}")
    for key, value in _later_keys(server).items():
        shown = ", ".join(value) if isinstance(value, list) else str(value).lower()
        lines.append(f"  {key}: {shown or '-'}")
    lines.append(f"  remove: codex mcp remove {server.name}")
    return "\n".join(exact_text(line).replace("\n", "\\n") for line in lines)


def json_object(server: McpServerConfig) -> dict[str, object]:
    """The server for scripts, nothing masked, keys in the order of the contract."""
    fields: dict[str, object] = {"name": server.name}
    match server.transport:
        case McpStdioTransport(command=command, args=args, env=env, env_vars=env_vars, cwd=cwd):
            fields |= {"command": command, "args": list(args), "env": _sorted(env)}
            later: dict[str, object] = {"env_vars": list(env_vars)} if env_vars else {}
            later |= {"cwd": cwd} if cwd is not None else {}
        case McpHttpTransport() as http:
            fields |= {"url": http.url, "bearer_token_env_var": http.bearer_token_env_var}
            later = {"http_headers": _sorted(http.http_headers)} if http.http_headers else {}
            later |= {"env_http_headers": _sorted(http.env_http_headers)} if http.env_http_headers else {}
    return {**fields, "startup_timeout_ms": server.startup_timeout_ms, **later, **_later_keys(server)}


def _later_keys(server: McpServerConfig) -> dict[str, object]:
    """What is not at its default among the keys that both transports have."""
    fields: dict[str, object] = {}
    if not server.enabled:
        fields["enabled"] = False
    if server.tool_timeout_s != DEFAULT_TOOL_TIMEOUT_S:
        fields["tool_timeout_sec"] = server.tool_timeout_s
    if server.enabled_tools is not None:
        fields["enabled_tools"] = list(server.enabled_tools)
    if server.disabled_tools:
        fields["disabled_tools"] = list(server.disabled_tools)
    return fields


def _columns(rows: Sequence[Sequence[str]]) -> str:
    cells = [[exact_text(cell).replace("\n", "\\n") or "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells
    )


def _masked_pairs(pairs: Mapping[str, str] | None) -> str:
    return _joined((name, MASK) for name in sorted(pairs or {}))


def _pairs(pairs: Mapping[str, str]) -> str:
    return _joined(sorted(pairs.items()))


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs)


def _sorted(pairs: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if pairs is None else dict(sorted(pairs.items()))
