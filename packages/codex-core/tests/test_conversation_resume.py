"""Recorded conversations go on: by path, id or as the last; elsewhere; after a crash; as forks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.errors import SessionError
from codex_core.testing import answer, message, read_json_lines, shell_call


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for item in items if item["type"] == "message" for part in item["content"]]


async def reopened(talk: Any, **which: Any) -> Any:
    """Ends the conversation and goes on with a recorded one."""
    await talk.manager.aclose()
    config = which.pop("config", talk.config)
    resumed = await talk.manager.resume_conversation(config, **which)
    talk.conversation = resumed.conversation
    talk.events.clear()
    return resumed


@pytest.mark.parametrize("way", ["path", "id", "prefix", "last"])
async def test_a_conversation_goes_on_where_it_ended(way: str, talk: Any) -> None:
    await talk.start([answer(message("first answer")), answer(message("second answer"))])
    await talk.ask("first")
    identifier, path = talk.conversation.conversation_id, talk.conversation.rollout_path
    before = Path(path).read_bytes()
    which: dict[str, Any] = {
        "path": {"path": path},
        "id": {"id": identifier},
        "prefix": {"id": identifier[:6]},
        "last": {"last": True},
    }[way]
    resumed = await reopened(talk, **which)
    assert resumed.conversation_id == identifier
    assert talk.conversation.rollout_path == path
    assert Path(path).read_bytes() == before
    await talk.ask("second")
    assert texts(talk.input_of(1))[1:] == ["first", "first answer", "second"]
    assert talk.server.requests[1].json["prompt_cache_key"] == identifier
    lines = read_json_lines(path)
    assert [line["type"] for line in lines].count("session_meta") == 1


async def test_what_was_shown_before_is_handed_over(talk: Any) -> None:
    await talk.start([answer(message("one"))])
    await talk.ask("hi")
    resumed = await reopened(talk, last=True)
    shown = [msg.to_wire() for msg in resumed.session_configured.initial_messages]
    assert [msg["type"] for msg in shown] == ["user_message", "agent_message", "token_count"]
    assert shown[0]["message"] == "hi"
    first = await talk.until("session_configured")
    assert first["initial_messages"] == shown


async def test_nothing_is_known_is_an_error_and_starts_nothing(talk: Any) -> None:
    await talk.start([])
    await talk.manager.aclose()
    before = talk.home.rollouts()
    with pytest.raises(SessionError, match="There is no session with the id"):
        await talk.manager.resume_conversation(talk.config, id="5b39daaa-e1ba-476a-848b-984f5e2eeeb7")
    with pytest.raises(SessionError, match="There is no session to resume"):
        await talk.manager.resume_conversation(talk.config, last=True)
    with pytest.raises(SessionError, match="No such file"):
        await talk.manager.resume_conversation(talk.config, path=str(talk.repo.path / "none.jsonl"))
    with pytest.raises(ValueError, match="exactly one"):
        await talk.manager.resume_conversation(talk.config, last=True, id="5b39")
    assert talk.home.rollouts() == before


async def test_resumed_elsewhere_it_is_told_what_has_changed(talk: Any, tmp_path: Path) -> None:
    from codex_protocol.sandbox_policy import parse_sandbox_policy

    await talk.start([answer(message("ok")), answer(message("ok")), answer(message("ok"))])
    await talk.ask("hi")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = replace(
        talk.config, cwd=str(elsewhere), sandbox_policy=parse_sandbox_policy({"mode": "read-only"})
    )
    await reopened(talk, last=True, config=config)
    await talk.ask("again")
    told = texts(talk.input_of(1))[-2]
    assert told == (
        f"<environment_context>\n  <cwd>{elsewhere}</cwd>\n  <sandbox_mode>read-only</sandbox_mode>\n"
        "  <network_access>restricted</network_access>\n</environment_context>"
    )
    await reopened(talk, last=True, config=config)
    await talk.ask("once more")
    assert sum("<environment_context>" in text for text in texts(talk.input_of(2))) == 2


async def test_a_call_that_was_killed_is_aborted_and_not_run_again(talk: Any) -> None:
    await talk.start([answer(shell_call(["bash", "-c", "echo x >> ran"])), answer(message("ok"))] * 2)
    await talk.ask("go")
    path = Path(talk.conversation.rollout_path)
    await talk.manager.aclose()
    lines = path.read_text().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if "function_call_output" in line)
    path.write_text("".join(lines[:end]) + lines[end][:40])  # killed while it wrote the output
    await reopened(talk, path=str(path))
    await talk.ask("and now?")
    call, output = [item for item in talk.input_of(2) if item["type"] != "message"]
    assert (call["call_id"], output["output"]) == (output["call_id"], "aborted")
    assert talk.repo.read("ran") == "x\n" * 2
    assert "" not in [line.strip() for line in path.read_text().splitlines()]
    assert all(json.loads(line) for line in path.read_text().splitlines())


async def test_an_open_conversation_is_ended_before_it_is_resumed(talk: Any) -> None:
    await talk.start([answer(message("ok")), answer(message("ok"))])
    await talk.ask("hi")
    first = talk.conversation
    resumed = await talk.manager.resume_conversation(talk.config, last=True)
    assert first.has_ended
    assert talk.manager.get(first.conversation_id) is resumed.conversation
    talk.conversation = resumed.conversation
    assert (await talk.ask("go on"))[-1] == "task_complete"


@pytest.mark.parametrize(
    ("nth", "left"), [(0, ["one", "A", "two", "B"]), (1, ["one", "A"]), (2, None), (9, None)]
)
async def test_a_fork_ends_before_the_nth_message_of_the_user(
    nth: int, left: list[str] | None, talk: Any
) -> None:
    await talk.start([answer(message("A")), answer(message("B")), answer(message("C"))])
    await talk.ask("one")
    await talk.ask("two")
    origin = Path(talk.conversation.rollout_path)
    before = origin.read_bytes()
    forked = await talk.manager.fork_conversation(talk.config, path=str(origin), nth_user_message=nth)
    assert forked.conversation_id != talk.conversation.conversation_id
    talk.conversation = forked.conversation
    await talk.ask("three")
    assert texts(talk.input_of(2))[1:] == [*(left or []), "three"]
    assert origin.read_bytes() == before
    lines = read_json_lines(forked.conversation.rollout_path)
    assert lines[0]["payload"]["id"] == forked.conversation_id
    metas = [line for line in lines if line["type"] == "session_meta"]
    assert len(metas) == (2 if left else 1)


async def test_a_fork_of_a_fork_is_resumed_under_its_own_id(talk: Any) -> None:
    await talk.start([answer(message("A"))])
    await talk.ask("one")
    path = talk.conversation.rollout_path
    for _ in range(2):
        forked = await talk.manager.fork_conversation(talk.config, path=path)
        path = forked.conversation.rollout_path
    resumed = await reopened(talk, path=path)
    assert resumed.conversation_id == forked.conversation_id
    assert [msg.type for msg in resumed.session_configured.initial_messages].count("user_message") == 1


async def test_what_the_agent_was_told_or_shown_does_not_count_as_the_user(talk: Any) -> None:
    from codex_core.testing import function_call

    talk.repo.write("a.gif", b"GIF89a..")
    script = [
        answer(function_call("view_image", {"path": "a.gif"}, "v")),
        answer(message("A")),
        answer(message("B")),
    ]
    await talk.start(script)
    await talk.ask("one")
    forked = await talk.manager.fork_conversation(
        talk.config, path=talk.conversation.rollout_path, nth_user_message=1
    )
    talk.conversation = forked.conversation
    await talk.ask("two")
    assert texts(talk.input_of(2))[1:] == ["two"]


async def test_input_given_while_it_worked_is_shown_again(talk: Any) -> None:
    from codex_core.testing import Gate

    gate = Gate()
    await talk.start([answer(gate, message("A")), answer(message("B"))])
    await talk.say("one")
    await gate.reached.wait()
    await talk.say("two")
    gate.open()
    await talk.until("task_complete")
    resumed = await reopened(talk, last=True)
    shown = [msg.to_wire() for msg in resumed.session_configured.initial_messages]
    assert [msg["message"] for msg in shown if msg["type"] == "user_message"] == ["one", "two"]


async def test_newer_compactions_bring_their_history_along(talk: Any) -> None:
    await talk.start([answer(message("A")), answer(message("B"))])
    await talk.ask("one")
    path = Path(talk.conversation.rollout_path)
    await talk.manager.aclose()
    kept = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "kept"}]}
    line = {
        "timestamp": "t",
        "type": "compacted",
        "payload": {"message": "S", "replacement_history": [kept, {"type": "compaction", "x": 1}]},
    }
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    await reopened(talk, last=True)
    await talk.ask("two")
    told = texts(talk.input_of(1))
    assert told[0] == "kept"
    assert told[-1] == "two"
    assert "one" not in told
