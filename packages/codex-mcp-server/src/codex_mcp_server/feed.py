"""The one reader of a conversation's events, and everybody who wants them.

Each subscriber gets every event, once, in order, from when it subscribed on; what came while there was none
is kept for the first (spec: servers.md sections 5.1 and 11).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from codex_core.conversation.conversation import CodexConversation
    from codex_mcp_server.peer import Question
    from codex_protocol.config_types import TurnAbortReason
    from codex_protocol.events import Event

KEPT_EVENTS = 4096
"""Events kept for a first subscriber while nobody is there and somebody interrupts; then the oldest go."""
CLOSE_SECONDS = 5.0
"""How long those who follow a conversation may hold up its end."""
QUESTIONS = frozenset({"exec_approval_request", "apply_patch_approval_request"})
_ENDS = frozenset({"task_complete", "turn_aborted"})

_log = logging.getLogger(__name__)


class Subscriber(Protocol):
    """Who gets events. Nothing here may wait."""

    def event(self, event: Event) -> None:
        """Takes the next event."""
        ...

    def claim(self, event: Event) -> int:
        """How much it is this subscriber's to ask the user the question that `event` is; 0: not at all."""
        ...

    def ask(self, event: Event) -> Question | None:
        """Asks it; None if that was not possible."""
        ...

    def ended(self, reason: str) -> None:
        """The conversation is over."""
        ...


class Feed:
    """One conversation, as many may follow it."""

    def __init__(
        self,
        conversation: CodexConversation,
        drain: Callable[[], Awaitable[None]],
        withdraw: Callable[[Question], None],
    ) -> None:
        self.conversation = conversation
        self._drain = drain
        self._withdraw = withdraw
        self._subscribers: list[Subscriber] = []
        self._kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._wanted = asyncio.Event()
        self._fences: dict[str, asyncio.Future[TurnAbortReason]] = {}
        self._next_fence = 0
        self._interrupts: list[asyncio.Future[TurnAbortReason]] = []
        self._questions: dict[str, list[Question]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._is_closing = False
        self.has_ended = False

    def start(self) -> None:
        """Begins to read; `session_configured` is taken out, as whoever began the conversation has it."""
        self._reading = asyncio.create_task(
            self._read(), name=f"events of {self.conversation.conversation_id}"
        )

    async def aclose(self) -> None:
        """Ends the conversation; those who follow it get what still happens, if they take it."""
        from codex_protocol.ops import ShutdownOp, Submission

        self._is_closing = True
        self._wanted.set()
        with contextlib.suppress(SessionError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.conversation.submit_with_id(Submission(id="shutdown", op=ShutdownOp()))
                if self._reading is not None:
                    await asyncio.wait([self._reading])
        await self.conversation.aclose()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    # -- followers --------------------------------------------------------------------------------

    @property
    def is_followed(self) -> bool:
        """Whether anybody subscribes."""
        return bool(self._subscribers)

    def add(self, subscriber: Subscriber) -> None:
        """From now on it gets what happens."""
        self._subscribers.append(subscriber)
        self._wanted.set()

    def remove(self, subscriber: Subscriber) -> None:
        """It gets nothing any more."""
        with contextlib.suppress(ValueError):
            self._subscribers.remove(subscriber)

    # -- what is asked of the conversation --------------------------------------------------------

    async def interrupt(self) -> TurnAbortReason:
        """Stops the running turn and returns when that has been told; at once if none runs.

        Raises: SessionError when the conversation is over.
        """
        from codex_protocol.ops import InterruptOp

        with self._waiting() as (name, told):
            self._interrupts.append(told)
            try:
                await self.conversation.submit(InterruptOp())
                return await self._passed(name, told)
            finally:
                self._interrupts.remove(told)

    async def fence(self) -> None:
        """Returns when everything handed in before has been taken up, and what that led to at once was told.

        Raises: SessionError when the conversation is over.
        """
        with self._waiting() as (name, passed):
            await self._passed(name, passed)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[tuple[str, asyncio.Future[TurnAbortReason]]]:
        """The name of a submission that is answered in its turn, and what its answer sets."""
        name = f"fence-{self._next_fence}"
        self._next_fence += 1
        self._fences[name] = passed = asyncio.get_running_loop().create_future()
        self._wanted.set()
        try:
            yield name, passed
        finally:
            self._fences.pop(name, None)

    async def _passed(self, name: str, passed: asyncio.Future[TurnAbortReason]) -> TurnAbortReason:
        from codex_protocol.ops import GetPathOp, Submission

        await self.conversation.submit_with_id(Submission(id=name, op=GetPathOp()))
        if self.has_ended:
            _set(passed)
        return await passed

    # -- reading ----------------------------------------------------------------------------------

    async def _read(self) -> None:
        reason = "the conversation is over"
        try:
            await self.conversation.next_event()
            while True:
                await self._until_wanted()
                while self._kept and self._subscribers:
                    await self._deliver(self._kept.popleft())
                event = await self.conversation.next_event()
                if event.msg.type == "shutdown_complete":
                    continue  # it is we who ended it
                if event.msg.type == "conversation_path":  # which only a fence asks for
                    if (fence := self._fences.pop(event.id, None)) is not None:
                        _set(fence)
                    continue
                if self._subscribers and not self._kept:
                    await self._deliver(event)
                else:
                    self._kept.append(event)
                if event.msg.type == "turn_aborted":
                    self._tell_interrupted(event)
                    await asyncio.sleep(0)  # so that the answer comes right behind the event
        except SessionError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - see below
            # The outermost place of a conversation: its defect is told to those who follow it.
            _log.exception("conversation %s broke", self.conversation.conversation_id)
            reason = f"{type(error).__name__}: {error}"
        finally:
            self._end(reason)

    async def _until_wanted(self) -> None:
        while not (self._subscribers or self._fences or self._is_closing or self.conversation.has_ended):
            self._wanted.clear()
            await self._wanted.wait()

    async def _deliver(self, event: Event) -> None:
        for subscriber in list(self._subscribers):
            subscriber.event(event)
        if event.msg.type in QUESTIONS and self._subscribers:
            asker = max(self._subscribers, key=lambda each: each.claim(event))
            if asker.claim(event) and (question := asker.ask(event)) is not None:
                self._questions.setdefault(event.id, []).append(question)
        if event.msg.type in _ENDS:
            for question in self._questions.pop(event.id, ()):
                self._withdraw(question)
        if not self._is_closing:
            await self._drain()

    def _tell_interrupted(self, event: Event) -> None:
        from codex_protocol.events import TurnAbortedEvent

        if isinstance(event.msg, TurnAbortedEvent):
            for told in self._interrupts:
                _set(told, event.msg.reason)

    def _end(self, reason: str) -> None:
        self.has_ended = True
        for questions in self._questions.values():
            for question in questions:
                self._withdraw(question)
        self._questions.clear()
        for fence in self._fences.values():
            _set(fence)
        for subscriber in list(self._subscribers):
            subscriber.ended(reason)
        self._subscribers.clear()


def _set(waiting: asyncio.Future[TurnAbortReason], reason: TurnAbortReason | None = None) -> None:
    if not waiting.done():
        from codex_protocol.config_types import TurnAbortReason

        waiting.set_result(reason or TurnAbortReason.INTERRUPTED)
