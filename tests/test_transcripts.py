"""Whole recorded conversations of the reference, played against our core and compared.

Differences are allowed by path and reason only; each reason is a row of docs/differences.md.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codex_core.testing import (
    Allowed,
    ConversationDriver,
    ModelServer,
    Places,
    Run,
    ScratchHome,
    ScratchRepo,
    assert_same,
    load_transcript,
    play,
    read_json_lines,
)

TRANSCRIPTS = Path(__file__).parent / "data" / "transcripts"

PARSER_WORDS = "the sentence begins as the reference's; where the error lies is said in our own words"

ALLOWED: dict[str, list[Allowed]] = {
    "01-first-turn": [],
    "02-shell-call": [],
    "03-tool-failures": [
        Allowed("requests[1].body.input[9].output", PARSER_WORDS),
        Allowed("rollout.response_item[9].output", PARSER_WORDS),
    ],
    "06-plan-update": [
        Allowed("requests[1].body.input[5].output", PARSER_WORDS),
        Allowed("rollout.response_item[5].output", PARSER_WORDS),
    ],
}


@pytest.mark.parametrize("name", ALLOWED)
async def test_recorded_conversation_goes_the_same_way(
    name: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager

    transcript = load_transcript(TRANSCRIPTS / f"{name}.json")
    if name == "01-first-turn":
        scratch_home.write("AGENTS.md", "Be brief.")
        git_repo.write("AGENTS.md", "Use tabs.\n")
    async with ModelServer(transcript.script()) as server:
        scratch_home.write("config.toml", transcript.config_toml(server.base_url))
        services = Services(environ=scratch_home.environ())
        config = load_config(flags=ConfigFlags(cwd=str(git_repo.path)), services=services)
        async with ConversationManager(AuthManager(config.codex_home), services) as manager:
            conversation = (await manager.new_conversation(config)).conversation
            events = await play(transcript, ConversationDriver(conversation))
            path = conversation.rollout_path
        server.assert_done()
    assert path is not None
    run = Run(
        requests=server.requests,
        events=events,
        rollout=await asyncio.to_thread(read_json_lines, path),
        places=Places(repo=str(git_repo.path), codex_home=str(scratch_home.codex_home)),
    )
    assert_same(transcript, run, ALLOWED[name])
