"""`codex login` and `codex logout` (spec: auth.md section 9). Everything they say goes to stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_core.config.overrides import InvalidOverrideError
from codex_core.errors import CodexError
from codex_login.errors import LoginError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_core.command_line.parser import Invocation
    from codex_core.config import Config
    from codex_login.storage import AuthStore

FAILED = 1


def run_login(invocation: Invocation) -> int:
    """Signs in through the browser or on another device, or stores an API key; returns the exit code."""
    given = invocation.inner

    def login() -> int:
        if given.is_on("with_api_key"):
            return _store_key(_piped_key(), invocation.overrides)
        if (key := given.text("api_key")) is not None:
            return _store_key(key, invocation.overrides)
        return _sign_in(
            invocation.overrides,
            issuer=given.text("issuer"),
            client_id=given.text("client_id"),
            on_device=given.is_on("device_auth"),
        )

    return _answered(login)


def run_status(invocation: Invocation) -> int:
    """Says how the user is logged in; returns the exit code."""
    return _answered(lambda: _status(invocation.overrides))


def run_logout(invocation: Invocation) -> int:
    """Removes the stored credentials; returns the exit code."""
    return _answered(lambda: _remove(invocation.overrides))


def _answered(run: Callable[[], int]) -> int:
    try:
        return run()
    except InvalidOverrideError as error:
        _say(f"Error parsing -c overrides: {error}")
        return FAILED
    except CodexError as error:
        _say(f"Error loading configuration: {error}")
        return FAILED


def _config(overrides: Sequence[str]) -> Config:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services
    from codex_core.startup import user_environ

    return load_config(overrides=overrides, flags=ConfigFlags(), services=Services(environ=user_environ()))


def _store(config: Config) -> AuthStore:
    """Where the configuration wants credentials to be kept."""
    from codex_login.stores import open_store

    return open_store(config.codex_home, config.cli_auth_credentials_store)


def _sign_in(overrides: Sequence[str], *, issuer: str | None, client_id: str | None, on_device: bool) -> int:
    from codex_cli.sign_in import sign_in_with_browser, sign_in_with_device
    from codex_login.browser_login import SignInSettings
    from codex_login.oauth import issuer_at

    _make_codex_home()
    config = _config(overrides)
    try:
        settings = SignInSettings(
            config.codex_home, issuer=issuer_at(issuer, client_id), store=_store(config)
        )
    except LoginError as error:
        _say(f"Error logging in: {error}")
        return FAILED
    return sign_in_with_device(settings) if on_device else sign_in_with_browser(settings)


def _make_codex_home() -> None:
    """Makes the directory that CODEX_HOME names: a login is how it comes into being."""
    if named := os.environ.get("CODEX_HOME"):
        try:
            os.makedirs(named, mode=0o700, exist_ok=True)
        except OSError as error:
            raise CodexError(f"CODEX_HOME names {named}, which cannot be made: {error.strerror}") from error


def _piped_key() -> str:
    """The key on stdin; empty if there is none, it is no text, or somebody would have to type it."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    try:
        return sys.stdin.buffer.read().decode().strip()
    except UnicodeDecodeError:
        return ""


def _store_key(key: str, overrides: Sequence[str]) -> int:
    from codex_login.auth import clean_key, login_with_api_key

    _make_codex_home()
    config = _config(overrides)
    if not clean_key(key):
        _say(
            "Error logging in: no API key was given. "
            "Pipe it in: printenv OPENAI_API_KEY | codex login --with-api-key"
        )
        return FAILED
    try:
        login_with_api_key(config.codex_home, key, store=_store(config))
    except LoginError as error:
        _say(f"Error logging in: {error}")
        return FAILED
    _say("Successfully logged in")
    return 0


def _status(overrides: Sequence[str]) -> int:
    from codex_login.auth import CodexAuth, masked_key
    from codex_protocol.config_types import AuthMode

    config = _config(overrides)
    try:
        stored = _store(config).read()
    except LoginError as error:
        _say(f"Error checking login status: {error}")
        return FAILED
    if stored is None:
        _say("Not logged in")
        return FAILED
    auth = CodexAuth.from_stored(stored)
    if auth.mode is AuthMode.API_KEY:
        _say(f"Logged in using an API key - {masked_key(auth.api_key or '')}")
    else:
        _say("Logged in using ChatGPT")
    return 0


def _remove(overrides: Sequence[str]) -> int:
    import asyncio

    from codex_login.auth import AuthManager

    config = _config(overrides)
    try:
        removed = asyncio.run(AuthManager(config.codex_home, store=_store(config)).sign_out())
    except LoginError as error:
        _say(f"Error logging out: {error}")
        return FAILED
    _say("Successfully logged out" if removed else "Not logged in")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)
