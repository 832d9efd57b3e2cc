"""What holds of every conversation, and a model and tools to have it with that need no network and no time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from codex_core.testing import Reply, ScratchHome, answer, message
from codex_core.tools.registry import default_registry
from codex_core.tools.runtime import ToolCall, ToolOutput

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


def prepare_home(home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    """A home whose sessions have `TOOLS` and sum up early."""
    from codex_core.tools import registry

    tools = default_registry().with_tools(TOOLS)
    monkeypatch.setattr(registry, "default_registry", lambda: tools)
    home.use_model_server(
        "http://model.invalid/v1",
        settings={"approval_policy": "never", "model_auto_compact_token_limit": 1_000},
    )
    return home


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
