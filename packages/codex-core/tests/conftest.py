"""Fixtures for tests of the core: scratch homes and repositories, and conversations against a scripted model."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import ModelServer, ScratchHome, ScratchRepo, script_path
from codex_core.testing.pytest_plugin import git_repo, model_server, run_codex, scratch_home

sys.path.insert(0, str(Path(__file__).parent / "core_kit"))

from served_commands import lifeline, run

__all__ = ["bench", "git_repo", "lifeline", "model_server", "run", "run_codex", "scratch_home", "talk"]

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
    stack = AsyncExitStack()
    try:
        yield Talk(scratch_home, git_repo, stack)
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await stack.aclose()


class Bench:
    """One turn without a model: calls tools as a turn does, keeps their events and answers their questions."""

    def __init__(self, home: ScratchHome, repo: ScratchRepo) -> None:
        from codex_core.config import ConfigFlags, load_config
        from codex_core.conversation.start import initial_context
        from codex_core.services import Services
        from codex_core.workspace.turn_diff import TurnDiffTracker

        self.home = home
        self.repo = repo
        self.services = Services(environ=home.environ())
        flags = ConfigFlags(
            cwd=str(repo.path),
            codex_linux_sandbox_exe=str(script_path("codex-linux-sandbox")),
            apply_patch_exe=str(script_path("apply_patch")),
        )
        self.config = load_config(flags=flags, services=self.services)
        self.context = initial_context(self.config)
        self.approved: set[Any] = set()
        self.diff = TurnDiffTracker(self.context.cwd)
        self.injected: list[Any] = []
        self.command_server: Any = None
        self.events: list[dict[str, Any]] = []
        self._answers: list[str] = []

    def under(self, approval: str, sandbox: str, **policy: Any) -> Bench:
        """Sets the policies of the turn, both by their wire names."""
        from codex_protocol.config_types import AskForApproval
        from codex_protocol.sandbox_policy import parse_sandbox_policy

        self.context = replace(
            self.context,
            approval_policy=AskForApproval(approval),
            sandbox_policy=parse_sandbox_policy({"mode": sandbox, **policy}),
        )
        return self

    async def call(
        self,
        name: str,
        arguments: object,
        *,
        call_id: str = "c1",
        kind: str = "function_call",
        answers: Sequence[str] = (),
    ) -> str:
        """What the model reads of one call; `answers` are the user's decisions, by their wire names."""
        from codex_core.tools.registry import default_registry
        from codex_core.tools.runtime import CallKind, ToolCall

        self._answers += answers
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        output = await default_registry().run(ToolCall(CallKind(kind), call_id, name, text), self)
        assert self._answers == [], "the user was asked less often than foreseen"
        return output.text

    async def shell(self, *argv: str, answers: Sequence[str] = (), **arguments: Any) -> str:
        """What the model reads of a command."""
        return await self.call("shell", {"command": argv, **arguments}, answers=answers)

    def kinds(self) -> list[str]:
        """The types of the events so far, output deltas left out."""
        kinds = [event["type"] for event in self.events]
        return [kind for kind in kinds if kind != "exec_command_output_delta"]

    def last(self, kind: str) -> dict[str, Any]:
        """The newest event of this type."""
        return next(event for event in reversed(self.events) if event["type"] == kind)

    # -- what tools see (ToolRuntime) -------------------------------------------------------------

    async def emit(self, msg: Any) -> None:
        self.events.append(msg.to_wire())

    async def ask_exec(self, call_id: str, command: tuple[str, ...], cwd: str, reason: str | None) -> Any:
        from codex_protocol.events import ExecApprovalRequestEvent

        await self.emit(ExecApprovalRequestEvent(call_id=call_id, command=command, cwd=cwd, reason=reason))
        return self._answer()

    async def ask_patch(self, call_id: str, changes: dict[str, Any]) -> Any:
        from codex_protocol.events import ApplyPatchApprovalRequestEvent

        await self.emit(ApplyPatchApprovalRequestEvent(call_id=call_id, changes=changes))
        return self._answer()

    def inject(self, item: Any) -> None:
        self.injected.append(item)

    def _answer(self) -> Any:
        from codex_protocol.ops import ReviewDecision

        assert self._answers, "the user was asked more often than foreseen"
        return ReviewDecision(self._answers.pop(0))


@pytest.fixture
def bench(scratch_home: ScratchHome, git_repo: ScratchRepo) -> Bench:
    """Tools on a scratch repository: approval `on-request` and sandbox `read-only` until told otherwise."""
    return Bench(scratch_home, git_repo)
