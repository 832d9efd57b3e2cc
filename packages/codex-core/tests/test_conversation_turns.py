"""A conversation against a scripted model: order, retries, interrupts, input while it works, failures."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from codex_core.errors import SessionError
from codex_core.testing import (
    Gate,
    answer,
    completed,
    created,
    failed,
    function_call,
    http_error,
    message,
    read_json_lines,
    reasoning,
    shell_call,
    sse,
)


async def no_wait(seconds: float) -> None:
    """Stands for the clock in tests of retries."""


def kinds(items: list[dict[str, Any]]) -> list[str]:
    return [item["type"] for item in items]


async def test_events_of_a_plain_turn_come_in_order(talk: Any) -> None:
    await talk.start([answer(reasoning("Think.", deltas=True), message("Hello", deltas=True))])
    assert await talk.ask("hi") == [
        "session_configured",
        "task_started",
        "agent_reasoning_section_break",
        "agent_reasoning_delta",
        "agent_reasoning",
        "agent_message_delta",
        "agent_message",
        "token_count",
        "task_complete",
    ]
    assert talk.events[-1]["msg"]["last_agent_message"] == "Hello"


async def test_finished_calls_survive_a_broken_stream_and_do_not_run_twice(talk: Any) -> None:
    script = [
        sse(created(), shell_call(["bash", "-c", "echo once >> ran.txt"])),
        answer(message("done")),
    ]
    await talk.start(script, sleep=no_wait)
    events = await talk.ask("go")
    assert events.count("stream_error") == 1
    assert talk.repo.read("ran.txt") == "once\n"
    assert kinds(talk.input_of(1))[-2:] == ["function_call", "function_call_output"]


async def test_reasoning_that_led_to_nothing_is_not_sent_again(talk: Any) -> None:
    await talk.start([sse(created(), reasoning("Half a thought")), answer(message("ok"))], sleep=no_wait)
    await talk.ask("go")
    assert "reasoning" not in kinds(talk.input_of(1))
    lines = read_json_lines(talk.conversation.rollout_path)
    assert [line["payload"]["type"] for line in lines if line["type"] == "response_item"] == ["message"] * 3


async def test_a_failure_that_cannot_succeed_is_not_retried(talk: Any) -> None:
    await talk.start([http_error(400, {"error": {"message": "no such thing"}}), answer(message("later"))])
    events = await talk.ask("go")
    assert events[-2:] == ["error", "task_complete"]
    assert "stream_error" not in events
    assert len(talk.server.requests) == 1
    assert (await talk.ask("again"))[-1] == "task_complete"


async def test_retries_end_with_the_reason(talk: Any) -> None:
    await talk.start([failed_reply(), failed_reply()], sleep=no_wait)
    events = await talk.ask("go")
    assert events[-3:] == ["stream_error", "error", "task_complete"]
    assert "kaboom" in talk.events[-2]["msg"]["message"]


def failed_reply() -> Any:
    return sse(created(), failed("server_error", "kaboom"))


async def test_input_while_the_model_works_reaches_it_once_in_the_same_task(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("first")), answer(message("second")), answer(message("third"))])
    await talk.say("one")
    await gate.reached.wait()
    await talk.say("two")
    gate.open()
    complete = await talk.until("task_complete")
    assert complete["last_agent_message"] == "second"
    await talk.ask("three")
    texts = [part["text"] for item in talk.input_of(2) for part in item["content"]]
    assert texts[1:] == ["one", "first", "two", "second", "three"]


async def test_interrupt_stops_the_command_and_remembers_that_it_ran(talk: Any) -> None:
    fifo = talk.repo.path / "fifo"
    os.mkfifo(fifo)
    command = ["bash", "-c", f"echo $$ > {fifo}; exec sleep 600"]
    await talk.start([answer(shell_call(command, timeout_ms=600_000)), answer(message("ok"))])
    await talk.say("go")
    pid = int(await asyncio.to_thread(Path(fifo).read_text))
    await talk.interrupt()
    assert (await talk.until("turn_aborted"))["reason"] == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await talk.ask("what happened?")
    items = talk.input_of(1)
    assert kinds(items)[-4:] == ["function_call", "function_call_output", "message", "message"]
    assert items[-3]["output"].startswith("aborted by user after ")
    assert items[-2]["content"][0]["text"].startswith("<turn_aborted>")


async def test_interrupt_while_idle_says_nothing(talk: Any) -> None:
    await talk.start([answer(message("ok"))])
    await talk.interrupt()
    assert "turn_aborted" not in await talk.ask("hi")


async def test_empty_input_does_not_block_the_conversation(talk: Any) -> None:
    from codex_protocol.ops import UserInputOp

    await talk.start([answer(message("ok"))])
    await talk.conversation.submit(UserInputOp(items=()))
    assert (await talk.until("task_complete"))["last_agent_message"] is None
    assert (await talk.ask("hi"))[-1] == "task_complete"
    assert talk.events[-1]["msg"]["last_agent_message"] == "ok"
    assert len(talk.server.requests) == 1


async def test_calls_of_one_answer_run_one_after_another(talk: Any) -> None:
    calls = [
        shell_call(["bash", "-c", "echo 1 >> order"], call_id="c1"),
        shell_call(["bash", "-c", "echo 2 >> order"], call_id="c2"),
    ]
    await talk.start([answer(*calls), answer(message("ok"))])
    await talk.ask("go")
    assert talk.repo.read("order") == "1\n2\n"
    outputs = [item["call_id"] for item in talk.input_of(1) if item["type"] == "function_call_output"]
    assert outputs == ["c1", "c2"]


async def test_unknown_tools_and_bad_arguments_are_answered(talk: Any) -> None:
    calls = [function_call("nothing", {}, "c1"), function_call("shell", "{broken", "c2")]
    await talk.start([answer(*calls), answer(message("ok"))])
    await talk.ask("go")
    outputs = [item["output"] for item in talk.input_of(1) if item["type"] == "function_call_output"]
    assert outputs[0] == "unsupported call: nothing"
    assert outputs[1].startswith("failed to parse function arguments: ")


async def test_a_defect_in_a_tool_ends_the_turn_and_not_the_conversation(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_core.tools.plan import PlanTool

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(PlanTool, "run", broken)
    await talk.start([answer(function_call("update_plan", {}, "c1")), answer(message("ok"))])
    events = await talk.ask("go")
    assert events[-2:] == ["error", "task_complete"]
    assert (await talk.ask("still there?"))[-1] == "task_complete"
    assert talk.input_of(1)[-2]["output"] == "aborted"


async def test_rollout_says_when_the_disk_is_full_and_the_work_goes_on(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from codex_core.rollout import recorder

    await talk.start([answer(message("ok"))])
    path = talk.conversation.rollout_path

    def refuse(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(recorder.os, "write", refuse)
    events = await talk.ask("hi")
    monkeypatch.undo()
    assert events.count("error") == 1
    assert events[-1] == "task_complete"
    assert read_json_lines(path)


async def test_a_slow_reader_holds_the_session_back_and_loses_nothing(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_core.conversation import session

    monkeypatch.setattr(session, "EVENT_QUEUE_SIZE", 2)
    deltas = [f"{number} " for number in range(300)]
    await talk.start([answer(message("".join(deltas), deltas=deltas))])
    await talk.say("go")
    await talk.server.wait_for_request(1)
    await talk.until("task_complete")
    heard = [e["msg"]["delta"] for e in talk.events if e["msg"]["type"] == "agent_message_delta"]
    assert "".join(heard) == "".join(deltas)


async def test_shutdown_in_the_middle_of_a_turn_ends_it(talk: Any) -> None:
    from codex_protocol.ops import ShutdownOp

    gate = Gate()
    await talk.start([answer(gate, message("never"))])
    await talk.say("go")
    await gate.reached.wait()
    await talk.conversation.submit(ShutdownOp())
    await talk.until("shutdown_complete")
    with pytest.raises(SessionError, match="agent loop died unexpectedly"):
        await talk.conversation.next_event()
    with pytest.raises(SessionError, match="agent loop died unexpectedly"):
        await talk.say("hello?")


async def test_closing_with_unread_events_does_not_hang(talk: Any) -> None:
    await talk.start([answer(message("x", deltas=["a"] * 50))])
    await talk.say("go")
    await talk.server.wait_for_outcome(1)
    await talk.manager.close(talk.conversation.conversation_id)
    with pytest.raises(SessionError, match="no conversation with id"):
        talk.manager.get(talk.conversation.conversation_id)


async def test_override_changes_later_turns_and_tells_the_model(talk: Any) -> None:
    from codex_protocol.ops import parse_op

    await talk.start([answer(message("ok"))])
    await talk.conversation.submit(
        parse_op({"type": "override_turn_context", "model": "gpt-5", "sandbox_policy": {"mode": "read-only"}})
    )
    await talk.ask("hi")
    request = talk.server.requests[0].json
    assert request["model"] == "gpt-5"
    assert "<sandbox_mode>read-only</sandbox_mode>" in request["input"][1]["content"][0]["text"]
    assert "<shell>" not in request["input"][1]["content"][0]["text"]


async def test_exec_approval_is_asked_and_each_answer_does_what_it_says(talk: Any) -> None:
    from codex_protocol.ops import parse_op

    call = ["touch", "made"]
    script = [answer(shell_call(call, call_id=f"c{number}")) for number in range(3)] + [answer(message("ok"))]
    await talk.start(script, settings={"approval_policy": "untrusted"})
    submission = await talk.say("go")
    for decision in ("denied", "approved_for_session"):
        question = await talk.until("exec_approval_request")
        assert question["command"] == call
        await talk.conversation.submit(
            parse_op({"type": "exec_approval", "id": submission, "decision": decision})
        )
    await talk.until("task_complete")
    outputs = [item["output"] for item in talk.input_of(3) if item["type"] == "function_call_output"]
    assert outputs[0] == "exec command rejected by user"
    assert (talk.repo.path / "made").exists()
    assert sum(event["msg"]["type"] == "exec_approval_request" for event in talk.events) == 2


async def test_abort_as_an_answer_stops_the_turn(talk: Any) -> None:
    from codex_protocol.ops import parse_op

    await talk.start([answer(shell_call(["touch", "made"]))], settings={"approval_policy": "untrusted"})
    submission = await talk.say("go")
    await talk.until("exec_approval_request")
    await talk.conversation.submit(parse_op({"type": "exec_approval", "id": submission, "decision": "abort"}))
    await talk.until("turn_aborted")
    assert not (talk.repo.path / "made").exists()


async def test_rollout_is_private_and_complete(talk: Any) -> None:
    await talk.start([answer(message("ok", deltas=True))])
    await talk.ask("hi")
    path = Path(talk.conversation.rollout_path)
    lines = read_json_lines(path)
    assert [line["type"] for line in lines] == [
        "session_meta",
        "response_item",
        "response_item",
        "event_msg",
        "turn_context",
        "response_item",
        "event_msg",
        "event_msg",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert lines[0]["payload"]["git"]["branch"] == "main"


async def test_completed_ends_the_turn_though_the_server_keeps_the_connection_open(talk: Any) -> None:
    gate = Gate()
    await talk.start([sse(created(), message("ok"), completed(), gate)])
    assert (await talk.ask("hi"))[-1] == "task_complete"


async def test_a_prompt_interrupted_at_once_is_still_in_the_history(talk: Any) -> None:
    await talk.start([answer(message("ok"))] * 2)
    await talk.say("first words")
    await talk.interrupt()
    await talk.until("turn_aborted")
    await talk.ask("second words")
    texts = [item["content"][0]["text"] for item in talk.input_of(-1)]
    assert "first words" in texts


async def test_input_that_a_failing_request_never_carried_goes_first_next_time(talk: Any) -> None:
    gate = Gate()
    script = [sse(gate, failed("invalid_prompt", "no")), answer(message("ok"))]
    await talk.start(script)
    await talk.say("A")
    await gate.reached.wait()
    await talk.say("B")
    gate.open()
    await talk.until("task_complete")
    await talk.ask("C")
    texts = [item["content"][0]["text"] for item in talk.input_of(1) if item["type"] == "message"]
    assert texts[1:] == ["A", "B", "C"]


async def test_an_answer_survives_a_stream_that_breaks_behind_it(talk: Any) -> None:
    script = [sse(created(), message("The answer.")), answer()]
    await talk.start(script, sleep=no_wait)
    await talk.ask("go")
    assert talk.events[-1]["msg"]["last_agent_message"] == "The answer."


async def test_a_server_that_wants_to_be_left_alone_for_a_day_ends_the_turn(talk: Any) -> None:
    reply = http_error(429, {"error": {"message": "slow down"}}, {"retry-after": "86400"})
    await talk.start([reply, answer(message("later"))])
    events = await talk.ask("go")
    assert events[-2:] == ["error", "task_complete"]
    assert "stream_error" not in events


async def test_submitting_to_a_conversation_that_ends_meanwhile_does_not_hang(talk: Any) -> None:
    from codex_protocol.ops import InterruptOp, ShutdownOp

    await talk.start([])
    submitting = [
        asyncio.create_task(talk.conversation.submit(op)) for op in [ShutdownOp(), *[InterruptOp()] * 80]
    ]
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*submitting, return_exceptions=True)
    assert any(isinstance(outcome, SessionError) for outcome in outcomes)


async def test_a_nul_in_a_path_is_the_models_mistake_and_not_an_internal_error(talk: Any) -> None:
    patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch"
    calls = [
        function_call("shell", {"command": ["ls"], "workdir": "a\0b"}, "c1"),
        shell_call(["bash", "-lc", f"cd 'a\0b' && apply_patch <<'E'\n{patch}\nE\n"], call_id="c2"),
    ]
    await talk.start([answer(*calls), answer(message("ok"))])
    events = await talk.ask("go")
    assert "error" not in events


async def test_the_plans_limits_come_with_the_token_count(talk: Any) -> None:
    from dataclasses import replace

    headers = (("x-codex-primary-used-percent", "12.5"), ("x-codex-primary-window-minutes", "300"))
    await talk.start([replace(answer(message("ok")), headers=headers), answer(message("ok"))])
    await talk.ask("hi")
    count = next(event["msg"] for event in talk.events if event["msg"]["type"] == "token_count")
    assert count["rate_limits"]["primary"] == {
        "used_percent": 12.5,
        "window_minutes": 300,
        "resets_at": None,
    }


async def test_a_used_up_allowance_is_told_with_its_limits(talk: Any) -> None:
    body = {"error": {"type": "usage_limit_reached", "plan_type": "plus", "resets_in_seconds": 60}}
    await talk.start([http_error(429, body, {"x-codex-primary-used-percent": "100"})])
    events = await talk.ask("hi")
    assert events[-3:] == ["token_count", "error", "task_complete"]
    limits = next(event["msg"] for event in talk.events if event["msg"]["type"] == "token_count")
    assert limits["rate_limits"]["primary"]["used_percent"] == 100


async def test_without_limits_the_token_count_is_as_it_was(talk: Any) -> None:
    await talk.start([answer(message("ok"))])
    await talk.ask("hi")
    count = next(event["msg"] for event in talk.events if event["msg"]["type"] == "token_count")
    assert set(count) == {"type", "info"}


async def test_models_that_make_several_calls_at_once_are_told_that_they_may(talk: Any) -> None:
    from codex_protocol.ops import parse_op

    await talk.start([answer(message("ok")), answer(message("ok"))])
    await talk.ask("hi")
    await talk.conversation.submit(parse_op({"type": "override_turn_context", "model": "gpt-5.1"}))
    await talk.ask("hi")
    assert [request.json["parallel_tool_calls"] for request in talk.server.requests] == [False, True]
