"""Fixtures for tests of the core: scratch homes and repositories, and conversations against a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from codex_core.testing import ModelServer, ScratchHome, ScratchRepo, script_path
from codex_core.testing.pytest_plugin import git_repo, model_server, run_codex, scratch_home

__all__ = ["git_repo", "model_server", "run_codex", "scratch_home", "talk"]

PATIENCE_S = 30.0
"""A test that waits longer for an event has failed."""


class Talk:
    """A conversation of the library with a scripted model, and everything it said so far."""

    def __init__(self, home: ScratchHome, repo: ScratchRepo, stack: AsyncExitStack) -> None:
        self.home = home
        self.repo = repo
        self.events: list[dict[str, Any]] = []
        self._stack = stack

    async def start(self, script: Any, *, settings: dict[str, object] | None = None, **services: Any) -> Talk:
        """Starts the model server and the conversation; approval `never`, no sandbox unless `settings` say so."""
        from codex_core.config import ConfigFlags, load_config
        from codex_core.conversation.manager import ConversationManager
        from codex_core.services import Services
        from codex_login.auth import AuthManager

        self.server = await self._stack.enter_async_context(ModelServer(script))
        chosen = {"approval_policy": "never", "sandbox_mode": "danger-full-access", **(settings or {})}
        self.home.use_model_server(self.server.base_url, settings=chosen)
        self.services = Services(environ=self.home.environ(), **services)
        flags = ConfigFlags(
            cwd=str(self.repo.path),
            codex_linux_sandbox_exe=str(script_path("codex-linux-sandbox")),
            apply_patch_exe=str(script_path("apply_patch")),
        )
        self.config = load_config(flags=flags, services=self.services)
        manager = ConversationManager(AuthManager(self.config.codex_home), self.services)
        self.manager = await self._stack.enter_async_context(manager)
        self.conversation = (await manager.new_conversation(self.config)).conversation
        return self

    async def say(self, text: str) -> str:
        """Submits a text; the id it got."""
        from codex_protocol.ops import TextInput, UserInputOp

        return await self.conversation.submit(UserInputOp(items=(TextInput(text=text),)))

    async def until(self, kind: str) -> dict[str, Any]:
        """Reads events up to the next one of this type and gives its message."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = (await self.conversation.next_event()).to_wire()
                self.events.append(event)
                if event["msg"]["type"] == kind:
                    return event["msg"]

    async def ask(self, text: str) -> list[str]:
        """Submits a text and reads to the end of its task; the types of the events that came."""
        before = len(self.events)
        await self.say(text)
        await self.until("task_complete")
        return [event["msg"]["type"] for event in self.events[before:]]

    async def interrupt(self) -> None:
        """Submits an interrupt."""
        from codex_protocol.ops import InterruptOp

        await self.conversation.submit(InterruptOp())

    def input_of(self, number: int) -> list[dict[str, Any]]:
        """The input items of the n-th request, from 0."""
        return self.server.requests[number].json["input"]


@pytest.fixture
async def talk(scratch_home: ScratchHome, git_repo: ScratchRepo) -> AsyncIterator[Talk]:
    """A conversation that is started by `await talk.start([...])`."""
    async with AsyncExitStack() as stack:
        yield Talk(scratch_home, git_repo, stack)
