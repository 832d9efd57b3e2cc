"""A conversation is stopped at every single step of its way, and is as sound behind it as before."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Sequence
from typing import Any

import pytest

from codex_core.testing import (
    Reply,
    ScratchHome,
    answer,
    created,
    function_call,
    http_error,
    message,
    reasoning,
    sse,
    token_usage,
)
from conversation_checks import (
    LAST_WORDS,
    ScriptedModel,
    assert_tasks_end_once,
    assert_valid_input,
    prepare_home,
)

PATIENCE_S = 20.0
MAX_STEPS = 1_000
SAY = {"type": "user_input", "items": [{"type": "text", "text": "keep this in mind"}]}
REVIEW = {"type": "review", "review_request": {"prompt": "Review", "user_facing_hint": "h"}}
COMPACT = {"type": "compact"}
INTERRUPT = {"type": "interrupt"}
SHUTDOWN = {"type": "shutdown"}

CALLS = [
    answer(
        reasoning("x"),
        function_call("look_slow", {}, "c1"),
        function_call("look_fast", {}, "c2"),
        function_call("touch_slow", {}, "c3"),
    ),
    answer(message("x")),
]
BROKEN = [sse(created(), function_call("touch_slow", {}, "c1")), http_error(500, {}), answer(message("x"))]
SUMMED_UP = [
    answer(function_call("look_slow", {}, "c1"), usage=token_usage(input_tokens=2_000)),
    answer(message("SUMMARY")),
    answer(message("x")),
]


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    return prepare_home(scratch_home, monkeypatch)


async def stop_after(
    steps: int, home: ScratchHome, script: Sequence[Reply], first: dict[str, Any], stop: dict[str, Any]
) -> bool:
    """Stops what `first` began after that many steps of the loop; whether it had ended by itself."""
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.conversation.resume import rebuilt_history
    from codex_core.errors import SessionError
    from codex_core.rollout.replay import read_rollout
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.ops import parse_op

    async def no_wait(seconds: float) -> None:
        await asyncio.sleep(0)

    model = ScriptedModel([(reply, None) for reply in script])
    services = Services(environ=home.environ(), http_transport=model, sleep=no_wait)
    config = load_config(flags=ConfigFlags(cwd=str(home.path)), services=services)
    before = asyncio.all_tasks()
    events: list[dict[str, Any]] = []
    has_ended = False
    async with (
        asyncio.timeout(PATIENCE_S),
        ConversationManager(AuthManager(config.codex_home), services) as manager,
    ):
        conversation = (await manager.new_conversation(config)).conversation
        session = conversation._session

        async def read() -> None:
            with contextlib.suppress(SessionError):
                while True:
                    events.append((await conversation.next_event()).to_wire())

        reading = asyncio.create_task(read())
        await conversation.submit(parse_op(first))
        for step in range(steps):
            await asyncio.sleep(0)
            has_ended = step > 3 and not session.tasks.is_busy and session.submissions.empty()
        await conversation.submit(parse_op(stop))
        if stop is SHUTDOWN:
            await reading
            assert events[-1]["msg"]["type"] == "shutdown_complete"
        else:
            await conversation.settled()
            say = {"type": "user_input", "items": [{"type": "text", "text": LAST_WORDS}]}
            last_id = await conversation.submit(parse_op(say))
            await conversation.settled()
            await asyncio.sleep(0)  # the reader gets what is left
            reading.cancel()
            await asyncio.wait([reading])
            ends = [event["msg"] for event in events if event["id"] == last_id]
            assert ends[-1] == {"type": "task_complete", "last_agent_message": "end"}
        lived = [item.to_wire() for item in session.history.for_request()]
        context = session.initial_items(session.context)
        path = conversation.rollout_path
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()
    assert "Internal error" not in str(events)
    for items in [*model.inputs, lived]:
        assert_valid_input(items)
    assert_tasks_end_once(events)
    assert first is not SAY or "keep this in mind" in json.dumps(lived)  # what the user said is never lost
    assert path is not None
    rebuilt = rebuilt_history(read_rollout(path).lines, lambda: context)
    assert [item.to_wire() for item in rebuilt.for_request()] == lived
    os.unlink(path)
    return has_ended


@pytest.mark.parametrize("stop", [INTERRUPT, SHUTDOWN, REVIEW], ids=lambda each: each["type"])
@pytest.mark.parametrize(
    ("first", "script"),
    [(SAY, CALLS), (SAY, BROKEN), (SAY, SUMMED_UP), (REVIEW, CALLS), (COMPACT, [answer(message("S"))])],
    ids=["calls", "broken", "summed up", "review", "compact"],
)
def test_stopped_at_any_step_it_stays_sound(
    first: dict[str, Any], script: list[Reply], stop: dict[str, Any], home: ScratchHome
) -> None:
    for steps in range(MAX_STEPS):
        if asyncio.run(stop_after(steps, home, script, first, stop)):
            return
    raise AssertionError(f"it did not end within {MAX_STEPS} steps")
