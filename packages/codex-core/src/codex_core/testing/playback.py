"""Play the submissions of a recorded conversation against a running agent and collect its events.

The agent is behind a `Driver` of two calls, so the same recording is played against the library
(`ConversationDriver`) and against a program that speaks the protocol over pipes (`ProtoDriver`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from codex_core.testing.scripts import RunningScript
    from codex_core.testing.transcripts import Transcript
    from codex_protocol.events import Event
    from codex_protocol.ops import Op

STEP_TIMEOUT_S = 30.0
_TASK_OPS = frozenset({"user_input", "user_turn", "compact", "review"})
_TASK_ENDS = frozenset({"task_complete", "turn_aborted"})
_QUESTIONS = {"exec_approval_request": "exec_approval", "apply_patch_approval_request": "patch_approval"}

Document: TypeAlias = dict[str, Any]
"""A decoded JSON object: a submission or an event."""
Moment: TypeAlias = Callable[[Sequence[Document]], bool]
"""Whether, after these events, the time has come for a submission."""


class Driver(Protocol):
    """An agent as two calls in wire form."""

    async def submit(self, submission_id: str, op: Document) -> str:
        """Hand in an operation; the id under which its events will come, if the agent chooses ids."""

    async def next_event(self) -> Document:
        """The next event, `{"id": …, "msg": {…}}`."""


@dataclass(frozen=True, slots=True)
class CallableDriver:
    """A driver of two plain coroutine functions."""

    on_submit: Callable[[str, Document], Awaitable[str]]
    on_next_event: Callable[[], Awaitable[Document]]

    async def submit(self, submission_id: str, op: Document) -> str:
        """Calls `on_submit`."""
        return await self.on_submit(submission_id, op)

    async def next_event(self) -> Document:
        """Calls `on_next_event`."""
        return await self.on_next_event()


class Conversation(Protocol):
    """The two calls of a conversation of the library."""

    async def submit(self, op: Op) -> str:
        """Hand in an operation, get its id."""

    async def next_event(self) -> Event:
        """The next event."""


@dataclass(frozen=True, slots=True)
class ConversationDriver:
    """Drives a conversation of the library, e.g. a `CodexConversation`."""

    conversation: Conversation

    async def submit(self, submission_id: str, op: Document) -> str:  # noqa: ARG002 - the library chooses ids
        """Parses the operation and submits it."""
        from codex_protocol.ops import parse_op

        return await self.conversation.submit(parse_op(op))

    async def next_event(self) -> Document:
        """The next event in wire form."""
        return (await self.conversation.next_event()).to_wire()


@dataclass(frozen=True, slots=True)
class ProtoDriver:
    """Drives a program that reads submissions and prints events as lines (spec: servers.md section 9)."""

    process: RunningScript

    async def submit(self, submission_id: str, op: Document) -> str:
        """Writes the submission as a line; the client chooses the ids here."""
        await self.process.write(json.dumps({"id": submission_id, "op": op}) + "\n")
        return submission_id

    async def next_event(self) -> Document:
        """The next line of output."""
        event: Document = json.loads(await self.process.next_line())
        return event


def event_seen(kind: str, **fields: object) -> Moment:
    """The moment behind the first event of this type whose message has these fields."""

    def is_seen(events: Sequence[Document]) -> bool:
        return any(
            event["msg"]["type"] == kind
            and all(event["msg"].get(key) == value for key, value in fields.items())
            for event in events
        )

    return is_seen


async def play(
    transcript: Transcript,
    driver: Driver,
    *,
    submissions: Sequence[Mapping[str, Any]] | None = None,
    moments: Mapping[str, Moment] | None = None,
    decisions: Sequence[str] | None = None,
    shutdown: bool = True,
    step_timeout_s: float = STEP_TIMEOUT_S,
) -> list[Document]:
    """Submit what was submitted, answer what is asked, and give all events under the recorded ids.

    A submission goes out when no task runs, or at its moment in `moments` (by submission id), which an
    interrupt and input into a running task need. Approvals are answered by `decisions`, by default
    those recorded. With `shutdown` the agent is shut down at the end, so nothing it still had to say
    is lost and its rollout is complete; the events of that are left out.

    Raises:
        AssertionError: no event came for `step_timeout_s` seconds, or a question nobody foresaw.
    """
    recorded = [approval["result"]["decision"] for approval in transcript.approvals]
    player = _Player(
        driver,
        list(transcript.submissions if submissions is None else submissions),
        dict(moments or {}),
        list(recorded if decisions is None else decisions),
        step_timeout_s,
    )
    await player.run()
    if shutdown:
        await player.shut_down()
    return player.events


@dataclass(slots=True)
class _Player:
    driver: Driver
    waiting: list[Mapping[str, Any]]
    moments: dict[str, Moment]
    decisions: list[str]
    step_timeout_s: float
    events: list[Document] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    """Ids, as recorded, of submissions whose task has not ended."""
    names: dict[str, str] = field(default_factory=dict)
    """The agent's id of a submission -> the recorded one."""

    async def run(self) -> None:
        await self._submit_due()
        while self.waiting or self.running:
            event = await self._next()
            self.events.append(event)
            kind = event["msg"]["type"]
            if kind in _TASK_ENDS:
                self.running.discard(event["id"])
            elif kind in _QUESTIONS:
                await self._answer(event, _QUESTIONS[kind])
            await self._submit_due()

    async def shut_down(self) -> None:
        await self.driver.submit("shutdown", {"type": "shutdown"})
        while (event := await self._next())["msg"]["type"] != "shutdown_complete":
            self.events.append(event)

    async def _submit_due(self) -> None:
        while self.waiting and self._is_due(self.waiting[0]):
            submission = self.waiting.pop(0)
            starts_task = submission["op"]["type"] in _TASK_OPS and not self.running
            actual = await self.driver.submit(submission["id"], submission["op"])
            self.names[actual] = submission["id"]
            if starts_task:
                self.running.add(submission["id"])

    def _is_due(self, submission: Mapping[str, Any]) -> bool:
        moment = self.moments.get(submission["id"])
        if moment is not None:
            return moment(self.events)
        return not self.running

    async def _answer(self, event: Document, op: str) -> None:
        if not self.decisions:
            raise AssertionError(f"nobody foresaw this question: {json.dumps(event)}")
        asked_id = next((actual for actual, name in self.names.items() if name == event["id"]), event["id"])
        await self.driver.submit(
            f"decision-{asked_id}", {"type": op, "id": asked_id, "decision": self.decisions.pop(0)}
        )

    async def _next(self) -> Document:
        try:
            async with asyncio.timeout(self.step_timeout_s):
                event = await self.driver.next_event()
        except TimeoutError:
            kinds = ", ".join(event["msg"]["type"] for event in self.events) or "none"
            raise AssertionError(f"no event for {self.step_timeout_s:g} s; so far: {kinds}") from None
        return {**event, "id": self.names.get(event["id"], event["id"])}
