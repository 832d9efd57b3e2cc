"""A session file is there whole or not at all, whenever the process that begins it is killed."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codex_core.errors import SessionError
from codex_core.rollout import disk
from codex_core.rollout.catalog import session_files
from codex_core.rollout.recorder import RolloutRecorder
from codex_core.rollout.replay import read_rollout
from codex_core.testing import ScratchHome, ScratchRepo, answer, message, read_json_lines
from codex_protocol.rollout import SessionMeta

ID = "0a000000-0000-4000-8000-000000000001"
OTHER = "0b000000-0000-4000-8000-000000000002"
LINES = [("response_item", {"type": "message", "role": "user", "content": [], "n": n}) for n in range(100)]


def now() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def create(home: Path, identifier: str = ID) -> RolloutRecorder:
    meta = SessionMeta(
        id=identifier, timestamp="t", cwd="/w", originator="o", cli_version="0.36.0", instructions=None
    )
    return RolloutRecorder.create(str(home), meta, now(), now, LINES)


def left_in(home: Path) -> list[Path]:
    return sorted((home / "sessions" / disk.NURSERY).iterdir())


def killed_in(call: str, home: Path) -> None:
    """A process begins a session and is killed when it has half done that call of the system."""
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_rollout_creation as room
write = os.write
def die(*arguments):
    if {call!r} == "write":
        write(arguments[0], arguments[1][: len(arguments[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
os.{call} = die
room.create(room.Path({str(home)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("call", ["write", "link"])
def test_a_process_killed_while_it_begins_a_session_leaves_none(call: str, tmp_path: Path) -> None:
    killed_in(call, tmp_path)
    assert list(session_files(str(tmp_path))) == []
    assert [path for path in (tmp_path / "sessions").rglob("*.jsonl") if path.is_file()] == []


def test_a_process_killed_when_the_session_has_its_name_leaves_it_whole(tmp_path: Path) -> None:
    killed_in("unlink", tmp_path)
    (file,) = session_files(str(tmp_path))
    assert len(read_rollout(file.path).lines) == 1 + len(LINES)


def test_what_is_left_of_one_that_has_its_name_goes_while_that_is_gone_on_with(tmp_path: Path) -> None:
    killed_in("unlink", tmp_path)
    (left,) = left_in(tmp_path)
    (file,) = session_files(str(tmp_path))
    long_ago = time.time() - 2 * 3600
    os.utime(left, (long_ago, long_ago))
    resumed = RolloutRecorder.resume(file.path, now)
    create(tmp_path, OTHER).close()
    assert left_in(tmp_path) == []
    resumed.close()
    assert len(read_rollout(file.path).lines) == 1 + len(LINES)


def test_what_killed_processes_began_is_removed_when_it_is_old_and_nobody_holds_it(tmp_path: Path) -> None:
    killed_in("link", tmp_path)
    (young,) = left_in(tmp_path)
    create(tmp_path, OTHER).close()
    assert left_in(tmp_path) == [young]
    long_ago = time.time() - 2 * 3600
    os.utime(young, (long_ago, long_ago))
    held = os.open(young, os.O_RDONLY)
    assert disk.is_ours(held)
    create(tmp_path, OTHER.replace("0b", "0c")).close()
    assert left_in(tmp_path) == [young], "somebody was just writing it"
    os.close(held)
    create(tmp_path, OTHER.replace("0b", "0d")).close()
    assert left_in(tmp_path) == []
    assert len(list(session_files(str(tmp_path)))) == 3


def test_a_line_that_is_no_json_is_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "source.jsonl"
    huge = '{"timestamp":"t","type":"event_msg","payload":{"type":"x","n":1e999}}'
    source.write_text(f'{{"timestamp":"t","type":"session_meta","payload":{{"id":"{OTHER}"}}}}\n{huge}\n')
    lines = [(line.kind, line.payload) for line in read_rollout(str(source)).lines]
    meta = SessionMeta(id=ID, timestamp="t", cwd="/w", originator="o", cli_version="0", instructions=None)
    recorder = RolloutRecorder.create(str(tmp_path), meta, now(), now, lines)
    recorder.close()
    assert [line["type"] for line in read_json_lines(recorder.path)] == ["session_meta", "session_meta"]


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(SessionError, match=r"cannot be recorded at .*: No space left on device"):
            create(tmp_path)
    assert list(session_files(str(tmp_path))) == []
    assert left_in(tmp_path) == []


def test_a_session_that_is_not_to_be_begins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def refuse(path: str) -> None:
        if path.endswith(".part"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        unlink(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(SessionError, match="Read-only file system"):
            create(tmp_path)
    assert list(session_files(str(tmp_path))) == []


@pytest.mark.parametrize("reason", [errno.EPERM, errno.EXDEV, errno.EMLINK])
def test_a_file_system_without_links_has_sessions_too_and_replaces_none(
    reason: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "link", refuse)
    recorder = create(tmp_path)
    recorder.close()
    whole = Path(recorder.path).read_bytes()
    assert whole.count(b"\n") == 1 + len(LINES)
    with pytest.raises(SessionError, match="cannot be recorded"):
        create(tmp_path)
    assert Path(recorder.path).read_bytes() == whole
    assert left_in(tmp_path) == []


async def test_a_prompt_is_on_disk_when_anything_is_said_of_its_turn(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_core.testing import ModelServer
    from codex_login.auth import AuthManager
    from codex_protocol.ops import TextInput, UserInputOp

    async with ModelServer([answer(message("ok"))]) as server:
        scratch_home.use_model_server(server.base_url)
        services = Services(environ=scratch_home.environ())
        config = load_config(flags=ConfigFlags(cwd=str(git_repo.path)), services=services)
        async with ConversationManager(AuthManager(config.codex_home), services) as manager:
            conversation = (await manager.new_conversation(config)).conversation
            await conversation.submit(UserInputOp(items=(TextInput(text="never lose me"),)))
            await conversation.next_event()
            assert (await conversation.next_event()).msg.type == "task_started"
            assert conversation.rollout_path is not None
            lines = read_json_lines(conversation.rollout_path)
    assert [line["payload"].get("message") for line in lines if line["type"] == "event_msg"] == [
        "never lose me"
    ]


async def test_a_git_that_hangs_is_not_waited_for(
    scratch_home: ScratchHome, git_repo: ScratchRepo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation import start
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager

    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\nexec sleep 1000\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(start, "GIT_PATIENCE_S", 0.01)
    environ = {**scratch_home.environ(), "PATH": os.environ["PATH"]}
    services = Services(environ=environ)
    config = load_config(flags=ConfigFlags(cwd=str(git_repo.path)), services=services)
    async with asyncio.timeout(4), ConversationManager(AuthManager(config.codex_home), services) as manager:
        await manager.new_conversation(config)
    (path,) = scratch_home.rollouts()
    meta = read_json_lines(path)[0]
    assert meta["type"] == "session_meta"
    assert "git" not in meta["payload"]
