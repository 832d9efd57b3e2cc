"""Stored credentials and HTTP clients of the Codex coding agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.36.0"

if TYPE_CHECKING:
    from codex_login.auth import AuthManager, CodexAuth, login_with_api_key, masked_key
    from codex_login.errors import (
        AddressError,
        ConnectionSetupError,
        CredentialsError,
        LoginError,
        ProxySetupError,
        RefreshError,
        TlsSetupError,
    )
    from codex_login.http import make_client
    from codex_login.user_agent import originator

__all__ = [
    "AddressError",
    "AuthManager",
    "CodexAuth",
    "ConnectionSetupError",
    "CredentialsError",
    "LoginError",
    "ProxySetupError",
    "RefreshError",
    "TlsSetupError",
    "login_with_api_key",
    "make_client",
    "masked_key",
    "originator",
]

_HOMES = {
    "AddressError": "errors",
    "AuthManager": "auth",
    "CodexAuth": "auth",
    "ConnectionSetupError": "errors",
    "CredentialsError": "errors",
    "LoginError": "errors",
    "ProxySetupError": "errors",
    "RefreshError": "errors",
    "TlsSetupError": "errors",
    "login_with_api_key": "auth",
    "make_client": "http",
    "masked_key": "auth",
    "originator": "user_agent",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
