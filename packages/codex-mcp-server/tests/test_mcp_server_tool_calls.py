"""The tools `codex` and `codex-reply` (spec: servers.md sections 2 to 4)."""

from __future__ import annotations

from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    http_error,
    message,
    patch_call,
    shell_call,
    sse,
)
from codex_mcp_server import conversations
from mcp_server_client import INITIALIZE, Client, event_type, local_server

ASKS = {"approval-policy": "untrusted", "sandbox": "danger-full-access"}


def text_of(reply: dict[str, Any]) -> str:
    (content,) = reply["result"]["content"]
    assert content["type"] == "text"
    text: str = content["text"]
    return text


async def codex(client: Client, prompt: str = "go", /, **arguments: Any) -> str | int:
    return await client.ask("tools/call", {"name": "codex", "arguments": {"prompt": prompt, **arguments}})


async def codex_reply(client: Client, conversation_id: str, prompt: str = "more") -> str | int:
    arguments = {"conversationId": conversation_id, "prompt": prompt}
    return await client.ask("tools/call", {"name": "codex-reply", "arguments": arguments})


async def test_a_call_tells_every_event_and_returns_the_answer(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(message("Hello", deltas=["Hel", "lo"]))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            reply = await client.reply(await codex(client, "hi there"))
    frames = client.frames
    assert [event_type(frame) for frame in frames] == [
        "session_configured", "task_started", "agent_message_delta", "agent_message_delta", "agent_message",
        "token_count", "task_complete", None,
    ]  # fmt: skip
    assert [frame["params"]["id"] for frame in frames[:-1]] == ["", *["1"] * 6]
    assert all(frame["params"]["_meta"] == {"requestId": 1} for frame in frames[:-1])
    assert frames[1] == {
        "jsonrpc": "2.0",
        "method": "codex/event",
        "params": {
            "_meta": {"requestId": 1},
            "id": "1",
            "msg": {"type": "task_started", "model_context_window": None},
        },
    }
    conversation_id = frames[0]["params"]["msg"]["session_id"]
    assert reply == {
        "id": 1,
        "jsonrpc": "2.0",
        "result": {
            "content": [{"text": "Hello", "type": "text"}],
            "structuredContent": {"conversationId": conversation_id, "content": "Hello"},
        },
    }


async def test_settings_of_a_call_go_before_those_of_the_command_line(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    (git_repo.path / "sub").mkdir()
    async with ModelServer(["one"]) as model:
        scratch_home.use_model_server(model.base_url)
        overrides = ('model="from-c"', 'model_reasoning_effort="low"')
        async with local_server(scratch_home, *overrides, cwd=git_repo.path) as client:
            wishes = {
                "model": "from-config",
                "model_reasoning_summary": "detailed",
                "hide_agent_reasoning": None,
            }
            reply = await client.reply(
                await codex(client, config={**wishes, "hide_agent_reasoning": True}, cwd="sub")
            )
            assert text_of(reply) == "one"
        (request,) = model.requests
    assert request.json["model"] == "from-config"
    assert f"<cwd>{git_repo.path / 'sub'}</cwd>" in str(request.json["input"])
    configured = client.frames[0]["params"]["msg"]
    assert configured["reasoning_effort"] == "low"


async def test_null_in_config_is_an_empty_text(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with ModelServer(["one"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            reply = await client.reply(await codex(client, config={"model_provider": None}))
    assert text_of(reply).startswith("Failed to load Codex configuration from overrides: ")
    assert "Model provider `` not found" in text_of(reply)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"name": "nope"}, "Unknown tool 'nope'"),
        ({"name": "codex"}, "Missing arguments for codex tool-call; the `prompt` field is required."),
        (
            {"name": "codex", "arguments": {}},
            "Failed to parse configuration for Codex tool: missing field `prompt`",
        ),
        (
            {"name": "codex", "arguments": "x"},
            'Failed to parse configuration for Codex tool: invalid type: string "x", expected CodexToolCallParams',
        ),
        (
            {"name": "codex", "arguments": {"prompt": "x", "profile": "zzz"}},
            "Failed to load Codex configuration from overrides: config profile `zzz` not found",
        ),
        (
            {"name": "codex-reply"},
            "Missing arguments for codex-reply tool-call; the `conversation_id` and `prompt` fields are required.",
        ),
        (
            {"name": "codex-reply", "arguments": {"prompt": "x"}},
            "Failed to parse configuration for Codex tool: missing field `conversationId`",
        ),
        (
            {"name": "codex-reply", "arguments": {"prompt": "x", "conversationId": "nope"}},
            'Failed to parse conversation_id: invalid value: string "nope", expected a UUID',
        ),
        (
            {
                "name": "codex-reply",
                "arguments": {"prompt": "x", "conversationId": "67E55044-10b1-426f-9247-bb680e5fe0c8"},
            },
            "Session not found for conversation_id: 67e55044-10b1-426f-9247-bb680e5fe0c8",
        ),
    ],
)
async def test_a_call_that_comes_to_nothing(
    params: dict[str, Any], text: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        result = await client.call("tools/call", params)
    assert result == {"content": [{"text": text, "type": "text"}], "isError": True}


async def test_a_session_that_cannot_start(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    scratch_home.write("sessions", "a file where a directory should be")
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        reply = await client.reply(await codex(client))
    assert text_of(reply).startswith("Failed to start Codex session: ")


async def test_a_session_that_another_server_holds_is_said_to_be_in_use(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer(["one"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as holder:
            first = await holder.reply(await codex(holder, "first words"))
            conversation_id = first["result"]["structuredContent"]["conversationId"]
            async with local_server(scratch_home, cwd=git_repo.path) as other:
                reply = await other.reply(await codex_reply(other, conversation_id, "second words"))
    assert text_of(reply).startswith("Failed to start Codex session: ")
    assert "in use by another running Codex" in text_of(reply)


async def test_a_reply_goes_on_with_the_conversation(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer(["one", "two"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            first = await client.reply(await codex(client, "first words"))
            conversation_id = first["result"]["structuredContent"]["conversationId"]
            count = len(client.frames)
            second = await client.reply(await codex_reply(client, conversation_id, "second words"))
        assert "first words" in str(model.requests[1].json["input"])
    assert text_of(second) == "two"
    assert second["result"]["structuredContent"]["conversationId"] == conversation_id
    events = [frame["params"] for frame in client.frames[count:-1]]
    assert {event["id"] for event in events} == {"0"}
    assert {event["_meta"]["requestId"] for event in events} == {second["id"]}
    assert "session_configured" not in {event["msg"]["type"] for event in events}


async def test_a_reply_to_a_session_of_an_earlier_server_works_where_that_did(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    (git_repo.path / "sub").mkdir()
    async with ModelServer(lambda _: "said") as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            first = await client.reply(await codex(client, "first words", cwd="sub"))
        conversation_id = first["result"]["structuredContent"]["conversationId"]
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            # Both at once: only one of them may take it up from its file.
            ids = [await codex_reply(client, conversation_id, word) for word in ("second", "third")]
            replies = [await client.reply(identifier) for identifier in ids]
        sent = str(model.requests[-1].json["input"])
        assert all(word in sent for word in ("first words", "second", "third"))
        assert f"<cwd>{git_repo.path}</cwd>" not in sent
    assert [text_of(reply) for reply in replies] == ["said", "said"]
    assert len(scratch_home.rollouts()) == 1


async def test_a_failed_turn_is_an_error_and_does_not_end_the_next_call(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    refused = http_error(400, {"error": {"message": "kaboom"}})
    async with ModelServer([refused, "fine"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            first = await client.reply(await codex(client))
            assert first["result"]["isError"] is True
            assert "kaboom" in text_of(first)
            conversation_id = first["result"]["structuredContent"]["conversationId"]
            second = await client.reply(await codex_reply(client, conversation_id))
    assert text_of(second) == "fine"


async def test_a_cancelled_call_stops_the_turn_and_is_answered(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer([sse(created(), message("x", deltas=["x"]), gate, completed()), "after"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            call = await codex(client)
            await client.event("agent_message_delta")
            await client.notify("notifications/cancelled", {"requestId": call, "reason": "enough"})
            await client.notify("notifications/cancelled", {"requestId": "unknown"})
            aborted = await client.event("turn_aborted", start=0)
            reply = await client.reply(call)
            assert aborted["params"]["msg"]["reason"] == "interrupted"
            assert (text_of(reply), reply["result"]["isError"]) == ("The turn was interrupted.", True)
            count = len(client.frames)
            again = await client.reply(
                await codex_reply(client, reply["result"]["structuredContent"]["conversationId"])
            )
    assert text_of(again) == "after"
    assert {frame["params"]["_meta"]["requestId"] for frame in client.frames[count:-1]} == {again["id"]}


async def test_progress_is_told_to_who_asked_for_it(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    script = [answer(shell_call(["echo", "a b"])), answer(message("Done.\nMore."))]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            params = {
                "name": "codex",
                "arguments": {"prompt": "go", "sandbox": "danger-full-access", "approval-policy": "never"},
                "_meta": {"progressToken": "p"},
            }
            await client.call("tools/call", params)
    told = [frame["params"] for frame in client.frames if frame.get("method") == "notifications/progress"]
    assert told == [
        {"message": "Thinking", "progress": 1, "progressToken": "p"},
        {"message": "Running echo 'a b'", "progress": 2, "progressToken": "p"},
        {"message": "Done.", "progress": 3, "progressToken": "p"},
    ]


async def test_the_settings_of_the_oldest_closed_sessions_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    monkeypatch.setattr(conversations, "IDLE_TOOL_SESSIONS", 1)
    monkeypatch.setattr(conversations, "KEPT_SETTINGS", 1)
    async with ModelServer(lambda _: "said") as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            calls = [await client.reply(await codex(client, model=f"model-{n}")) for n in range(3)]
            for number, expected in ((1, "model-1"), (0, "mock-model")):
                conversation_id = calls[number]["result"]["structuredContent"]["conversationId"]
                await client.reply(await codex_reply(client, conversation_id))
                assert model.requests[-1].json["model"] == expected


async def test_sessions_that_were_closed_to_make_room_go_on_with_their_settings(
    monkeypatch: pytest.MonkeyPatch, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    monkeypatch.setattr(conversations, "IDLE_TOOL_SESSIONS", 1)
    closed: list[str] = []
    close = conversations.Conversations.close

    async def noted(table: conversations.Conversations, conversation_id: str) -> None:
        closed.append(conversation_id)
        await close(table, conversation_id)

    monkeypatch.setattr(conversations.Conversations, "close", noted)
    async with ModelServer(lambda _: "said") as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            calls = [
                await client.reply(await codex(client, f"word {n}", model=f"model-{n}")) for n in range(3)
            ]
            for number in (0, 2, 1, 0):
                conversation_id = calls[number]["result"]["structuredContent"]["conversationId"]
                reply = await client.reply(await codex_reply(client, conversation_id))
                assert text_of(reply) == "said"
                request = model.requests[-1].json
                assert (request["model"], f"word {number}" in str(request["input"])) == (
                    f"model-{number}",
                    True,
                )
    assert len(scratch_home.rollouts()) == 3
    begun = [call["result"]["structuredContent"]["conversationId"] for call in calls]
    assert closed == [begun[number] for number in (0, 1, 2, 0, 2, 1)]


# -- approvals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "runs", "goes_on"),
    [
        ({"decision": "approved"}, True, True),
        ({"decision": "approved_for_session"}, True, True),
        ({"decision": "denied"}, False, True),
        ({"decision": "abort"}, False, False),
        ({"action": "accept", "content": {}}, True, True),
        ({"action": "decline"}, False, True),
        ({"action": "cancel"}, False, False),
        ({"decision": "bogus"}, False, True),
        ({"decision": ["approved"]}, False, True),
        ("approved", False, True),
        (None, False, True),
    ],
)
async def test_a_command_is_asked_about(
    given: object, runs: bool, goes_on: bool, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    script = [answer(shell_call(["touch", "made it"])), *(["Done."] if goes_on else [])]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            call = await codex(client, **ASKS)
            question = await client.question()
            assert question == {
                "id": 0,
                "jsonrpc": "2.0",
                "method": "elicitation/create",
                "params": {
                    "message": f"Allow Codex to run `touch 'made it'` in `{git_repo.path}`?",
                    "requestedSchema": {"properties": {}, "type": "object"},
                    "codex_elicitation": "exec-approval",
                    "codex_mcp_tool_call_id": "1",
                    "codex_event_id": "1",
                    "codex_call_id": "call_1",
                    "codex_command": ["touch", "made it"],
                    "codex_cwd": str(git_repo.path),
                },
            }
            assert event_type(client.frames[-2]) == "exec_approval_request"
            await client.answer(question, given)
            reply = await client.reply(call)
        if goes_on:
            output = model.requests[1].tool_outputs["call_1"]
            assert ("exec command rejected by user" in output) is not runs
        model.assert_done()
    assert (git_repo.path / "made it").exists() is runs
    assert reply["result"].get("isError", False) is not goes_on


async def test_a_patch_is_asked_about(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    patch = "*** Begin Patch\n*** Add File: new.txt\n+one\n+two\n*** End Patch\n"
    async with ModelServer([answer(patch_call(patch)), "Done."]) as model:
        scratch_home.use_model_server(model.base_url, model="gpt-5")
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            call = await codex(client, **ASKS)
            question = await client.question()
            assert question["params"] == {
                "message": "Allow Codex to apply proposed code changes?",
                "requestedSchema": {"properties": {}, "type": "object"},
                "codex_elicitation": "patch-approval",
                "codex_mcp_tool_call_id": "1",
                "codex_event_id": "1",
                "codex_call_id": "call_1",
                "codex_changes": {str(git_repo.path / "new.txt"): {"add": {"content": "one\ntwo\n"}}},
            }
            await client.answer(question, {"decision": "approved"})
            assert text_of(await client.reply(call)) == "Done."
    assert (git_repo.path / "new.txt").read_text() == "one\ntwo\n"


async def test_an_answer_that_comes_twice_or_late_changes_nothing(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    script = [
        answer(shell_call(["touch", "one"])),
        answer(shell_call(["touch", "two"], call_id="call_2")),
        "Done.",
    ]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            call = await codex(client, **ASKS)
            first = await client.question()
            await client.answer(first, {"decision": "approved"})
            await client.answer(first, {"decision": "denied"})
            second = await client.question()
            await client.answer(first, {"decision": "approved"})
            await client.notify("notifications/cancelled", {"requestId": call})
            await client.reply(call)
            await client.answer(second, {"decision": "approved"})
            assert await client.call("ping") == {}
    assert (git_repo.path / "one").exists()
    assert not (git_repo.path / "two").exists()


async def test_at_the_end_of_the_input_a_call_is_finished_and_open_questions_are_refused(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            call = await codex(client, **ASKS)
            await client.question()
        assert text_of(await client.reply(call)) == "Done."
        assert "rejected by user" in model.requests[1].tool_outputs["call_1"]
    assert not (git_repo.path / "made").exists()


async def test_a_call_beside_another_in_one_conversation_is_answered_too(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer(["one", sse(created(), gate, message("x"), completed()), "both"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            first = await client.reply(await codex(client))
            conversation_id = first["result"]["structuredContent"]["conversationId"]
            one = await codex_reply(client, conversation_id, "one")
            await gate.reached.wait()
            two = await codex_reply(client, conversation_id, "two")
            assert await client.call("initialize", INITIALIZE)  # by then the second call is under way
            gate.open()
            replies = [await client.reply(each) for each in (one, two)]
        assert "two" in str(model.requests[2].json["input"])
    assert [text_of(reply) for reply in replies] == ["both", "both"]


@pytest.mark.parametrize("cancelled", [0, 1])
async def test_to_cancel_one_of_the_calls_that_share_a_turn_ends_them_both(
    cancelled: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer(["one", sse(created(), gate, completed()), "after"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            first = await client.reply(await codex(client))
            conversation_id = first["result"]["structuredContent"]["conversationId"]
            calls = [await codex_reply(client, conversation_id, "one")]
            await gate.reached.wait()
            calls.append(await codex_reply(client, conversation_id, "two"))
            assert await client.call("initialize", INITIALIZE)  # by then the second call is under way
            await client.notify("notifications/cancelled", {"requestId": calls[cancelled]})
            for call in calls:
                assert text_of(await client.reply(call)) == "The turn was interrupted."
            assert text_of(await client.reply(await codex_reply(client, conversation_id))) == "after"
