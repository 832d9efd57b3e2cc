"""Sessions are listed newest first, reached however many there are, and found by their ids."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codex_core.errors import SessionError
from codex_core.rollout.catalog import (
    HEAD_RECORDS,
    MAX_HEAD_LINES,
    Cursor,
    find_session,
    last_session,
    list_sessions,
    session_files,
)

META = {"timestamp": "t", "cwd": "/", "originator": "o", "cli_version": "0.36.0", "instructions": None}


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def record(kind: str, payload: object) -> str:
    return json.dumps({"timestamp": "t", "type": kind, "payload": payload})


def said(text: str) -> str:
    content = [{"type": "input_text", "text": text}]
    return record("response_item", {"type": "message", "role": "user", "content": content})


USER_EVENT = record("event_msg", {"type": "user_message", "message": "hi", "kind": "plain"})


def session(
    home: Path, number: int, when: str = "2026-11-22T08-34-04", lines: list[str] | None = None
) -> Path:
    directory = home / "sessions" / when[:4] / when[5:7] / when[8:10]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"rollout-{when}-{uuid(number)}.jsonl"
    if lines is None:
        lines = [record("session_meta", {"id": uuid(number), **META}), said(f"prompt {number}"), USER_EVENT]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def ids(home: Path, size: int = 25, cursor: Cursor | None = None) -> list[str]:
    return [entry.file.conversation_id for entry in list_sessions(str(home), size, cursor).entries]


def test_sessions_come_newest_first(tmp_path: Path) -> None:
    session(tmp_path, 1, "2025-12-31T23-59-59")
    session(tmp_path, 2, "2026-02-01T00-00-00")
    session(tmp_path, 3, "2026-10-01T00-00-00")
    session(tmp_path, 4, "2026-10-01T00-00-00")
    assert ids(tmp_path) == [uuid(4), uuid(3), uuid(2), uuid(1)]


def test_every_session_is_reached_by_paging(tmp_path: Path) -> None:
    for number in range(230):
        session(tmp_path, number, f"2026-11-{22 - number // 120:02}T08-{number % 60:02}-04")
    seen: list[str] = []
    cursor = None
    while True:
        page = list_sessions(str(tmp_path), 25, cursor)
        if not page.entries:
            break
        seen += [entry.file.conversation_id for entry in page.entries]
        assert page.next_cursor is not None
        cursor = Cursor.parse(str(page.next_cursor))
    assert page.next_cursor is None
    assert len(seen) == len(set(seen)) == 230


def test_a_cursor_is_written_and_read_as_clients_know_it() -> None:
    text = f"2026-11-22T08-34-04|{uuid(5)}"
    cursor = Cursor.parse(text)
    assert cursor is not None
    assert str(cursor) == text
    assert Cursor.parse("yesterday") is None


def test_an_entry_says_what_the_user_said_first(tmp_path: Path) -> None:
    lines = [
        record("session_meta", {"id": uuid(1), **META}),
        said("<environment_context>\n</environment_context>"),
        said("open files\n## My request for Codex:\nfix it "),
        USER_EVENT,
    ]
    session(tmp_path, 1, lines=lines)
    (entry,) = list_sessions(str(tmp_path), 5).entries
    assert entry.preview == "fix it"
    assert entry.meta["id"] == uuid(1)
    assert len(entry.head) == 3


def test_a_session_whose_user_spoke_late_is_listed_too(tmp_path: Path) -> None:
    many = [said(f"<environment_context>{n}</environment_context>") for n in range(HEAD_RECORDS + 5)]
    session(
        tmp_path, 1, lines=[record("session_meta", {"id": uuid(1), **META}), *many, said("hi"), USER_EVENT]
    )
    (entry,) = list_sessions(str(tmp_path), 5).entries
    assert len(entry.head) == HEAD_RECORDS
    assert entry.preview == "hi"


def test_sessions_in_which_nobody_said_anything_are_not_listed(tmp_path: Path) -> None:
    meta = record("session_meta", {"id": uuid(1), **META})
    session(tmp_path, 1, lines=[meta])
    session(tmp_path, 2, lines=[meta, *["{}"] * MAX_HEAD_LINES, USER_EVENT])
    session(tmp_path, 3, lines=[USER_EVENT])
    session(tmp_path, 4, lines=[])
    assert ids(tmp_path) == []


def test_old_flat_sessions_are_listed(tmp_path: Path) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "old"}]}
    session(tmp_path, 1, lines=[json.dumps({"id": uuid(1), "timestamp": "t"}), json.dumps(item)])
    (entry,) = list_sessions(str(tmp_path), 5).entries
    assert entry.preview == "old"


def test_other_files_links_and_directories_are_not_sessions(tmp_path: Path) -> None:
    real = session(tmp_path, 1)
    day = real.parent
    os.symlink(real, day / f"rollout-2026-11-22T09-00-00-{uuid(2)}.jsonl")
    (day / f"rollout-2026-11-22T09-00-00-{uuid(3)}.jsonl").mkdir()
    (day / "notes.jsonl").write_text("x")
    (day / f"rollout-2026-11-22-{uuid(4)}.jsonl").write_text("x")
    os.symlink(day, day.parent / "23")
    (day.parent / "noday").mkdir()
    (tmp_path / "sessions" / "99999").mkdir()
    assert [file.conversation_id for file in session_files(str(tmp_path))] == [uuid(1)]


def test_nothing_recorded_is_an_empty_page(tmp_path: Path) -> None:
    page = list_sessions(str(tmp_path), 25)
    assert (page.entries, page.next_cursor, page.scanned) == ((), None, 0)
    session(tmp_path, 1)
    assert list_sessions(str(tmp_path), 0).entries == ()


@pytest.mark.parametrize(
    "text", [uuid(0xABCDEF), uuid(0xABCDEF).upper(), uuid(0xABCDEF).replace("-", ""), "00ab"]
)
def test_a_session_is_found_by_its_id_or_a_beginning_of_it(text: str, tmp_path: Path) -> None:
    wanted = session(tmp_path, 0xABCDEF, "2020-01-01T00-00-00")
    session(tmp_path, 1)
    (tmp_path / ".gitignore").write_text("*\n")
    assert find_session(str(tmp_path), text) == str(wanted)


@pytest.mark.parametrize("text", ["", "abc", "hello world", uuid(1) + "0"])
def test_what_is_no_id_is_told_so(text: str, tmp_path: Path) -> None:
    session(tmp_path, 1)
    with pytest.raises(SessionError, match="is not a session id"):
        find_session(str(tmp_path), text)


def test_an_unknown_id_and_one_of_several_are_told_apart(tmp_path: Path) -> None:
    session(tmp_path, 1)
    session(tmp_path, 2)
    with pytest.raises(SessionError, match="There is no session with the id"):
        find_session(str(tmp_path), uuid(3))
    with pytest.raises(SessionError, match="2 sessions have an id that begins with 0000"):
        find_session(str(tmp_path), "0000")


def test_the_last_session_is_the_newest_in_which_somebody_spoke(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="There is no session to resume"):
        last_session(str(tmp_path))
    session(tmp_path, 2, "2026-11-23T00-00-00", lines=[record("session_meta", {"id": uuid(2), **META})])
    wanted = session(tmp_path, 1)
    assert last_session(str(tmp_path)) == str(wanted)
