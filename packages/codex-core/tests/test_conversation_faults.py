"""What models, servers and disks do wrong costs at most the task it happens in."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    answer,
    completed,
    created,
    function_call,
    http_error,
    item_done,
    message,
    shell_call,
    sse,
    token_usage,
)
from codex_protocol.ops import parse_op

OVERFLOW = http_error(400, {"error": {"code": "context_length_exceeded", "message": "too long"}})


async def no_wait(seconds: float) -> None:
    """Stands for the clock."""


async def do(talk: Any, kind: str, **fields: object) -> str:
    return await talk.conversation.submit(parse_op({"type": kind, **fields}))


def with_room_for(chars: int) -> Any:
    """A model whose window is that long."""

    def respond(request: Any) -> Any:
        if len(json.dumps(request.json["input"])) > chars:
            return OVERFLOW
        said = request.json["input"][-1].get("content", [{}])[0].get("text")
        return answer(message("SUMMARY" if said == "Start Summarization" else "ok"))

    return respond


# -- conversations that are too long --------------------------------------------------------------


@pytest.mark.parametrize("room", [6_000, 20_000])
async def test_one_prompt_longer_than_the_window_does_not_end_the_conversation(room: int, talk: Any) -> None:
    await talk.start(with_room_for(room))
    for text in ("x " * 100_000, "hi", "and on"):
        await talk.say(text)
        while (await talk.until("task_complete"), talk.events[-1]["id"])[1].startswith("auto"):
            pass
        assert talk.events[-1]["msg"]["last_agent_message"] == "ok"
    assert all(event["msg"]["type"] != "error" for event in talk.events)


async def test_pictures_alone_that_are_too_long_are_left_out(talk: Any) -> None:
    await talk.start(with_room_for(5_000))
    picture = {"type": "image", "image_url": "data:image/png;base64," + "A" * 9_000}
    await do(talk, "user_input", items=[picture])
    await talk.until("task_complete")
    assert (await talk.until("task_complete"))["last_agent_message"] == "ok"


async def test_above_the_limit_the_users_words_are_cut_before_the_task_gives_up(talk: Any) -> None:
    full = token_usage(input_tokens=900, output_tokens=100)
    script = [
        sse(created(), shell_call(["true"]), completed(full)),
        answer(message("SUMMARY")),
        sse(created(), shell_call(["true"]), completed(full)),
        answer(message("done")),
    ]
    await talk.start(script, settings={"model_auto_compact_token_limit": 500})
    await talk.say("long " * 10_000)
    await talk.until("task_complete")
    assert (await talk.until("task_complete"))["last_agent_message"] == "done"
    sizes = [len(json.dumps(talk.input_of(number)[1])) for number in (2, 3)]
    assert sizes[1] < sizes[0] / 2
    outputs = [item for item in talk.input_of(3) if item["type"] == "function_call_output"]
    assert len(outputs) == 1  # what was done since the summary is still there


async def test_settings_changed_while_it_is_summed_up_are_told_afterwards(talk: Any) -> None:
    gate = Gate()
    script = [sse(gate, OVERFLOW.body, status=400), answer(message("S")), answer(message("A"))]
    await talk.start([*script, answer(message("B"))])
    await talk.say("one")
    await talk.server.wait_for_request(1)
    await do(
        talk, "override_turn_context", sandbox_policy={"mode": "read-only"}, approval_policy="on-request"
    )
    await do(talk, "get_path")
    await talk.until("conversation_path")
    gate.open()
    await talk.until("task_complete")
    assert (await talk.until("task_complete"))["last_agent_message"] == "A"
    await talk.ask("two")
    told = [
        part["text"]
        for item in talk.input_of(3)
        for part in item.get("content", ())
        if part["text"].startswith("<environment_context>")
    ]
    assert "<sandbox_mode>read-only</sandbox_mode>" in told[-1]
    assert "<approval_policy>on-request</approval_policy>" in told[-1]


# -- answers that are wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        b'{"type":"dream","x":NaN,"y":-Infinity,"z":"\\ud800"}',
        b'{"type":"dream","x":1e999}',
        b'{"type":"function_call","name":"nothing","arguments":{"a":1},"call_id":"q"}',
        b'{"type":"web_search_call","action":{"type":"search","query":null}}',
        b"[" * 5_000 + b"]" * 5_000,
        b'{"type":"message","role":"assistant","content":[{"type":"weird"}]}',
        b'{"type":["x"]}',
        b"1" * 5_000,
    ],
)
async def test_an_item_that_is_none_costs_only_itself(part: bytes, talk: Any) -> None:
    odd = b'data: {"type":"response.output_item.done","item":' + part + b"}\n\n"
    await talk.start([sse(created(), odd, message("Hello"), completed()), answer(message("Two"))])
    await talk.ask("one")
    assert talk.events[-1]["msg"]["last_agent_message"] == "Hello"
    await talk.ask("two")
    assert all(event["msg"]["type"] not in ("error", "stream_error") for event in talk.events)


async def test_calls_with_empty_equal_and_broken_ids_and_arguments_each_get_an_output(talk: Any) -> None:
    calls = [
        function_call("nothing", {}, identifier, item_id=f"fc_{number}")
        for number, identifier in enumerate(("", "same", "same", ""))
    ]
    broken = b'{"type":"function_call","name":"nothing","arguments":"\xff\xfe{","call_id":"bytes"}'
    odd = b'data: {"type":"response.output_item.done","item":' + broken + b"}\n\n"
    await talk.start([sse(created(), *calls, odd, completed()), answer(message("ok"))])
    await talk.ask("one")
    kinds = [item["type"] for item in talk.input_of(1)[2:]]
    assert kinds == ["function_call", "function_call_output"] * 5


async def test_a_thousand_calls_of_one_answer(talk: Any) -> None:
    calls = [function_call("view_image", {"path": "/none"}, f"c{number}") for number in range(1_000)]
    await talk.start([answer(*calls), answer(message("ok"))])
    await talk.ask("one")
    items = talk.input_of(1)[2:]
    assert [item["call_id"] for item in items[1_000:]] == [f"c{number}" for number in range(1_000)]


async def test_an_answer_byte_by_byte_and_an_item_of_megabytes(talk: Any) -> None:
    large = "ü" * 3_000_000
    await talk.start(
        [
            answer(message("hällo " * 40, deltas=True)).in_pieces(1),
            answer(item_done({"type": "message", "role": "assistant", "content": text_of(large)})),
            answer(message("ok")),
        ]
    )
    await talk.ask("one")
    assert talk.events[-1]["msg"]["last_agent_message"] == "hällo " * 40
    await talk.ask("two")
    await talk.ask("three")
    assert talk.input_of(2)[-2]["content"] == text_of(large)


def text_of(text: str) -> list[dict[str, str]]:
    return [{"type": "output_text", "text": text}]


# -- places and files -----------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [1, 2**31, 2**63, 2**64 - 1])
async def test_a_line_of_the_history_that_is_not_there_is_answered_too(offset: int, talk: Any) -> None:
    talk.home.write("history.jsonl", '{"session_id":"s","ts":1,"text":"x"}\n')
    await talk.start([])
    log_id = os.stat(talk.home.codex_home / "history.jsonl").st_ino
    await do(talk, "get_history_entry_request", offset=offset, log_id=log_id)
    assert "entry" not in await talk.until("get_history_entry_response")


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="other systems refuse such names")
async def test_a_directory_whose_name_is_no_text_is_told_once(talk: Any, tmp_path: Path) -> None:
    place = os.fsencode(str(tmp_path)) + b"/caf\xe9"
    os.mkdir(place)
    await talk.start([answer(message("A")), answer(message("B"))])
    config = replace(talk.config, cwd=os.fsdecode(place))
    talk.conversation = (await talk.manager.new_conversation(config)).conversation
    await talk.ask("one")
    path = talk.conversation.rollout_path
    await talk.manager.close(talk.conversation.conversation_id)
    talk.conversation = (await talk.manager.resume_conversation(config, path=path)).conversation
    await talk.ask("two")
    assert "caf\ufffd</cwd>" in talk.input_of(1)[0]["content"][0]["text"]
    assert talk.input_of(1)[:2] == talk.input_of(0)
    assert str(talk.input_of(1)).count("<environment_context>") == 1


async def test_conversations_that_come_and_go_leave_nothing(talk: Any) -> None:
    import asyncio
    import threading

    async def come_and_go(number: int) -> None:
        conversation = (await talk.manager.new_conversation(talk.config)).conversation
        if number % 3 == 0:
            await conversation.submit(
                parse_op({"type": "user_input", "items": [{"type": "text", "text": "x"}]})
            )
            while (await conversation.next_event()).msg.type != "task_complete":
                pass
        await talk.manager.close(conversation.conversation_id)

    def left() -> tuple[int, int, int]:
        return len(os.listdir("/dev/fd")), len(asyncio.all_tasks()), threading.active_count()

    await talk.start(lambda _request: answer(message("ok")))
    await come_and_go(0)
    before = left()
    for number in range(60):
        await come_and_go(number)
    after = left()
    # The scripted server closes its side of a connection when it gets to it.
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2
    # The loop's pool of threads grows to its size when it is busy.
    assert after[2] <= before[2] + min(32, (os.cpu_count() or 1) + 4)


# -- servers and front ends that misbehave --------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_of_the_model_server_takes_nothing_elsewhere(status: int, talk: Any) -> None:
    async with ModelServer([]) as elsewhere:
        away = http_error(status, {}, {"location": f"{elsewhere.base_url}/responses"})
        await talk.start([away, answer(message("ok"))])
        await talk.ask("one")
        assert f"unexpected status {status}" in str(talk.events)
        assert elsewhere.exchanges == []
    await talk.ask("two")
    assert talk.events[-1]["msg"]["last_agent_message"] == "ok"


async def test_answers_to_no_question_too_late_and_twice_change_nothing(talk: Any) -> None:
    script = [
        answer(shell_call(["touch", "a"], "c1")),
        answer(shell_call(["touch", "b"], "c2")),
        answer(message("ok")),
    ]
    await talk.start(script, settings={"approval_policy": "untrusted", "sandbox_mode": "read-only"})
    await do(talk, "exec_approval", id="0", decision="approved")
    asked = await talk.say("one")
    await talk.until("exec_approval_request")
    await do(talk, "exec_approval", id="nobody", decision="approved")
    await do(talk, "exec_approval", id=asked, decision="denied")
    await do(talk, "patch_approval", id=asked, decision="approved")
    # What came behind the answer answers no later question.
    await talk.until("exec_approval_request")
    await do(talk, "exec_approval", id=asked, decision="denied")
    await talk.until("task_complete")
    await do(talk, "exec_approval", id=asked, decision="approved")
    assert not list(talk.repo.path.glob("[ab]"))
    outputs = [item["output"] for item in talk.input_of(2) if item["type"] == "function_call_output"]
    assert outputs == ["exec command rejected by user"] * 2
