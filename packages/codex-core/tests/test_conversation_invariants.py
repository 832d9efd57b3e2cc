"""Whatever a model answers and a user does, a conversation stays valid, ordered, recorded and usable.

Random replies (messages, reasoning, calls of all kinds, failures, streams that break off at any byte) meet
random operations of the user; afterwards the same questions are asked of every run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.testing import (
    Reply,
    ScratchHome,
    answer,
    completed,
    created,
    custom_call,
    failed,
    function_call,
    http_error,
    message,
    reasoning,
    sse,
    token_usage,
)
from conversation_checks import (
    LAST_WORDS,
    TOOLS,
    ScriptedModel,
    assert_tasks_end_once,
    assert_valid_input,
    prepare_home,
)

PATIENCE_S = 30.0


# -- what may happen ----------------------------------------------------------------------------------

CALL_IDS = st.sampled_from(["c1", "c2", "c3", "c4"])
EVENTS = st.one_of(
    st.builds(lambda text: message(text), st.sampled_from(["Hello.", "", "ünïcode"])),
    st.builds(lambda: reasoning("Hm.")),
    st.builds(
        lambda name, call: [function_call(name, {}, call)],
        st.sampled_from(
            [*(tool.name for tool in TOOLS), "update_plan", "nothing", "view_image", "look_fast", "look_slow"]
        ),
        CALL_IDS,
    ),
    st.builds(lambda call: [function_call("shell", "{broken", call)], CALL_IDS),
    st.builds(lambda call: [custom_call("nothing", "text", call)], CALL_IDS),
)
USAGE = st.sampled_from([token_usage(), token_usage(input_tokens=2_000)])


@st.composite
def replies(draw: st.DrawFn) -> tuple[Reply, int | None]:
    kind = draw(st.sampled_from(["answer"] * 6 + ["broken", "broken", "unfinished", "failed", "refused"]))
    if kind == "refused":
        status, code = draw(
            st.sampled_from([(400, "nope"), (400, "context_length_exceeded"), (429, "x"), (500, "x")])
        )
        return http_error(status, {"error": {"code": code, "message": "no"}}), None
    events = draw(st.lists(EVENTS, max_size=4))
    if kind == "failed":
        return sse(created(), *events, failed("server_error", "kaboom")), None
    if kind == "unfinished":
        return sse(created(), *events), None
    reply = sse(created(), *events, completed(draw(USAGE)))
    return reply, draw(st.integers(0, len(reply.body))) if kind == "broken" else None


OPS = st.one_of(
    st.builds(
        lambda n: {"type": "user_input", "items": [{"type": "text", "text": f"say {n}"}]}, st.integers(0, 9)
    ),
    st.just({"type": "user_input", "items": []}),
    st.just({"type": "interrupt"}),
    st.just({"type": "compact"}),
    st.just({"type": "override_turn_context", "sandbox_policy": {"mode": "read-only"}}),
    st.just({"type": "review", "review_request": {"prompt": "Review", "user_facing_hint": "h"}}),
    st.just({"type": "get_path"}),
    st.just({"type": "list_custom_prompts"}),
    st.just({"type": "user_input", "items": [{"type": "local_image", "path": "/none"}]}),
)
STEPS = st.lists(st.tuples(OPS, st.integers(0, 12)), min_size=1, max_size=6)
"""An operation, and how many events are read before the next."""


# -- what must hold -----------------------------------------------------------------------------------


async def run_conversation(
    home: ScratchHome, script: Sequence[tuple[Reply, int | None]], steps: Sequence[tuple[dict[str, Any], int]]
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.conversation.resume import rebuilt_history
    from codex_core.rollout.replay import read_rollout
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.ops import parse_op

    async def no_wait(seconds: float) -> None:
        await asyncio.sleep(0)

    model = ScriptedModel(script)
    services = Services(environ=home.environ(), http_transport=model, sleep=no_wait)
    config = load_config(flags=ConfigFlags(cwd=str(home.path)), services=services)
    before = asyncio.all_tasks()
    events: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(PATIENCE_S),
        ConversationManager(AuthManager(config.codex_home), services) as manager,
    ):
        conversation = (await manager.new_conversation(config)).conversation
        session = conversation._session

        async def read(count: int) -> None:
            for _ in range(count):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.002):
                        events.append((await conversation.next_event()).to_wire())

        for op, count in steps:
            await conversation.submit(parse_op(op))
            await read(count)
        # Usable afterwards: behind everything that runs or waits, a prompt is answered.
        await conversation.submit(parse_op({"type": "interrupt"}))
        say = {"type": "user_input", "items": [{"type": "text", "text": LAST_WORDS}]}
        last_id = await conversation.submit(parse_op(say))
        while not events or (events[-1]["id"], events[-1]["msg"]["type"]) != (last_id, "task_complete"):
            events.append((await conversation.next_event()).to_wire())
        assert events[-1]["msg"]["last_agent_message"] == "end"
        lived = [item.to_wire() for item in session.history.for_request()]
        context = session.initial_items(session.context)
        path = conversation.rollout_path
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()
    assert "Internal error" not in str(events)
    for items in model.inputs:
        assert_valid_input(items)
    assert_valid_input(lived)
    assert_tasks_end_once(events)
    # A resumed conversation knows what the running one knew, whatever its line is cut to.
    assert path is not None
    recorded = await asyncio.to_thread(read_rollout, path)
    assert recorded.skipped == 0
    rebuilt = rebuilt_history(recorded.lines, lambda: context)
    assert [item.to_wire() for item in rebuilt.for_request()] == lived


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    return prepare_home(scratch_home, monkeypatch)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(replies(), max_size=6), steps=STEPS)
def test_whatever_happens_the_conversation_stays_sound(
    script: list[tuple[Reply, int | None]], steps: list[tuple[dict[str, Any], int]], home: ScratchHome
) -> None:
    asyncio.run(run_conversation(home, script, steps))


def test_a_rollout_torn_at_every_byte_resumes(home: ScratchHome, tmp_path: Path) -> None:
    """Cut anywhere, the file goes on from its last whole line, with a valid history and the same id."""
    from codex_core.conversation.resume import rebuilt_history
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_core.rollout.replay import RolloutError, read_rollout
    from codex_protocol.config_types import TurnAbortReason
    from codex_protocol.events import TurnAbortedEvent

    script = [
        (
            answer(
                reasoning("Hm."), function_call("look_fast", {}, "c1"), function_call("touch_slow", {}, "c2")
            ),
            None,
        ),
        (answer(message("done ü")), None),
    ]
    steps = [({"type": "user_input", "items": [{"type": "text", "text": "go ü"}]}, 30)]
    asyncio.run(run_conversation(home, script, steps))
    (original,) = home.rollouts()
    whole = original.read_bytes()
    identifier = read_rollout(str(original)).conversation_id
    torn = tmp_path / "torn.jsonl"
    meta_end = whole.index(b"\n")
    for size in range(len(whole) + 1):
        torn.write_bytes(whole[:size])
        try:
            read_rollout(str(torn))
        except RolloutError:
            assert size < meta_end
            continue
        assert size >= meta_end
        recorder = RolloutRecorder.resume(str(torn), lambda: _now())
        recorder.write_event(TurnAbortedEvent(reason=TurnAbortReason.INTERRUPTED))
        recorder.close()
        recorded = read_rollout(str(torn))
        assert recorded.conversation_id == identifier
        assert recorded.skipped == 0
        assert recorded.lines[-1].payload["type"] == "turn_aborted"
        history = rebuilt_history(recorded.lines, list)
        assert_valid_input([item.to_wire() for item in history.for_request() if item.type != "reasoning"])


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 1, 1, tzinfo=UTC)
