"""The files of a configuration that hold text for the model: the user's AGENTS.md, and a base prompt."""

from __future__ import annotations

import os

from codex_core.config.problems import os_error_text
from codex_core.errors import ConfigError

USER_INSTRUCTIONS_FILE_NAME = "AGENTS.md"


def read_user_instructions(home: str) -> str | None:
    """CODEX_HOME/AGENTS.md, trimmed; None when it is blank, not there or cannot be read."""
    try:
        with open(os.path.join(home, USER_INSTRUCTIONS_FILE_NAME), encoding="utf-8") as file:
            return file.read().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def read_base_instructions(path: str) -> str:
    """What replaces the built-in prompt, trimmed.

    Raises: ConfigError when the file is empty or cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
    except UnicodeDecodeError as error:
        reason = "stream did not contain valid UTF-8"
        raise ConfigError(f"failed to read experimental instructions file {path}: {reason}") from error
    except OSError as error:
        reason = os_error_text(error)
        raise ConfigError(f"failed to read experimental instructions file {path}: {reason}") from error
    if not text:
        raise ConfigError(f"experimental instructions file is empty: {path}")
    return text
