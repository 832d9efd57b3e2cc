"""Conversations of editors: listeners, questions, interruption, files (spec: servers.md section 5.1)."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import pytest

from codex_core.conversation.conversation import CodexConversation
from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    message,
    patch_call,
    shell_call,
    sse,
)
from codex_mcp_server.feed import Feed
from mcp_server_client import Client, event_type, local_server

UNKNOWN = "67e55044-10b1-426f-9247-bb680e5fe0c8"
ASKS = {"approvalPolicy": "untrusted", "sandbox": "danger-full-access"}


async def begun(client: Client, **params: Any) -> dict[str, str]:
    """A new conversation, as parameter of further methods."""
    return {"conversationId": (await client.call("newConversation", params))["conversationId"]}


async def listen(client: Client, conversation: dict[str, str]) -> dict[str, str]:
    subscription: dict[str, str] = await client.call("addConversationListener", conversation)
    return subscription


async def say(client: Client, conversation: dict[str, str], *items: dict[str, Any] | str) -> None:
    given = [{"type": "text", "data": {"text": item}} if isinstance(item, str) else item for item in items]
    assert await client.call("sendUserMessage", {**conversation, "items": given}) == {}


async def test_each_listener_gets_every_event_once_and_in_order(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(message("abc", deltas=["a", "b", "c"]))]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client)
            subscriptions = [await listen(client, conversation) for _ in range(3)]
            assert len({each["subscriptionId"] for each in subscriptions}) == 3
            await client.call("removeConversationListener", subscriptions[1])
            await say(client, conversation, "go")
            for _ in range(2):
                await client.event("task_complete")
    events = [frame["params"] for frame in client.events()]
    assert events[::2] == events[1::2]  # two listeners, event by event
    assert [event["msg"]["type"] for event in events[::2]] == [
        "task_started", "agent_message_delta", "agent_message_delta", "agent_message_delta", "agent_message",
        "token_count", "task_complete",
    ]  # fmt: skip
    assert {(event["id"], event["conversationId"]) for event in events} == {
        ("0", conversation["conversationId"])
    }


async def test_what_came_before_the_first_listener_is_kept_for_it(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client, **ASKS)
            await say(client, conversation, "go")
            await model.wait_for_outcome(1)
            assert await client.call("ping") == {}
            assert client.events() == []  # and nothing was asked
            await listen(client, conversation)
            assert event_type(await client.next()) == "task_started"
            await client.answer(await client.question(), {"decision": "approved"})
            await client.event("task_complete", start=0)
    assert (git_repo.path / "made").exists()


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ({"decision": "approved"}, True),
        ({"decision": "denied"}, False),
        ({"decision": 5}, False),
        ([], False),
    ],
)
async def test_a_question_is_asked_once_however_many_listen(
    given: object, runs: bool, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client, **ASKS)
            for _ in range(2):
                await listen(client, conversation)
            await say(client, conversation, "go")
            question = await client.question()
            assert question["method"] == "execCommandApproval"
            assert question["params"] == {
                "conversation_id": conversation["conversationId"],
                "call_id": "call_1",
                "command": ["touch", "made"],
                "cwd": str(git_repo.path),
            }
            await client.answer(question, given)
            await client.event("task_complete")
    assert (git_repo.path / "made").exists() is runs
    assert len([frame for frame in client.frames if "method" in frame and "id" in frame]) == 1


async def test_a_patch_is_asked_about(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    patch = "*** Begin Patch\n*** Delete File: README.md\n*** End Patch\n"
    async with ModelServer([answer(patch_call(patch)), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client, **ASKS)
            await listen(client, conversation)
            await say(client, conversation, "go")
            question = await client.question()
            assert (question["method"], question["params"]["file_changes"]) == (
                "applyPatchApproval",
                {str(git_repo.path / "README.md"): {"delete": {"content": "A scratch repository.\n"}}},
            )
            await client.answer(question, {"decision": "approved"})
            await client.event("task_complete")
    assert not (git_repo.path / "README.md").exists()


@pytest.mark.parametrize("listens", [True, False])
async def test_an_interrupt_is_answered_behind_the_event_and_without_listener_too(
    listens: bool, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed()), "after"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client)
            if listens:
                await listen(client, conversation)
            await say(client, conversation, "go")
            await gate.reached.wait()
            ids = [await client.ask("interruptConversation", conversation) for _ in range(3)]
            assert [(await client.reply(each))["result"] for each in ids] == [
                {"abortReason": "interrupted"}
            ] * 3
            if not listens:
                assert client.events() == []
                await listen(client, conversation)
            await client.event("turn_aborted", start=0)
            # Nothing runs now: the answer comes at once.
            assert await client.call("interruptConversation", conversation) == {"abortReason": "interrupted"}
            await say(client, conversation, "again")
            await client.event("task_complete")
    if listens:
        kinds = [event_type(frame) or "reply" for frame in client.frames]
        at = kinds.index("turn_aborted")
        assert kinds[at + 1 : at + 4] == ["reply"] * 3
    assert len(client.events("turn_aborted")) == 1


async def test_an_interrupt_ends_a_question(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "after"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client, **ASKS)
            await listen(client, conversation)
            await say(client, conversation, "go")
            question = await client.question()
            await client.call("interruptConversation", conversation)
            await client.answer(question, {"decision": "approved"})
            await say(client, conversation, "again")
            await client.event("task_complete")
    assert not (git_repo.path / "made").exists()


async def test_a_turn_with_settings_of_its_own(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    (git_repo.path / "sub").mkdir()
    async with ModelServer([answer(shell_call(["sh", "-c", "pwd > here"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client)
            await listen(client, conversation)
            turn = {
                **conversation,
                "items": [{"type": "text", "data": {"text": "go"}}],
                "cwd": str(git_repo.path / "sub"),
                "approvalPolicy": "never",
                "sandboxPolicy": {"mode": "danger-full-access"},
                "model": "other-model",
                "summary": "none",
            }
            assert await client.call("sendUserTurn", turn) == {}
            await client.event("task_complete", start=0)
        assert model.requests[0].json["model"] == "other-model"
    assert (git_repo.path / "sub" / "here").read_text() == f"{git_repo.path / 'sub'}\n"


async def test_settings_of_a_conversation(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    scratch_home.write("config.toml", 'model = "from-file"\n[profiles.p]\nmodel = "from-profile"\n')
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        result = await client.call(
            "newConversation", {"profile": "p", "config": {"model_reasoning_effort": "low"}}
        )
        assert (result["model"], result["reasoningEffort"]) == ("from-profile", "low")
        assert Path(result["rolloutPath"]).is_file()
        scratch_home.write("config.toml", 'model = "changed"\n')
        assert (await client.call("newConversation", {}))["model"] == "changed"
        scratch_home.write("config.toml", "model = 5\n")
        code, text = await client.error("newConversation", {})
        assert (code, text.startswith("error deriving config: ")) == (-32600, True)


async def test_recorded_conversations_are_listed_taken_up_and_put_away(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer(lambda _: "said") as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            assert await client.call("listConversations", {}) == {"items": []}
            made = [await client.call("newConversation", {"sandbox": "workspace-write"}) for _ in range(3)]
            for number, each in enumerate(made):
                conversation = {"conversationId": each["conversationId"]}
                await listen(client, conversation)
                await say(client, conversation, f"context\n## My request for Codex:\n wish {number} ")
                await client.event("task_complete")
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            found = []
            page: dict[str, Any] = {"nextCursor": None}
            while "nextCursor" in page:
                page = await client.call("listConversations", {"pageSize": 2, "cursor": page["nextCursor"]})
                found += page["items"]
            assert {each["conversationId"]: each["preview"] for each in found} == {
                each["conversationId"]: f"wish {number}" for number, each in enumerate(made)
            }
            assert await client.call("listConversations", {"cursor": "nonsense"}) == await client.call(
                "listConversations", {}
            )
            path, conversation = made[0]["rolloutPath"], {"conversationId": made[0]["conversationId"]}
            resumed = await client.call("resumeConversation", {"path": path})
            assert resumed["conversationId"] == conversation["conversationId"]
            assert [each["type"] for each in resumed["initialMessages"]] == [
                "user_message", "agent_message", "token_count",
            ]  # fmt: skip
            assert client.frames[-2]["method"] == "codex/event"
            assert "_meta" not in client.frames[-2]["params"]
            await listen(client, conversation)
            await say(client, conversation, "more")
            await client.event("task_complete")
            assert "wish 0" in str(model.requests[-1].json["input"])
            # Again, while it is open: the first one ends, and with it its listener.
            await client.call("resumeConversation", {"path": path, "overrides": {"model": "other"}})
            await listen(client, conversation)
            count = len(client.frames)
            await say(client, conversation, "and more")
            await client.event("task_complete", start=count)
            assert len([each for each in client.frames[count:] if event_type(each) == "task_started"]) == 1
            assert model.requests[-1].json["model"] == "other"
            assert await client.call("archiveConversation", {**conversation, "rolloutPath": path}) == {}
            assert (await client.error("sendUserMessage", {**conversation, "items": []}))[0] == -32600
            assert len((await client.call("listConversations", {}))["items"]) == 2
    assert not os.path.exists(path)
    assert (scratch_home.codex_home / "archived_sessions" / os.path.basename(path)).is_file()


async def test_of_a_conversation_that_is_over_nothing_is_kept(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        made = await client.call("newConversation", {})
        conversation = {"conversationId": made["conversationId"]}
        subscription = await listen(client, conversation)
        await client.call("archiveConversation", {**conversation, "rolloutPath": made["rolloutPath"]})
        gc.collect()
        assert [each for each in gc.get_objects() if isinstance(each, Feed | CodexConversation)] == []
        assert await client.call("removeConversationListener", subscription) == {}
        assert (await client.error("removeConversationListener", subscription))[0] == -32600


async def test_only_what_is_a_session_is_put_away(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    sessions = scratch_home.codex_home / "sessions"
    sessions.mkdir()
    (sessions / "link").symlink_to(git_repo.path / "README.md")
    (sessions / f"other-{UNKNOWN}.jsonl").symlink_to(git_repo.path / "README.md")
    named = sessions / f"rollout-{UNKNOWN}.jsonl"
    named.write_text("{}\n")
    (scratch_home.codex_home / "archived_sessions").write_text("in the way")
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        for path, code, text in (
            (git_repo.path / "README.md", -32600, "rollout path `{}` must be in sessions directory"),
            (sessions / "link", -32600, "rollout path `{}` must be in sessions directory"),
            (sessions / f"other-{UNKNOWN}.jsonl", -32600, "rollout path `{}` must be in sessions directory"),
            (sessions / "none", -32600, "rollout path `{}` must be in sessions directory"),
            ("a\0b", -32600, "rollout path `{}` must be in sessions directory"),
            (sessions, -32600, f"rollout path `{{}}` does not match conversation id {UNKNOWN}"),
            (named, -32603, "failed to archive conversation: File exists (os error 17)"),
        ):
            params = {"conversationId": UNKNOWN, "rolloutPath": str(path)}
            assert await client.error("archiveConversation", params) == (code, text.format(path))
        params = {"conversationId": UNKNOWN.replace("67", "68", 1), "rolloutPath": str(named)}
        assert "does not match conversation id" in (await client.error("archiveConversation", params))[1]
    assert named.exists()


async def test_conversations_that_are_not_there(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    (scratch_home.codex_home / "empty.jsonl").touch()
    os.mkfifo(scratch_home.path / "pipe")
    unknown = {"conversationId": UNKNOWN}
    not_found = (-32600, f"conversation not found: {UNKNOWN}")
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        assert await client.error("addConversationListener", unknown) == not_found
        assert await client.error("interruptConversation", unknown) == not_found
        assert await client.error("sendUserMessage", {**unknown, "items": []}) == not_found
        assert await client.error("removeConversationListener", {"subscriptionId": "x"}) == (
            -32600,
            "subscription not found: x",
        )
        for path, reason in (
            ("/there/is/none", "No such file or directory (os error 2)"),
            ("a\0b", "the path holds a NUL character"),
            (str(scratch_home.codex_home / "empty.jsonl"), "empty session file"),
            ("/dev/zero", "/dev/zero is no file"),
            (str(scratch_home.path / "pipe"), f"{scratch_home.path / 'pipe'} is no file"),
            (str(scratch_home.path), "Is a directory (os error 21)"),
            (str(git_repo.path / "README.md"), "failed to parse conversation ID from rollout file"),
        ):
            assert await client.error("resumeConversation", {"path": path}) == (
                -32603,
                f"error resuming conversation: {reason}",
            )
        for cwd in ("a\0b", "/there/is/none"):
            code, text = await client.error("newConversation", {"cwd": cwd})
            assert (code, text.partition(":")[0]) == (-32600, "error deriving config")
        code, text = await client.error("resumeConversation", {"path": "x", "overrides": {"profile": "zzz"}})
        assert (code, text) == (-32600, "error deriving config: config profile `zzz` not found")


async def test_pictures_and_text_go_out_together(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with ModelServer(["seen"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client)
            await listen(client, conversation)
            picture = "data:image/png;base64,iVBORw0KGgo="
            await say(client, conversation, {"type": "image", "data": {"image_url": picture}}, "what is it?")
            await client.event("task_complete", start=0)
        (content,) = [
            item["content"]
            for item in model.requests[0].json["input"]
            if "what is it?" in str(item["content"])
        ]
    assert [part["type"] for part in content] == ["input_image", "input_text"]


async def test_a_tool_call_and_an_editor_share_a_conversation(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer(["one", answer(shell_call(["touch", "made"])), "two"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            conversation = await begun(client, **ASKS)
            await listen(client, conversation)
            await say(client, conversation, "from the editor")
            await client.event("task_complete", start=0)
            arguments = {**conversation, "prompt": "from the agent"}
            call = await client.ask("tools/call", {"name": "codex-reply", "arguments": arguments})
            question = await client.question()
            assert question["method"] == "elicitation/create"  # the turn is that of the call
            await client.answer(question, {"decision": "approved"})
            reply = await client.reply(call)
            assert reply["result"]["structuredContent"]["content"] == "two"
            await client.call("ping")
    of_call = [frame["params"]["msg"] for frame in client.frames if frame.get("method") == "codex/event"]
    of_editor = [
        frame["params"]["msg"]
        for frame in client.frames
        if str(frame.get("method")).startswith("codex/event/") and frame["params"]["id"] == "1"
    ]
    assert of_call == of_editor
