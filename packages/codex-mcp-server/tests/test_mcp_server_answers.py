"""Answers to questions that are none, and ids that mean two things (spec: servers.md sections 4 and 11)."""

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
    message,
    shell_call,
    sse,
)
from mcp_server_client import Client, local_server

ASKS = {"approval-policy": "untrusted", "sandbox": "danger-full-access"}

BAD_ANSWERS = {
    "half a character": '{"id":0,"result":{"decision":"approved","x":"\\ud800"}}',
    "key twice": '{"id":0,"result":{"decision":"approved"},"result":{"decision":"approved"}}',
    "too many digits": '{"result":{"decision":"approved","x":' + "9" * 5000 + '},"jsonrpc":"2.0","id":0}',
    "too deep": '{"result":' + "[" * 3000 + "]" * 3000 + ',"id":0}',
    "too long": '{"result":{"decision":"approved","x":"' + "x" * (33 * 1024 * 1024) + '"},"id":0}',
    "no result": '{"id":0}',
    "no result, id as text": '{"id":"0","jsonrpc":"2.0"}',
    "an error": '{"id":0,"error":{"code":-32601,"message":"no"}}',
    "an error, id as text": '{"id":"0","error":{"code":-1,"message":"no"}}',
}


async def codex(client: Client, identifier: str | int) -> None:
    arguments = {"prompt": "go", **ASKS}
    await client.ask("tools/call", {"name": "codex", "arguments": arguments}, id=identifier)


def said(reply: dict[str, Any]) -> str:
    text: str = reply["result"]["content"][0]["text"]
    return text


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("bad", BAD_ANSWERS)
async def test_an_unusable_answer_is_a_no_and_touches_no_call(
    bad: str, call: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    script = [answer(shell_call(["touch", "made"])), sse(created(), gate, message("Done."), completed())]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            await codex(client, call)
            assert (await client.question())["id"] == 0
            await client.send(BAD_ANSWERS[bad])
            await client.send(BAD_ANSWERS[bad])  # twice is once
            await gate.reached.wait()  # the refusal has reached the model
            assert not any("error" in frame for frame in client.frames)  # nobody replies to a reply
            await client.notify("notifications/cancelled", {"requestId": call})
            reply = await client.reply(call)
        assert "rejected by user" in model.requests[1].tool_outputs["call_1"]
    assert (said(reply), reply["result"]["isError"]) == ("The turn was interrupted.", True)
    assert sum(1 for frame in client.frames if frame.get("id") == call and "method" not in frame) == 1
    assert not (git_repo.path / "made").exists()


async def test_an_answer_may_name_its_question_in_text(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with ModelServer([answer(shell_call(["touch", "made"])), "Done."]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            await codex(client, "0")
            await client.question()
            await client.send({"id": "0", "result": {"decision": "approved"}})
            assert said(await client.reply("0")) == "Done."
    assert (git_repo.path / "made").exists()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"id":1,"method":"ping"}', -32600),
        ('{"id":1,"method":"ping","params":"\\ud800"}', -32700),
        ('{"id":1}', -32600),
        ('{"id":1,"a":1,"a":2}', -32700),
        ('{"id":1,"method":5}', -32600),
    ],
)
async def test_what_is_refused_takes_nothing_from_the_call_with_the_same_id(
    line: str, code: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    """A refusal with that id would be, to the client, the answer to the call."""
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed()), "after"]) as model:
        scratch_home.use_model_server(model.base_url)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            await codex(client, 1)
            await gate.reached.wait()
            await client.send(line)
            refused = await client.until(lambda frame: "error" in frame)
            assert (refused["id"], refused["error"]["code"]) == (None, code)
            await client.notify("notifications/cancelled", {"requestId": 1})
            reply = await client.until(lambda frame: "result" in frame)
            assert (reply["id"], said(reply)) == (1, "The turn was interrupted.")
            await codex(client, 1)  # and the id is free again
            assert said(await client.until(lambda frame: "result" in frame)) == "after"


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        ('{"id":"big","method":"ping","params":"' + "x" * (33 * 1024 * 1024) + '"}', "big"),
        ('{"method":"ping","params":"' + "x" * (33 * 1024 * 1024) + '","jsonrpc":"2.0","id":5}', 5),
        ('{"method":"ping","params":"' + "x" * (33 * 1024 * 1024) + '"}', None),
        ('{"method":"ping","params":' + "9" * 5000 + ',"jsonrpc":"2.0","id":6}', 6),
        ('{"method":"ping","params":' + "[" * 3000 + "]" * 3000 + ',"jsonrpc":"2.0","id":7}', 7),
    ],
    ids=["long", "long, id last", "long without id", "digits", "levels"],
)
async def test_the_refusal_of_what_cannot_be_read_reaches_who_waits_for_it(
    line: str, identifier: object, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        await client.send(line)
        frame = await client.next()
        assert (frame["id"], frame["error"]["code"]) == (identifier, -32700)
        assert await client.call("ping") == {}
