"""The conversations of one app, one after the other: begun, followed, asked, ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import CodexError
from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from codex_core.conversation.conversation import CodexConversation
    from codex_core.conversation.manager import NewConversation
    from codex_protocol.ops import Op
    from codex_tui.controller import Controller

SHUTDOWN_S = 5.0
"""How long the end of a conversation may take before the app goes without waiting for it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a conversation begins with; by default with nothing."""

    session_id: str | None = None
    last: bool = False
    """The newest one, whatever its id."""
    is_copy: bool = False
    """Whether the recorded one stays as it is and a copy goes on."""
    path: str | None = None
    """The file to copy, in place of an id."""
    dropped: int = 0
    """So many prompts from the end are left out of the copy, with all that followed."""
    kept: int = 0
    """So many prompts on the screen are before that."""
    is_first: bool = False
    """Whether it is the app's first conversation."""

    is_picked: bool = False
    """Whether the user chose it from a list, and may choose again."""

    @property
    def is_recorded(self) -> bool:
        """Whether it begins with a recorded conversation that is not on the screen yet."""
        return self.session_id is not None or self.last or self.is_copy

    @property
    def is_edit(self) -> bool:
        """Whether the user went back to an earlier message of the conversation on the screen."""
        return self.path is not None


class Sessions:
    """Holds the conversation that is open and hands operations in, in order."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._outbox: asyncio.Queue[Op] = asyncio.Queue()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._next = Origin()
        self._is_open = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None
        self.conversation: CodexConversation | None = None

    async def run(self, first: Coroutine[object, object, Origin]) -> None:
        """Holds one conversation after the other until the app is left; `first` finds out which is first.

        Raises:
            BaseExceptionGroup: a `CodexError` where a conversation cannot be begun, or a defect.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                self.start(self._send_ops())
                await self._hold(first)
                for task in self._tasks:
                    task.cancel()
        finally:
            first.close()
            self._group = None
            if self._leaving is not None:
                self._leaving.cancel()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Does something beside the conversation, for as long as the app lasts at most."""
        if self._group is None or self._controller.state.is_leaving:
            work.close()
            return
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def submit(self, op: Op) -> None:
        """Asks something of the agent."""
        self._controller.log.op(op)
        self._outbox.put_nowait(op)

    def follow_with(self, origin: Origin) -> None:
        """Ends this conversation; the next one begins at once."""
        from codex_protocol.ops import ShutdownOp

        self._next = origin
        self._controller.state.is_ready = False
        self._is_ready.clear()
        self._controller.log.new_session()
        self.submit(ShutdownOp())

    def became_ready(self) -> None:
        """The conversation has told what it is."""
        self._controller.state.is_ready = True
        self._is_ready.set()

    async def until_ready(self) -> None:
        """Returns when there is a conversation."""
        await self._is_ready.wait()

    def leave(self) -> None:
        """Ends the conversation, then the app; at once if that is asked twice or there is none."""
        from codex_protocol.ops import ShutdownOp

        state, stage = self._controller.state, self._controller.stage
        if state.is_leaving or not state.is_ready:
            state.is_leaving = True
            stage.leave()
            return
        state.is_leaving = True
        self._controller.questions.withdraw()
        self.submit(ShutdownOp())
        self._leaving = asyncio.get_running_loop().call_later(SHUTDOWN_S, stage.leave)
        stage.changed()

    async def _hold(self, first: Coroutine[object, object, Origin]) -> None:
        state = self._controller.state
        self._next = await first
        while not state.is_leaving:
            origin, self._next = self._next, Origin()
            try:
                begun, origin = await (self._resume if origin.is_recorded else self._begin)(origin)
            except CodexError as error:
                if not origin.is_picked:
                    raise
                self._controller.notice(NoticeKind.ERROR, str(error))
                self._next = await self._controller.first_origin()
                continue
            self.conversation = begun.conversation
            self._is_open.set()
            await self._follow(begun.conversation, origin)
        self._controller.stage.leave()

    async def _resume(self, origin: Origin) -> tuple[NewConversation, Origin]:
        """Begins with a recorded conversation; nothing else goes to the screen before all of that."""
        state = self._controller.state
        state.resuming_since, state.is_replaying = self._controller.clock(), True
        self._controller.stage.changed()
        try:
            return await self._begin(origin)
        except BaseException:
            state.resuming_since, state.is_replaying = None, False
            raise

    async def _begin(self, origin: Origin) -> tuple[NewConversation, Origin]:
        """The conversation that is meant, or the one the user is in if they cannot go back in it.

        Raises:
            SessionError: there is no such session, or it cannot be begun.
        """
        manager, config = self._controller.launch.manager, self._controller.state.config
        if origin.path is not None:
            try:
                begun = await manager.fork_conversation(
                    config, path=origin.path, nth_user_message=origin.dropped
                )
            except CodexError as error:
                sentence = f"The conversation goes on as it was: {error}"
                self._controller.notice(NoticeKind.ERROR, sentence)
                begun = await manager.resume_conversation(config, path=origin.path)
                return begun, replace(origin, dropped=0)
        elif origin.is_copy:
            begun = await manager.fork_conversation(config, path=await self._recorded(origin))
        elif origin.session_id is not None:
            begun = await manager.resume_conversation(config, id=origin.session_id)
        elif origin.last:
            begun = await manager.resume_conversation(config, last=True)
        else:
            begun = await manager.new_conversation(config)
        return begun, origin

    async def _recorded(self, origin: Origin) -> str:
        from codex_core.rollout.catalog import find_session, last_session

        home = self._controller.state.config.codex_home
        if origin.session_id is None:
            return await asyncio.to_thread(last_session, home)
        return await asyncio.to_thread(find_session, home, origin.session_id)

    async def _follow(self, conversation: CodexConversation, origin: Origin) -> None:
        """Takes events until the conversation has ended."""
        from codex_protocol.events import SessionConfiguredEvent
        from codex_tui import incoming

        clock = self._controller.clock
        handed_on = clock()
        while True:
            event = await conversation.next_event()
            if isinstance(event.msg, SessionConfiguredEvent):
                await incoming.begin(self._controller, event, event.msg, origin)
            else:
                incoming.take(self._controller, event)
            if event.msg.type == "shutdown_complete":
                return
            if clock() - handed_on > incoming.SLICE_S:
                await asyncio.sleep(0)
                handed_on = clock()

    async def _send_ops(self) -> None:
        """Hands in what is asked for; behind the end of a conversation it is the next one's."""
        while True:
            op = await self._outbox.get()
            await self._is_open.wait()
            assert self.conversation is not None
            if op.type == "shutdown":  # it ends, or has ended: what follows is for the one after it
                self._is_open.clear()
            try:
                await self.conversation.submit(op)
            except CodexError:
                state = self._controller.state
                state.is_turn_coming = state.is_stopping = False
                if not state.is_leaving and op.type == "user_input":
                    sentence = "The conversation has ended; /new begins another one."
                    self._controller.notice(NoticeKind.ERROR, sentence)
