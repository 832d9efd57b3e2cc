"""The index answers as the files do, whatever happens to it."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from codex_core.rollout import index as module
from codex_core.rollout import summary
from codex_core.rollout.archive import archive_session
from codex_core.rollout.catalog import session_files
from codex_core.rollout.index import all_sessions, index_path, search_sessions


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def record(kind: str, **payload: object) -> str:
    return json.dumps({"timestamp": "t", "type": kind, "payload": payload})


def event(kind: str, text: str) -> str:
    return record("event_msg", type=kind, message=text)


def write(home: Path, number: int, *said: str, day: int = 22) -> Path:
    directory = home / "sessions" / "2026" / "11" / f"{day:02d}"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"rollout-2026-11-{day:02d}T08-34-04-{uuid(number)}.jsonl"
    git = {"branch": "main"}
    lines = [record("session_meta", id=uuid(number), cwd="/w", originator="o", git=git)]
    lines += [event("agent_message" if at % 2 else "user_message", text) for at, text in enumerate(said)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def numbers(home: Path, *words: str) -> list[int]:
    return [int(each.conversation_id[:8], 16) for each in search_sessions(str(home), words)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read for the index."""
    paths: list[str] = []
    read = summary.read_summary

    def note(file: object, *arguments: object, **more: object) -> object:
        paths.append(os.path.basename(file.path))  # type: ignore[attr-defined]  # a SessionFile
        return read(file, *arguments, **more)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(module, "read_summary", note)
    return paths


def test_a_summary_says_what_a_session_is_about(tmp_path: Path) -> None:
    path = write(tmp_path, 1, "Fix the\nparser", "Done.", "and the docs")
    with path.open("a") as file:
        file.write(record("turn_context", model="old") + "\n" + record("turn_context", model="new") + "\n")
        info = {"total_token_usage": {"total_tokens": 12}}
        file.write(record("event_msg", type="token_count", info=info) + "\n")
    (found,) = all_sessions(str(tmp_path))
    assert (found.conversation_id, found.path, found.cwd) == (uuid(1), str(path), "/w")
    assert (found.preview, found.turns, found.tokens) == ("Fix the\nparser", 2, 12)
    assert (found.branch, found.model, found.originator) == ("main", "new", "o")
    assert (found.size, found.is_archived) == (path.stat().st_size, False)


def test_sessions_come_newest_first_and_empty_ones_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, 1, "a", day=1)
    write(tmp_path, 2, "b", day=3)
    write(tmp_path, 3, day=4)
    assert [each.conversation_id for each in all_sessions(str(tmp_path))] == [uuid(2), uuid(1)]


def test_every_word_has_to_be_said_by_somebody_in_any_case(tmp_path: Path) -> None:
    write(tmp_path, 1, "Straße und Haus", "Gemacht: 100%")
    write(tmp_path, 2, "haus")
    assert numbers(tmp_path, "HAUS") == [2, 1]
    assert numbers(tmp_path, "haus", "STRASSE", "gemacht") == [1]
    assert numbers(tmp_path, "100%") == [1]
    assert numbers(tmp_path, "_aus") == []


def test_only_what_has_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    first, second = write(tmp_path, 1, "one"), write(tmp_path, 2, "two")
    assert numbers(tmp_path, "o") == [2, 1]
    assert len(reads) == 2
    reads.clear()
    assert numbers(tmp_path, "o") == [2, 1]
    assert reads == []
    with first.open("a") as file:
        file.write(event("user_message", "more") + "\n")
    second.unlink()
    assert numbers(tmp_path, "more") == [1]
    assert reads == [first.name]
    assert numbers(tmp_path, "two") == []


def test_archived_sessions_are_found_among_the_archived(tmp_path: Path) -> None:
    write(tmp_path, 1, "one")
    write(tmp_path, 2, "two")
    (file,) = (each for each in session_files(str(tmp_path)) if each.conversation_id == uuid(1))
    assert numbers(tmp_path, "o") == [2, 1]
    archive_session(str(tmp_path), file)
    assert numbers(tmp_path, "o") == [2]
    (found,) = search_sessions(str(tmp_path), ["o"], archived=True)
    assert (found.conversation_id, found.is_archived) == (uuid(1), True)


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def scribbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


def gone(path: Path) -> None:
    path.unlink()


def without_table(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE files")
    database.close()


def with_other_rows(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("""UPDATE files SET summary = '{"nonsense": 1}'""")
    database.close()


def of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("DELETE FROM files")
    database.close()


@pytest.mark.parametrize(
    "damage", [garbage, empty, torn, scribbled, gone, without_table, with_other_rows, of_another_version]
)
def test_a_damaged_index_is_made_anew(damage: object, tmp_path: Path, reads: list[str]) -> None:
    for number in range(1, 40):
        write(tmp_path, number, f"word {number} " * 50)
    assert len(all_sessions(str(tmp_path))) == 39
    damage(Path(index_path(str(tmp_path))))  # type: ignore[operator]  # one of the functions above
    assert len(all_sessions(str(tmp_path))) == 39
    reads.clear()
    assert numbers(tmp_path, "word 7 ") == [7]
    assert reads == [], "the new index is kept"


def test_a_file_that_cannot_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1, "one")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr(module, "read_summary", refuse)
        assert numbers(tmp_path, "one") == []
    assert numbers(tmp_path, "one") == [1]


def test_where_no_index_can_be_kept_the_answer_is_the_same(tmp_path: Path) -> None:
    write(tmp_path, 1, "one")
    os.mkdir(index_path(str(tmp_path)))
    assert numbers(tmp_path, "one") == [1]
    assert os.path.isdir(index_path(str(tmp_path)))


def test_an_index_that_somebody_else_is_writing_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_TIMEOUT_S", 0.01)
    write(tmp_path, 1, "one")
    assert numbers(tmp_path, "one") == [1]
    other = sqlite3.connect(index_path(str(tmp_path)), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    write(tmp_path, 2, "one more")
    assert numbers(tmp_path, "one") == [2, 1]
    other.close()


def test_the_index_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        all_sessions(str(tmp_path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(index_path(str(tmp_path))).st_mode) == 0o600


def test_sessions_of_very_old_releases_are_there_too(tmp_path: Path) -> None:
    directory = tmp_path / "sessions" / "2025" / "05" / "07"
    directory.mkdir(parents=True)
    lines = [
        {"id": uuid(9), "timestamp": "2025-05-07T17:24:21Z", "instructions": None},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "old words"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]},
    ]
    path = directory / f"rollout-2025-05-07T17-24-21-{uuid(9)}.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert numbers(tmp_path, "old", "yes") == [9]
