"""Compaction in a running conversation: asked for, by a limit, by overflow; failing, interrupted, resumed."""

from __future__ import annotations

from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    answer,
    completed,
    created,
    failed,
    http_error,
    message,
    read_json_lines,
    reasoning,
    shell_call,
    sse,
    token_usage,
)
from codex_protocol.ops import CompactOp

OVERFLOW = http_error(400, {"error": {"code": "context_length_exceeded", "message": "too long"}})


async def no_wait(seconds: float) -> None:
    """Stands for the clock."""


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [
        part.get("text", "[image]") for item in items if item["type"] == "message" for part in item["content"]
    ]


def full(*events: Any) -> Any:
    """An answer that leaves many tokens in the window."""
    return sse(created(), *events, completed(token_usage(input_tokens=900, output_tokens=100)))


async def go_on(talk: Any, way: str = "resume") -> None:
    """Ends the conversation and goes on with it, or with a copy of it."""
    path = talk.conversation.rollout_path
    await talk.manager.aclose()
    continued = talk.manager.resume_conversation if way == "resume" else talk.manager.fork_conversation
    talk.conversation = (await continued(talk.config, path=path)).conversation


async def compact(talk: Any) -> list[str]:
    before = len(talk.events)
    await talk.conversation.submit(CompactOp())
    await talk.until("task_complete")
    return [event["msg"]["type"] for event in talk.events[before:]]


async def test_compaction_on_request(talk: Any) -> None:
    script = [
        answer(shell_call(["echo", "x"])),
        answer(message("A")),
        answer(reasoning("hm"), message("SUMMARY")),
        answer(message("B")),
    ]
    await talk.start(script)
    await talk.ask("one")
    assert await compact(talk) == ["task_started", "agent_message", "task_complete"]
    assert talk.events[-2]["msg"]["message"] == "Compact task completed"
    request = talk.server.requests[2].json
    assert request["tools"] == []
    assert texts(request["input"])[-1] == "Start Summarization"
    assert request["instructions"] != talk.server.requests[0].json["instructions"]
    await talk.ask("two")
    environment, bridge, prompt = talk.input_of(3)
    assert "<environment_context>" in environment["content"][0]["text"]
    assert "one" in bridge["content"][0]["text"]
    assert "SUMMARY" in bridge["content"][0]["text"]
    assert prompt["content"][0]["text"] == "two"
    kinds = [line["type"] for line in read_json_lines(talk.conversation.rollout_path)]
    assert kinds[-8:].count("compacted") == 1


async def test_a_compacted_conversation_is_resumed_as_it_was(talk: Any) -> None:
    script = [answer(message("A")), answer(message("SUMMARY")), answer(message("B")), answer(message("C"))]
    await talk.start(script)
    await talk.ask("one")
    await compact(talk)
    await talk.ask("two")
    await talk.manager.aclose()
    talk.conversation = (await talk.manager.resume_conversation(talk.config, last=True)).conversation
    await talk.ask("three")
    assert talk.input_of(3)[:3] == talk.input_of(2)
    assert texts(talk.input_of(3))[-2:] == ["B", "three"]


async def test_compaction_waits_for_the_running_task_and_input_for_the_compaction(talk: Any) -> None:
    gate, second = Gate(), Gate()
    script = [answer(gate, message("A")), answer(second, message("SUMMARY")), answer(message("B"))]
    await talk.start(script)
    await talk.say("one")
    await gate.reached.wait()
    await talk.conversation.submit(CompactOp())
    gate.open()
    await talk.until("task_complete")
    await second.reached.wait()
    await talk.say("two")
    second.open()
    assert (await talk.until("task_complete"))["last_agent_message"] is None
    assert (await talk.until("task_complete"))["last_agent_message"] == "B"
    assert [event["id"] for event in talk.events if event["msg"]["type"] == "task_complete"] == [
        "0",
        "1",
        "2",
    ]
    assert texts(talk.input_of(2))[-1] == "two"


@pytest.mark.parametrize(
    "reply", [http_error(400, {"error": {"message": "no"}}), answer(), answer(message(" "))]
)
async def test_a_compaction_that_fails_leaves_everything_as_it_was(reply: Any, talk: Any) -> None:
    await talk.start([answer(message("A")), reply, answer(message("B"))])
    await talk.ask("one")
    assert (await compact(talk))[-2:] == ["error", "task_complete"]
    await talk.ask("two")
    assert texts(talk.input_of(2))[1:] == ["one", "A", "two"]


async def test_a_compaction_that_is_interrupted_leaves_everything_as_it_was(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(message("A")), answer(gate, message("S")), answer(message("B"))])
    await talk.ask("one")
    await talk.conversation.submit(CompactOp())
    await gate.reached.wait()
    await talk.interrupt()
    await talk.until("turn_aborted")
    await talk.ask("two")
    assert texts(talk.input_of(2))[1:] == ["one", "A", "two"]


async def test_a_broken_summary_is_asked_for_again(talk: Any) -> None:
    script = [
        answer(message("A")),
        sse(created(), message("HALF")),
        answer(message("WHOLE")),
        answer(message("B")),
    ]
    await talk.start(script, sleep=no_wait)
    await talk.ask("one")
    assert "stream_error" in await compact(talk)
    await talk.ask("two")
    assert "WHOLE" in texts(talk.input_of(3))[1]
    assert "HALF" not in texts(talk.input_of(3))[1]


async def test_what_is_too_long_to_be_summed_up_is_sent_shorter(talk: Any) -> None:
    call = shell_call(["bash", "-c", "head -c 9000 /dev/zero | tr '\\0' x"])
    script = [
        answer(call),
        answer(message("A")),
        OVERFLOW,
        sse(created(), failed("context_length_exceeded", "still too long")),
        answer(message("SUMMARY")),
        answer(message("B")),
    ]
    await talk.start(script)
    await talk.ask("one")
    assert "error" not in await compact(talk)
    outputs = [
        len(item["output"]) for n in (2, 3, 4) for item in talk.input_of(n) if "output" in item["type"]
    ]
    assert outputs == sorted(outputs, reverse=True)
    assert outputs[0] > outputs[1] > outputs[2]
    assert (await talk.ask("two"))[-1] == "task_complete"


async def test_a_conversation_that_can_never_be_summed_up_says_so(talk: Any) -> None:
    await talk.start([answer(message("A")), *[OVERFLOW] * 20])
    await talk.ask("one")
    assert (await compact(talk))[-2:] == ["error", "task_complete"]


# -- by themselves ------------------------------------------------------------------------------------


async def test_at_the_limit_the_next_request_is_made_from_a_summary(talk: Any) -> None:
    script = [full(shell_call(["echo", "x"])), answer(message("SUMMARY")), answer(message("done"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    await talk.until("task_complete")
    ids = [(event["id"], event["msg"]["type"]) for event in talk.events]
    assert ids.count(("auto-compact-0", "task_complete")) == 1
    assert talk.events[-1] == {"id": "0", "msg": {"type": "task_complete", "last_agent_message": "done"}}
    assert "SUMMARY" in texts(talk.input_of(2))[-1]


async def test_after_a_final_answer_nothing_is_summed_up_until_the_user_goes_on(talk: Any) -> None:
    script = [full(message("A")), answer(message("SUMMARY")), answer(message("B"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    assert talk.events[-1]["msg"]["last_agent_message"] == "A"
    assert len(talk.server.requests) == 1
    await talk.say("two")
    await talk.until("task_complete")
    assert (await talk.until("task_complete"))["last_agent_message"] == "B"
    # What is asked now stands behind the summary of what was before it.
    assert "SUMMARY" in texts(talk.input_of(2))[-2]
    assert texts(talk.input_of(2))[-1] == "two"


async def test_what_the_user_says_is_on_disk_before_anything_is_summed_up(talk: Any) -> None:
    gate = Gate()
    script = [full(message("A")), answer(gate, message("SUMMARY")), answer(message("B"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    await talk.say("two")
    await gate.reached.wait()
    recorded = read_json_lines(talk.conversation.rollout_path)
    said = [
        line["payload"] for line in recorded if line["payload"].get("type") in ("message", "user_message")
    ]
    assert [said[-2]["content"][0]["text"], said[-1]["message"]] == ["two", "two"]
    gate.open()
    await talk.until("task_complete")
    await talk.until("task_complete")
    assert texts(talk.input_of(1))[-1] == "Start Summarization"
    assert "two" not in texts(talk.input_of(1))
    recorded = read_json_lines(talk.conversation.rollout_path)
    kinds = [line["payload"].get("type", line["type"]) for line in recorded]
    assert kinds.count("user_message") == 2
    (compacted,) = (line["payload"] for line in recorded if line["type"] == "compacted")
    assert compacted == {"message": "SUMMARY", "keeps_prompt": True}


@pytest.mark.parametrize("way", ["resume", "fork"])
async def test_what_stood_behind_a_summary_does_so_when_it_is_resumed(way: str, talk: Any) -> None:
    script = [full(message("A")), answer(message("SUMMARY")), answer(message("B")), answer(message("C"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    await talk.say("two")
    await talk.until("task_complete")
    await talk.until("task_complete")
    await go_on(talk, way)
    await talk.ask("three")
    assert talk.input_of(3)[: len(talk.input_of(2))] == talk.input_of(2)
    assert texts(talk.input_of(3))[-3:] == ["two", "B", "three"]


async def test_a_summary_that_fails_at_the_start_of_a_task_leaves_the_prompt_where_it_is(talk: Any) -> None:
    no = http_error(400, {"error": {"message": "no"}})
    script = [full(message("A")), no, answer(message("B")), answer(message("C"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    await talk.say("two")
    await talk.until("task_complete")
    await talk.until("task_complete")
    assert texts(talk.input_of(2))[-3:] == ["one", "A", "two"]
    await go_on(talk)
    await talk.ask("three")
    assert texts(talk.input_of(3))[-5:] == ["one", "A", "two", "B", "three"]


async def test_a_conversation_that_stays_above_the_limit_stops(talk: Any) -> None:
    script = [full(shell_call(["echo", "x"])), answer(message("S")), full(shell_call(["echo", "y"]))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.say("one")
    error = await talk.until("error")
    assert error["message"].startswith(
        "Conversation is still above the token limit after automatic summarization (limit 500, current "
    )
    assert (await talk.until("task_complete"))["last_agent_message"] is None


async def test_a_summary_that_fails_on_the_way_does_not_stop_the_task(talk: Any) -> None:
    no = http_error(400, {"error": {"message": "no"}})
    script = [full(shell_call(["echo", "x"])), no, full(shell_call(["echo", "y"])), answer(message("done"))]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.ask("one")
    complete = await talk.until("task_complete")
    assert complete["last_agent_message"] == "done"
    assert [event["id"] for event in talk.events if event["msg"]["type"] == "error"] == ["auto-compact-0"]
    assert texts(talk.input_of(2))[-1] == "one"


async def test_overflow_in_a_turn_leads_to_a_summary_and_an_answer(talk: Any) -> None:
    talk.repo.write("a.gif", b"GIF89a..")
    script = [OVERFLOW, answer(message("SUMMARY")), answer(message("done")), answer(message("more"))]
    await talk.start(script)
    await talk.ask("one")
    assert (await talk.until("task_complete"))["last_agent_message"] == "done"
    assert all(event["msg"]["type"] != "error" for event in talk.events)
    await talk.ask("two")
    assert texts(talk.input_of(3))[-2:] == ["done", "two"]


async def test_overflow_after_a_summary_is_an_error_and_the_conversation_lives(talk: Any) -> None:
    await talk.start([OVERFLOW, answer(message("S")), OVERFLOW, answer(message("ok"))])
    await talk.say("one")
    assert "context window" in (await talk.until("error"))["message"]
    await talk.until("task_complete")
    assert (await talk.ask("two"))[-1] == "task_complete"


async def test_interrupt_while_it_is_summed_up_by_itself(talk: Any) -> None:
    gate = Gate()
    summary, again = answer(gate, message("S")), answer(message("AGAIN"))
    await talk.start(
        [full(shell_call(["echo", "x"])), summary, again, answer(message("ok"))],
        settings={"model_auto_compact_token_limit": 500},
    )
    await talk.say("one")
    await gate.reached.wait()
    await talk.interrupt()
    await talk.until("turn_aborted")
    assert talk.events[-1]["id"] == "0"
    # Still above the limit, so the next task begins with another summary.
    await talk.say("two")
    assert (await talk.until("task_complete"))["last_agent_message"] is None
    assert (await talk.until("task_complete"))["last_agent_message"] == "ok"
    assert "AGAIN" in texts(talk.input_of(3))[-2]
