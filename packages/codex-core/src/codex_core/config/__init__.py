"""Configuration: config.toml, environment, overrides and flags, resolved into one frozen `Config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.config.config import Config, ConfigFlags
    from codex_core.config.home import find_codex_home
    from codex_core.config.mcp_servers import McpHttpTransport, McpServerConfig, McpStdioTransport
    from codex_core.config.problems import ConfigProblem, InvalidConfigError
    from codex_core.config.providers import ModelProvider, WireApi, built_in_providers
    from codex_core.config.resolve import load_config

__all__ = [
    "Config",
    "ConfigFlags",
    "ConfigProblem",
    "InvalidConfigError",
    "McpHttpTransport",
    "McpServerConfig",
    "McpStdioTransport",
    "ModelProvider",
    "WireApi",
    "built_in_providers",
    "find_codex_home",
    "load_config",
]

_HOMES = {
    "Config": "config",
    "ConfigFlags": "config",
    "ConfigProblem": "problems",
    "InvalidConfigError": "problems",
    "McpHttpTransport": "mcp_servers",
    "McpServerConfig": "mcp_servers",
    "McpStdioTransport": "mcp_servers",
    "ModelProvider": "providers",
    "WireApi": "providers",
    "built_in_providers": "providers",
    "find_codex_home": "home",
    "load_config": "resolve",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
