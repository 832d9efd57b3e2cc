"""Conversations begin, are found and end: also when they cannot begin, and when nobody reads them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.errors import SessionError
from codex_core.testing import answer, message
from codex_protocol.ops import GetPathOp

PATIENCE_S = 20


async def test_the_first_event_says_what_was_configured(talk: Any) -> None:
    await talk.start([])
    configured = await talk.until("session_configured")
    event = talk.events[0]
    assert event["id"] == ""
    assert configured["session_id"] == talk.conversation.conversation_id
    assert configured["model"] == "mock-model"
    assert configured["rollout_path"] == talk.conversation.rollout_path
    assert Path(configured["rollout_path"]).is_file()
    assert talk.conversation.session_configured.to_wire() == configured
    assert talk.manager.get(talk.conversation.conversation_id) is talk.conversation


async def test_submissions_are_numbered_from_zero(talk: Any) -> None:
    await talk.start([])
    assert [await talk.conversation.submit(GetPathOp()) for _ in range(3)] == ["0", "1", "2"]
    for number in range(3):
        path = await talk.until("conversation_path")
        assert path["path"] == talk.conversation.rollout_path
        assert talk.events[-1]["id"] == str(number)


async def test_the_caller_may_choose_the_id(talk: Any) -> None:
    from codex_protocol.ops import Submission

    await talk.start([])
    await talk.conversation.submit_with_id(Submission(id="mine", op=GetPathOp()))
    await talk.until("conversation_path")
    assert talk.events[-1]["id"] == "mine"


async def test_a_relative_directory_is_refused_and_nothing_is_left(talk: Any) -> None:
    await talk.start([])
    before = talk.home.rollouts()
    with pytest.raises(SessionError, match=r"^cwd is not absolute: sub$"):
        await talk.manager.new_conversation(replace(talk.config, cwd="sub"))
    assert talk.home.rollouts() == before


async def test_a_home_that_cannot_be_written_is_refused(talk: Any, tmp_path: Path) -> None:
    await talk.start([])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sessions").write_text("in the way")
    tasks = asyncio.all_tasks()
    with pytest.raises(SessionError, match="cannot be recorded"):
        await talk.manager.new_conversation(replace(talk.config, codex_home=str(tmp_path / "other")))
    assert asyncio.all_tasks() == tasks


async def test_each_conversation_has_its_own_file(talk: Any) -> None:
    await talk.start([answer(message("ok"))])
    second = await talk.manager.new_conversation(talk.config)
    assert second.conversation_id != talk.conversation.conversation_id
    assert len(talk.home.rollouts()) == 2
    await talk.manager.close(second.conversation_id)
    assert (await talk.ask("hi"))[-1] == "task_complete"


async def test_closing_waits_its_turn_behind_a_full_queue(talk: Any) -> None:
    from codex_core.conversation.session import SUBMISSION_QUEUE_SIZE

    await talk.start([])
    for _ in range(SUBMISSION_QUEUE_SIZE):
        await talk.conversation.submit(GetPathOp())
    async with asyncio.timeout(PATIENCE_S):
        await talk.conversation.aclose()
    with pytest.raises(SessionError):
        await talk.conversation.submit(GetPathOp())


async def test_closing_drops_events_that_nobody_reads(talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from codex_core.conversation import session

    monkeypatch.setattr(session, "EVENT_QUEUE_SIZE", 2)
    await talk.start([])
    for _ in range(10):
        await talk.conversation.submit(GetPathOp())
    async with asyncio.timeout(PATIENCE_S):
        await talk.conversation.aclose()


async def test_closing_wakes_readers_that_wait(talk: Any) -> None:
    await talk.start([])
    await talk.until("session_configured")

    async def read_all() -> None:
        while True:
            await talk.conversation.next_event()

    readers = [asyncio.create_task(read_all()) for _ in range(3)]
    await asyncio.sleep(0)  # now they wait
    async with asyncio.timeout(PATIENCE_S):
        await talk.conversation.aclose()
        for reader in readers:
            with pytest.raises(SessionError, match="agent loop died unexpectedly"):
                await reader


async def test_closing_twice_is_closing_once(talk: Any) -> None:
    await talk.start([])
    async with asyncio.timeout(PATIENCE_S):
        await talk.conversation.aclose()
        await talk.conversation.aclose()
    with pytest.raises(SessionError):
        await talk.conversation.next_event()


async def test_leaving_the_block_ends_the_conversation(talk: Any) -> None:
    await talk.start([])
    new = await talk.manager.new_conversation(talk.config)
    async with new.conversation:
        pass
    with pytest.raises(SessionError):
        await new.conversation.submit(GetPathOp())


async def test_a_session_records_where_and_with_what_it_began(talk: Any) -> None:
    talk.home.write("AGENTS.md", "Be kind.")
    talk.repo.git("remote", "add", "origin", "https://example.invalid/x.git")
    await talk.start([])
    meta = talk.home.read_rollout()[0]["payload"]
    assert list(meta) == ["id", "timestamp", "cwd", "originator", "cli_version", "instructions", "git"]
    assert meta["id"] == talk.conversation.conversation_id
    assert meta["cwd"] == str(talk.repo.path)
    assert meta["originator"] == "codex_cli_rs"
    assert meta["instructions"] == "Be kind."
    assert meta["git"] == {
        "commit_hash": talk.repo.git("rev-parse", "HEAD").strip(),
        "branch": "main",
        "repository_url": "https://example.invalid/x.git",
    }


@pytest.mark.parametrize(
    ("model", "settings", "window"),
    [
        ("gpt-5", {}, 272_000),
        ("unheard-of", {}, None),
        ("gpt-5", {"model_context_window": 1_000}, 1_000),
    ],
)
async def test_the_window_is_the_configured_one_or_the_tables(
    model: str, settings: dict[str, object], window: int | None, talk: Any
) -> None:
    await talk.start([answer(message("ok"))], settings={"model": model, **settings})
    await talk.ask("hi")
    (started,) = (event["msg"] for event in talk.events if event["msg"]["type"] == "task_started")
    assert started["model_context_window"] == window


def test_what_the_configuration_knows_of_a_model_comes_first(bench: Any) -> None:
    from codex_core.conversation.start import configured_family

    unknown = replace(bench.config, model="unheard-of")
    assert not configured_family(unknown).supports_reasoning
    told = replace(unknown, model_supports_reasoning_summaries=True)
    assert configured_family(told).supports_reasoning


def test_base_instructions_teach_patches_where_no_tool_does() -> None:
    from codex_core.conversation.prompts import base_instructions, prompt_text
    from codex_core.model.families import family_for

    lesson = prompt_text("apply_patch")
    assert lesson in base_instructions(family_for("gpt-5"), teach_apply_patch=True)
    assert lesson not in base_instructions(family_for("gpt-5"), teach_apply_patch=False)
    assert lesson not in base_instructions(family_for("unheard-of"), teach_apply_patch=True)
    general = base_instructions(family_for("gpt-5"), teach_apply_patch=False)
    assert general != base_instructions(family_for("gpt-5-codex"), teach_apply_patch=False)
    assert "*** Begin Patch" in lesson
