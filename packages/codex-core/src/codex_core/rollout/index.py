"""A disposable index over all session files, so that listing and searching need not read them again.

The files are the truth. The index holds what one pass over each says, and is brought up to date by size and
time of change whenever it is asked; it may be deleted or damaged at any moment, and is made anew then. Where
it cannot be kept, the answer is the same and only takes longer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING

from codex_core.rollout.archive import archived_files
from codex_core.rollout.catalog import session_files
from codex_core.rollout.summary import SessionSummary, read_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from codex_core.rollout.catalog import SessionFile

    T = TypeVar("T")

FILE_NAME = "sessions_index.sqlite3"
_VERSION = 1
_BUSY_TIMEOUT_S = 2.0
_IN_MEMORY = ":memory:"
_TABLES = """
CREATE TABLE files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, summary TEXT, text TEXT
) WITHOUT ROWID
"""
# Somebody else has it, or the disk does not let us: nothing that making it anew would change.
_UNUSABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)

_log = logging.getLogger(__name__)


def index_path(codex_home: str) -> str:
    """Where the index is kept."""
    return os.path.join(codex_home, FILE_NAME)


def all_sessions(codex_home: str, *, archived: bool = False) -> list[SessionSummary]:
    """Every session in which a user has said something, newest first: those in use, or the archived ones."""
    return _ask(codex_home, lambda index: index.sessions(archived=archived))


def search_sessions(codex_home: str, words: Sequence[str], *, archived: bool = False) -> list[SessionSummary]:
    """The sessions in which each of the words was said, by anybody, newest first; case does not count."""
    folded = [word.casefold() for word in words if word]
    return _ask(codex_home, lambda index: index.sessions(archived=archived, words=folded))


def _ask(codex_home: str, question: Callable[[_Index], T]) -> T:
    """An answer of the index: as it is, else made anew, else of one that is kept nowhere."""
    path = index_path(codex_home)
    for place in (path, path):
        try:
            with _opened(place) as database:
                return question(_Index(codex_home, database))
        except (sqlite3.Error, ValueError, OSError) as error:
            _log.info("the index %s cannot be used: %s", place, error)
            if isinstance(error, OSError) or _primary_code(error) in _UNUSABLE or not _removed(path):
                break
    with _opened(_IN_MEMORY) as database:
        return question(_Index(codex_home, database))


def _primary_code(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _removed(path: str) -> bool:
    try:
        for suffix in ("", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + suffix)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _opened(place: str) -> Iterator[sqlite3.Connection]:
    if place != _IN_MEMORY:
        # What was said is in it: for its owner only, whatever the umask says.
        os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(place, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        yield database
    finally:
        database.close()


class _Index:
    """The index as it stands in an open database."""

    def __init__(self, codex_home: str, database: sqlite3.Connection) -> None:
        self._home = codex_home
        self._database = database
        self._refresh()

    def sessions(self, *, archived: bool, words: Sequence[str] = ()) -> list[SessionSummary]:
        """Those in which every word occurs, newest first."""
        condition = "".join(" AND instr(text, ?) > 0" for _ in words)
        rows = self._database.execute(
            f"SELECT summary FROM files WHERE summary IS NOT NULL{condition}",  # noqa: S608 - marks only
            tuple(words),
        )
        found = [summary for (text,) in rows if (summary := _summary(text)).is_archived is archived]
        return sorted(found, key=lambda each: (each.started, each.conversation_id), reverse=True)

    def _refresh(self) -> None:
        """Reads what is new or has changed, forgets what is gone."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                self._database.execute("DROP TABLE IF EXISTS files")
                self._database.execute(_TABLES)
                self._database.execute(f"PRAGMA user_version = {_VERSION}")
            known = {
                path: (size, mtime)
                for path, size, mtime in self._database.execute("SELECT path, size, mtime FROM files")
            }
            for is_archived, files in (
                (False, session_files(self._home)),
                (True, archived_files(self._home)),
            ):
                for file in files:
                    self._refresh_one(file, known, is_archived=is_archived)
            gone = [(path,) for path in known]
            self._database.executemany("DELETE FROM files WHERE path = ?", gone)

    def _refresh_one(
        self, file: SessionFile, known: dict[str, tuple[int, int]], *, is_archived: bool
    ) -> None:
        seen = known.pop(file.path, None)
        try:
            status = os.stat(file.path)
            now = (status.st_size, status.st_mtime_ns)
            if seen == now:
                return
            said = read_summary(file, status, is_archived=is_archived)
        except OSError:  # gone meanwhile, or not to be read; it may be the next time
            if seen is not None:
                known[file.path] = seen
            return
        row = (None, None) if said is None else (json.dumps(asdict(said.summary)), said.text)
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (file.path, *now, *row))


def _summary(text: str) -> SessionSummary:
    """The summary of a row.

    Raises:
        ValueError: somebody has written something else there.
    """
    try:
        return SessionSummary(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"a row holds no summary: {error}") from error
