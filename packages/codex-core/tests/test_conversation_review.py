"""Reviews: a thread of their own, their answer in one event, and nothing of them in the conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_core.conversation.review import (
    BaseBranch,
    Commit,
    CustomReview,
    UncommittedChanges,
    review_output,
    review_request,
)
from codex_core.testing import Gate, answer, http_error, message, read_json_lines, shell_call
from codex_protocol.ops import parse_op

FINDING = {
    "title": "[P1] Off by one",
    "body": "It is.",
    "confidence_score": 0.5,
    "priority": 1,
    "code_location": {"absolute_file_path": "/w/a.py", "line_range": {"start": 1, "end": 2}},
}
OUTPUT = {
    "findings": [FINDING],
    "overall_correctness": "patch is incorrect",
    "overall_explanation": "One bug.",
    "overall_confidence_score": 0.5,
}
REVIEW = parse_op(
    {"type": "review", "review_request": {"prompt": "Review it", "user_facing_hint": "current changes"}}
)


def kinds(talk: Any) -> list[str]:
    return [event["msg"]["type"] for event in talk.events if "delta" not in event["msg"]["type"]]


async def test_a_review_reports_its_findings_and_leaves_the_conversation_alone(talk: Any) -> None:
    script = [
        answer(message("A")),
        answer(message("Let me see.", deltas=True), shell_call(["echo", "diff"])),
        answer(message(json.dumps(OUTPUT), deltas=True)),
        answer(message("B")),
    ]
    await talk.start(script, settings={"review_model": "gpt-5-codex"})
    await talk.ask("one")
    talk.events.clear()
    await talk.conversation.submit(REVIEW)
    complete = await talk.until("task_complete")
    assert json.loads(complete["last_agent_message"]) == OUTPUT
    assert kinds(talk) == [
        "task_started",
        "entered_review_mode",
        "exec_command_begin",
        "exec_command_end",
        "token_count",
        "token_count",
        "exited_review_mode",
        "task_complete",
    ]
    assert all(event["msg"]["type"] != "agent_message_delta" for event in talk.events)
    exited = next(event["msg"] for event in talk.events if event["msg"]["type"] == "exited_review_mode")
    assert exited["review_output"] == OUTPUT
    request = talk.server.requests[1].json
    assert request["model"] == "gpt-5-codex"
    assert [item["content"][0]["text"] for item in request["input"]] == ["Review it"]
    assert [tool.get("name") for tool in request["tools"]] == ["shell"]
    assert "[P0]" in request["instructions"]
    await talk.ask("two")
    texts = [item["content"][0]["text"] for item in talk.input_of(3)]
    assert texts[1:] == ["one", "A", "two"]
    lines = read_json_lines(talk.conversation.rollout_path)
    recorded = [line["payload"]["type"] for line in lines if line["type"] == "event_msg"]
    assert recorded.count("entered_review_mode") == recorded.count("exited_review_mode") == 1
    assert sum(line["type"] == "response_item" for line in lines) == 5


async def test_a_review_replaces_what_runs(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("never")), answer(message("fine"))])
    await talk.say("one")
    await gate.reached.wait()
    await talk.conversation.submit(REVIEW)
    assert (await talk.until("turn_aborted"))["reason"] == "replaced"
    exited = await talk.until("exited_review_mode")
    assert exited["review_output"]["overall_explanation"] == "fine"


async def test_an_interrupted_review_leaves_review_mode(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("never")), answer(message("ok"))])
    await talk.conversation.submit(REVIEW)
    await gate.reached.wait()
    await talk.interrupt()
    assert (await talk.until("exited_review_mode"))["review_output"] is None
    await talk.until("turn_aborted")
    await talk.ask("go on")
    assert "turn_aborted" not in str(talk.input_of(1))


async def test_a_review_that_fails_leaves_review_mode(talk: Any) -> None:
    await talk.start([http_error(400, {"error": {"message": "no"}}), answer(message("ok"))])
    await talk.conversation.submit(REVIEW)
    await talk.until("error")
    assert (await talk.until("exited_review_mode"))["review_output"] is None
    assert (await talk.until("task_complete"))["last_agent_message"] is None
    assert (await talk.ask("go on"))[-1] == "task_complete"


async def test_a_defect_in_a_review_leaves_review_mode(talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from codex_core.testing import function_call
    from codex_core.tools.plan import PlanTool

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(PlanTool, "run", broken)
    await talk.start([answer(function_call("update_plan", {}))])
    await talk.conversation.submit(REVIEW)
    await talk.until("task_complete")
    assert kinds(talk)[-3:] == ["exited_review_mode", "error", "task_complete"]


async def test_a_long_review_is_summed_up_without_touching_the_conversation(talk: Any) -> None:
    overflow = http_error(400, {"error": {"code": "context_length_exceeded", "message": "too long"}})
    script = [
        answer(message("A")),
        answer(shell_call(["echo", "x"])),
        overflow,
        answer(message("SUMMARY")),
        answer(message("fine")),
        answer(message("B")),
    ]
    await talk.start(script)
    await talk.ask("one")
    await talk.conversation.submit(REVIEW)
    assert (await talk.until("exited_review_mode"))["review_output"]["overall_explanation"] == "fine"
    (bridge,) = talk.input_of(4)
    assert "SUMMARY" in bridge["content"][0]["text"]
    await talk.until("task_complete")
    await talk.ask("two")
    assert [item["content"][0]["text"] for item in talk.input_of(5)][1:] == ["one", "A", "two"]
    lines = read_json_lines(talk.conversation.rollout_path)
    assert all(line["type"] != "compacted" for line in lines)


# -- the answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OUTPUT),
        f"Here:\n```json\n{json.dumps(OUTPUT, indent=1)}\n```\n",
        f"a {json.dumps(OUTPUT)} b",
    ],
)
def test_the_answer_is_found_wherever_it_is(text: str) -> None:
    assert review_output(text).to_wire() == OUTPUT


@pytest.mark.parametrize("priority", [{}, {"priority": None}])
def test_a_finding_without_priority_counts(priority: dict[str, None]) -> None:
    finding = {key: value for key, value in FINDING.items() if key != "priority"} | priority
    output = review_output(json.dumps({**OUTPUT, "findings": [finding]}))
    assert [found.priority for found in output.findings] == [0]


@pytest.mark.parametrize("text", ["", "fine", "{", "}{", '{"findings": 1}', "[]", '{"findings": [1]}'])
def test_prose_is_kept_as_prose(text: str) -> None:
    output = review_output(text)
    assert output.findings == ()
    assert output.overall_explanation == text


# -- what is asked for --------------------------------------------------------------------------------


def test_each_target_is_asked_for_in_full_and_named_in_brief() -> None:
    uncommitted = review_request(UncommittedChanges())
    assert "untracked" in uncommitted.prompt or "track" in uncommitted.prompt
    assert uncommitted.user_facing_hint == "current changes"
    branch = review_request(BaseBranch("main", "abc123"))
    assert "git diff abc123" in branch.prompt
    assert branch.user_facing_hint == "changes against 'main'"
    assert "git merge-base HEAD main" in review_request(BaseBranch("main")).prompt
    commit = review_request(Commit("0123456789abcdef", "Fix it"))
    assert "git show 0123456789abcdef" in commit.prompt
    assert commit.user_facing_hint == "commit 0123456: Fix it"
    custom = review_request(CustomReview("  Look at auth.\nAll of it. "))
    assert custom.prompt == "Look at auth.\nAll of it."
    assert custom.user_facing_hint == "Look at auth."
