"""Conversations share one login: refused at the same time, they renew it once and all go on."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx

from codex_core.testing import ScratchHome, ScratchRepo, answer, message

ID_TOKEN = "aGVhZA." + base64.urlsafe_b64encode(b'{"email":"a@b.c"}').decode().rstrip("=") + ".c2ln"


class Provider(httpx.AsyncBaseTransport):
    """A model that takes only the new token, and waits with its refusals until all have asked."""

    def __init__(self, count: int) -> None:
        self.tokens: list[str] = []
        self._count = count
        self._have_asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"]
        self.tokens.append(token)
        if len(self.tokens) >= self._count:
            self._have_asked.set()
        if token != "Bearer at-2":
            await self._have_asked.wait()
            return httpx.Response(401, json={"error": {"message": "expired"}})
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=answer(message("ok")).body)


async def test_conversations_that_are_refused_at_once_renew_the_login_once(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_login.refresh import TokenRefresher
    from codex_protocol.events import TaskCompleteEvent
    from codex_protocol.ops import TextInput, UserInputOp

    services = Services()
    tokens = {"id_token": ID_TOKEN, "access_token": "at-1", "refresh_token": "rt-1", "account_id": "acc"}
    last = services.now().isoformat()
    scratch_home.write("auth.json", json.dumps({"tokens": tokens, "last_refresh": last}))
    renewals: list[Any] = []

    async def issuer(request: httpx.Request) -> httpx.Response:
        renewals.append(json.loads(request.content)["refresh_token"])
        await asyncio.sleep(0)
        new = {"id_token": ID_TOKEN, "access_token": "at-2", "refresh_token": "rt-2"}
        return httpx.Response(200, json=new)

    provider = Provider(3)
    services = Services(environ=scratch_home.environ(), http_transport=provider)
    config = load_config(flags=ConfigFlags(cwd=str(git_repo.path)), services=services)
    refresher = TokenRefresher(
        config.codex_home,
        issuer="https://issuer.test",
        transport=httpx.MockTransport(issuer),
        environ=scratch_home.environ(),
        now=services.now,
    )
    auth = AuthManager(config.codex_home, refresher=refresher)
    async with asyncio.timeout(30), ConversationManager(auth, services) as manager:
        conversations = [(await manager.new_conversation(config)).conversation for _ in range(3)]
        for conversation in conversations:
            await conversation.submit(UserInputOp(items=(TextInput(text="hi"),)))
        for conversation in conversations:
            while not isinstance(msg := (await conversation.next_event()).msg, TaskCompleteEvent):
                pass
            assert msg.last_agent_message == "ok"
    assert renewals == ["rt-1"]
    assert provider.tokens == ["Bearer at-1"] * 3 + ["Bearer at-2"] * 3
