"""What only a front end asks of a conversation: an answer of a certain form, and to leave no trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from codex_core.testing import answer, message, read_json_lines, shell_call
from codex_protocol.ops import GetPathOp, parse_op

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


async def begin_again(talk: Any, **changes: Any) -> Any:
    await talk.manager.aclose()
    started = await talk.manager.new_conversation(replace(talk.config, **changes))
    talk.conversation = started.conversation
    talk.events.clear()
    return started


async def test_an_ephemeral_conversation_leaves_no_file(talk: Any) -> None:
    await talk.start([answer(message("one")), answer(message("two"))])
    before = talk.home.rollouts()
    started = await begin_again(talk, is_ephemeral=True)
    assert started.session_configured.rollout_path == ""
    assert started.conversation.rollout_path is None
    await talk.ask("hi")
    await talk.ask("again")
    await talk.conversation.submit(GetPathOp())
    assert (await talk.until("conversation_path"))["path"] == ""
    await talk.manager.aclose()
    assert talk.home.rollouts() == before
    assert len(talk.input_of(1)) == 4


async def test_a_recorded_conversation_goes_on_without_a_trace(talk: Any) -> None:
    await talk.start([answer(message("one")), answer(message("two"))])
    await talk.ask("first")
    path = talk.conversation.rollout_path
    await talk.manager.aclose()
    before = read_json_lines(path)
    config = replace(talk.config, is_ephemeral=True)
    talk.conversation = (await talk.manager.resume_conversation(config, path=path)).conversation
    await talk.ask("second")
    assert [item["role"] for item in talk.input_of(1)][-3:] == ["user", "assistant", "user"]
    await talk.manager.aclose()
    assert read_json_lines(path) == before


async def test_an_output_schema_goes_with_every_request_of_a_turn_but_not_of_a_review(talk: Any) -> None:
    script = [
        answer(shell_call(["true"])),
        answer(message('{"ok":true}')),
        answer(message("prose")),
    ]
    await talk.start(script)
    await begin_again(talk, output_schema=SCHEMA)
    await talk.ask("hi")
    review = {"type": "review", "review_request": {"prompt": "look", "user_facing_hint": "x"}}
    await talk.conversation.submit(parse_op(review))
    await talk.until("task_complete")
    first, second, third = (request.json.get("text") for request in talk.server.requests)
    expected = {"type": "json_schema", "strict": True, "schema": SCHEMA, "name": "codex_output_schema"}
    assert first["format"] == second["format"] == expected
    assert "format" not in (third or {})
