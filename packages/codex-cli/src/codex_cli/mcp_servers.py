"""`codex mcp list`, `get`, `add` and `remove`: the configured MCP servers (spec: config-cli.md section 7)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_cli.mcp_options import BEARER, URL, is_variable_name
from codex_cli.reported import reported
from codex_core.command_line.usage import UsageError
from codex_core.config.mcp_servers import is_valid_server_name
from codex_core.config.problems import InvalidConfigError
from codex_core.errors import ConfigError
from codex_core.presentation.safe_text import exact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_core.command_line.parser import Invocation
    from codex_core.config.mcp_servers import McpServerConfig

NO_SERVERS = "No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`."


def list_servers(invocation: Invocation) -> int:
    """Prints all servers by name; returns the exit code."""

    def run() -> None:
        from codex_cli.mcp_listing import json_object, table

        servers = _configured(invocation.overrides)
        shown = [servers[name] for name in sorted(servers)]
        if invocation.inner.is_on("json"):
            _print_json([json_object(server) for server in shown])
        else:
            print(table(shown) if shown else NO_SERVERS)

    return reported(run)


def show_server(invocation: Invocation) -> int:
    """Prints one server; returns the exit code."""

    def run() -> None:
        from codex_cli.mcp_listing import json_object, page

        name = invocation.inner.text("name") or ""
        servers = _configured(invocation.overrides)
        server = servers.get(name)
        if server is None:
            from codex_core.config.problems import suggestion

            raise ConfigError(f"No MCP server named '{name}' found.{suggestion(name, tuple(servers))}")
        if invocation.inner.is_on("json"):
            _print_json(json_object(server))
        else:
            print(page(server))

    return reported(run)


def add_server(invocation: Invocation) -> int:
    """Writes a server into config.toml; returns the exit code."""
    given = invocation.inner
    name, url, command = given.text("name") or "", given.text("url"), given.texts("command")
    if url is not None and command:
        raise UsageError(f"the argument '{URL.label}' cannot be used with '[COMMAND]...'")
    if url is None and given.text("bearer_token_env_var") is not None:
        raise UsageError(f"the following required arguments were not provided:\n  {URL.label}")

    def run() -> None:
        _check_overrides(invocation.overrides)
        _check_name(name)
        if url is not None:
            entry = _http_entry(url, given.text("bearer_token_env_var"))
        elif command:
            entry = _stdio_entry(command, given.texts("env"))
        else:
            raise ConfigError("command is required")
        from codex_core.config.edit import set_mcp_server

        _edit(lambda home: set_mcp_server(home, name, entry))
        print(f"Added global MCP server '{name}'.")

    return reported(run)


def remove_server(invocation: Invocation) -> int:
    """Takes a server out of config.toml; returns the exit code, which is 0 also if there is none."""
    name = invocation.inner.text("name") or ""

    def run() -> None:
        _check_overrides(invocation.overrides)
        from codex_core.config.edit import remove_mcp_server

        # One with a name that cannot be added may still have got into the file by hand.
        if name and _edit(lambda home: remove_mcp_server(home, name)):
            print(f"Removed global MCP server '{exact_text(name)}'.")
        else:
            _check_name(name)
            print(f"No MCP server named '{name}' found.")

    return reported(run)


def _configured(overrides: Sequence[str]) -> Mapping[str, McpServerConfig]:
    from codex_core.config import load_config
    from codex_core.services import Services

    try:
        return load_config(overrides=overrides, services=Services()).mcp_servers
    except InvalidConfigError as error:
        raise ConfigError(_with_cause("failed to load configuration", error)) from error


def _edit(change: Callable[[str], bool]) -> bool:
    from codex_core.config.edit import UnreadableConfigError
    from codex_core.config.home import find_codex_home

    try:
        home = find_codex_home(os.environ)
    except InvalidConfigError as error:
        raise ConfigError(_with_cause("failed to resolve CODEX_HOME", error)) from error
    try:
        return change(home)
    except UnreadableConfigError as error:
        raise ConfigError(_with_cause(f"failed to load MCP servers from {home}", error)) from error


def _with_cause(message: str, error: ConfigError) -> str:
    cause = str(error).replace("\n", "\n    ")
    return f"{message}\n\nCaused by:\n    {cause}"


def _check_overrides(overrides: Sequence[str]) -> None:
    """What is edited is the file, so overrides change nothing; they must make sense all the same."""
    from codex_core.config.overrides import parse_override

    for override in overrides:
        parse_override(override)


def _check_name(name: str) -> None:
    if not is_valid_server_name(name):
        raise ConfigError(f"invalid server name '{name}' (use letters, numbers, '-', '_')")


def _stdio_entry(command: Sequence[str], pairs: Sequence[str]) -> dict[str, object]:
    entry: dict[str, object] = {"command": command[0]}
    if len(command) > 1:
        entry["args"] = list(command[1:])
    if pairs:
        env = {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}
        entry["env"] = dict(sorted(env.items()))
    return entry


def _http_entry(url: str, variable: str | None) -> dict[str, object]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable or any(character.isspace() for character in url):
        raise ConfigError("the URL of an MCP server starts with https:// or http:// and names a host")
    entry: dict[str, object] = {"url": url}
    if variable is not None:
        # Not shown: who gets this wrong has most likely given the token itself.
        if not is_variable_name(variable):
            raise ConfigError(f"{BEARER.names[0]} takes the name of an environment variable, not its value")
        entry["bearer_token_env_var"] = variable
    return entry


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))
