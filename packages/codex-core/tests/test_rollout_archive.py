"""Sessions are put away, taken back and deleted, but not while somebody writes them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codex_core.errors import SessionError
from codex_core.rollout.archive import (
    archive_session,
    archived_files,
    delete_session,
    find_archived,
    unarchive_session,
)
from codex_core.rollout.catalog import SessionFile, find_session, session_files
from codex_core.rollout.disk import is_ours
from codex_core.rollout.recorder import SessionInUseError

ID = "0a000000-0000-4000-8000-000000000001"
NAME = f"rollout-2026-11-22T08-34-04-{ID}.jsonl"


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    """A session of the home `tmp_path`."""
    directory = tmp_path / "sessions" / "2026" / "11" / "22"
    directory.mkdir(parents=True)
    (directory / NAME).write_text("what was said\n")
    (found,) = session_files(str(tmp_path))
    return found


def test_a_session_goes_and_comes_back_as_it_was(file: SessionFile, tmp_path: Path) -> None:
    home = str(tmp_path)
    away = archive_session(home, file)
    assert away == str(tmp_path / "archived_sessions" / NAME)
    assert stat.S_IMODE(os.stat(os.path.dirname(away)).st_mode) == 0o700
    assert list(session_files(home)) == []
    with pytest.raises(SessionError, match=r"is archived; `codex unarchive 0a00` takes it back\."):
        find_session(home, "0a00")
    back = unarchive_session(home, find_archived(home, "0a00"))
    assert back == file.path == find_session(home, ID)
    assert Path(back).read_text() == "what was said\n"
    assert archived_files(home) == []


def test_a_move_that_was_killed_between_its_two_names_is_finished(file: SessionFile, tmp_path: Path) -> None:
    home = str(tmp_path)
    (tmp_path / "archived_sessions").mkdir()
    os.link(file.path, tmp_path / "archived_sessions" / NAME)
    archive_session(home, file)
    assert list(session_files(home)) == []
    os.link(tmp_path / "archived_sessions" / NAME, file.path)
    unarchive_session(home, find_archived(home, ID))
    assert archived_files(home) == []
    assert Path(file.path).read_text() == "what was said\n"


def test_nothing_is_replaced(file: SessionFile, tmp_path: Path) -> None:
    (tmp_path / "archived_sessions").mkdir()
    (tmp_path / "archived_sessions" / NAME).write_text("another\n")
    with pytest.raises(SessionError, match=r"cannot be moved: File exists\."):
        archive_session(str(tmp_path), file)
    assert (tmp_path / "archived_sessions" / NAME).read_text() == "another\n"
    assert Path(file.path).exists()


def test_a_file_system_without_links_will_do(
    file: SessionFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    away = archive_session(str(tmp_path), file)
    assert Path(away).read_text() == "what was said\n"
    Path(file.path).write_text("a namesake\n")
    with pytest.raises(SessionError, match="cannot be moved"):
        archive_session(str(tmp_path), file)
    assert Path(away).read_text() == "what was said\n"


def test_what_is_in_use_stays(file: SessionFile, tmp_path: Path) -> None:
    descriptor = os.open(file.path, os.O_WRONLY)
    assert is_ours(descriptor)
    with pytest.raises(SessionInUseError):
        archive_session(str(tmp_path), file)
    with pytest.raises(SessionInUseError):
        delete_session(file)
    os.close(descriptor)
    assert Path(file.path).exists()
    delete_session(file)
    assert not Path(file.path).exists()
    with pytest.raises(SessionError, match=r"cannot be deleted: No such file or directory\."):
        delete_session(file)
