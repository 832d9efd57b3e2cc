"""Finds recorded sessions: pages of them, newest first, and one by its id.

Every session is reached however many there are, unlike in the reference, which stops after a hundred
files (spec: protocol.md sections 9.3 and 9.4).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_core.rollout.replay import conversation_id_of, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HEAD_RECORDS = 10
"""Records of the head that an entry carries, as the reference's listing does."""
MAX_HEAD_LINES = 500
"""A file in which no user has said anything by then is not listed."""
MIN_PREFIX_DIGITS = 4
"""A shorter beginning of an id is more likely a word."""

_NAME = re.compile(
    r"rollout-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)-"
    r"([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\.jsonl"
)
_CURSOR = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)\|([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
)
_HEX = re.compile(r"[0-9a-f]+")


class NoSuchSessionError(SessionError):
    """No session has that id."""


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the listing: the session last shown."""

    timestamp: str
    """As in the file's name: local time, `2026-11-22T08-34-04`."""
    conversation_id: str

    def __str__(self) -> str:
        return f"{self.timestamp}|{self.conversation_id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """The cursor a text stands for; None if it is none."""
        match = _CURSOR.fullmatch(text)
        return cls(match[1], match[2].lower()) if match else None


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A rollout file, as its name tells."""

    place: Cursor
    path: str

    @property
    def conversation_id(self) -> str:
        """The session's UUID."""
        return self.place.conversation_id


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session of the listing."""

    file: SessionFile
    head: tuple[Mapping[str, object], ...]
    """Payloads of its first records: session_meta and response items, at most `HEAD_RECORDS`."""
    preview: str | None
    """What the user said first, as far as it is there to be shown."""

    @property
    def meta(self) -> Mapping[str, object]:
        """The payload of its first line."""
        return self.head[0]


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions, newest first, and where the next ones begin."""

    entries: tuple[SessionEntry, ...]
    next_cursor: Cursor | None
    """Present whenever there are entries, also on the last page."""
    scanned: int
    """Files looked at."""


def list_sessions(codex_home: str, page_size: int, cursor: Cursor | None = None) -> SessionPage:
    """One page of the sessions in which a user has said something.

    A directory or file that cannot be read is passed over.
    """
    entries: list[SessionEntry] = []
    scanned = 0
    if page_size > 0:
        for file in session_files(codex_home, older_than=cursor):
            scanned += 1
            if (entry := read_entry(file)) is not None:
                entries.append(entry)
                if len(entries) == page_size:
                    break
    return SessionPage(tuple(entries), entries[-1].file.place if entries else None, scanned)


def find_session(codex_home: str, text: str) -> str:
    """The file of the session with this id, or whose id alone begins so.

    Raises:
        SessionError: there is none, or there are several.
    """
    try:
        return find_among(session_files(codex_home), text, sessions_directory(codex_home)).path
    except NoSuchSessionError:
        from codex_core.rollout.archive import archived_files

        find_among(archived_files(codex_home), text, codex_home)  # or there is none at all
        raise SessionError(
            f"The session {text} is archived; `codex unarchive {text}` takes it back."
        ) from None


def find_among(files: Iterable[SessionFile], text: str, place: str) -> SessionFile:
    """The first of the files with this id, or whose id alone begins so; `place` is where one was looked for.

    Raises:
        SessionError: there is none, or there are several.
    """
    digits = text.strip().lower().replace("-", "")
    if not _HEX.fullmatch(digits) or not MIN_PREFIX_DIGITS <= len(digits) <= 32:
        raise SessionError(
            f"`{text}` is not a session id: an id is a UUID, or the first {MIN_PREFIX_DIGITS} or more "
            "digits of one."
        )
    found: dict[str, SessionFile] = {}
    for file in files:
        if file.conversation_id.replace("-", "").startswith(digits):
            found.setdefault(file.conversation_id, file)
    if not found:
        raise NoSuchSessionError(f"There is no session with the id {text} in {place}.")
    if len(found) > 1:
        raise SessionError(f"{len(found)} sessions have an id that begins with {text}; give more of it.")
    return next(iter(found.values()))


def last_session(codex_home: str) -> str:
    """The file of the newest session in which a user has said something.

    Raises:
        SessionError: there is none.
    """
    page = list_sessions(codex_home, 1)
    if not page.entries:
        raise SessionError(f"There is no session to resume in {sessions_directory(codex_home)}.")
    return page.entries[0].file.path


def sessions_directory(codex_home: str) -> str:
    """Where rollouts are kept, below it by year, month and day."""
    return os.path.join(codex_home, "sessions")


def session_files(codex_home: str, older_than: Cursor | None = None) -> Iterator[SessionFile]:
    """Every rollout file, newest first; with `older_than` only what comes behind that place."""
    bound = (9999, 99, 99)
    if older_than is not None:
        year, month, day = older_than.timestamp[:10].split("-")
        bound = (int(year), int(month), int(day))
    root = sessions_directory(codex_home)
    for year_number, year_path in _numbered(root, 65_535):
        if year_number > bound[0]:
            continue
        for month_number, month_path in _numbered(year_path, 255):
            if (year_number, month_number) > bound[:2]:
                continue
            for day_number, day_path in _numbered(month_path, 255):
                # A file's name is what places it; its directory only says where to begin.
                if (year_number, month_number, day_number) <= bound:
                    yield from files_of(day_path, older_than)


def files_of(directory: str, older_than: Cursor | None = None) -> list[SessionFile]:
    """The rollout files that lie directly in a directory, newest first."""
    files = []
    for entry in _scan(directory):
        match = _NAME.fullmatch(entry.name)
        if match is None or not entry.is_file(follow_symlinks=False):
            continue
        place = Cursor(match[1], match[2].lower())
        if older_than is None or place < older_than:
            files.append(SessionFile(place, entry.path))
    files.sort(key=lambda file: file.place, reverse=True)
    return files


def _numbered(directory: str, largest: int) -> list[tuple[int, str]]:
    """Real directories whose names are numbers, highest first."""
    found = [
        (int(entry.name), entry.path)
        for entry in _scan(directory)
        if entry.name.isascii() and entry.name.isdigit() and entry.is_dir(follow_symlinks=False)
    ]
    return sorted((pair for pair in found if pair[0] <= largest), reverse=True)


def _scan(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []


def read_entry(file: SessionFile) -> SessionEntry | None:
    """What the listing says of a file; None if no user has said anything in it, or it cannot be read."""
    head: list[Mapping[str, object]] = []
    preview: str | None = None
    has_meta = has_user = False
    try:
        with open(file.path, "rb") as lines:
            for number, text in enumerate(lines):
                if number >= MAX_HEAD_LINES or (has_user and has_meta and len(head) >= HEAD_RECORDS):
                    break
                line = parse_line(text)
                if line is None:
                    continue
                if line.kind == "event_msg" and line.payload.get("type") == "user_message":
                    has_user = True
                if line.kind not in ("session_meta", "response_item"):
                    continue
                has_meta = has_meta or conversation_id_of(line) is not None
                if len(head) < HEAD_RECORDS:
                    head.append(line.payload)
                if preview is None and line.kind == "response_item":
                    preview = _preview(line.payload)
                    has_user = has_user or (preview is not None and line.is_flat)
    except OSError:
        return None
    return SessionEntry(file, tuple(head), preview) if has_meta and has_user else None


def _preview(payload: Mapping[str, object]) -> str | None:
    """The user's own words in a message, without what an editor puts before them."""
    from codex_protocol.config_types import InputMessageKind
    from codex_protocol.message_kind import kind_of_message, request_in

    content = payload.get("content")
    if payload.get("type") != "message" or not isinstance(content, list):
        return None
    for part in content:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "input_text" else None
        if isinstance(text, str) and kind_of_message(text) is InputMessageKind.PLAIN:
            return request_in(text)
    return None
