"""The user's standing instructions: AGENTS.md of the codex home and of the project (agent.md section 21)."""

from __future__ import annotations

import logging
import os
import stat

from codex_core.workspace.git import repository_root

_FILE_NAME = "AGENTS.md"
_SEPARATOR = "\n\n--- project-doc ---\n\n"

_log = logging.getLogger(__name__)


def user_instructions(home_text: str | None, cwd: str, project_budget_bytes: int) -> str | None:
    """What the user wants every session here to know, or None.

    `home_text` is AGENTS.md of the codex home. The project's files, from the repository root down to
    `cwd`, follow it and share `project_budget_bytes` (0 leaves them out).
    """
    project = project_instructions(cwd, project_budget_bytes)
    if home_text and project:
        return home_text + _SEPARATOR + project
    return home_text or project


def project_instructions(cwd: str, budget_bytes: int) -> str | None:
    """The AGENTS.md files from the repository root down to `cwd`, joined by blank lines, or None.

    An unreadable file drops the project's part and is logged.
    """
    remaining = budget_bytes
    texts: list[str] = []
    try:
        for directory in _directories(cwd):
            if remaining <= 0:
                break
            data = _read(os.path.join(directory, _FILE_NAME), remaining)
            text = data.decode("utf-8", "replace")
            if text.strip():
                texts.append(text)
                remaining -= len(data)
    except OSError as error:
        _log.error("project instructions are left out: %s", error)
        return None
    return "\n\n".join(texts) if texts else None


def _read(path: str, limit: int) -> bytes:
    """The first bytes of a file; empty where there is none, or something that may never end or answer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(descriptor)


def _directories(cwd: str) -> list[str]:
    here = os.path.realpath(cwd)
    root = repository_root(here)
    if root is None:
        return [here]
    below = os.path.relpath(here, root)
    directories = [root]
    if below != ".":
        for part in below.split(os.sep):
            directories.append(os.path.join(directories[-1], part))
    return directories
