"""What git knows of the workspace: its root, and the commit, branch and remote a session starts from."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_protocol.rollout import GitInfo

_GIT_TIMEOUT_S = 5.0
"""Each git call may take this long, then its answer counts as unknown (spec: exec-sandbox.md G.1)."""
_KILL_TIMEOUT_S = 1.0


def repository_root(directory: str) -> str | None:
    """The nearest directory upwards, `directory` included, that has a `.git` entry of any kind."""
    current = os.path.abspath(directory)
    while True:
        if os.path.lexists(os.path.join(current, ".git")):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent


async def git_info(directory: str, environ: Mapping[str, str]) -> GitInfo | None:
    """Commit, branch and origin of the repository around `directory`; None outside of one.

    A part that git does not tell within five seconds is left out.
    """
    if repository_root(directory) is None and not environ.get("GIT_DIR"):
        return None
    names, remote = await asyncio.gather(
        _git(directory, environ, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
        _git(directory, environ, "remote", "get-url", "origin"),
    )
    head, _, branch = names.partition("\n") if names else (None, "", None)
    from codex_protocol.rollout import GitInfo

    return GitInfo(
        commit_hash=head, branch=None if branch in (None, "", "HEAD") else branch, repository_url=remote
    )


async def merge_base(directory: str, branch: str, environ: Mapping[str, str]) -> str | None:
    """The commit where HEAD and `branch` parted, or the branch's upstream if that has commits it has not.

    None when git cannot tell.
    """
    if branch.startswith("-"):
        return None  # git would take it for an option
    upstream = f"{branch}@{{upstream}}"
    ahead = await _git(directory, environ, "rev-list", "--count", f"{branch}..{upstream}")
    base = upstream if ahead not in (None, "0") else branch
    return await _git(directory, environ, "merge-base", "HEAD", base)


async def _git(directory: str, environ: Mapping[str, str], *arguments: str) -> str | None:
    """What git prints, or None if it fails, is missing or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=directory,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_GIT_TIMEOUT_S):
            stdout, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            await _kill(process)
    text = stdout.decode("utf-8", "replace").strip()
    return text if process.returncode == 0 and text else None


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Ends git and whatever it started; what escaped and holds the pipe is not waited for."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIMEOUT_S):
            await process.wait()
