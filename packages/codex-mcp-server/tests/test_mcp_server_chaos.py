"""Random requests, answers and cancellations at once: every request is answered, once, in the protocol's types."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from codex_core.testing import ModelServer, ScratchHome, ScratchRepo, answer, message, shell_call
from codex_protocol.base import WireModel
from codex_protocol.elicitation import ExecApprovalElicitParams
from codex_protocol.ide import EventNotificationParams
from codex_protocol.ide_methods import CLIENT_METHODS, NOTIFICATIONS, SERVER_METHODS
from codex_protocol.json_rpc import JsonRpcError
from codex_protocol.mcp_types import (
    CallToolResult,
    CancelledNotificationParams,
    InitializeResult,
    ListToolsResult,
    ProgressNotificationParams,
)
from mcp_server_client import INITIALIZE, Client, Frame, local_server

STEPS = 300
NO_PARAMS = ("getAuthStatus", "getUserAgent", "getUserSavedConfig", "tools/list", "userInfo")
ANSWERS = (
    '{"id":%d,"result":{"decision":"approved"}}',
    '{"id":%d,"result":{"decision":"abort"}}',
    '{"id":"%d","result":{"action":"decline"}}',
    '{"id":%d,"error":{"code":1,"message":"no"}}',
    '{"id":%d}',
    '{"id":%d,"result":"\\ud800"}',
    '[{"id":%d,"error":{"code":1,"message":"no"}}]',
    '{"id":null,"error":{"code":-32700,"message":"to %d, I think"}}',
)
RESULTS: dict[str, type[WireModel]] = {
    **{name: method.result for name, method in CLIENT_METHODS.items()},
    "tools/call": CallToolResult,
    "tools/list": ListToolsResult,
    "initialize": InitializeResult,
}
PARAMS: dict[str, type[WireModel] | None] = {
    **{name: method.params for name, method in SERVER_METHODS.items()},
    **NOTIFICATIONS,
    "elicitation/create": ExecApprovalElicitParams,
    "notifications/progress": ProgressNotificationParams,
    "notifications/cancelled": CancelledNotificationParams,
}


def shape_of(frame: Frame, methods: dict[str | int, str]) -> tuple[type[WireModel] | None, Any]:
    """What a frame says, and the type it has to have; `methods` by the id of the request."""
    if "error" in frame:
        return JsonRpcError, frame
    if "result" in frame:
        return RESULTS[methods[frame["id"]]], frame["result"]
    if frame["method"].startswith("codex/event"):
        return EventNotificationParams, frame["params"]
    return PARAMS[frame["method"]], frame["params"]


class Player:
    """A client that does whatever chance says with what it has learned so far."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self._conversations = ["67e55044-10b1-426f-9247-bb680e5fe0c8"]
        self._listeners = ["none"]
        self._paths: dict[str, str] = {}
        self.asked: dict[str | int, str] = {}
        """The methods of all requests by their ids."""

    async def learn(self, frame: Frame) -> None:
        result = frame.get("result")
        if "method" in frame and "id" in frame and self._chance.random() < 0.8:
            await self._client.send(self._chance.choice(ANSWERS) % frame["id"])
        elif isinstance(result, dict):
            result = {**result, **result.get("structuredContent", {})}
            self._conversations += [result["conversationId"]] if "conversationId" in result else []
            self._listeners += [result["subscriptionId"]] if "subscriptionId" in result else []
            if "rolloutPath" in result:
                self._paths[result["conversationId"]] = result["rolloutPath"]

    async def move(self) -> None:
        chance, step = self._chance, len(self.asked)
        conversation = {"conversationId": chance.choice(self._conversations)}
        listener = {"subscriptionId": chance.choice(self._listeners)}
        moves: list[tuple[str, dict[str, Any]]] = [
            ("newConversation", {}),
            ("addConversationListener", conversation),
            ("removeConversationListener", listener),
            ("sendUserMessage", {**conversation, "items": [{"type": "text", "data": {"text": f"{step}"}}]}),
            ("interruptConversation", conversation),
            ("listConversations", {"pageSize": 3}),
            (chance.choice(NO_PARAMS), {}),
            ("initialize", INITIALIZE),
            (
                "tools/call",
                {"name": "codex", "arguments": {"prompt": f"{step}"}, "_meta": {"progressToken": step}},
            ),
            ("tools/call", {"name": "codex-reply", "arguments": {**conversation, "prompt": f"{step}"}}),
        ]
        if self._paths:
            identifier, path = chance.choice(list(self._paths.items()))
            moves.append(("resumeConversation", {"path": path}))
            moves.append(("archiveConversation", {"conversationId": identifier, "rolloutPath": path}))
        if self.asked and chance.random() < 0.15:
            await self._client.notify(
                "notifications/cancelled", {"requestId": chance.choice(list(self.asked)[-10:])}
            )
        else:
            method, params = chance.choice(moves)
            self.asked[await self._client.ask(method, params)] = method


@pytest.mark.parametrize("seed", range(3))
async def test_every_request_is_answered_once(
    seed: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    chance = random.Random(seed)

    def said(_: object) -> Any:
        if chance.random() < 0.3:
            return answer(shell_call(["touch", f"made-{chance.random()}"]))
        return answer(message("hi", deltas=["h", "i"]))

    async with ModelServer(said) as model:
        settings = {"sandbox_mode": "danger-full-access", "approval_policy": "untrusted"}
        scratch_home.use_model_server(model.base_url, settings=settings)
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            player = Player(client, chance)
            for step in range(STEPS):
                await player.move()
                if step % 3 == 0:  # sometimes it waits for what has been asked, mostly it does not
                    await client.ask("ping", id=f"ping {step}")
                    while (frame := await client.next()).get("id") != f"ping {step}":
                        await player.learn(frame)
    await client.rest()
    replies = Counter(frame["id"] for frame in client.frames if "method" not in frame)
    assert {identifier: replies[identifier] for identifier in player.asked} == dict.fromkeys(player.asked, 1)
    defects = [frame for frame in client.frames if "internal error" in str(frame.get("error"))]
    assert defects == []
    for frame in client.frames:
        if not str(frame.get("id")).startswith("ping"):
            shape, told = shape_of(frame, player.asked)
            assert shape is not None
            assert shape.from_wire(told).to_wire() == told
