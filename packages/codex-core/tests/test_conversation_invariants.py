"""Whatever a model answers and a user does, a conversation stays valid, ordered, recorded and usable.

Random replies (messages, reasoning, calls of all kinds, failures, streams that break off at any byte) meet
random operations of the user; afterwards the same questions are asked of every run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
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
from codex_core.tools.registry import default_registry
from codex_core.tools.runtime import ToolCall, ToolOutput

PATIENCE_S = 30.0
TRIGGER = "Start Summarization"
LAST_WORDS = "the last words"
ENDS = ("task_complete", "turn_aborted")


class ScriptedModel(httpx.AsyncBaseTransport):
    """Answers requests from a script, then with a plain message; keeps what it was asked."""

    def __init__(self, script: Sequence[tuple[Reply, int | None]]) -> None:
        self.script = list(script)
        self.inputs: list[list[dict[str, Any]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.inputs.append(json.loads(await request.aread())["input"])
        said = [part.get("text") for item in self.inputs[-1][-1:] for part in item.get("content", ())]
        is_last = LAST_WORDS in json.dumps(self.inputs[-1])
        if self.script and not is_last:
            reply, cut = self.script.pop(0)
        else:
            reply, cut = answer(message("SUMMARY" if TRIGGER in said else "end")), None
        headers = {"content-type": "text/event-stream", **dict(reply.headers)}
        return httpx.Response(reply.status, headers=headers, stream=_Stream(reply.body, cut))


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: bytes, cut: int | None) -> None:
        self.body, self.cut = body, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = self.body if self.cut is None else self.body[: self.cut]
        for start in range(0, len(body), 97):
            yield body[start : start + 97]
            await asyncio.sleep(0)
        if self.cut is not None and self.cut < len(self.body):
            raise httpx.ReadError("connection reset")


@dataclass(frozen=True)
class Dawdler:
    """A tool that takes its time without taking any."""

    name: str
    is_parallel_safe: bool
    turns: int

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def spec(self, context: Any) -> None:
        return None

    async def run(self, call: ToolCall, runtime: Any) -> ToolOutput:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return ToolOutput(f"{self.name} {call.call_id}", success=True)


TOOLS = tuple(
    Dawdler(f"{kind}_{pace}", kind == "look", turns)
    for kind in ("look", "touch")
    for pace, turns in (("fast", 0), ("slow", 40))
)

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


def assert_valid_input(items: Sequence[dict[str, Any]]) -> None:
    """Every call has exactly one output of its kind behind it, and there are no others; reasoning led somewhere."""
    is_open: dict[tuple[str, str], int] = {}
    for number, item in enumerate(items):
        kind = item["type"]
        if kind.endswith("_output"):
            key = (kind.removesuffix("_output"), item["call_id"])
            assert is_open.get(key, 0) > 0, f"an output without a call: {item}"
            is_open[key] -= 1
        elif kind.endswith("_call"):
            is_open[kind, item["call_id"]] = is_open.get((kind, item["call_id"]), 0) + 1
        elif kind == "reasoning":
            assert items[number + 1]["type"] in {"message", "function_call", "custom_tool_call", "reasoning"}
            assert items[number + 1].get("role") != "user"
        else:
            assert item["content"], "a message without content"
    assert not any(is_open.values()), f"calls without output: {is_open}"


def assert_tasks_end_once(events: Sequence[dict[str, Any]]) -> None:
    started: dict[str, int] = {}
    for event in events:
        kind = event["msg"]["type"]
        if kind == "task_started":
            started[event["id"]] = started.get(event["id"], 0) + 1
            assert started[event["id"]] == 1
        elif kind in ENDS:
            assert started.get(event["id"], 0) == 1, f"{event['id']} ended but never began"
            started[event["id"]] = 0
    left = {identifier for identifier, count in started.items() if count}
    assert not {identifier for identifier in left if not identifier.startswith("auto-compact")}


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
    from codex_core.tools import registry

    tools = default_registry().with_tools(TOOLS)
    monkeypatch.setattr(registry, "default_registry", lambda: tools)
    scratch_home.use_model_server(
        "http://model.invalid/v1",
        settings={"approval_policy": "never", "model_auto_compact_token_limit": 1_000},
    )
    return scratch_home


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
        recorder.write_copy("event_msg", {"type": "turn_aborted", "reason": "interrupted"})
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
