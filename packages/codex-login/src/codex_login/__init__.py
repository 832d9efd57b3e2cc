"""Stored credentials and HTTP clients of the Codex coding agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.36.0"

if TYPE_CHECKING:
    from codex_login.auth import AuthManager, CodexAuth, login_with_api_key, masked_key
    from codex_login.browser_login import BrowserLogin, SignInSettings
    from codex_login.errors import (
        AddressError,
        ConnectionSetupError,
        CredentialsError,
        LoginError,
        ProxySetupError,
        RefreshError,
        SignInCancelled,
        SignInError,
        TlsSetupError,
    )
    from codex_login.http import make_client
    from codex_login.oauth import Issuer, issuer_at
    from codex_login.stores import open_store
    from codex_login.user_agent import originator

__all__ = [
    "AddressError",
    "AuthManager",
    "BrowserLogin",
    "CodexAuth",
    "ConnectionSetupError",
    "CredentialsError",
    "Issuer",
    "LoginError",
    "ProxySetupError",
    "RefreshError",
    "SignInCancelled",
    "SignInError",
    "SignInSettings",
    "TlsSetupError",
    "issuer_at",
    "login_with_api_key",
    "make_client",
    "masked_key",
    "open_store",
    "originator",
]

_HOMES = {
    "AddressError": "errors",
    "AuthManager": "auth",
    "BrowserLogin": "browser_login",
    "CodexAuth": "auth",
    "ConnectionSetupError": "errors",
    "CredentialsError": "errors",
    "Issuer": "oauth",
    "LoginError": "errors",
    "ProxySetupError": "errors",
    "RefreshError": "errors",
    "SignInCancelled": "errors",
    "SignInError": "errors",
    "SignInSettings": "browser_login",
    "TlsSetupError": "errors",
    "issuer_at": "oauth",
    "login_with_api_key": "auth",
    "make_client": "http",
    "masked_key": "auth",
    "open_store": "stores",
    "originator": "user_agent",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
