"""Puts sessions away and takes them back, or deletes them (spec: protocol.md section 9.1).

An archived session lies in one flat directory, under the name it had. What a running Codex is writing is
neither moved nor deleted.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_core.rollout.catalog import files_of, find_among, sessions_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_core.rollout.catalog import SessionFile


def archive_directory(codex_home: str) -> str:
    """Where archived sessions lie."""
    return os.path.join(codex_home, "archived_sessions")


def archived_files(codex_home: str) -> list[SessionFile]:
    """Every archived session, newest first."""
    return files_of(archive_directory(codex_home))


def find_archived(codex_home: str, text: str) -> SessionFile:
    """The archived session with this id, or whose id alone begins so.

    Raises:
        SessionError: there is none, or there are several.
    """
    return find_among(archived_files(codex_home), text, archive_directory(codex_home))


def archive_session(codex_home: str, file: SessionFile) -> str:
    """Puts a session away; returns where it lies now.

    Raises:
        SessionError: it is in use, or cannot be moved.
    """
    return _move(file, archive_directory(codex_home))


def unarchive_session(codex_home: str, file: SessionFile) -> str:
    """Takes an archived session back to the day it began; returns where it lies now.

    Raises:
        SessionError: it cannot be moved.
    """
    year, month, day = file.place.timestamp[:10].split("-")
    return _move(file, os.path.join(sessions_directory(codex_home), year, month, day))


def delete_session(file: SessionFile) -> None:
    """Deletes a session for good.

    Raises:
        SessionError: it is in use, or cannot be deleted.
    """
    with _held(file, "deleted"):
        os.unlink(file.path)


def _move(file: SessionFile, directory: str) -> str:
    from codex_core.rollout.disk import move_to_free_name

    target = os.path.join(directory, os.path.basename(file.path))
    with _held(file, "moved"):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        move_to_free_name(file.path, target)
    return target


@contextlib.contextmanager
def _held(file: SessionFile, what: str) -> Iterator[None]:
    """Nobody else writes the session inside the block; what the disk refuses is told."""
    from codex_core.rollout.disk import is_ours
    from codex_core.rollout.recorder import SessionInUseError

    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not is_ours(descriptor):
                raise SessionInUseError(file.path)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SessionError(f"The session {file.path} cannot be {what}: {error.strerror}.") from error
