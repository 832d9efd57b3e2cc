"""Conversations for editors: begun, listed, taken up, put away, listened to, talked to (servers.md 5.1)."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError, SessionError
from codex_mcp_server.errors import INTERNAL_ERROR, INVALID_REQUEST, RpcError
from codex_mcp_server.event_frames import call_frame, listener_frame
from codex_mcp_server.peer import Later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_core.config.config import Config
    from codex_core.rollout.catalog import SessionEntry, SessionPage
    from codex_mcp_server.approvals import Approvals
    from codex_mcp_server.conversations import Conversations
    from codex_mcp_server.feed import Feed
    from codex_mcp_server.peer import Peer, Question
    from codex_mcp_server.settings import Settings
    from codex_protocol import ide
    from codex_protocol.events import Event, EventMsg
    from codex_protocol.jsonio import JSON
    from codex_protocol.ops import Op

PAGE_SIZE = 25
SESSIONS = "sessions"
ARCHIVED_SESSIONS = "archived_sessions"


class EditorConversations:
    """Serves the methods about conversations."""

    def __init__(
        self,
        peer: Peer,
        settings: Settings,
        conversations: Conversations,
        approvals: Approvals,
        *,
        start_config: Config,
        new_id: Callable[[], str],
    ) -> None:
        self._peer = peer
        self._settings = settings
        self._conversations = conversations
        self._approvals = approvals
        self._home = start_config.codex_home
        self._new_id = new_id
        self._start_config = start_config
        self._listeners: dict[str, Listener | None] = {}
        """By the ids of the subscriptions; None when the conversation is over."""

    def methods(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """The methods by name."""
        return {
            "newConversation": self.new,
            "listConversations": self.list,
            "resumeConversation": self.resume,
            "archiveConversation": self.archive,
            "sendUserMessage": self.send_message,
            "sendUserTurn": self.send_turn,
            "interruptConversation": self.interrupt,
            "addConversationListener": self.add_listener,
            "removeConversationListener": self.remove_listener,
        }

    # -- beginnings -------------------------------------------------------------------------------

    async def new(self, params: ide.NewConversationParams) -> JSON:
        """Begins a conversation."""
        from codex_protocol.ide import NewConversationResponse

        config = self._derived(params)
        try:
            begun, _ = await self._conversations.begin(config)
        except SessionError as error:
            raise RpcError(INTERNAL_ERROR, f"error creating conversation: {error}") from error
        configured = begun.session_configured
        return NewConversationResponse(
            conversation_id=begun.conversation_id,
            model=configured.model,
            reasoning_effort=configured.reasoning_effort,
            rollout_path=configured.rollout_path,
        ).to_wire()

    async def resume(self, params: ide.ResumeConversationParams) -> JSON:
        """Goes on with a recorded conversation."""
        from codex_core.rollout.replay import RolloutError
        from codex_protocol.events import Event
        from codex_protocol.ide import ResumeConversationResponse

        config = self._start_config if params.overrides is None else self._derived(params.overrides)
        path = os.path.abspath(params.path)
        if (problem := _unreadable(path)) is not None:
            raise RpcError(INTERNAL_ERROR, f"error resuming conversation: {problem}")
        try:
            begun, _ = await self._conversations.resume(config, path)
        except SessionError as error:
            reason = error.reason if isinstance(error, RolloutError) else str(error)
            raise RpcError(INTERNAL_ERROR, f"error resuming conversation: {reason}") from error
        configured = begun.session_configured
        self._peer.send(call_frame(Event(id="", msg=configured), None))
        said = configured.initial_messages
        return ResumeConversationResponse(
            conversation_id=begun.conversation_id,
            model=configured.model,
            initial_messages=None if said is None else tuple(filter(is_shown, said)),
        ).to_wire()

    def _derived(self, params: ide.NewConversationParams) -> Config:
        try:
            return self._settings.for_editor(params)
        except ConfigError as error:
            raise RpcError(INVALID_REQUEST, f"error deriving config: {error}") from error

    # -- files ------------------------------------------------------------------------------------

    async def list(self, params: ide.ListConversationsParams) -> JSON:
        """A page of recorded conversations, newest first."""
        from codex_core.rollout.catalog import Cursor, list_sessions
        from codex_protocol.ide import ListConversationsResponse

        size = PAGE_SIZE if params.page_size is None else params.page_size
        cursor = None if params.cursor is None else Cursor.parse(params.cursor)

        def read() -> SessionPage:
            return list_sessions(self._home, size, cursor)

        try:
            page = await asyncio.to_thread(read)
        except OSError as error:
            raise RpcError(INTERNAL_ERROR, f"failed to list conversations: {error}") from error
        items = tuple(item for entry in page.entries if (item := summary(entry)) is not None)
        following = None if page.next_cursor is None else str(page.next_cursor)
        return ListConversationsResponse(items=items, next_cursor=following).to_wire()

    async def archive(self, params: ide.ArchiveConversationParams) -> JSON:
        """Puts a recorded conversation away, and ends it if it is open."""
        from codex_mcp_server.conversations import CLOSE_SECONDS

        shown = params.rollout_path
        root = os.path.realpath(os.path.join(self._home, SESSIONS))
        path = "" if "\0" in shown else await asyncio.to_thread(os.path.realpath, shown)
        if not (path == root or path.startswith(root + os.sep)) or not os.path.exists(path):
            raise RpcError(INVALID_REQUEST, f"rollout path `{shown}` must be in sessions directory")
        if not os.path.basename(path).endswith(f"{params.conversation_id}.jsonl"):
            problem = f"rollout path `{shown}` does not match conversation id {params.conversation_id}"
            raise RpcError(INVALID_REQUEST, problem)
        closing = asyncio.create_task(self._conversations.close(params.conversation_id))
        _, still_closing = await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        if still_closing:
            closing.cancel()  # its file is put away all the same
            await asyncio.wait([closing])
        target = os.path.join(self._home, ARCHIVED_SESSIONS)
        try:
            os.makedirs(target, mode=0o700, exist_ok=True)
            os.rename(path, os.path.join(target, os.path.basename(path)))
        except OSError as error:
            reason = f"{error.strerror} (os error {error.errno})"
            raise RpcError(INTERNAL_ERROR, f"failed to archive conversation: {reason}") from error
        return {}

    # -- talk -------------------------------------------------------------------------------------

    async def send_message(self, params: ide.SendUserMessageParams) -> JSON:
        """Says something."""
        from codex_protocol.ops import UserInputOp

        items = tuple(item.to_input_item() for item in params.items)
        return await self._submit(params.conversation_id, UserInputOp(items=items))

    async def send_turn(self, params: ide.SendUserTurnParams) -> JSON:
        """Says something, under settings of its own."""
        from codex_protocol.ops import UserTurnOp

        return await self._submit(
            params.conversation_id,
            UserTurnOp(
                items=tuple(item.to_input_item() for item in params.items),
                cwd=params.cwd,
                approval_policy=params.approval_policy,
                sandbox_policy=params.sandbox_policy,
                model=params.model,
                effort=params.effort,
                summary=params.summary,
            ),
        )

    async def interrupt(self, params: ide.InterruptConversationParams) -> Later:
        """Stops the turn that runs."""
        return Later(self._interrupted(self._feed(params.conversation_id), params.conversation_id))

    async def _interrupted(self, feed: Feed, conversation_id: str) -> JSON:
        try:
            reason = await feed.interrupt()
        except SessionError as error:
            raise _not_found(conversation_id) from error
        return {"abortReason": reason.value}

    async def add_listener(self, params: ide.AddConversationListenerParams) -> JSON:
        """From now on tells what happens in a conversation."""
        feed, subscription = self._feed(params.conversation_id), self._new_id()

        def forget() -> None:
            if subscription in self._listeners:
                self._listeners[subscription] = None  # a conversation holds much

        listener = self._listeners[subscription] = Listener(self._peer, self._approvals, feed, forget)
        listener.feed.add(listener)
        return {"subscriptionId": subscription}

    async def remove_listener(self, params: ide.RemoveConversationListenerParams) -> JSON:
        """Tells no more."""
        subscription = params.subscription_id.lower()
        if subscription not in self._listeners:
            raise RpcError(INVALID_REQUEST, f"subscription not found: {params.subscription_id}")
        if (listener := self._listeners.pop(subscription)) is not None:
            listener.feed.remove(listener)
        return {}

    async def _submit(self, conversation_id: str, op: Op) -> JSON:
        try:
            await self._feed(conversation_id).conversation.submit(op)
        except SessionError as error:
            raise _not_found(conversation_id) from error
        return {}

    def _feed(self, conversation_id: str) -> Feed:
        feed = self._conversations.find(conversation_id)
        if feed is None:
            raise _not_found(conversation_id)
        return feed


@dataclass(slots=True)
class Listener:
    """An editor that follows a conversation."""

    peer: Peer
    approvals: Approvals
    feed: Feed
    forget: Callable[[], None]

    def event(self, event: Event) -> None:
        """Hands an event on."""
        self.peer.send(listener_frame(event, self.feed.conversation.conversation_id))

    def claim(self, event: Event) -> int:  # noqa: ARG002 - every question alike
        """Questions are asked here, but for those of a tool call's own turn."""
        return 2

    def ask(self, event: Event) -> Question:
        """Asks by the method for editors."""
        return self.approvals.ask_editor(self.feed.conversation, event)

    def ended(self, reason: str) -> None:  # noqa: ARG002 - editors are not told
        """Nothing more will come."""
        self.forget()


def _unreadable(path: str) -> str | None:
    """Why nobody should try to read that: a pipe or a device might never end."""
    if "\0" in path:
        return "the path holds a NUL character"
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None  # which whoever reads it says better
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else f"{path} is no file"


def _not_found(conversation_id: str) -> RpcError:
    return RpcError(INVALID_REQUEST, f"conversation not found: {conversation_id}")


def is_shown(msg: EventMsg) -> bool:
    """Whether a recorded event is in the answer to `resumeConversation`: not what the user did not write."""
    from codex_protocol.config_types import InputMessageKind
    from codex_protocol.events import UserMessageEvent

    return not isinstance(msg, UserMessageEvent) or msg.kind is InputMessageKind.PLAIN


def summary(entry: SessionEntry) -> ide.ConversationSummary | None:
    """A session of the listing as editors see it; None for one of which there is nothing to show."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.ide import ConversationSummary

    if entry.preview is None:
        return None
    timestamp = entry.meta.get("timestamp")
    try:
        return ConversationSummary.from_wire(
            {
                "conversationId": entry.meta.get("id"),
                "path": entry.file.path,
                "preview": entry.preview,
                "timestamp": timestamp if isinstance(timestamp, str) and timestamp else None,
            }
        )
    except ProtocolError:
        return None
