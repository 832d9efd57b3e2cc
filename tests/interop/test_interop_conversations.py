"""The published reference and ours are led through the same conversations, and everything is compared:
requests, events and rollouts. The binary is found as in `test_kit_reference`.

Texts that are each implementation's own words (instructions, descriptions of tools) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from codex_core.testing import (
    Allowed,
    Difference,
    ModelServer,
    Normaliser,
    Places,
    ProtoDriver,
    Transcript,
    compare,
    make_home,
    make_repo,
    play,
    script_path,
    start_script,
)
from codex_core.testing.differences import report, without_allowed
from codex_core.testing.rollout_facts import sort_rollout
from interop.conversations import CONVERSATIONS, Conversation
from interop.tools_and_tasks import TOOLS_AND_TASKS

if TYPE_CHECKING:
    from pathlib import Path

OWN_WORDS = frozenset({"instructions", "description", "definition"})


async def lead(conversation: Conversation, program: str, place: Path) -> dict[str, object]:
    """Leads one agent through the conversation; what it asked, told and wrote."""
    home = make_home(place / "home")
    repo = make_repo(place / "work", dict(conversation.files))
    for name, content in conversation.home_files.items():
        home.write(name, content)
    transcript = Transcript(conversation.name, conversation.name, {}, conversation.submissions, (), ())
    async with ModelServer(conversation.script()) as server:
        home.use_model_server(
            server.base_url,
            model=conversation.model,
            wire_api=conversation.wire_api,
            provider={"request_max_retries": 1, "stream_max_retries": 1, **conversation.provider},
            settings=conversation.settings,
        )
        async with start_script(
            [program], "proto", env=home.environ(), cwd=repo.path, open_stdin=True
        ) as process:
            events = await play(
                transcript,
                ProtoDriver(process),
                moments=dict(conversation.moments),
                decisions=conversation.decisions,
            )
            await process.close_stdin()
            (await process.finish()).assert_no_processes_left()
        server.assert_done()
    normaliser = Normaliser(Places(repo.path, home.codex_home, home.path))
    return {
        "events": normaliser.events(review_mode_first(events)),
        "requests": [
            {
                "path": request.path,
                "headers": normaliser.headers(request.headers),
                "body": without_own_words(normaliser.value(request.json)),
            }
            for request in server.requests
        ],
        "rollout": without_own_words(normaliser.value(sort_rollout(home.read_rollout()))),
    }


def review_mode_first(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with the beginning of a review in front: the reference tells of it at any time."""
    return sorted(
        events,
        key=lambda event: ["session_configured", "entered_review_mode", event["msg"]["type"]].index(
            event["msg"]["type"]
        ),
    )


def without_own_words(value: object) -> object:
    """The value with a mark where a text of our own stands."""
    if isinstance(value, Mapping):
        return {
            key: "…" if key in OWN_WORDS and isinstance(item, str) and item else without_own_words(item)
            for key, item in value.items()
        }
    return [without_own_words(item) for item in value] if isinstance(value, list) else value


@pytest.mark.reference
@pytest.mark.parametrize("conversation", [*CONVERSATIONS, *TOOLS_AND_TASKS], ids=lambda each: each.name)
async def test_both_go_the_same_way(conversation: Conversation, reference: str, tmp_path: Path) -> None:
    expected = await lead(conversation, reference, tmp_path / "reference")
    got = await lead(conversation, script_path("codex"), tmp_path / "ours")
    found: list[Difference] = []
    for part in ("events", "requests", "rollout"):
        found += compare(expected[part], got[part], part, key_order=True)
    varying = [Allowed(path, "it differs from run to run") for path in conversation.varying]
    found = [each for each in found if not any(place.covers(each) for place in varying)]
    left = without_allowed(found, conversation.allowed)
    assert not left, f"{conversation.name}:\n{report(left)}"
