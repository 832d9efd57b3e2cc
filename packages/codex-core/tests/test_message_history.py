"""`history.jsonl`: what a session says of it, adds to it and finds in it (spec: protocol.md section 10)."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from codex_core.message_history import HistoryBusy, append_entry, history_metadata, read_entry
from codex_core.testing import answer, message
from codex_protocol.history_entry import HistoryLine
from codex_protocol.ops import parse_op


async def no_wait(seconds: float) -> None:
    """Stands for the clock."""
    await asyncio.sleep(0)


async def add(home: Path, text: str, max_bytes: int | None = None) -> None:
    line = HistoryLine(session_id="s", ts=1, text=text)
    await append_entry(str(home), line, max_bytes=max_bytes, sleep=no_wait)


async def read(home: Path, offset: int, log_id: int | None = None) -> str | None:
    found = await read_entry(
        str(home), history_metadata(str(home))[0] if log_id is None else log_id, offset, sleep=no_wait
    )
    return None if found is None else found.text


def test_no_log_has_no_id_and_no_entries(tmp_path: Path) -> None:
    assert history_metadata(str(tmp_path)) == (0, 0)
    (tmp_path / "history.jsonl").mkdir()
    assert history_metadata(str(tmp_path)) == (0, 0)


async def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.symlink(tmp_path / "pipe", tmp_path / "history.jsonl")
    (tmp_path / "pipe").chmod(0o666)
    assert history_metadata(str(tmp_path)) == (0, 0)
    await add(tmp_path, "hi")
    assert (tmp_path / "pipe").stat().st_mode & 0o777 == 0o666
    assert await read(tmp_path, 0) is None


async def test_a_log_that_is_linked_stays_linked_when_it_is_cut(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere.jsonl", tmp_path / "history.jsonl")
    for number in range(20):
        await add(tmp_path, f"prompt {number}", max_bytes=200)
    assert (tmp_path / "history.jsonl").is_symlink()
    assert (tmp_path / "elsewhere.jsonl").stat().st_size <= 200


@pytest.mark.parametrize(
    ("content", "entries"),
    [(b"", 0), (b"{}\n", 1), (b"{}\n{}\nhalf", 2), (b"x" * 70_000 + b"\n" + b"\n" * 70_000, 70_001)],
)
def test_entries_are_counted_by_their_line_ends(content: bytes, entries: int, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(content)
    assert history_metadata(str(tmp_path)) == (path.stat().st_ino, entries)


async def test_the_first_event_tells_them(talk: Any) -> None:
    path = talk.home.write("history.jsonl", '{"session_id":"x","ts":1,"text":"hi"}\n')
    await talk.start([answer(message("ok"))])
    configured = await talk.until("session_configured")
    assert configured["history_log_id"] == path.stat().st_ino
    assert configured["history_entry_count"] == 1


async def test_a_prompt_is_appended_as_one_line_for_the_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    await add(home, "one\ntwo ü")
    path = home / "history.jsonl"
    assert path.read_bytes() == '{"session_id":"s","ts":1,"text":"one\\ntwo ü"}\n'.encode()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    await add(home, "three")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [await read(home, n) for n in range(3)] == ["one\ntwo ü", "three", None]


async def test_a_torn_line_is_not_glued_to(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(b'{"session_id":"s","ts":1,"te')
    await add(tmp_path, "whole")
    assert [await read(tmp_path, n) for n in range(2)] == [None, "whole"]


async def test_another_log_or_none_has_no_entries(tmp_path: Path) -> None:
    assert await read(tmp_path, 0, log_id=0) is None
    await add(tmp_path, "one")
    assert await read(tmp_path, 0, log_id=1) is None


async def test_a_log_that_others_keep_locked_is_given_up(tmp_path: Path) -> None:
    await add(tmp_path, "one")
    descriptor = os.open(tmp_path / "history.jsonl", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(HistoryBusy, match="could not acquire exclusive lock"):
            await add(tmp_path, "two")
        with pytest.raises(HistoryBusy):
            await read(tmp_path, 0)
    finally:
        os.close(descriptor)
    await add(tmp_path, "three")
    assert history_metadata(str(tmp_path))[1] == 2


async def test_a_log_beyond_its_limit_keeps_its_newest_lines_under_a_new_id(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for number in range(100):
        await add(tmp_path, f"prompt {number}", max_bytes=1_000)
        assert path.stat().st_size <= 1_000
    texts = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    assert texts == [f"prompt {n}" for n in range(100 - len(texts), 100)]
    assert len(texts) > 10
    before = path.stat().st_ino
    await add(tmp_path, "x" * 2_000, max_bytes=1_000)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["x" * 2_000]
    assert path.stat().st_mode & 0o777 == 0o600
    assert await read(tmp_path, 0, log_id=before) is None
    assert sorted(os.listdir(tmp_path)) == ["history.jsonl"]


async def test_a_conversation_adds_and_looks_up(talk: Any) -> None:
    await talk.start([])
    await talk.conversation.submit(parse_op({"type": "add_to_history", "text": "hello"}))
    log_id, count = history_metadata(str(talk.home.codex_home))
    while count == 0:  # the file is there once the next question is answered
        await talk.conversation.submit(parse_op({"type": "get_path"}))
        await talk.until("conversation_path")
        log_id, count = history_metadata(str(talk.home.codex_home))
    for offset in (0, 1):
        request = {"type": "get_history_entry_request", "offset": offset, "log_id": log_id}
        await talk.conversation.submit(parse_op(request))
        found = await talk.until("get_history_entry_response")
        assert (found["offset"], found["log_id"]) == (offset, log_id)
        assert found.get("entry", {}).get("text") == ("hello" if offset == 0 else None)
    assert json.loads((talk.home.codex_home / "history.jsonl").read_text()) == {
        "session_id": talk.conversation.conversation_id,
        "ts": pytest.approx(talk.services.now().timestamp(), abs=600),
        "text": "hello",
    }


async def test_nothing_is_added_where_the_user_does_not_want_it(talk: Any) -> None:
    from codex_protocol.ops import ShutdownOp

    await talk.start([], settings={"history": {"persistence": "none"}})
    await talk.conversation.submit(parse_op({"type": "add_to_history", "text": "secret"}))
    await talk.conversation.submit(ShutdownOp())
    await talk.until("shutdown_complete")
    assert not (talk.home.codex_home / "history.jsonl").exists()


async def test_a_log_that_cannot_be_written_is_no_trouble_for_the_conversation(talk: Any) -> None:
    await talk.start([answer(message("ok"))])
    (talk.home.codex_home / "history.jsonl").mkdir()
    await talk.conversation.submit(parse_op({"type": "add_to_history", "text": "x"}))
    request = {"type": "get_history_entry_request", "offset": 0, "log_id": 1}
    await talk.conversation.submit(parse_op(request))
    assert "entry" not in await talk.until("get_history_entry_response")
    assert (await talk.ask("hi"))[-1] == "task_complete"
