"""One process at a time writes a session: whoever comes second is told, and no line is ever glued."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from codex_core.errors import SessionError
from codex_core.rollout import recorder
from codex_core.rollout.disk import is_ours
from codex_core.rollout.recorder import RolloutRecorder, SessionInUseError
from codex_core.rollout.replay import RolloutError, read_rollout, up_to_date
from codex_core.testing import answer, message, read_json_lines
from codex_protocol.rollout import SessionMeta

ID = "0a000000-0000-4000-8000-000000000001"


def now() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def new_recorder(home: Path) -> RolloutRecorder:
    meta = SessionMeta(
        id=ID, timestamp="t", cwd="/w", originator="o", cli_version="0.36.0", instructions=None, git=None
    )
    return RolloutRecorder.create(str(home), meta, now(), now)


def test_a_session_that_is_being_written_cannot_be_continued(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path)
    with pytest.raises(SessionInUseError, match="in use by another running Codex") as raised:
        RolloutRecorder.resume(recorder.path, now)
    assert raised.value.path == recorder.path
    recorder.close()
    second = RolloutRecorder.resume(recorder.path, now)
    with pytest.raises(SessionInUseError):
        RolloutRecorder.resume(recorder.path, now)
    second.close()


def test_another_process_is_told_too_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path)
    path = recorder.path
    recorder.close()
    code = (
        "import sys; from datetime import datetime, UTC\n"
        "from codex_core.rollout.recorder import RolloutRecorder\n"
        "kept = RolloutRecorder.resume(sys.argv[1], lambda: datetime.now(UTC))\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(SessionInUseError):
            RolloutRecorder.resume(path, now)
        process.kill()
        process.wait()
    RolloutRecorder.resume(path, now).close()


def test_a_file_system_without_locks_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import fcntl

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    recorder = new_recorder(tmp_path)
    RolloutRecorder.resume(recorder.path, now).close()
    recorder.close()


def test_what_was_written_since_it_was_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    meta = f'{{"timestamp":"t","type":"session_meta","payload":{{"id":"{ID}"}}}}\n'
    path.write_text(meta)
    recorded = read_rollout(str(path))
    assert up_to_date(recorded) is recorded
    path.write_text(meta + '{"timestamp":"t","type":"compacted","payload":{"message":"x"}}\n')
    assert len(up_to_date(recorded).lines) == 2
    path.unlink()
    with pytest.raises(RolloutError, match="No such file or directory"):
        up_to_date(recorded)


async def test_a_conversation_that_is_open_elsewhere_is_refused_and_stays_whole(talk: Any) -> None:
    from codex_core.conversation.manager import ConversationManager
    from codex_login.auth import AuthManager

    await talk.start([answer(message("one")), answer(message("two"))])
    await talk.ask("first")
    path = talk.conversation.rollout_path
    async with ConversationManager(AuthManager(talk.config.codex_home), talk.manager._services) as other:
        with pytest.raises(SessionError, match="codex exec fork"):
            await other.resume_conversation(talk.config, path=path)
        forked = await other.fork_conversation(talk.config, path=path)
        assert forked.conversation.rollout_path != path
    await talk.ask("second")
    said = [line["payload"].get("message") for line in read_json_lines(path)]
    assert [text for text in said if text] == ["first", "one", "second", "two"]


def test_what_is_deleted_while_it_is_opened_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rollout.jsonl"
    path.write_text("{}\n")

    def deleted_meanwhile(descriptor: int) -> bool:
        path.unlink()
        return is_ours(descriptor)

    monkeypatch.setattr(recorder, "is_ours", deleted_meanwhile)
    with pytest.raises(SessionError, match="cannot be continued: No such file or directory"):
        RolloutRecorder.resume(str(path), now)
