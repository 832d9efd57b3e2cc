"""`codex login` and `codex logout` (spec: auth.md section 9). Everything they say goes to stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codex_core.config.overrides import InvalidOverrideError
from codex_core.errors import CodexError
from codex_exec.lean_typer import new_app
from codex_exec.usage import usage_error
from codex_login.errors import LoginError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1

Overrides = Annotated[
    list[str] | None,
    typer.Option("-c", "--config", metavar="key=value", help="Override one configuration value; repeatable."),
]


def run_login(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """Stores an API key, or says how the user is logged in; returns the exit code."""
    app, command = new_app()
    outcome: list[int] = []

    @command(help="Store an API key for OpenAI, or say how you are logged in.")
    def login(
        action: Annotated[
            str | None, typer.Argument(metavar="status", help="`status`: say how you are logged in.")
        ] = None,
        api_key: Annotated[
            str | None,
            typer.Option("--api-key", metavar="API_KEY", help="Store this key (shells remember it)."),
        ] = None,
        with_api_key: Annotated[
            bool, typer.Option("--with-api-key", help="Read the key from stdin and store it.")
        ] = False,
        config: Overrides = None,
    ) -> None:
        if action not in (None, "status"):
            raise typer.BadParameter(f"unrecognized subcommand '{action}'")
        merged = (*overrides, *(config or ()))
        if action == "status":
            outcome.append(_status(merged))
        elif with_api_key:
            outcome.append(_store_key(_piped_key(), merged))
        elif api_key is not None:
            outcome.append(_store_key(api_key, merged))
        else:
            _say(
                "Signing in through the browser is not part of this version. "
                "Use `codex login --with-api-key`."
            )
            outcome.append(FAILED)

    return _run(app, arguments, "codex login", outcome)


def run_logout(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """Removes the stored credentials; returns the exit code."""
    app, command = new_app()
    outcome: list[int] = []

    @command(help="Remove the stored credentials.")
    def logout(
        config: Overrides = None,
    ) -> None:
        outcome.append(_remove((*overrides, *(config or ()))))

    return _run(app, arguments, "codex logout", outcome)


def _run(app: typer.Typer, arguments: Sequence[str], program: str, outcome: list[int]) -> int:
    try:
        code = app(list(arguments), prog_name=program, standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    except InvalidOverrideError as error:
        _say(f"Error parsing -c overrides: {error}")
        return FAILED
    except CodexError as error:
        _say(f"Error loading configuration: {error}")
        return FAILED
    return outcome[0] if outcome else int(code or 0)  # the help was shown, or Ctrl-C


def _codex_home(overrides: Sequence[str]) -> str:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services

    return load_config(overrides=overrides, flags=ConfigFlags(), services=Services()).codex_home


def _make_codex_home() -> None:
    """Makes the directory that CODEX_HOME names: a login is how it comes into being."""
    if named := os.environ.get("CODEX_HOME"):
        try:
            os.makedirs(named, mode=0o700, exist_ok=True)
        except OSError as error:
            raise CodexError(f"CODEX_HOME names {named}, which cannot be made: {error.strerror}") from error


def _piped_key() -> str:
    """The key on stdin; empty if there is none or it is no text."""
    if sys.stdin is None:
        return ""
    try:
        return sys.stdin.buffer.read().decode().strip()
    except UnicodeDecodeError:
        return ""


def _store_key(key: str, overrides: Sequence[str]) -> int:
    from codex_login.auth import clean_key, login_with_api_key

    _make_codex_home()
    home = _codex_home(overrides)
    if not clean_key(key):
        _say(
            "Error logging in: no API key was given. "
            "Pipe it in: printenv OPENAI_API_KEY | codex login --with-api-key"
        )
        return FAILED
    try:
        login_with_api_key(home, key)
    except LoginError as error:
        _say(f"Error logging in: {error}")
        return FAILED
    _say("Successfully logged in")
    return 0


def _status(overrides: Sequence[str]) -> int:
    from codex_login.auth import CodexAuth, masked_key
    from codex_protocol.config_types import AuthMode

    try:
        auth = CodexAuth.from_codex_home(_codex_home(overrides))
    except LoginError as error:
        _say(f"Error checking login status: {error}")
        return FAILED
    if auth is None:
        _say("Not logged in")
        return FAILED
    if auth.mode is AuthMode.API_KEY:
        _say(f"Logged in using an API key - {masked_key(auth.api_key or '')}")
    else:
        _say("Logged in using ChatGPT")
    return 0


def _remove(overrides: Sequence[str]) -> int:
    from codex_login.auth import AuthManager

    try:
        removed = AuthManager(_codex_home(overrides)).logout()
    except LoginError as error:
        _say(f"Error logging out: {error}")
        return FAILED
    _say("Successfully logged out" if removed else "Not logged in")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)
