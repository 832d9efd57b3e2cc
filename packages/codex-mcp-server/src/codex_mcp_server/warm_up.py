"""Gets ready for the first conversation while the client has nothing to ask.

Models and the HTTP library cost more to load than everything else a call of a tool does. They are loaded when
the handshake is over, in a thread, so that what the client asks meanwhile is answered meanwhile; only what
needs such modules itself waits until the one that is being loaded is there. A conversation loads what is left
itself: its turns run beside everything else, and no two threads should load modules at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_mcp_server.peer import Peer

PAUSE_SECONDS = 0.005
"""Without a request for that long, the client is taken to be busy with something else."""
SWITCH_SECONDS = 0.0005
"""How long the thread may keep others waiting, who answer a request by several of them in turn."""

_MODULES = (
    "codex_mcp_server.tool_calls",
    "codex_protocol.base",
    "codex_protocol.mcp_tools",
    "codex_protocol.ops",
    "codex_protocol.events.session",
    "codex_protocol.events.speech",
    "codex_protocol.events.answers",
    "codex_protocol.events.commands",
    "codex_core.conversation.manager",
    "codex_core.conversation.start",
    "codex_core.conversation.conversation",
    "codex_core.conversation.turn",
    "codex_core.conversation.instructions",
    "codex_core.rollout.recorder",
    "codex_core.rollout.catalog",
    "codex_core.tools.registry",
    "codex_core.model.client",
    "codex_core.model.responses_api",
    "codex_core.model.families",
    "codex_core.message_history",
    "codex_core.execution.command_server",
    "codex_core.tools.shell",
    "codex_core.tools.apply_patch",
    "codex_core.approval.decide",
    "codex_login.auth",
    "codex_login.http",
    "codex_login.user_agent",
    "codex_protocol.items",
    "codex_protocol.rollout",
    "codex_protocol.review",
    "codex_protocol.message_kind",
    "codex_core.conversation.item_events",
    "codex_core.conversation.prompts",
    "codex_core.conversation.turn_context",
    "codex_core.conversation.user_input",
    "codex_core.model.tool_spec",
    "codex_core.model.transports",
    "codex_core.patch.specification",
    "codex_core.tools.plan",
    "codex_core.tools.view_image",
    "codex_core.tools.web_search",
    "codex_core.workspace.images",
    "encodings.idna",
    "pwd",
    "ssl",
    "h11",
)

_MODELS = {
    "codex_protocol.mcp_tools": ("CodexToolCallParams",),
    "codex_protocol.ops": ("TextInput", "UserInputOp", "Submission"),
    "codex_protocol.events": (
        "SessionConfiguredEvent",
        "TaskStartedEvent",
        "AgentMessageDeltaEvent",
        "AgentMessageEvent",
        "UserMessageEvent",
        "TokenCountEvent",
        "ErrorEvent",
        "TaskCompleteEvent",
        "Event",
    ),
    "codex_protocol.items": ("InputTextContent", "OutputTextContent", "MessageItem", "FunctionCallItem"),
    "codex_protocol.tokens": ("TokenUsage", "TokenUsageInfo"),
    "codex_protocol.rollout": ("GitInfo", "SessionMeta", "TurnContextItem", "RolloutLine"),
}
"""Models of every turn: pydantic builds what reads and writes them when they are first used."""


class WarmUp:
    """Loads in the background what a first call would have to wait for."""

    def __init__(self, peer: Peer, *, is_needed: Callable[[], bool]) -> None:
        """`is_needed` tells whether no conversation has begun yet."""
        self._peer = peer
        self._is_needed = is_needed
        self._steps = _steps()
        self._task: asyncio.Task[None] | None = None
        self._loading: asyncio.Future[bool] | None = None
        self._is_wanted = False
        peer.on_idle = self._on_idle

    async def pause(self) -> None:
        """Returns when nothing is being loaded; it goes on when the client has nothing to ask."""
        self._is_wanted = False
        if self._loading is not None:
            await asyncio.wait([self._loading])
        elif self._task is not None:
            self._task.cancel()

    async def aclose(self) -> None:
        """Stops it for good."""
        self._peer.on_idle = lambda: None
        await self.pause()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _on_idle(self) -> None:
        is_running = self._task is not None and not self._task.done()
        if self._peer.has_answered and not is_running and self._is_needed():
            self._is_wanted = True
            self._task = asyncio.create_task(self._run(), name="warm up")

    async def _run(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loading = asyncio.ensure_future(asyncio.to_thread(self._load))
        try:
            is_complete = await self._loading
        finally:
            self._loading = None
            sys.setswitchinterval(interval)
        if is_complete:
            gc.freeze()  # all of that stays
            gc.enable()
            self._peer.on_idle = lambda: None

    def _load(self) -> bool:
        """In the thread: whether everything is loaded."""
        while self._is_wanted:
            step = next(self._steps, None)
            if step is None:
                return True
            with contextlib.suppress(ImportError):  # who needs it will meet that, and can say so
                step()
        return False


def _steps() -> Iterator[Callable[[], object]]:
    for name in _MODULES:
        yield partial(import_module, name)
    yield _import_http
    yield partial(import_module, "codex_login.direct")
    for module, names in _MODELS.items():
        for name in names:
            yield partial(_build, module, name)
    yield partial(import_module, "codex_protocol.ide_methods")


def _build(module: str, name: str) -> None:
    getattr(import_module(module), name).model_rebuild()


def _import_http() -> None:
    from codex_login.http import import_httpx

    import_httpx()
