"""Rollouts are read line by line: torn, old, new and broken ones; and continued without gluing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.errors import SessionError
from codex_core.rollout import replay
from codex_core.rollout.recorder import RolloutRecorder
from codex_core.rollout.replay import (
    RecordedLine,
    RolloutError,
    event_messages,
    parse_line,
    read_rollout,
    response_item,
)
from codex_core.rollout.summary import is_empty_session
from codex_protocol.items import InputTextContent, MessageItem

ID = "5b39daaa-e1ba-476a-848b-984f5e2eeeb7"
NOW = datetime(2026, 11, 22, 8, 34, 4, 539_000, UTC)


def line(kind: str, payload: object) -> bytes:
    record = {"timestamp": "2026-11-22T08:34:04.539Z", "type": kind, "payload": payload}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def said(text: str, role: str = "user") -> bytes:
    kind = "input_text" if role == "user" else "output_text"
    return line("response_item", {"type": "message", "role": role, "content": [{"type": kind, "text": text}]})


META = line(
    "session_meta", {"id": ID, "timestamp": "t", "cwd": "/", "originator": "o", "cli_version": "0.36.0"}
)
USER_EVENT = line("event_msg", {"type": "user_message", "message": "hi", "kind": "plain"})


def written(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(lines))
    return str(path)


def test_lines_come_back_in_order_as_they_were_written(tmp_path: Path) -> None:
    recorded = read_rollout(written(tmp_path / "r", META, said("hi"), USER_EVENT, said("yo", "assistant")))
    assert recorded.conversation_id == ID
    assert [entry.kind for entry in recorded.lines] == [
        "session_meta",
        "response_item",
        "event_msg",
        "response_item",
    ]
    assert recorded.skipped == 0
    assert [msg.to_wire()["message"] for msg in event_messages(recorded.lines)] == ["hi"]


def test_what_cannot_be_read_is_passed_over_and_counted(tmp_path: Path) -> None:
    bad = [b"{\n", b"[]\n", b"\xff\xfe\n", b'{"timestamp":"t","type":"x"}\n', b"\0\0\0\n", b"\n", b"  \n"]
    recorded = read_rollout(written(tmp_path / "r", *bad, META, said("hi")))
    assert recorded.skipped == 5
    assert len(recorded.lines) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty session file"),
        (b" \n\n", "empty session file"),
        (said("hi"), "failed to parse conversation ID from rollout file"),
        (line("session_meta", {"id": "no uuid"}), "failed to parse conversation ID from rollout file"),
    ],
)
def test_a_file_that_holds_no_conversation_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(RolloutError) as refused:
        read_rollout(written(tmp_path / "r", content))
    assert refused.value.reason == reason
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", META[:40]])
def test_of_what_a_crash_left_before_anything_was_said_it_is_told_how_to_be_rid(
    content: bytes, tmp_path: Path
) -> None:
    path = written(tmp_path / "r", content)
    with pytest.raises(RolloutError, match=r"nobody has said anything in it .*prune --empty"):
        read_rollout(path)
    assert is_empty_session(path)
    assert not is_empty_session(written(tmp_path / "with words", META, said("hi")[:40]))


@pytest.mark.parametrize("name", ["missing", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RolloutError, match="cannot be resumed"):
        read_rollout(str(tmp_path / name))


def test_the_reason_for_a_missing_file_is_the_reference_s(tmp_path: Path) -> None:
    with pytest.raises(RolloutError) as refused:
        read_rollout(str(tmp_path / "missing"))
    assert refused.value.reason == "No such file or directory (os error 2)"


def test_flat_lines_of_old_releases_are_read(tmp_path: Path) -> None:
    meta = json.dumps({"id": ID, "timestamp": "t", "instructions": None}).encode() + b"\n"
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    state = b'{"record_type":"state"}\n'
    recorded = read_rollout(written(tmp_path / "r", meta, state, json.dumps(item).encode() + b"\n"))
    assert recorded.conversation_id == ID
    assert [entry.kind for entry in recorded.lines] == ["session_meta", "response_item"]


def test_outputs_in_parts_of_newer_releases_become_texts() -> None:
    parts = [{"type": "input_text", "text": "one"}, {"type": "input_image", "image_url": "data:"}]
    item = response_item({"type": "function_call_output", "call_id": "c", "output": parts})
    assert item is not None
    assert item.to_wire()["output"] == "one\n[an image]"


def test_an_item_of_the_wrong_shape_is_no_item() -> None:
    assert response_item({"type": "message", "role": 1}) is None


def test_events_of_unknown_types_are_not_shown_again(tmp_path: Path) -> None:
    newer = line("event_msg", {"type": "thread_settings_applied", "x": 1})
    broken = line("event_msg", {"type": "user_message"})
    recorded = read_rollout(written(tmp_path / "r", META, newer, broken, USER_EVENT))
    assert [msg.type for msg in event_messages(recorded.lines)] == ["user_message"]


@pytest.mark.parametrize("cut", range(1, len(said("ünïcode"))))
def test_a_rollout_torn_at_any_byte_goes_on_behind_its_last_whole_line(cut: int, tmp_path: Path) -> None:
    torn = said("ünïcode")[:-cut]
    path = written(tmp_path / "r", META, said("hi"), torn)
    recorder = RolloutRecorder.resume(path, lambda: NOW)
    recorder.write_item(MessageItem(role="user", content=(InputTextContent(text="next"),)))
    recorder.close()
    recorded = read_rollout(path)
    texts = [entry.payload["content"][0]["text"] for entry in recorded.lines if "content" in entry.payload]  # type: ignore[index]
    # Without its line feed alone a line is still whole.
    assert texts == (["hi", "ünïcode", "next"] if cut == 1 else ["hi", "next"])
    assert recorded.skipped == 0


def test_a_long_torn_line_is_taken_away_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "r", META, said("x" * 300_000)[:-5])
    RolloutRecorder.resume(path, lambda: NOW).close()
    assert (tmp_path / "r").read_bytes() == META


def test_a_file_of_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = written(tmp_path / "r", META[:-9])
    RolloutRecorder.resume(path, lambda: NOW).close()
    assert (tmp_path / "r").read_bytes() == b""


def test_a_whole_file_is_not_touched(tmp_path: Path) -> None:
    path = written(tmp_path / "r", META, said("hi"))
    before = (tmp_path / "r").stat().st_mtime_ns
    RolloutRecorder.resume(path, lambda: NOW).close()
    assert (tmp_path / "r").stat().st_mtime_ns == before


def test_a_file_that_cannot_be_continued_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be continued"):
        RolloutRecorder.resume(str(tmp_path), lambda: NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=4), child, max_size=3),
    max_leaves=6,
)
_KINDS = st.sampled_from(["session_meta", "response_item", "event_msg", "message", None])
_DAMAGE = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(b'"\\{}[]0:,\xff\xed uNd-1e+.\r')), max_size=3
)


@given(kind=_KINDS, payload=_JSON, damage=_DAMAGE)
def test_many_lines_are_read_as_a_single_one_is(
    kind: str | None, payload: object, damage: list[tuple[int, int]]
) -> None:
    text = json.dumps({"timestamp": "t", "id": "x", "type": kind, "payload": payload})
    data = bytearray(text.encode())
    for place, byte in damage:
        data[place % len(data)] = byte
    single, many = parse_line(bytes(data)), replay._parse_quickly(bytes(data))
    assert repr(single) == repr(many) or (single is None and _is_stretched(bytes(data)))


def _is_stretched(data: bytes) -> bool:
    """Whether a key stands twice or a number is beyond floats, which only the reader of many lets pass."""
    is_repeated = False

    def read(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal is_repeated
        is_repeated = is_repeated or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    value = json.loads(data, object_pairs_hook=read)
    return is_repeated or "inf" in repr(value)


def test_a_repeated_key_counts_as_it_stands_last() -> None:
    text = b'{"timestamp":"t","type":"event_msg","payload":{"a":1,"a":2}}'
    assert replay._parse_quickly(text) == RecordedLine("event_msg", {"a": 2})
    assert _is_stretched(text)
