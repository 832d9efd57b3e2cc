"""Sessions go both ways: what either wrote, the other continues, and both then ask the model the same.

The reference is the binary that `benchmarks/exec_turn.py` has installed, or the path in CODEX_REFERENCE.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    make_home,
    message,
    plan_call,
    read_json_lines,
    reasoning,
    shell_call,
    start_script,
)

SETTINGS = {"approval_policy": "never", "sandbox_mode": "danger-full-access"}
FIRST = [
    answer(reasoning("Hm."), message("Let me look."), shell_call(["echo", "ünï"], call_id="c1")),
    answer(plan_call(("look", "completed"), call_id="c2"), shell_call(["false"], call_id="c3")),
    answer(message("That was it.")),
]


async def ask_reference(
    reference: str, home: ScratchHome, repo: ScratchRepo, script: list[Any], prompt: str, *resume: str
) -> list[Any]:
    """One run of the reference's `exec`; the requests it made."""
    async with ModelServer(script) as server:
        home.use_model_server(server.base_url, model="gpt-5", settings=SETTINGS)
        argv = [reference, "exec", *resume, prompt]
        async with start_script(argv, env=home.environ(), cwd=repo.path) as process:
            (await process.finish()).check()
        server.assert_done()
    return list(server.requests)


async def ask_ours(
    home: ScratchHome, repo: ScratchRepo, script: list[Any], prompt: str, resume: str | None = None
) -> list[Any]:
    """One turn of our core; the requests it made."""
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.events import TaskCompleteEvent
    from codex_protocol.ops import TextInput, UserInputOp

    async with ModelServer(script) as server:
        home.use_model_server(server.base_url, model="gpt-5", settings=SETTINGS)
        services = Services(environ=home.environ())
        config = load_config(flags=ConfigFlags(cwd=str(repo.path)), services=services)
        async with ConversationManager(AuthManager(config.codex_home), services) as manager:
            if resume is None:
                started = await manager.new_conversation(config)
            else:
                started = await manager.resume_conversation(config, id=resume)
            await started.conversation.submit(UserInputOp(items=(TextInput(text=prompt),)))
            while not isinstance((await started.conversation.next_event()).msg, TaskCompleteEvent):
                pass
        server.assert_done()
    return list(server.requests)


def written_id(home: ScratchHome) -> str:
    (path,) = home.rollouts()
    identifier: str = read_json_lines(path)[0]["payload"]["id"]
    return identifier


def copied(home: ScratchHome, to: Path) -> ScratchHome:
    shutil.copytree(home.codex_home / "sessions", make_home(to).codex_home / "sessions")
    return make_home(to)


@pytest.mark.reference
@pytest.mark.parametrize("writer", ["ours", "reference"])
async def test_a_session_of_either_goes_on_with_both_in_the_same_way(
    writer: str, reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    if writer == "ours":
        await ask_ours(scratch_home, git_repo, FIRST, "first")
    else:
        await ask_reference(reference, scratch_home, git_repo, FIRST, "first")
    identifier = written_id(scratch_home)
    theirs_home, our_home = copied(scratch_home, tmp_path / "theirs"), copied(scratch_home, tmp_path / "ours")
    again = [answer(message("more"))]
    (theirs,) = await ask_reference(reference, theirs_home, git_repo, again, "again", "resume", identifier)
    (ours,) = await ask_ours(our_home, git_repo, again, "again", identifier)
    assert ours.json["input"] == theirs.json["input"]
    assert ours.json["prompt_cache_key"] == theirs.json["prompt_cache_key"] == identifier
    assert len(ours.json["input"]) == 12
    # And back again: each continues what the other continued.
    await ask_reference(reference, our_home, git_repo, again, "third", "resume", identifier)
    (fourth,) = await ask_ours(theirs_home, git_repo, again, "third", identifier)
    assert fourth.json["input"][-1]["content"][0]["text"] == "third"
    for home in (our_home, theirs_home):
        (path,) = home.rollouts()
        lines = read_json_lines(path)
        said = [line["payload"]["message"] for line in lines if line["payload"].get("type") == "user_message"]
        assert said == ["first", "again", "third"]


@pytest.mark.reference
async def test_a_session_that_was_torn_goes_on_with_the_reference_after_ours_has_mended_it(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    await ask_ours(scratch_home, git_repo, FIRST, "first")
    (path,) = scratch_home.rollouts()
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    identifier = written_id_of(whole)
    again = [answer(message("more"))]
    await ask_ours(scratch_home, git_repo, again, "again", identifier)
    (request,) = await ask_reference(reference, scratch_home, git_repo, again, "third", "resume", identifier)
    texts = [part["text"] for item in request.json["input"] for part in item.get("content") or ()]
    assert texts[-3:] == ["again", "more", "third"]
    assert read_json_lines(path)


def written_id_of(rollout: bytes) -> str:
    identifier: str = json.loads(rollout.split(b"\n")[0])["payload"]["id"]
    return identifier
