"""The conversations of this process: begun, taken up again from their files, put away."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_mcp_server.feed import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from codex_core.config.config import Config
    from codex_core.conversation.manager import ConversationManager, NewConversation
    from codex_mcp_server.peer import Peer

IDLE_TOOL_SESSIONS = 32
"""Sessions of tool calls that stay open for a reply; older ones are closed, and taken up again for it."""
KEPT_SETTINGS = 1024
"""Of so many that were closed the settings are known; the others go on under those of config.toml."""
CLOSE_SECONDS = 10.0
"""How long a conversation that is put away may take to end (spec: servers.md section 5.1)."""


class Conversations:
    """Every open conversation with its feed, by id."""

    def __init__(self, manager: Callable[[], ConversationManager], peer: Peer) -> None:
        self._make_manager = manager
        self._manager: ConversationManager | None = None
        self._peer = peer
        self._feeds: dict[str, Feed] = {}
        self._tool_sessions: dict[str, Config] = {}
        """Those that tool calls began or took up, with their settings; the one used last is at the end."""
        self._closed: dict[str, Config] = {}
        """The settings of those of them that were closed."""
        self._taking_up = asyncio.Lock()

    @property
    def manager(self) -> ConversationManager:
        """What makes them; made when it is first needed."""
        if self._manager is None:
            self._manager = self._make_manager()
        return self._manager

    @property
    def are_open(self) -> bool:
        """Whether there is any."""
        return bool(self._feeds)

    def find(self, conversation_id: str) -> Feed | None:
        """The open conversation with this id."""
        feed = self._feeds.get(conversation_id)
        return None if feed is None or feed.has_ended or feed.conversation.has_ended else feed

    async def begin(self, config: Config) -> tuple[NewConversation, Feed]:
        """A new conversation. Raises: SessionError."""
        return await self._followed(await self.manager.new_conversation(config))

    async def resume(self, config: Config, path: str) -> tuple[NewConversation, Feed]:
        """Goes on with a recorded conversation; one that is open is ended first. Raises: SessionError."""
        for conversation_id, feed in list(self._feeds.items()):
            recorded = feed.conversation.rollout_path
            if recorded is not None and os.path.realpath(recorded) == os.path.realpath(path):
                await self.close(conversation_id)
        return await self._followed(await self.manager.resume_conversation(config, path=path))

    async def _followed(self, begun: NewConversation) -> tuple[NewConversation, Feed]:
        if (replaced := self._feeds.pop(begun.conversation_id, None)) is not None:
            await replaced.aclose()
        feed = Feed(begun.conversation, self._peer.drain, self._peer.withdraw)
        self._feeds[begun.conversation_id] = feed
        self._tool_sessions.pop(begun.conversation_id, None)
        feed.start()
        return begun, feed

    # -- sessions of tool calls -------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def tool_session(
        self, conversation_id: str, config: Callable[[str | None], Config]
    ) -> AsyncIterator[Feed]:
        """A conversation that goes on, from this process or an earlier one, for the length of a call.

        `config` gives the settings of one from an earlier process, given the directory it worked in.

        Raises: SessionError when there is none with this id.
        """
        feed = self.find(conversation_id)
        if feed is None:
            async with self._taking_up:  # two calls must not both take it up
                feed = self.find(conversation_id) or await self._take_up(conversation_id, config)
        try:
            yield feed
        finally:
            if (settings := self._tool_sessions.get(conversation_id)) is not None:
                await self.keep_for_reply(conversation_id, settings)

    async def keep_for_reply(self, conversation_id: str, config: Config) -> None:
        """A tool call is over; its session stays open for the next one, unless there are many."""
        self._tool_sessions.pop(conversation_id, None)
        self._tool_sessions[conversation_id] = config
        too_many = len(self._tool_sessions) - IDLE_TOOL_SESSIONS
        for oldest in list(self._tool_sessions)[: max(0, too_many)]:
            feed = self._feeds.get(oldest)
            if feed is None or not feed.is_followed:
                self._closed[oldest] = self._tool_sessions[oldest]
                if len(self._closed) > KEPT_SETTINGS:
                    del self._closed[next(iter(self._closed))]
                await self.close(oldest)

    async def _take_up(self, conversation_id: str, config: Callable[[str | None], Config]) -> Feed:
        from codex_core.rollout.catalog import find_session

        kept = self._closed.pop(conversation_id, None)
        home = (kept or config(None)).codex_home
        path = await asyncio.to_thread(find_session, home, conversation_id)
        if kept is None:
            kept = config(await asyncio.to_thread(recorded_cwd, path))
        _, feed = await self.resume(kept, path)
        self._tool_sessions[conversation_id] = kept
        return feed

    # -- endings ----------------------------------------------------------------------------------

    async def close(self, conversation_id: str) -> None:
        """Ends a conversation that is open, whatever it is doing; its file stays."""
        feed = self._feeds.pop(conversation_id, None)
        self._tool_sessions.pop(conversation_id, None)
        if feed is None:
            return
        await feed.aclose()
        with contextlib.suppress(SessionError):
            if self.manager.get(conversation_id) is feed.conversation:  # and has not been taken up meanwhile
                await self.manager.close(conversation_id)

    async def aclose(self) -> None:
        """Ends all of them."""
        feeds = list(self._feeds.values())
        self._feeds.clear()
        await asyncio.gather(*(feed.aclose() for feed in feeds))
        if self._manager is not None:
            await self._manager.aclose()


def recorded_cwd(path: str) -> str | None:
    """The directory that a recorded conversation worked in, if its file says so and it is still there."""
    from codex_core.rollout.replay import parse_line

    try:
        with open(path, "rb") as file:
            line = parse_line(file.readline())
    except OSError:
        return None
    cwd = line.payload.get("cwd") if line is not None and line.kind == "session_meta" else None
    return cwd if isinstance(cwd, str) and os.path.isabs(cwd) and os.path.isdir(cwd) else None
