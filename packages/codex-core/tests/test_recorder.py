"""Rollout files: where they are, who may read them, and that a line is there whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_core.errors import SessionError
from codex_core.rollout.disk import append_line
from codex_core.rollout.recorder import RolloutRecorder, format_timestamp, rollout_path
from codex_core.testing import read_json_lines
from codex_protocol.events import AgentMessageEvent
from codex_protocol.items import (
    FunctionCallItem,
    InputTextContent,
    MessageItem,
    OtherItem,
    WebSearchAction,
    WebSearchCallItem,
)
from codex_protocol.rollout import CompactedItem, GitInfo, SessionMeta

ID = "5b39daaa-e1ba-476a-848b-984f5e2eeeb7"
STARTED = datetime(2026, 11, 22, 23, 34, 4, 539_999, UTC)
META = SessionMeta(
    id=ID,
    timestamp=format_timestamp(STARTED),
    cwd="/w",
    originator="codex_cli_rs",
    cli_version="0.36.0",
    instructions=None,
    git=GitInfo(branch="main"),
)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process whose local time is ten hours ahead of UTC."""
    monkeypatch.setenv("TZ", "XXX-10")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[RolloutRecorder]:
    opened = RolloutRecorder.create(str(tmp_path / "home"), META, STARTED, lambda: STARTED)
    yield opened
    opened.close()


def message(text: str) -> MessageItem:
    return MessageItem(role="user", content=(InputTextContent(text=text),))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.usefixtures("far_east")
def test_names_carry_local_time_and_lines_utc(tmp_path: Path) -> None:
    path = rollout_path("/home", ID, STARTED)
    assert path == f"/home/sessions/2026/11/23/rollout-2026-11-23T09-34-04-{ID}.jsonl"
    opened = RolloutRecorder.create(str(tmp_path), META, STARTED, lambda: STARTED)
    opened.write_item(message("hi"))
    opened.close()
    assert opened.path == rollout_path(str(tmp_path), ID, STARTED)
    assert read_json_lines(opened.path)[0]["timestamp"] == "2026-11-22T23:34:04.539Z"


def test_timestamps_are_utc_with_milliseconds_cut_off() -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    assert format_timestamp(datetime(2026, 1, 2, 3, 4, 5, 6_999, zone)) == "2026-01-02T06:34:05.006Z"
    assert format_timestamp(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000Z"


def test_file_and_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        opened = RolloutRecorder.create(str(tmp_path / "home"), META, STARTED, lambda: STARTED)
    finally:
        os.umask(before)
    opened.close()
    path = Path(opened.path)
    assert mode(path) == 0o600
    assert [mode(parent) for parent in list(path.parents)[:5]] == [0o700] * 5
    assert path.parents[4] == tmp_path / "home"


def test_directories_that_are_there_keep_their_modes(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir(mode=0o755)
    (tmp_path / "sessions").chmod(0o755)
    RolloutRecorder.create(str(tmp_path), META, STARTED, lambda: STARTED).close()
    assert mode(tmp_path / "sessions") == 0o755


def test_lines_say_what_they_are(recorder: RolloutRecorder) -> None:
    recorder.write_item(message("grüße \ud83d"))
    recorder.write_event(AgentMessageEvent(message="a\nb"))
    recorder.write_compacted(CompactedItem(message="SUMMARY"))
    lines = read_json_lines(recorder.path)
    assert [line["type"] for line in lines] == ["session_meta", "response_item", "event_msg", "compacted"]
    assert all(list(line) == ["timestamp", "type", "payload"] for line in lines)
    assert lines[0]["payload"]["git"] == {"branch": "main"}
    assert lines[1]["payload"]["content"][0]["text"] == "grüße \N{REPLACEMENT CHARACTER}"
    assert lines[2]["payload"] == {"type": "agent_message", "message": "a\nb"}


def test_searches_and_items_unknown_here_are_not_written(recorder: RolloutRecorder) -> None:
    recorder.write_item(WebSearchCallItem(action=WebSearchAction(query="q")))
    recorder.write_item(OtherItem(raw={"type": "from_the_future"}))
    recorder.write_item(FunctionCallItem(name="shell", arguments="{}", call_id="c", id="fc_1"))
    _, line = read_json_lines(recorder.path)
    assert line["payload"] == {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c"}


def test_writing_after_the_end_does_nothing(recorder: RolloutRecorder) -> None:
    recorder.write_item(message("one"))
    recorder.close()
    recorder.write_item(message("two"))
    recorder.close()
    assert len(read_json_lines(recorder.path)) == 2


def test_a_line_that_does_not_fit_is_taken_back(
    recorder: RolloutRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.write_item(message("first"))
    whole = Path(recorder.path).read_bytes()
    real_write = os.write
    refused: list[bytes] = []

    def half_then_full(descriptor: int, data: bytes) -> int:
        if refused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        refused.append(data)
        return real_write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(OSError, match="No space left"):
        recorder.write_item(message("second"))
    monkeypatch.undo()
    assert refused
    assert Path(recorder.path).read_bytes() == whole
    recorder.write_item(message("third"))
    texts = [line["payload"]["content"][0]["text"] for line in read_json_lines(recorder.path)[1:]]
    assert texts == ["first", "third"]


@settings(deadline=None)  # each makes a directory
@given(
    sizes=st.lists(st.integers(min_value=1, max_value=7), min_size=1, max_size=30),
    fails_at=st.integers(0, 40),
)
def test_whatever_the_kernel_takes_at_a_time_lines_stay_whole(
    sizes: list[int], fails_at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "file"
    real_write = os.write
    calls = iter(range(10_000))

    def piecemeal(descriptor: int, data: bytes) -> int:
        number = next(calls)
        if number == fails_at:
            raise OSError(errno.EDQUOT, "quota")
        return real_write(descriptor, data[: sizes[number % len(sizes)]])

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    expected = b""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "write", piecemeal)
            for number in range(3):
                line = f"line {number}\n".encode()
                try:
                    append_line(descriptor, line)
                    expected += line
                except OSError as error:
                    assert error.errno == errno.EDQUOT  # noqa: PT017
    finally:
        os.close(descriptor)
    assert path.read_bytes() == expected


@pytest.mark.parametrize("blocker", ["sessions", "sessions/2026", "sessions/2026/11"])
def test_a_file_where_a_directory_must_be_is_named(blocker: str, tmp_path: Path) -> None:
    place = tmp_path / blocker
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    with pytest.raises(SessionError, match=r"cannot be recorded at .*CODEX_HOME") as caught:
        RolloutRecorder.create(str(tmp_path), META, STARTED, lambda: STARTED)
    assert rollout_path(str(tmp_path), ID, STARTED) in str(caught.value)


def test_a_recording_is_never_written_into_an_older_one(tmp_path: Path) -> None:
    first = RolloutRecorder.create(str(tmp_path), META, STARTED, lambda: STARTED)
    first.close()
    with pytest.raises(SessionError, match="File exists"):
        RolloutRecorder.create(str(tmp_path), META, STARTED, lambda: STARTED)


def test_commands_do_not_inherit_the_file(recorder: RolloutRecorder) -> None:
    own = os.stat(recorder.path).st_ino
    inherited = [
        number
        for number in range(3, 256)
        if _is_open(number) and os.fstat(number).st_ino == own and os.get_inheritable(number)
    ]
    assert inherited == []
    assert any(_is_open(number) and os.fstat(number).st_ino == own for number in range(3, 256))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
