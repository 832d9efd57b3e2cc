"""The dry run of a patch: what it would change, for whoever must allow it (spec: exec-sandbox.md E.7).

Nothing is written. Every file is looked at as it is on disk, so a patch that updates a file it adds itself
does not pass, and of two updates of one file the last is shown; both are how clients know it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import PatchError
from codex_core.patch.diff import unified_diff
from codex_core.patch.files import FileError, Workspace, read_text
from codex_core.patch.grammar import AddFile, DeleteFile
from codex_core.patch.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.patch.grammar import Hunk, Patch, UpdateFile
    from codex_protocol.file_change import FileChange

APPROVAL_CONTEXT_LINES = 1


class VerifyError(PatchError):
    """A file the patch names cannot be read, or never be written."""


@dataclass(frozen=True, slots=True)
class VerifiedPatch:
    """What a patch that fits the files would do."""

    changes: dict[str, FileChange]
    """By absolute path, in the order of the patch; empty for an empty patch."""
    paths: tuple[str, ...]
    """Every place that would be written, removed or moved from or to; absolute, `..` and links as written."""


def verify_patch(patch: Patch, directory: str, *, link_roots: Iterable[str] = ()) -> VerifiedPatch:
    """What `patch` would change when applied in `directory`, with the rule for links of `apply_patch`.

    Raises: PatchError: VerifyError, MatchError or LinkError, with absolute paths in the sentence.
    """
    workspace = Workspace(directory, link_roots)
    changes: dict[str, FileChange] = {}
    paths: list[str] = []
    for hunk in patch.hunks:
        path = workspace.locate(hunk.path)
        changes[path] = _change(workspace, hunk, path)
        paths.append(path)
        if not isinstance(hunk, (AddFile, DeleteFile)) and hunk.move_to is not None:
            paths.append(workspace.locate(hunk.move_to))
    return VerifiedPatch(changes, tuple(dict.fromkeys(paths)))


def _change(workspace: Workspace, hunk: Hunk, path: str) -> FileChange:
    from codex_protocol.file_change import AddChange, DeleteChange

    match hunk:
        case AddFile():
            _check_target(workspace, path)
            return AddChange(content=hunk.content)
        case DeleteFile():
            try:
                workspace.entry(path)
                return DeleteChange(content=read_text(path))
            except FileError as error:
                raise VerifyError(f"Failed to read {path}: {error}") from error
        case _:
            return _update(workspace, hunk, path)


def _update(workspace: Workspace, hunk: UpdateFile, path: str) -> FileChange:
    from codex_protocol.file_change import UpdateChange

    try:
        old = read_text(path)
        workspace.target(path)
    except FileError as error:
        raise VerifyError(f"Failed to read file to update {path}: {error}") from error
    move_path = None if hunk.move_to is None else workspace.locate(hunk.move_to)
    if move_path is not None:
        _check_target(workspace, move_path)
    new = rewrite(old, hunk.chunks, path)
    return UpdateChange(unified_diff=unified_diff(old, new, APPROVAL_CONTEXT_LINES), move_path=move_path)


def _check_target(workspace: Workspace, path: str) -> None:
    """Refuses what could not be written anyway, before anybody is asked."""
    try:
        workspace.target(path)
    except FileError as error:
        raise VerifyError(f"Failed to write file {path}") from error
