"""Applies a diff to the repository around a directory, with git's three-way merge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_chatgpt.errors import GitApplyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from subprocess import CompletedProcess

CONFLICT_HINT = "Resolve the conflicts that git has marked in these files, or take them back with git."


def find_root(directory: str, environ: Mapping[str, str]) -> str:
    """The top of the work tree around a directory.

    Raises: GitApplyError outside of one, or without git.
    """
    done = _git(directory, environ, "rev-parse", "--show-toplevel")
    # The last newline is git's; a directory may have others in its name.
    root = os.fsdecode(done.stdout.removesuffix(b"\n"))
    if done.returncode != 0 or not root:
        raise GitApplyError("apply must be run from a git repository.")
    return root


def apply_diff(root: str, diff: str, environ: Mapping[str, str]) -> None:
    """Applies a diff to work tree and index; what it changes is git's to refuse.

    Raises: GitApplyError; after a conflict the marked files stay.
    """
    if not diff.strip():
        raise GitApplyError("the task has not changed anything")
    patch = diff if diff.endswith("\n") else f"{diff}\n"
    done = _git(root, environ, "apply", "--3way", stdin=patch.encode("utf-8", "surrogatepass"))
    if done.returncode == 0:
        return
    from codex_core.presentation.safe_text import exact_text

    said = exact_text(done.stderr.decode("utf-8", "replace").strip())
    hint = f"\n{CONFLICT_HINT}" if "with conflicts" in said else ""
    raise GitApplyError(f"Git apply failed with status exit status: {done.returncode}: {said}{hint}")


def _git(
    directory: str, environ: Mapping[str, str], *arguments: str, stdin: bytes = b""
) -> CompletedProcess[bytes]:
    import subprocess

    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env={**environ, "LC_ALL": "C"},  # its words are looked at
            input=stdin,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitApplyError(
            f"git cannot be run: {error.strerror}. It must be installed and on PATH."
        ) from error
