"""`tools/call`: one turn of an agent as one call of a tool (spec: servers.md sections 2 and 3)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError, SessionError
from codex_mcp_server.errors import INVALID_PARAMS, RpcError
from codex_mcp_server.event_frames import call_frame
from codex_mcp_server.peer import Later

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from codex_core.config.config import Config
    from codex_mcp_server.approvals import Approvals
    from codex_mcp_server.conversations import Conversations
    from codex_mcp_server.feed import Feed
    from codex_mcp_server.peer import Call, Id, Peer, Question
    from codex_mcp_server.settings import Settings
    from codex_protocol.events import Event
    from codex_protocol.jsonio import JSON
    from codex_protocol.ops import UserInputOp

INTERRUPTED = "The turn was interrupted."
_TURN_EVENTS = frozenset({"task_started", "task_complete", "turn_aborted", "error"})
_MAX_PROGRESS = 200
"""Characters of a progress message."""


class ToolCalls:
    """Serves both tools."""

    def __init__(
        self, peer: Peer, settings: Settings, conversations: Conversations, approvals: Approvals
    ) -> None:
        self._peer = peer
        self._settings = settings
        self._conversations = conversations
        self._approvals = approvals

    def call(self, call: Call) -> object:
        """What is to be done for a call; a result at once if nothing is. Raises: RpcError."""
        params = call.params
        if not isinstance(params, dict) or not isinstance(name := params.get("name"), str):
            raise RpcError(INVALID_PARAMS, "tools/call: the `name` of a tool is missing")
        arguments, token = params.get("arguments"), progress_token(params)
        match name:
            case "codex" if arguments is None:
                return failure("Missing arguments for codex tool-call; the `prompt` field is required.")
            case "codex-reply" if arguments is None:
                return failure(
                    "Missing arguments for codex-reply tool-call; "
                    "the `conversation_id` and `prompt` fields are required."
                )
            case "codex":
                return Later(self._begin(call, arguments, token))
            case "codex-reply":
                return Later(self._reply(call, arguments, token))
            case _:
                return failure(f"Unknown tool '{name}'")

    async def _begin(self, call: Call, arguments: object, token: Id | None) -> object:
        from codex_protocol.errors import ProtocolError
        from codex_protocol.events import Event
        from codex_protocol.mcp_tools import CodexToolCallParams
        from codex_protocol.ops import Submission

        try:
            params = CodexToolCallParams.from_wire(arguments)  # type: ignore[arg-type]  # it checks that
        except ProtocolError as error:
            return failure(f"Failed to parse configuration for Codex tool: {error}")
        try:
            config = self._settings.for_tool(params)
        except ConfigError as error:
            return failure(f"Failed to load Codex configuration from overrides: {error}")
        try:
            begun, feed = await self._conversations.begin(config)
        except SessionError as error:
            return failure(f"Failed to start Codex session: {error}")
        self._peer.send(call_frame(Event(id="", msg=begun.session_configured), call.id))
        turn = ToolTurn(self._peer, self._approvals, feed, call.id, token)
        turn.turn_id = str(call.id)
        call.on_cancel = turn.cancel
        try:
            with turn.following():
                if call.is_cancelled:
                    return turn.told(INTERRUPTED, is_error=True)
                await feed.conversation.submit_with_id(Submission(id=turn.turn_id, op=_input(params.prompt)))
                return await turn.result()
        finally:
            await self._conversations.keep_for_reply(begun.conversation_id, config)

    async def _reply(self, call: Call, arguments: object, token: Id | None) -> object:
        from codex_protocol.errors import ProtocolError
        from codex_protocol.fields import canonical_uuid
        from codex_protocol.mcp_tools import CodexReplyToolCallParams

        try:
            params = CodexReplyToolCallParams.from_wire(arguments)  # type: ignore[arg-type]  # it checks that
        except ProtocolError as error:
            return failure(f"Failed to parse configuration for Codex tool: {error}")
        try:
            conversation_id = canonical_uuid(params.conversation_id)
        except ProtocolError as error:
            return failure(f"Failed to parse conversation_id: {error}")
        try:
            async with self._conversations.tool_session(conversation_id, self._config_in) as feed:
                return await self._say(call, feed, params.prompt, token)
        except ConfigError as error:
            return failure(f"Failed to load Codex configuration from overrides: {error}")
        except SessionError as error:
            from codex_core.rollout.recorder import SessionInUseError
            from codex_core.rollout.replay import RolloutError

            if isinstance(error, (RolloutError, SessionInUseError)):
                return failure(f"Failed to start Codex session: {error}")
            return failure(f"Session not found for conversation_id: {conversation_id}")

    async def _say(self, call: Call, feed: Feed, prompt: str, token: Id | None) -> object:
        turn = ToolTurn(self._peer, self._approvals, feed, call.id, token)
        call.on_cancel = turn.cancel
        with turn.following():
            if call.is_cancelled:
                return turn.told(INTERRUPTED, is_error=True)
            turn.begins_as(await feed.conversation.submit(_input(prompt)))
            return await turn.result()

    def _config_in(self, cwd: str | None) -> Config:
        return self._settings.in_directory(cwd)


def _input(prompt: str) -> UserInputOp:
    from codex_protocol.ops import TextInput, UserInputOp

    return UserInputOp(items=(TextInput(text=prompt),))


class ToolTurn:
    """One turn as the caller of a tool sees it: its events, questions, progress, and how it ended."""

    def __init__(
        self, peer: Peer, approvals: Approvals, feed: Feed, call_id: Id, progress_token: Id | None
    ) -> None:
        self._peer = peer
        self._approvals = approvals
        self._feed = feed
        self._call_id = call_id
        self._progress_token = progress_token
        self._progress = 0
        self._outcome: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._beside: set[asyncio.Task[None]] = set()
        self._early: list[Event] = []
        self._has_started = False
        self._error: str | None = None
        self._other_end: JSON = None
        """How a turn of somebody else ended while ours had not begun: our words may have gone into it."""
        self.turn_id: str | None = None

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Gets the events inside the block."""
        self._feed.add(self)
        try:
            yield
        finally:
            self._feed.remove(self)
            for task in self._beside:
                task.cancel()

    def begins_as(self, turn_id: str) -> None:
        """Now it is known which events are those of the turn."""
        self.turn_id = turn_id
        early, self._early = self._early, []
        for event in early:
            self._follow(event)

    async def result(self) -> JSON:
        """How it ended, as the result of a call."""
        return await self._outcome

    def cancel(self) -> None:
        """The client no longer wants it: the turn is stopped, and then the call ends."""
        self._run_beside(self._interrupt())

    # -- Subscriber -------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        """Hands an event on, and sees whether it ends the call."""
        self._peer.send(call_frame(event, self._call_id))
        self._tell_progress(event)
        if self.turn_id is None:
            self._early.append(event)
        else:
            self._follow(event)

    def claim(self, event: Event) -> int:
        """The turn's own questions are asked here, others if no editor is there."""
        return 3 if event.id == self.turn_id else 1

    def ask(self, event: Event) -> Question:
        """Asks by elicitation."""
        return self._approvals.ask_tool_caller(self._feed.conversation, event, self._call_id)

    def ended(self, reason: str) -> None:
        """The conversation is over, and with it the call."""
        self._end(self.told(f"Codex runtime error: {reason}", is_error=True))

    # ---------------------------------------------------------------------------------------------

    def _follow(self, event: Event) -> None:
        if event.msg.type not in _TURN_EVENTS:
            return
        from codex_protocol.events import ErrorEvent, TaskCompleteEvent, TaskStartedEvent, TurnAbortedEvent

        is_ours = event.id == self.turn_id
        match event.msg:
            case TaskStartedEvent() if is_ours:
                self._has_started = True
            case ErrorEvent(message=message) if is_ours:
                self._error = message
                self._run_beside(self._end_when_quiet())  # it may be all that comes
            case TaskCompleteEvent(last_agent_message=message):
                outcome = self._completed(message)
                self._end_or_note(outcome, is_ours=is_ours)
            case TurnAbortedEvent():
                self._end_or_note(self.told(INTERRUPTED, is_error=True), is_ours=is_ours)

    def _completed(self, message: str | None) -> JSON:
        if message is None and self._error is not None:
            return self.told(self._error, is_error=True)
        return self.told(message or "")

    def _end_or_note(self, outcome: JSON, *, is_ours: bool) -> None:
        if is_ours:
            self._end(outcome)
        elif not self._has_started:
            self._other_end = outcome
            self._run_beside(self._end_when_quiet())

    async def _end_when_quiet(self) -> None:
        """Ends the call when nothing goes on in the conversation any more and no turn of ours has come."""
        with contextlib.suppress(SessionError):
            await self._feed.conversation.settled()
            await self._feed.fence()
            if self._other_end is not None:
                self._end(self._other_end)
            elif self._error is not None:
                self._end(self.told(self._error, is_error=True))

    async def _interrupt(self) -> None:
        with contextlib.suppress(SessionError):
            await self._feed.interrupt()
            await self._feed.fence()
        self._end(self.told(INTERRUPTED, is_error=True))

    def _run_beside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def _end(self, outcome: JSON) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def told(self, text: str, *, is_error: bool = False) -> JSON:
        """A result with this text, and which conversation it comes from."""
        conversation: dict[str, JSON] = {
            "conversationId": self._feed.conversation.conversation_id,
            "content": text,
        }
        return result(text, is_error=is_error, structured=conversation)

    def _tell_progress(self, event: Event) -> None:
        if self._progress_token is None or (message := progress_message(event)) is None:
            return
        self._progress += 1
        params = {"message": message, "progress": self._progress, "progressToken": self._progress_token}
        self._peer.notify("notifications/progress", params)


def result(text: str, *, is_error: bool = False, structured: dict[str, JSON] | None = None) -> JSON:
    """A result of `tools/call`."""
    content: dict[str, JSON] = {"content": [{"text": text, "type": "text"}]}
    if is_error:
        content["isError"] = True
    if structured is not None:
        content["structuredContent"] = structured
    return content


def failure(text: str) -> JSON:
    """The result of a call that came to nothing."""
    return result(text, is_error=True)


def progress_token(params: dict[str, object]) -> Id | None:
    """Under which token the caller wants to hear of progress, if at all."""
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def progress_message(event: Event) -> str | None:
    """What an event means for who only wants to know that it goes on; None: nothing worth a word."""
    from codex_core.presentation.safe_text import exact_text
    from codex_mcp_server.approvals import shell_words
    from codex_protocol import events

    match event.msg:
        case events.TaskStartedEvent():
            return "Thinking"
        case events.AgentMessageEvent(message=text) | events.AgentReasoningEvent(text=text):
            shown = exact_text(text.strip().partition("\n")[0])[:_MAX_PROGRESS]
            return shown or None
        case events.ExecCommandBeginEvent(command=command):
            return f"Running {exact_text(shell_words(command))[:_MAX_PROGRESS]}"
        case events.PatchApplyBeginEvent(changes=changes):
            return f"Changing {len(changes)} file{'' if len(changes) == 1 else 's'}"
        case events.McpToolCallBeginEvent(invocation=invocation):
            return exact_text(f"Calling {invocation.tool} of {invocation.server}")[:_MAX_PROGRESS]
        case events.WebSearchBeginEvent():
            return "Searching the web"
        case _:
            return None
