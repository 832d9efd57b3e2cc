"""Creates conversations and keeps them until they end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.conversation.start import Forked
    from codex_core.rollout.replay import RecordedConversation
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.events import SessionConfiguredEvent


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation that has just begun."""

    conversation_id: str
    conversation: CodexConversation
    session_configured: SessionConfiguredEvent


class ConversationManager:
    """The only place that makes, finds and ends conversations; they share one `AuthManager`.

    Used as an async context manager it ends what is still open when it is left.
    """

    def __init__(self, auth: AuthManager, services: Services) -> None:
        self._auth = auth
        self._services = services
        self._conversations: dict[str, CodexConversation] = {}

    async def new_conversation(self, config: Config) -> NewConversation:
        """Starts a conversation with these settings.

        Raises:
            SessionError: its working directory is unusable, or it cannot be recorded.
        """
        return await self._start(config, None)

    async def resume_conversation(
        self,
        config: Config,
        *,
        path: str | None = None,
        id: str | None = None,  # noqa: A002 - what users call it
        last: bool = False,
    ) -> NewConversation:
        """Goes on with a recorded conversation, in its own file, under these settings.

        Exactly one of the three says which: the path of its rollout, its id or a beginning of that which no
        other has, or that it is the newest. If it is open here, it is ended first.

        Raises:
            SessionError: there is no such conversation, or its file cannot be read or continued.
            ValueError: not exactly one was given.
        """
        from codex_core.rollout.catalog import find_session, last_session
        from codex_core.rollout.replay import read_rollout

        if (path is not None) + (id is not None) + last != 1:
            raise ValueError("exactly one of path, id and last says what to resume")
        if id is not None:
            path = await asyncio.to_thread(find_session, config.codex_home, id)
        elif path is None:
            path = await asyncio.to_thread(last_session, config.codex_home)
        recorded = await asyncio.to_thread(read_rollout, path)
        if recorded.conversation_id in self._conversations:
            await self.close(recorded.conversation_id)
            recorded = await asyncio.to_thread(read_rollout, path)  # its end is in the file now
        return await self._start(config, recorded)

    async def fork_conversation(
        self, config: Config, *, path: str, nth_user_message: int = 0
    ) -> NewConversation:
        """Starts a conversation with a copy of what another's rollout holds, which stays as it is.

        The copy ends before the `nth_user_message`-th message of the user from the end; 0 copies all. With
        fewer messages, or nothing left, the conversation is a new one.

        Raises:
            SessionError: the rollout cannot be read, or the conversation cannot be started.
        """
        from codex_core.conversation.resume import before_user_message
        from codex_core.conversation.start import Forked
        from codex_core.rollout.replay import read_rollout

        recorded = await asyncio.to_thread(read_rollout, path)
        lines = before_user_message(recorded.lines, nth_user_message)
        has_items = any(line.kind == "response_item" for line in lines)
        return await self._start(config, Forked(tuple(lines)) if has_items else None)

    async def _start(self, config: Config, origin: RecordedConversation | Forked | None) -> NewConversation:
        from codex_core.conversation.start import start_session

        for identifier in [key for key, kept in self._conversations.items() if kept.has_ended]:
            del self._conversations[identifier]
        conversation = await start_session(config, self._auth, self._services, origin)
        self._conversations[conversation.conversation_id] = conversation
        return NewConversation(conversation.conversation_id, conversation, conversation.session_configured)

    def get(self, conversation_id: str) -> CodexConversation:
        """The open conversation with this id.

        Raises:
            SessionError: there is none.
        """
        try:
            return self._conversations[conversation_id]
        except KeyError:
            raise SessionError(f"no conversation with id: {conversation_id}") from None

    async def close(self, conversation_id: str) -> None:
        """Ends a conversation and forgets it; its file stays.

        Raises:
            SessionError: there is none with this id.
        """
        conversation = self.get(conversation_id)
        del self._conversations[conversation_id]
        await conversation.aclose()

    async def aclose(self) -> None:
        """Ends every conversation that is still open."""
        conversations = list(self._conversations.values())
        self._conversations.clear()
        await asyncio.gather(*(conversation.aclose() for conversation in conversations))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()
