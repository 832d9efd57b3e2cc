"""Whether the user trusts the session's directory, and what that means (spec: config-cli.md section 8).

Trust decides only where nothing else does: a policy that a flag, a profile or config.toml names stands.
"""

from __future__ import annotations

import os
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_core.config.config import TRUSTED
from codex_core.workspace.git import repository_root
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.config import Config

_MAX_LINK_BYTES = 4096
"""A `.git` file and those it leads to hold one path."""


class Trust(Enum):
    """What there is to do about trust before a session starts."""

    SETTLED = auto()
    """Somebody chose policies: they stand, nobody is asked."""
    TRUSTED = auto()
    """The user trusts the directory: `trusting` says what follows."""
    UNDECIDED = auto()
    """The user is to be asked where that is possible; until then the cautious defaults stand."""


def trust_of(config: Config) -> Trust:
    """What is known about the session's directory."""
    if config.has_chosen_policies:
        return Trust.SETTLED
    return Trust.TRUSTED if is_trusted(config.projects, config.cwd) else Trust.UNDECIDED


def trusting(config: Config) -> Config:
    """The configuration in a trusted directory: work in the workspace, ask when the model wants to."""
    return replace(config, approval_policy=AskForApproval.ON_REQUEST, sandbox_policy=config.workspace_write)


def is_trusted(projects: Mapping[str, str | None], directory: str) -> bool:
    """Whether the directory, or the repository around it, is marked as trusted in `projects`.

    A linked work tree counts as its main one.
    """
    return any(projects.get(key) == TRUSTED for key in (directory, project_of(directory)))


def project_of(directory: str) -> str:
    """What a "yes" is written down for: the root of the main work tree, or outside of git the directory."""
    root = repository_root(directory)
    if root is None:
        return directory
    root = os.path.realpath(root)
    return _main_work_tree(root) or root


def _main_work_tree(root: str) -> str | None:
    """The main work tree of a linked one, None if `root` is not one.

    A `.git` file can claim to belong to any repository, so the claim counts only if that repository knows
    the work tree: a downloaded directory must not be trusted because it points at one that is.
    """
    link = os.path.join(root, ".git")
    claim = _one_line(link)
    if claim is None or not claim.startswith("gitdir:"):
        return None
    git_directory = os.path.join(root, claim.removeprefix("gitdir:").strip())
    known_as, common = (
        _one_line(os.path.join(git_directory, "gitdir")),
        _one_line(os.path.join(git_directory, "commondir")),
    )
    if known_as is None or common is None:
        return None
    if os.path.realpath(os.path.join(git_directory, known_as)) != os.path.realpath(link):
        return None
    common_directory = os.path.realpath(os.path.join(git_directory, common))
    registered = os.path.join(common_directory, "worktrees")
    if os.path.dirname(os.path.realpath(git_directory)) != registered:
        return None
    return os.path.dirname(common_directory)


def _one_line(path: str) -> str | None:
    """The text of a small regular file without the line end; None if it is not one."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_LINK_BYTES + 1)
    except OSError:
        return None
    return None if len(content) > _MAX_LINK_BYTES else os.fsdecode(content).rstrip("\r\n")
