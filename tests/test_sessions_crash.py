"""`codex exec` is killed at many moments: what was said or had finished is kept, nothing runs a second time."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    message,
    read_json_lines,
    reasoning,
    shell_call,
    sse,
    start_script,
)

GATES = 7
SETTINGS = {"approval_policy": "never", "sandbox_mode": "danger-full-access"}


def script(gates: list[Gate]) -> list[Any]:
    """Two commands and a final word, with a place to stop before and behind each of them."""
    first, second = (shell_call(["bash", "-c", f"echo {n} >> ran"], call_id=f"c{n}") for n in (1, 2))
    return [
        sse(gates[0], created(), reasoning("Hm."), gates[1], first, gates[2], completed()),
        sse(gates[3], created(), message("One is done."), gates[4], second, completed()),
        sse(gates[5], created(), message("All is done."), gates[6], completed()),
    ]


async def killed_at(number: int, home: ScratchHome, repo: ScratchRepo) -> None:
    """A run that is killed when the model has sent everything before that gate."""
    gates = [Gate(f"gate {n}") for n in range(GATES)]
    for gate in (gate for n, gate in enumerate(gates) if n != number):
        gate.open()
    async with ModelServer(script(gates)) as server:
        home.use_model_server(server.base_url, settings=SETTINGS)
        async with start_script("codex-exec", "do it", env=home.environ(), cwd=repo.path) as process:
            await gates[number].reached.wait()
            process.send_signal(signal.SIGKILL)
            done = await process.finish()
        gates[number].open()
    assert done.exit_code == -signal.SIGKILL
    done.assert_no_processes_left()


async def resumed(home: ScratchHome, repo: ScratchRepo) -> list[dict[str, Any]]:
    """What the model is sent when the only session goes on."""
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.events import TaskCompleteEvent
    from codex_protocol.ops import TextInput, UserInputOp

    async with ModelServer([answer(message("I see."))]) as server:
        home.use_model_server(server.base_url, settings=SETTINGS)
        services = Services(environ=home.environ())
        config = load_config(flags=ConfigFlags(cwd=str(repo.path)), services=services)
        async with ConversationManager(AuthManager(config.codex_home), services) as manager:
            (path,) = home.rollouts()
            conversation = (await manager.resume_conversation(config, id=path.stem[-36:])).conversation
            await conversation.submit(UserInputOp(items=(TextInput(text="Where were we?"),)))
            while not isinstance((await conversation.next_event()).msg, TaskCompleteEvent):
                pass
        (request,) = server.requests
    items: list[dict[str, Any]] = request.json["input"]
    return items


@pytest.mark.parametrize("number", range(GATES))
async def test_a_killed_run_goes_on_with_all_that_had_finished(
    number: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    await killed_at(number, scratch_home, git_repo)
    ran = git_repo.read("ran").split() if (git_repo.path / "ran").exists() else []
    items = await resumed(scratch_home, git_repo)
    assert (git_repo.read("ran").split() if ran else []) == ran, "a command ran again"
    texts = [part["text"] for item in items for part in item.get("content") or () if "text" in part]
    assert texts[1] == "do it"
    assert texts[-1] == "Where were we?"
    outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert list(outputs) == calls
    # Every command that left a trace is known; one whose end was not seen any more is told as aborted.
    assert {f"c{n}" for n in ran} <= set(calls)
    assert all(output == "aborted" or '"exit_code":0' in output for output in outputs.values())
    if number >= 3:
        assert outputs["c1"] != "aborted"
    if number >= 5:
        assert outputs["c2"] != "aborted"
        assert "One is done." in texts
    (path,) = scratch_home.rollouts()
    assert read_json_lines(path)


async def test_a_run_that_is_killed_before_git_has_answered_leaves_a_whole_session_or_none(
    scratch_home: ScratchHome, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    asked, ends = tmp_path / "asked", tmp_path / "ends"
    os.mkfifo(asked)
    os.mkfifo(ends)
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\necho > '{asked}'\nread line < '{ends}'\n")
    git.chmod(0o755)
    environ = scratch_home.environ()
    environ["PATH"] = f"{git.parent}:{environ['PATH']}"
    async with ModelServer([answer(message("ok"))]) as server:
        scratch_home.use_model_server(server.base_url, settings=SETTINGS)
        async with start_script("codex-exec", "--json", "do it", env=environ, cwd=git_repo.path) as process:
            await asyncio.to_thread(asked.read_text)
            process.send_signal(signal.SIGKILL)
            done = await process.finish()
        both = [os.open(path, os.O_RDWR) for path in (asked, ends)]  # lets every git go on
        os.write(both[1], b"\n\n")
        done.assert_no_processes_left()
        for descriptor in both:
            os.close(descriptor)
        assert [path for path in scratch_home.rollouts() if path.stat().st_size == 0] == []
        is_shown = '{"prompt":"do it"}' in done.stdout
        if not scratch_home.rollouts():
            assert not is_shown
            return
        texts = [
            part["text"]
            for item in await resumed(scratch_home, git_repo)
            for part in item.get("content") or ()
            if "text" in part
        ]
        assert "do it" in texts or not is_shown
