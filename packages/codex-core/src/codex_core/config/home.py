"""Where the configuration, credentials and sessions live (spec: config-cli.md section 12)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.config.problems import ConfigProblem, InvalidConfigError, os_error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE = "CODEX_HOME"
DEFAULT_HOME_NAME = ".codex"


def find_codex_home(environ: Mapping[str, str]) -> str:
    """Absolute path of CODEX_HOME if that is set, else of `~/.codex`, which need not exist.

    Raises: InvalidConfigError when CODEX_HOME names nothing that is there.
    """
    given = environ.get(HOME_VARIABLE, "")
    if not given:
        return os.path.join(user_home(environ), DEFAULT_HOME_NAME)
    try:
        return os.path.realpath(given, strict=True)
    except OSError as error:
        message = f"{HOME_VARIABLE} names {given}, which cannot be used: {os_error_text(error)}"
        raise InvalidConfigError([ConfigProblem(message)]) from error


def user_home(environ: Mapping[str, str]) -> str:
    """HOME, or what the user database says when it is not set."""
    home = environ.get("HOME")
    if home:
        return os.path.abspath(home)
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError as error:
        message = "there is no home directory: HOME and CODEX_HOME are not set, and the user has no account"
        raise InvalidConfigError([ConfigProblem(message)]) from error
