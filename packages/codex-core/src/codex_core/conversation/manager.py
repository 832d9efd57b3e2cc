"""Creates conversations and keeps them until they end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from types import TracebackType

    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
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
        from codex_core.conversation.start import start_session

        for identifier in [key for key, kept in self._conversations.items() if kept.has_ended]:
            del self._conversations[identifier]
        conversation = await start_session(config, self._auth, self._services)
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
