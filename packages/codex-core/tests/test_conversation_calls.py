"""Several calls in one answer: beside each other where all may, in order, each with exactly one output."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from codex_core.testing import Gate, answer, created, function_call, message, sse
from codex_core.tools import registry
from codex_core.tools.registry import ToolRegistry, default_registry
from codex_core.tools.runtime import ToolCall, ToolOutput


class Stage:
    """Tools that say when they run and end when they are told."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.most = 0
        self.cancelled: list[str] = []
        self.may_end: dict[str, asyncio.Event] = {}
        self.has_begun: dict[str, asyncio.Event] = {}

    def event(self, events: dict[str, asyncio.Event], call_id: str) -> asyncio.Event:
        return events.setdefault(call_id, asyncio.Event())

    async def play(self, call: ToolCall) -> ToolOutput:
        self.running.append(call.call_id)
        self.most = max(self.most, len(self.running))
        self.event(self.has_begun, call.call_id).set()
        try:
            if "defect" in call.arguments:
                raise ZeroDivisionError("boom")
            if "wait" in call.arguments:
                await self.event(self.may_end, call.call_id).wait()
            return ToolOutput(f"output of {call.call_id}", success=True)
        except asyncio.CancelledError:
            self.cancelled.append(call.call_id)
            raise
        finally:
            self.running.remove(call.call_id)


class StagedTool:
    def __init__(self, stage: Stage, name: str, *, is_parallel_safe: bool) -> None:
        self.names = (name,)
        self.is_parallel_safe = is_parallel_safe
        self.stage = stage

    def spec(self, context: Any) -> None:
        return None

    async def run(self, call: ToolCall, runtime: Any) -> ToolOutput:
        return await self.stage.play(call)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Adds `look`, which may run beside others, and `touch`, which may not."""
    staged = Stage()
    tools = (
        StagedTool(staged, "look", is_parallel_safe=True),
        StagedTool(staged, "touch", is_parallel_safe=False),
    )
    with_stage = default_registry().with_tools(tools)
    monkeypatch.setattr(registry, "default_registry", lambda: with_stage)
    return staged


def look(call_id: str, what: str = "") -> Any:
    return function_call("look", {"what": what}, call_id)


def touch(call_id: str, what: str = "") -> Any:
    return function_call("touch", {"what": what}, call_id)


def calls_and_outputs(items: list[dict[str, Any]]) -> list[str]:
    signs = {"function_call": "", "function_call_output": "="}
    return [signs[item["type"]] + item["call_id"] for item in items if item["type"] in signs]


async def test_calls_that_may_run_beside_each_other_do(talk: Any, stage: Stage) -> None:
    await talk.start([answer(look("a", "wait"), look("b", "wait"), look("c")), answer(message("ok"))])
    await talk.say("go")
    for call_id in "abc":
        await stage.event(stage.has_begun, call_id).wait()
    for call_id in "ba":  # the later one ends first
        stage.event(stage.may_end, call_id).set()
    await talk.until("task_complete")
    assert stage.most >= 2
    assert calls_and_outputs(talk.input_of(1)) == ["a", "b", "c", "=a", "=b", "=c"]
    assert [item["output"] for item in talk.input_of(1)[-3:]] == [f"output of {call_id}" for call_id in "abc"]


async def test_a_call_that_must_be_alone_waits_for_the_others_and_they_for_it(
    talk: Any, stage: Stage
) -> None:
    script = [answer(look("a", "wait"), touch("b", "wait"), look("c")), answer(message("ok"))]
    await talk.start(script)
    await talk.say("go")
    await stage.event(stage.has_begun, "a").wait()
    assert "b" not in stage.has_begun
    stage.event(stage.may_end, "a").set()
    await stage.event(stage.has_begun, "b").wait()
    assert "c" not in stage.has_begun
    stage.event(stage.may_end, "b").set()
    await talk.until("task_complete")
    assert stage.most == 1
    assert calls_and_outputs(talk.input_of(1)) == ["a", "=a", "b", "=b", "c", "=c"]


async def test_a_message_between_calls_comes_behind_the_outputs_before_it(talk: Any, stage: Stage) -> None:
    await talk.start([answer(look("a"), look("b"), message("So."), look("c")), answer(message("ok"))])
    await talk.ask("go")
    kinds = [item["type"] for item in talk.input_of(1)][2:]
    assert kinds == [
        *["function_call"] * 2,
        *["function_call_output"] * 2,
        "message",
        "function_call",
        "function_call_output",
    ]


async def test_an_interrupt_keeps_what_has_ended_and_aborts_the_rest(talk: Any, stage: Stage) -> None:
    await talk.start([answer(look("a"), look("b", "wait"), look("c", "wait")), answer(message("ok"))])
    await talk.say("go")
    for call_id in "abc":
        await stage.event(stage.has_begun, call_id).wait()
    await talk.interrupt()
    await talk.until("turn_aborted")
    assert stage.cancelled == ["b", "c"]
    assert stage.running == []
    await talk.ask("what now?")
    assert calls_and_outputs(talk.input_of(1)) == ["a", "b", "c", "=a", "=b", "=c"]
    outputs = [item["output"] for item in talk.input_of(1) if item["type"] == "function_call_output"]
    assert outputs[0] == "output of a"
    assert all(output.startswith("aborted by user after ") for output in outputs[1:])


async def test_a_stream_that_breaks_waits_for_the_calls_it_made(talk: Any, stage: Stage) -> None:
    async def no_wait(seconds: float) -> None:
        """Stands for the clock."""

    gate = Gate()
    broken = sse(created(), look("a", "wait"), look("b"), gate)
    await talk.start([broken, answer(message("ok"))], sleep=no_wait)
    await talk.say("go")
    await gate.reached.wait()
    await stage.event(stage.has_begun, "b").wait()
    gate.open()
    stage.event(stage.may_end, "a").set()
    await talk.until("task_complete")
    assert calls_and_outputs(talk.input_of(1)) == ["a", "b", "=a", "=b"]


async def test_a_defect_in_one_tool_does_not_lose_the_outputs_of_others(talk: Any, stage: Stage) -> None:
    await talk.start([answer(look("a"), look("b", "defect"), look("c")), answer(message("ok"))])
    await talk.say("go")
    assert "ZeroDivisionError" in (await talk.until("error"))["message"]
    await talk.until("task_complete")
    await talk.ask("and now?")
    outputs = {item["call_id"]: item["output"] for item in talk.input_of(1) if "output" in item}
    assert outputs == {"a": "output of a", "b": "aborted", "c": "output of c"}


async def test_questions_of_calls_that_run_beside_each_other_come_one_after_another(
    talk: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_protocol.ops import parse_op

    async def asking(self: StagedTool, call: ToolCall, runtime: Any) -> ToolOutput:
        decision = await runtime.ask_exec(call.call_id, ("x",), "/", None)
        return ToolOutput(f"{call.call_id}: {decision.value}", success=True)

    monkeypatch.setattr(StagedTool, "run", asking)
    await talk.start([answer(look("a"), look("b")), answer(message("ok"))])
    submission = await talk.say("go")
    for expected, decision in (("a", "approved"), ("b", "denied")):
        assert (await talk.until("exec_approval_request"))["call_id"] == expected
        await talk.conversation.submit(
            parse_op({"type": "exec_approval", "id": submission, "decision": decision})
        )
    await talk.until("task_complete")
    outputs = [item["output"] for item in talk.input_of(1) if "output" in item]
    assert outputs == ["a: approved", "b: denied"]


async def test_no_more_than_a_few_run_at_once(talk: Any, stage: Stage) -> None:
    from codex_core.conversation.calls import MAX_PARALLEL_CALLS

    calls = [look(f"c{number}", "wait") for number in range(MAX_PARALLEL_CALLS + 4)]
    await talk.start([answer(*calls), answer(message("ok"))])
    for number in range(len(calls)):
        stage.event(stage.may_end, f"c{number}")
    await talk.say("go")
    await stage.event(stage.has_begun, f"c{MAX_PARALLEL_CALLS - 1}").wait()
    assert stage.most == MAX_PARALLEL_CALLS
    for event in stage.may_end.values():
        event.set()
    await talk.until("task_complete")
    assert stage.most == MAX_PARALLEL_CALLS
    assert len(calls_and_outputs(talk.input_of(1))) == 2 * len(calls)


def test_more_tools_come_behind_and_never_take_a_name() -> None:
    stage = Stage()
    more = ToolRegistry(()).with_tools((StagedTool(stage, "shell", is_parallel_safe=True),))
    assert default_registry().with_tools(more.tools) is default_registry()
    assert [
        tool.names[0]
        for tool in default_registry().with_tools((StagedTool(stage, "x", is_parallel_safe=True),)).tools
    ][-1] == "x"
