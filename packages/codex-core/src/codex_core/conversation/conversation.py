"""The one way in and out of an agent: submit operations, read events."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from codex_core.conversation.session import Session
    from codex_protocol.events import Event, EventMsg, SessionConfiguredEvent
    from codex_protocol.ops import Op, Submission


class CodexConversation:
    """A running conversation with the agent, as front ends see it.

    `submit` hands in an operation, `next_event` brings what happens, in order and without loss. A reader
    that stops reading stops the agent after `EVENT_QUEUE_SIZE` events; it never costs memory.
    """

    def __init__(self, session: Session, session_configured: SessionConfiguredEvent) -> None:
        self._session = session
        self._next_id = 0
        self._configured = session_configured
        self._first: EventMsg | None = session_configured
        self._loop = asyncio.create_task(session.serve(), name=f"session {session.conversation_id}")
        self._ended = False

    @property
    def conversation_id(self) -> str:
        """The conversation's UUID."""
        return self._session.conversation_id

    @property
    def session_configured(self) -> SessionConfiguredEvent:
        """The event the conversation began with."""
        return self._configured

    @property
    def rollout_path(self) -> str | None:
        """The file this conversation is recorded in; None if it is not recorded."""
        return self._session.rollout_path

    @property
    def has_ended(self) -> bool:
        """Whether it has been shut down; events may still be waiting to be read."""
        return self._ended or self._loop.done()

    async def submit(self, op: Op) -> str:
        """Hands in an operation under the next id of this conversation ("0", "1", …), and returns that id.

        Raises:
            SessionError: the conversation has been shut down.
        """
        from codex_protocol.ops import Submission

        submission = Submission(id=str(self._next_id), op=op)
        self._next_id += 1
        await self.submit_with_id(submission)
        return submission.id

    async def submit_with_id(self, submission: Submission) -> None:
        """Hands in an operation whose id the caller chose; its events carry that id.

        Raises:
            SessionError: the conversation has been shut down.
        """
        if self.has_ended:
            raise _ended()
        try:
            self._session.submissions.put_nowait(submission)
        except asyncio.QueueFull:
            handing_in = asyncio.create_task(self._session.submissions.put(submission))
            try:
                await asyncio.wait([handing_in, self._loop], return_when=asyncio.FIRST_COMPLETED)
            finally:
                is_taken = handing_in.done()
                handing_in.cancel()
            if not is_taken:
                raise _ended() from None

    async def next_event(self) -> Event:
        """The next thing that happened; the first is always `session_configured`.

        Raises:
            SessionError: the conversation has been shut down and every event has been read.
        """
        from codex_protocol.events import Event

        if self._first is not None:
            first, self._first = self._first, None
            return Event(id="", msg=first)
        if self._ended:
            raise _ended()
        entry = await self._session.events.get()
        if entry is None:
            self._ended = True
            self._session.events.put_nowait(None)  # for others who wait
            await self._loop  # a defect that ended the loop is raised here, where it can be seen
            raise _ended()
        submission_id, msg = entry
        return Event(id=submission_id, msg=msg)

    async def settled(self) -> None:
        """Returns when everything handed in so far has been served and no task runs, or it has ended.

        Somebody has to read the events meanwhile.
        """
        settling = asyncio.create_task(self._session.settled())
        try:
            await asyncio.wait([settling, self._loop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            settling.cancel()
            await asyncio.wait([settling])

    async def aclose(self) -> None:
        """Ends the conversation: stops what runs, closes its file, drops events nobody read."""
        from codex_protocol.ops import ShutdownOp, Submission

        # Both wait where a queue is full: for the session to serve, and for its last event.
        shutdown = Submission(id="shutdown", op=ShutdownOp())
        asking = asyncio.create_task(self._session.submissions.put(shutdown))
        dropping = asyncio.create_task(self._drop_events())
        try:
            await asyncio.gather(self._loop, return_exceptions=True)
        finally:
            self._ended, self._first = True, None
            asking.cancel()
            dropping.cancel()
            await asyncio.wait([asking, dropping])
        with contextlib.suppress(asyncio.QueueFull):
            self._session.events.put_nowait(None)  # for a reader that still waits in `next_event`

    async def _drop_events(self) -> None:
        while await self._session.events.get() is not None:
            pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()


def _ended() -> SessionError:
    """The error of a conversation that has been shut down."""
    return SessionError("internal error; agent loop died unexpectedly")
