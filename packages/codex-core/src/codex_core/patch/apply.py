"""Applies a patch to the files of a directory, hunk by hunk (spec: exec-sandbox.md section E.4).

A hunk is done or not done; what earlier hunks did stays when a later one fails.
"""

from __future__ import annotations

from codex_core.errors import PatchError
from codex_core.patch.files import (
    FileError,
    Workspace,
    finish_move,
    make_parents,
    read_text_and_mode,
    remove,
    write_text,
)
from codex_core.patch.grammar import AddFile, DeleteFile, Value
from codex_core.patch.rewrite import rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.patch.grammar import Patch, UpdateFile


class ApplyError(PatchError):
    """A hunk could not be applied; names the path as the patch does."""


class Summary(Value):
    """What was done, by paths as the patch names them, in its order."""

    __slots__ = ("added", "deleted", "modified")

    def __init__(self, added: tuple[str, ...], modified: tuple[str, ...], deleted: tuple[str, ...]) -> None:
        self.added = added
        self.modified = modified
        """A moved file is listed here, by its new path."""
        self.deleted = deleted

    def __str__(self) -> str:
        lines = ["Success. Updated the following files:"]
        for letter, paths in (("A", self.added), ("M", self.modified), ("D", self.deleted)):
            lines += [f"{letter} {path}" for path in paths]
        return "\n".join(lines) + "\n"


def apply_patch(patch: Patch, directory: str, *, link_roots: Iterable[str] = ()) -> Summary:
    """Does what `patch` says; relative paths are below `directory`.

    Symbolic links may lead to places below `directory` and `link_roots`.

    Raises: PatchError: ApplyError, MatchError or LinkError, for the first hunk that fails.
    """
    if not patch.hunks:
        raise ApplyError("No files were modified.")
    workspace = Workspace(directory, link_roots)
    added: list[str] = []
    modified: list[str] = []
    deleted: list[str] = []
    for hunk in patch.hunks:
        if isinstance(hunk, AddFile):
            _write(workspace, hunk.path, hunk.content, with_parents=True)
            added.append(hunk.path)
        elif isinstance(hunk, DeleteFile):
            _delete(workspace, hunk.path)
            deleted.append(hunk.path)
        else:
            _update(workspace, hunk)
            modified.append(hunk.path if hunk.move_to is None else hunk.move_to)
    return Summary(tuple(added), tuple(modified), tuple(deleted))


def _write(
    workspace: Workspace, path: str, text: str, *, with_parents: bool = False, mode: int | None = None
) -> str:
    try:
        target = workspace.target(path)
    except FileError as problem:
        raise ApplyError(f"Failed to write file {path}") from problem
    if with_parents:
        try:
            make_parents(workspace.locate(path))
        except FileError as problem:
            raise ApplyError(f"Failed to create parent directories for {path}") from problem
    try:
        write_text(target, text, mode=mode)
    except FileError as problem:
        raise ApplyError(f"Failed to write file {path}") from problem
    return target


def _delete(workspace: Workspace, path: str) -> None:
    try:
        remove(workspace.entry(path))
    except FileError as problem:
        raise ApplyError(f"Failed to delete file {path}") from problem


def _update(workspace: Workspace, hunk: UpdateFile) -> None:
    path = hunk.path
    try:
        text, mode = read_text_and_mode(workspace.locate(path))
        workspace.target(path)  # before anything is said about the text, or written elsewhere
        source = workspace.entry(path) if hunk.move_to is not None else None
    except FileError as problem:
        raise ApplyError(f"Failed to read file to update {path}: {problem}") from problem
    new_text = rewrite(text, hunk.chunks, path)
    if source is None or hunk.move_to is None:
        if new_text != text:
            _write(workspace, path, new_text)
        return
    target = _write(workspace, hunk.move_to, new_text, with_parents=True, mode=mode)
    try:
        finish_move(source, target)
    except FileError as problem:
        raise ApplyError(f"Failed to remove original {path}") from problem
