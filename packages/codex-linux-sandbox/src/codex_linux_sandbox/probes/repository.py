"""Probes of the directories that stay read-only below a writable root.

Landlock cannot take a subdirectory out of a writable root; only read-only mounts can.
"""

from __future__ import annotations

import os

from .catalog import NETWORK, NEVER, WHERE_WRITABLE, WORKSPACE, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("protected directories")

_WRITABLE_MODES = (WORKSPACE, NETWORK)


def _append(path: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("changed\n")


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def create_in_repository(props: Props) -> None:
    """create a file in .git of the workspace."""
    _append(os.path.join(props.workspace, ".git", "new"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def configure_repository(props: Props) -> None:
    """append to .git/config of the workspace."""
    _append(os.path.join(props.workspace, ".git", "config"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def add_hook(props: Props) -> None:
    """write a hook into .git of the workspace."""
    _append(os.path.join(props.workspace, ".git", "hooks", "post-checkout"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def chmod_repository(props: Props) -> None:
    """change the mode of .git/config of the workspace."""
    os.chmod(os.path.join(props.workspace, ".git", "config"), 0o600)


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def write_agent_settings(props: Props) -> None:
    """write the agent's settings in .codex of the workspace."""
    _append(os.path.join(props.workspace, ".codex", "config.toml"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def create_missing_settings(props: Props) -> None:
    """create the missing directory .agents in the workspace."""
    path = os.path.join(props.workspace, ".agents")
    if not os.path.isdir(path):
        os.mkdir(path)
    _append(os.path.join(path, "new"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def write_linked_repository(props: Props) -> None:
    """write into the directory that a .git file names."""
    _append(os.path.join(props.second_root, "linked-git", "config"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def redirect_repository(props: Props) -> None:
    """change where a .git file points to."""
    _append(os.path.join(props.second_root, ".git"))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def move_linked_repository(props: Props) -> None:
    """move the directory that a .git file names aside."""
    name = os.path.join(props.second_root, "linked-git")
    os.rename(name, f"{name}.aside")


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def move_settings(props: Props) -> None:
    """move .codex of the workspace aside."""
    name = os.path.join(props.workspace, ".codex")
    os.rename(name, f"{name}.aside")


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def move_repository(props: Props) -> None:
    """move .git of the workspace aside."""
    name = os.path.join(props.workspace, ".git")
    os.rename(name, f"{name}.aside")


@CATALOG.probe(WHERE_WRITABLE, furnished=True)
def write_nested_repository(props: Props) -> None:
    """make .git of a repository further down, which is not protected."""
    os.mkdir(os.path.join(props.inside, ".git"))
    _append(os.path.join(props.inside, ".git", "config"))
