"""The user's messages on their way: sent as a turn, into the running turn, or behind it; and back again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codex_tui.composer.draft import EMPTY, AttachedImage, Message
from codex_tui.history.speech_cells import PromptCell
from codex_tui.state import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_protocol.events import EventMsg
    from codex_protocol.ops import Op
    from codex_tui.composer.message_queue import MessageQueue
    from codex_tui.history.history import History
    from codex_tui.state import AppState

# What a model says in answer to a request; the one after `token_count` has carried what was given before.
_SPEECH = frozenset(
    {"agent_message_delta", "agent_message", "agent_reasoning_delta", "agent_reasoning", "token_count"}
)
_TURN_NEWS = frozenset({"task_started", "task_complete", "turn_aborted", "error", "session_configured"})


class Delivery:
    """Brings each message to the agent once, and to the history where the agent has read it.

    A message into a running turn is carried by the turn's next request. Until then the turn may be
    interrupted, and what was not carried is the user's again.
    """

    def __init__(
        self,
        state: AppState,
        history: History,
        queue: MessageQueue,
        submit: Callable[[Op], None],
        *,
        first_images: Sequence[str] = (),
    ) -> None:
        """`first_images` go along with the first message."""
        self._state = state
        self._history = history
        self._queue = queue
        self._submit = submit
        self._first_images = tuple(first_images)

    @property
    def images_waiting(self) -> int:
        """How many images wait for a first message to go along with."""
        return len(self._first_images)

    def send(self, message: Message, *, later: bool = False) -> None:
        """Sends a message: into the running turn, behind it if `later`, else as a turn of its own."""
        if not self._state.is_ready or (self._state.is_busy and later):
            self._queue.add(message)
        elif self._state.is_busy and self._state.is_stopping:
            self._state.afterwards.append(message)  # given to the session now it might be dropped, or not
        elif self._state.is_busy:
            self._state.steering.append(message)
            self._hand_in(message)
        else:
            self._begin_turn(message)

    def send_next(self) -> None:
        """Sends what waits longest as a turn, if anything does."""
        message = self._queue.take_next()
        if message is not None:
            self._begin_turn(message)

    def go_on(self, *, with_queue: bool) -> None:
        """After a turn's end: what was said since it was asked to stop, else what waits, if that is due."""
        afterwards, self._state.afterwards = self._state.afterwards, []
        for message in afterwards:
            self.send(message)
        if with_queue and not afterwards:
            self.send_next()

    def begin(self, prompt: str | None) -> None:
        """Sends the first message of the command line, else what was written while nothing was ready."""
        if prompt is not None and (prompt.strip() or self._first_images):
            self._begin_turn(Message(prompt))
        else:
            self.send_next()

    def _begin_turn(self, message: Message) -> None:
        images, self._first_images = self._first_images, ()
        message = replace(message, images=(*message.images, *images))
        self._show(message)
        self._hand_in(message)
        self._state.is_turn_coming = True

    def _hand_in(self, message: Message) -> None:
        from codex_protocol.ops import AddToHistoryOp, LocalImageInput, TextInput, UserInputOp

        text = (TextInput(text=message.text),) if message.text else ()
        self._submit(UserInputOp(items=(*text, *(LocalImageInput(path=path) for path in message.images))))
        if message.text.strip():
            self._submit(AddToHistoryOp(text=message.text))
        self._state.was_used = True

    def _show(self, message: Message) -> None:
        # A picture without a place in the text (the command line's) is told below it, as after a resume.
        placed = sum(isinstance(each.element, AttachedImage) for each in (message.draft or EMPTY).elements)
        images = " ".join("[image]" for _ in message.images[placed:])
        self._history.add(PromptCell("\n".join(filter(None, (message.text, images)))))
        self._state.said.append(Said(message, len(self._history.cells) - 1))

    # --- what became of messages into a running turn -------------------------------------------------

    def before(self, msg: EventMsg) -> None:
        """Called with each event before the history gets it."""
        if msg.type == "turn_aborted":
            self._take_back()
        elif self._state.is_steering_due and msg.type in _SPEECH:
            self._show_steering()

    def after(self, msg: EventMsg) -> None:
        """Called with each event when the history has it."""
        if msg.type in _TURN_NEWS:
            self._state.is_turn_coming = False
        if msg.type == "token_count":
            self._state.is_steering_due = bool(self._state.steering)
        elif msg.type == "task_complete":  # what no request has carried, the session keeps for the next one
            self._show_steering()

    def _show_steering(self) -> None:
        steering, self._state.steering = self._state.steering, []
        self._state.is_steering_due = False
        for message in steering:
            self._show(message)

    def _take_back(self) -> None:
        """What no request has carried waits again, ahead of what waited behind it."""
        waiting = self._queue.messages
        self._queue.clear()
        for message in (*self._state.steering, *waiting):
            self._queue.add(message)
        self._state.steering.clear()
        self._state.is_steering_due = False
