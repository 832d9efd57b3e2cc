"""The server: who answers which method, what it shares, and how it ends (spec: servers.md section 1)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from codex_mcp_server.approvals import Approvals
from codex_mcp_server.conversations import Conversations
from codex_mcp_server.editor import METHODS
from codex_mcp_server.handshake import McpMethods
from codex_mcp_server.peer import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from codex_core.config.config import Config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_login.storage import AuthStore
    from codex_mcp_server.editor import EditorMethods
    from codex_mcp_server.editor_account import EditorAccount
    from codex_mcp_server.peer import Call
    from codex_mcp_server.pipes import LineWriter
    from codex_mcp_server.settings import Settings
    from codex_mcp_server.tool_calls import ToolCalls

WATCH_SECONDS = 0.5
"""After the end of the input: how often to look whether anybody is left who reads answers."""

_log = logging.getLogger(__name__)


class Server:
    """One connection to one client, and everything that is done for it."""

    def __init__(self, settings: Settings, config: Config, output: LineWriter) -> None:
        """`config` is that of the start; conversations have their own."""
        self._settings = settings
        self._config = config
        self._output = output
        self._auth: AuthManager | None = None
        self._store: AuthStore | None = None
        self._mcp = McpMethods(self.user_agent)
        self._tools: ToolCalls | None = None
        self._editor: EditorMethods | None = None
        self.account: EditorAccount | None = None
        self.was_left = False
        """Whether the work was given up because nobody reads any more."""
        self.before_work: Callable[[], Awaitable[None]] = _nothing
        """Waited for before anything that needs more than the handshake does."""
        self.peer = Peer(output, self)
        self._approvals = Approvals(self.peer)
        self._conversations = Conversations(self._manager, self.peer)

    @property
    def services(self) -> Services:
        """The edges of this process."""
        return self._settings.services

    @property
    def has_conversations(self) -> bool:
        """Whether any is open."""
        return self._conversations.are_open

    async def serve(self, pieces: AsyncIterable[bytes]) -> None:
        """Serves until the input has ended and all calls have been answered; then ends everything.

        Turns that only editors follow are interrupted then, calls of tools come to their end. Cancelled when
        nobody is there any more who could read an answer.
        """
        serving = asyncio.current_task()
        assert serving is not None

        def give_up() -> None:
            self.was_left = True
            serving.cancel()

        self._output.on_failure = give_up
        watching: list[asyncio.Task[None]] = []
        self.peer.on_input_end = lambda: watching.append(asyncio.create_task(self._watch_output()))
        try:
            await self.peer.serve(pieces)
        finally:
            self._output.on_failure = lambda: None
            for task in watching:
                task.cancel()
            await _to_its_end(asyncio.create_task(self._close(), name="goodbye"))

    async def _watch_output(self) -> None:
        """After the end of the input: a client that died is found out before there is anything to write."""
        while self._output.has_reader():  # noqa: ASYNC110 - nothing but asking tells
            await asyncio.sleep(WATCH_SECONDS)
        self._output.on_failure()

    async def _close(self) -> None:
        if self.account is not None:
            await self.account.aclose()
        await self._conversations.aclose()
        await self._approvals.aclose()

    # -- Handler ----------------------------------------------------------------------------------

    async def request(self, call: Call) -> object:
        """The result of a request, or `Later`. Raises: RpcError."""
        if call.method in METHODS or call.method == "tools/call":
            await self.before_work()
        if call.method in METHODS:
            return await self.editor.serve(call)
        if call.method == "tools/call":
            return self.tools.call(call)
        return self._mcp.serve(call.method, call.params)

    def notification(self, method: str, params: object) -> None:
        """A request that is no longer wanted is cancelled; nothing else needs an action."""
        if method == "notifications/cancelled" and isinstance(params, dict):
            self.peer.cancel(params.get("requestId"))
        else:
            _log.debug("notification %.100s", method)

    # -- what is made when it is first needed -----------------------------------------------------

    @property
    def auth(self) -> AuthManager:
        """The sign-in that all conversations and methods share."""
        if self._auth is None:
            from codex_login.auth import AuthManager

            self._auth = AuthManager(self._config.codex_home, store=self.store)
        return self._auth

    @property
    def store(self) -> AuthStore:
        """Where the configuration wants credentials to be kept."""
        if self._store is None:
            from codex_login.stores import open_store

            self._store = open_store(self._config.codex_home, self._config.cli_auth_credentials_store)
        return self._store

    @property
    def tools(self) -> ToolCalls:
        """What serves `tools/call`."""
        if self._tools is None:
            from codex_mcp_server.tool_calls import ToolCalls

            self._tools = ToolCalls(self.peer, self._settings, self._conversations, self._approvals)
        return self._tools

    @property
    def editor(self) -> EditorMethods:
        """What serves the methods for editors."""
        if self._editor is None:
            from codex_mcp_server.editor import EditorMethods
            from codex_mcp_server.editor_account import EditorAccount
            from codex_mcp_server.editor_conversations import EditorConversations
            from codex_mcp_server.editor_settings import EditorSettings

            config, services = self._config, self.services
            self.account = EditorAccount(
                self.peer,
                lambda: self.auth,
                config,
                store=self.store,
                new_id=services.new_id,
                environ=services.environ,
            )
            conversations = EditorConversations(
                self.peer,
                self._settings,
                self._conversations,
                self._approvals,
                start_config=config,
                new_id=services.new_id,
            )
            others = EditorSettings(config, services, lambda: self.user_agent(self._mcp.client))
            self._editor = EditorMethods(conversations.methods(), self.account.methods(), others.methods())
        return self._editor

    def _manager(self) -> ConversationManager:
        from dataclasses import replace

        from codex_core.conversation.manager import ConversationManager

        return ConversationManager(self.auth, replace(self.services, user_agent_suffix=self._mcp.client))

    def user_agent(self, client: str | None) -> str:
        """What we call ourselves to servers on behalf of this client."""
        from codex_login.user_agent import user_agent

        return user_agent(self.services.environ, suffix=client)


async def _nothing() -> None:
    """There is nothing to wait for."""


async def _to_its_end(task: asyncio.Task[None]) -> None:
    """Waits for the task; a cancellation meanwhile is held back, for an end that is in order."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
