"""`codex apply`: fetches the changes of a cloud task and applies them here (spec: auth.md section 12)."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from codex_core.errors import CodexError
from codex_login.errors import LoginError

if TYPE_CHECKING:
    from codex_chatgpt.options import ApplyOptions

FAILED = 1


def run(options: ApplyOptions) -> int:
    """Applies the changes, and says so; returns the exit code."""
    try:
        _apply(options)
    except (CodexError, LoginError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return FAILED
    sys.stdout.write("Successfully applied diff\n")
    return 0


def _apply(options: ApplyOptions) -> None:
    from codex_chatgpt.backend import Backend
    from codex_chatgpt.repository import apply_diff, find_root
    from codex_chatgpt.task import changes_of
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services
    from codex_core.startup import user_environ
    from codex_login.auth import AuthManager
    from codex_login.stores import open_store

    environ = user_environ()
    config = load_config(overrides=options.overrides, flags=ConfigFlags(), services=Services(environ=environ))
    root = find_root(os.getcwd(), environ)
    store = open_store(config.codex_home, config.cli_auth_credentials_store)
    backend = Backend(config.chatgpt_base_url, AuthManager(config.codex_home, store=store), environ)
    apply_diff(root, changes_of(asyncio.run(backend.task(options.task_id))), environ)
