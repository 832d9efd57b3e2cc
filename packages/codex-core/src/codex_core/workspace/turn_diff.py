"""What the patches of one turn changed, as a git-style diff (spec: agent.md section 16, exec-sandbox.md E.7).

Each file is remembered as it was when the first patch touched it, and compared with the disk when somebody
asks; so what commands do to such a file afterwards shows up too.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_protocol.file_change import FileChange

CONTEXT_LINES = 3

_ABSENT_ID = "0" * 40
_NOWHERE = "/dev/null"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A file, or a link, as git would store it."""

    mode: str
    content: bytes

    @property
    def blob_id(self) -> str:
        """The id git gives this content where no filter (line ends, LFS) applies to it."""
        import hashlib

        return hashlib.sha1(
            b"blob %d\0" % len(self.content) + self.content, usedforsecurity=False
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class _Move:
    """A move that was announced and may yet fail."""

    source: str
    displaced: _TrackedFile | None
    """Who was tracked at the destination."""


@dataclass(slots=True, eq=False)
class _TrackedFile:
    """Where and what a file was before the first patch, and where it is now."""

    first_path: str
    before: _Snapshot | None
    path: str
    pending: _Move | None = None


class TurnDiffTracker:
    """Remembers the files patches touch from the moment it is made."""

    def __init__(self, cwd: str) -> None:
        self._cwd = cwd
        self._files: list[_TrackedFile] = []
        self._by_path: dict[str, _TrackedFile] = {}
        self._roots: dict[str, str | None] = {}

    def patch_begins(self, changes: Mapping[str, FileChange]) -> None:
        """To be called before a patch is applied, with what it will change."""
        from codex_protocol.file_change import DeleteChange, UpdateChange

        self._settle_moves()
        for name, change in changes.items():
            path = self._settled(name)
            file = self._track(path)
            if not isinstance(change, DeleteChange) and os.path.islink(path):
                self._track(os.path.realpath(path))  # the patch writes through the link
            if isinstance(change, UpdateChange) and change.move_path is not None:
                self._announce_move(file, self._settled(change.move_path))

    def unified_diff(self) -> str:
        """The difference between the tracked files then and now; empty if there is none."""
        self._settle_moves()
        files = sorted(self._files, key=lambda file: self._display(file.path))
        return "".join([self._file_diff(file) for file in files])

    def _settled(self, path: str) -> str:
        """An absolute path; one with `..` in it, which links can lead astray, by its real directory."""
        path = os.path.join(self._cwd, path)
        if not {"", ".", ".."}.isdisjoint(path.split("/")[1:]):
            directory, name = os.path.split(path)
            return os.path.join(os.path.realpath(directory), name)
        return path

    def _track(self, path: str) -> _TrackedFile:
        file = self._by_path.get(path)
        if file is None:
            file = _TrackedFile(path, _snapshot(path), path)
            self._files.append(file)
            self._by_path[path] = file
        return file

    def _announce_move(self, file: _TrackedFile, destination: str) -> None:
        if destination == file.path:
            return
        source = file.path if file.pending is None else file.pending.source
        file.pending = _Move(source, self._by_path.get(destination))
        if self._by_path.get(file.path) is file:
            del self._by_path[file.path]
        self._by_path[destination] = file
        file.path = destination

    def _settle_moves(self) -> None:
        """Takes back moves that did not happen: then the source is still there."""
        for file in self._files.copy():
            move, file.pending = file.pending, None
            if move is None:
                continue
            if _snapshot(move.source) is None:
                self._files = [other for other in self._files if other is not move.displaced]
                continue
            if self._by_path.get(file.path) is file:
                del self._by_path[file.path]
                if move.displaced is not None:
                    self._by_path[file.path] = move.displaced
            self._by_path[move.source] = file
            file.path = move.source

    def _display(self, path: str) -> str:
        """The path from the root of its repository, or as it is outside of one."""
        directory = os.path.dirname(path)
        if directory not in self._roots:
            from codex_core.workspace.git import repository_root

            self._roots[directory] = repository_root(directory)
        root = self._roots[directory]
        return path if root is None else os.path.relpath(path, root)

    def _file_diff(self, file: _TrackedFile) -> str:
        before, now = file.before, _snapshot(file.path)
        old_path, new_path = self._display(file.first_path), self._display(file.path)
        lines = [f"diff --git a/{old_path} b/{new_path}"]
        match before, now:
            case None, _Snapshot():
                lines.append(f"new file mode {now.mode}")
            case _Snapshot(), None:
                lines.append(f"deleted file mode {before.mode}")
            case _Snapshot(), _Snapshot() if before.content != now.content:
                if before.mode != now.mode:
                    lines += [f"old mode {before.mode}", f"new mode {now.mode}"]
            case _:
                return ""
        old_id = _ABSENT_ID if before is None else before.blob_id
        new_id = _ABSENT_ID if now is None else now.blob_id
        lines.append(f"index {old_id}..{new_id}")
        body = _body(before, now)
        if body:
            lines.append("--- " + (_NOWHERE if before is None else f"a/{old_path}"))
            lines.append("+++ " + (_NOWHERE if now is None else f"b/{new_path}"))
        return "\n".join(lines) + "\n" + body


def _body(before: _Snapshot | None, now: _Snapshot | None) -> str:
    from codex_core.patch.diff import unified_diff

    try:
        old = "" if before is None else before.content.decode("utf-8")
        new = "" if now is None else now.content.decode("utf-8")
    except UnicodeDecodeError:
        return "Binary files differ\n"
    return unified_diff(old, new, CONTEXT_LINES)


def _snapshot(path: str) -> _Snapshot | None:
    """What is at `path`; None for nothing, a directory, or what cannot be read."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return _Snapshot("120000", os.fsencode(os.readlink(path)))
        if not stat.S_ISREG(status.st_mode):
            return None
        with open(path, "rb") as file:
            content = file.read()
    except (OSError, ValueError):  # ValueError: a NUL byte in the name
        return None
    return _Snapshot("100755" if status.st_mode & 0o111 else "100644", content)
