"""Files of a directory by a few letters of their paths: what the `@` popup shows (spec: exec-sandbox.md G.2).

The walk follows git's rules of what to ignore, goes into no link and no repository's own files, and stops at
a number of files; what it found is kept for a few seconds, so that each further letter costs no walk.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.workspace.fuzzy_match import query_words, score_path
from codex_core.workspace.ignore_rules import Layers, layers_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codex_core.workspace.fuzzy_match import Word

DEFAULT_LIMIT = 8
MAX_FILES = 200_000
"""Files a walk remembers, those of the upper directories first: 20 to 30 MB."""
MAX_QUERY_CHARS = 200
CHECK_EVERY = 1024
"""Entries between two looks at the cancel flag."""
MAX_SCORED = 4_000
"""Matches that are scored; of more, those that hold the words as they were typed go first."""
DEBOUNCE_S = 0.1
FRESH_S = 10.0
"""How long the files of a walk are searched before there is another walk."""

# Names that could not be put into a message, or would reorder it.
_UNTYPABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FileMatch:
    """A file that fits: its path relative to the directory searched, with `/`."""

    path: str
    score: int
    indices: tuple[int, ...]
    """Which characters of the path fit, sorted and unique."""


@dataclass(frozen=True, slots=True)
class FileIndex:
    """The files below a directory; not all of them if there are more than were asked for."""

    paths: Sequence[str]
    is_complete: bool = True


def list_files(
    root: str,
    *,
    environ: Mapping[str, str],
    exclude: Iterable[str] = (),
    max_files: int = MAX_FILES,
    cancelled: threading.Event | None = None,
) -> FileIndex:
    """The files below `root` that git would not ignore, hidden ones included; nothing once cancelled.

    `exclude` has further patterns in gitignore's form. Directories that cannot be read are passed over.
    """
    root = os.path.abspath(root)
    pace = _Pace(cancelled)
    try:
        return _walk(root, layers_for(root, environ, exclude), max_files, pace)
    except _CancelledError:
        return FileIndex((), is_complete=False)


def find_files(
    index: FileIndex,
    query: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cancelled: threading.Event | None = None,
) -> list[FileMatch]:
    """The best `limit` files for a query, best first, then by path; nothing once cancelled."""
    words = query_words(query[:MAX_QUERY_CHARS])
    pace = _Pace(cancelled)
    try:
        fitting = _fitting(index.paths, words, pace)
        if len(fitting) > MAX_SCORED:
            fitting = _likeliest(fitting, words, pace)
        scored: list[FileMatch] = []
        for path in fitting:
            pace.step()
            found = score_path(path, words)
            if found is not None:
                scored.append(FileMatch(path, *found))
    except _CancelledError:
        return []
    return heapq.nsmallest(limit, scored, key=lambda match: (-match.score, match.path))


class FileSearcher:
    """Searches as somebody types: waits a moment, runs one search at a time, and drops those out of date."""

    def __init__(
        self,
        root: str,
        found: Callable[[str, list[FileMatch]], None],
        *,
        environ: Mapping[str, str],
        limit: int = DEFAULT_LIMIT,
        debounce_s: float = DEBOUNCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`found` gets a query and its files, on the event loop `run` is on."""
        self._root = root
        self._found = found
        self._environ = environ
        self._limit = limit
        self._debounce_s = debounce_s
        self._clock = clock
        self._query = ""
        self._changed = asyncio.Event()
        self._searched = ""
        self._cancel_search = threading.Event()
        self._index: tuple[float, FileIndex] | None = None

    def ask(self, query: str) -> None:
        """The query from now on; empty for none. What runs goes on only if its query begins this one."""
        if query == self._query:
            return
        self._query = query
        if self._searched and not (query and query.startswith(self._searched)):
            self._cancel_search.set()
        self._changed.set()

    async def run(self) -> None:
        """Answers until it is cancelled."""
        cancel_walk = threading.Event()
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(self._debounce_s)
                self._changed.clear()
                query = self._searched = self._query
                if not query:
                    continue
                cancel = self._cancel_search = threading.Event()
                files = await asyncio.to_thread(self._search, query, cancel, cancel_walk)
                self._searched = ""
                if not cancel.is_set():
                    self._found(query, files)
        finally:
            self._searched = ""
            self._cancel_search.set()
            cancel_walk.set()

    def _search(
        self, query: str, cancelled: threading.Event, walk_cancelled: threading.Event
    ) -> list[FileMatch]:
        now = self._clock()
        if self._index is None or now - self._index[0] > FRESH_S:
            # A walk is worth finishing whatever is typed meanwhile.
            index = list_files(self._root, environ=self._environ, cancelled=walk_cancelled)
            self._index = (self._clock(), index)
        return find_files(self._index[1], query, limit=self._limit, cancelled=cancelled)


class _CancelledError(Exception):
    """Nobody waits for the answer any more."""


class _Pace:
    """Looks at the cancel flag now and then, and lets other threads run."""

    def __init__(self, cancelled: threading.Event | None) -> None:
        self._cancelled = cancelled
        self._steps = 0

    def step(self) -> None:
        self._steps += 1
        if self._steps % CHECK_EVERY == 1:
            self.rest()

    def rest(self) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise _CancelledError
        time.sleep(0)


def _walk(root: str, layers: Layers, max_files: int, pace: _Pace) -> FileIndex:
    paths: list[str] = []
    waiting: deque[tuple[str, Layers]] = deque([("", layers)])
    while waiting:
        path, layers = waiting.popleft()
        directory = os.path.join(root, path) if path else root
        try:
            with os.scandir(directory) as entries:
                listed = list(entries)
        except OSError:
            continue
        layers = layers.inside(directory, path, (entry.name for entry in listed))
        prefix = path + "/" if path else ""
        for entry in sorted(listed, key=_name):
            pace.step()
            name = entry.name
            if name == ".git" or (not name.isprintable() and _UNTYPABLE.search(name)):
                continue
            below = prefix + name
            try:
                is_directory = entry.is_dir(follow_symlinks=False)
                if not is_directory and not entry.is_file():
                    continue
            except OSError:
                continue
            if layers.is_ignored(below, name, is_directory=is_directory):
                continue
            if is_directory:
                waiting.append((below, layers))
            elif len(paths) == max_files:
                return FileIndex(paths, is_complete=False)
            else:
                paths.append(below)
    return FileIndex(paths)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _fitting(paths: Sequence[str], words: tuple[Word, ...], pace: _Pace) -> list[str]:
    """The paths that hold all words, letters in order."""
    fitting: list[str] = []
    for start in range(0, len(paths), CHECK_EVERY):
        pace.rest()
        some = paths[start : start + CHECK_EVERY]
        for word in words:
            fold, match = word.fold, word.regex.match
            some = [path for path in some if match(fold(path))]
        fitting += some
    return fitting


def _likeliest(paths: list[str], words: tuple[Word, ...], pace: _Pace) -> list[str]:
    """Of too many paths those that hold the words in one piece, at the beginning of a name if possible."""
    ranked: list[tuple[int, str]] = []
    for path in paths:
        pace.step()
        rank = 0
        for word in words:
            at = f"/{word.fold(path)}".find(f"/{word.text}")
            if at < 0:
                rank += 1 if word.text in word.fold(path) else 2
        ranked.append((rank, path))
    return [path for _, path in heapq.nsmallest(MAX_SCORED, ranked)]
