"""Between conversation and screen: what was typed becomes operations, events become what is shown.

It knows no widgets: a `Stage` shows what `history`, `composer` and `state` hold, told when they change.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Protocol

from codex_core.errors import CodexError
from codex_login.errors import LoginError
from codex_tui import __version__
from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import Message
from codex_tui.composer.file_popup import FoundFile
from codex_tui.composer.key_map import Action
from codex_tui.composer.outcomes import (
    Asked,
    Cleared,
    CommandChosen,
    EditorWanted,
    FilesWanted,
    HistoryWanted,
    Refused,
    Submitted,
)
from codex_tui.composer.slash_commands import SavedPrompt
from codex_tui.history.history import History
from codex_tui.history.notice_cells import Decision, NoticeCell, NoticeKind
from codex_tui.history.settings import settings_for
from codex_tui.history.speech_cells import PromptCell
from codex_tui.state import AppState, Hint, OpenPanel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from codex_core.conversation.conversation import CodexConversation
    from codex_core.presentation.spans import Line
    from codex_core.workspace.file_search import FileMatch, FileSearcher
    from codex_protocol.events import (
        ApplyPatchApprovalRequestEvent,
        Event,
        ExecApprovalRequestEvent,
        SessionConfiguredEvent,
    )
    from codex_protocol.ops import Op
    from codex_tui.composer.outcomes import Outcome
    from codex_tui.screens.panel import Panel
    from codex_tui.session_start import Launch
    from codex_tui.term.inputs import Key

_SHUTDOWN_S = 5.0
_PREVIEW_CHARS = 200
_REQUEST_CHARS = 60
# What a model says in answer to a request; the one after `token_count` has carried what was given before.
_SPEECH = frozenset(
    {"agent_message_delta", "agent_message", "agent_reasoning_delta", "agent_reasoning", "token_count"}
)


class Stage(Protocol):
    """What shows the session."""

    def changed(self) -> None:
        """Something that is shown is different; it may be drawn a moment later."""

    def page(self, title: str, rows: Callable[[int], list[Line]], *, at_end: bool) -> None:
        """Shows rows, made for a width, in a pager."""

    def redraw(self) -> None:
        """Prints the whole history again."""

    def set_title(self, text: str) -> None:
        """The terminal's title."""

    def notify(self, text: str) -> None:
        """Tells a user who looks elsewhere."""

    def edit_elsewhere(self, text: str) -> str | None:
        """The text as the user's editor left it; None if it was not edited."""

    def leave(self, problem: str | None = None) -> None:
        """Ends the app; with what went wrong, if something did."""


class Controller:
    """One app's session: a conversation, or several one after the other."""

    def __init__(self, launch: Launch, stage: Stage, *, clock: Callable[[], float] = time.monotonic) -> None:
        config = launch.config
        self.launch = launch
        self.stage = stage
        self.state = AppState(config)
        self.history = History(settings_for(config, version=__version__, home=launch.home))
        self.composer = Composer(
            cwd=config.cwd,
            home=launch.home,
            environ=launch.services.environ,
            disable_paste_burst=config.disable_paste_burst,
        )
        self.clock = clock
        self.conversation: CodexConversation | None = None
        self._outbox: asyncio.Queue[Op] = asyncio.Queue()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._searcher: FileSearcher | None = None
        self._first_images = tuple(os.path.abspath(path) for path in launch.options.images)

    # --- the session ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Prepares and holds the session, to the end of the app."""
        from codex_core.workspace.file_search import FileSearcher

        try:
            async with asyncio.TaskGroup() as self._group:
                self._searcher = FileSearcher(
                    self.state.config.cwd, self._files_found, environ=self.launch.services.environ
                )
                self.start(self._searcher.run())
                self.start(self._send_ops())
                await self._hold_session()
                for task in self._tasks:
                    task.cancel()
        except* (CodexError, LoginError) as failures:
            error: BaseException = failures
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            self.stage.leave(f"Error: {error}")
        finally:
            self._group = None

    async def aclose(self) -> None:
        """Ends what still runs; for the end of the app, however it comes."""
        try:
            async with asyncio.timeout(_SHUTDOWN_S):
                await self.launch.manager.aclose()
        except TimeoutError:
            return

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Does something beside the session, for as long as that lasts at most."""
        if self._group is None or self.state.is_leaving:
            work.close()
            return
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hold_session(self) -> None:
        from codex_tui.preparation import pick_session, prepare
        from codex_tui.session_start import open_conversation

        for notice in self.state.config.notices:
            self.notice(NoticeKind.WARNING, notice)
        await prepare(self)
        resume = await pick_session(self)
        is_first = True
        while not self.state.is_leaving:
            begun = await open_conversation(self.launch, self.state.config, resume if is_first else None)
            self.conversation = begun.conversation
            await self._follow(begun.conversation, is_first=is_first)
            is_first = False
        self.stage.leave()

    async def _follow(self, conversation: CodexConversation, *, is_first: bool) -> None:
        """Takes events until the conversation has ended."""
        handed_on = self.clock()
        while True:
            event = await conversation.next_event()
            self._take(event, is_first=is_first)
            if event.msg.type == "shutdown_complete":
                return
            if self.clock() - handed_on > 0.004:  # keys must not wait behind a queue full of events
                await asyncio.sleep(0)
                handed_on = self.clock()

    async def _send_ops(self) -> None:
        """Hands operations in, in order."""
        while True:
            op = await self._outbox.get()
            if self.conversation is None:
                continue
            try:
                await self.conversation.submit(op)
            except CodexError:
                if not self.state.is_leaving and op.type == "user_input":
                    self.notice(NoticeKind.ERROR, "The conversation has ended; /new begins another one.")

    def submit(self, op: Op) -> None:
        """Asks something of the agent."""
        self._outbox.put_nowait(op)

    def begin_anew(self) -> None:
        """Ends this conversation; the next one begins at once."""
        from codex_protocol.ops import ShutdownOp

        self.state.is_ready = False
        self.composer.queue.clear()
        self.submit(ShutdownOp())

    def leave(self) -> None:
        """Ends the session, then the app; at once if that is asked twice or there is no session."""
        from codex_protocol.ops import ShutdownOp

        if self.state.is_leaving or not self.state.is_ready:
            self.state.is_leaving = True
            self.stage.leave()
            return
        self.state.is_leaving = True
        self.withdraw_questions()
        self.submit(ShutdownOp())
        asyncio.get_running_loop().call_later(_SHUTDOWN_S, self.stage.leave)
        self.stage.changed()

    # --- events --------------------------------------------------------------------------------------

    def _take(self, event: Event, *, is_first: bool) -> None:
        from codex_protocol import events

        msg, now = event.msg, self.clock()
        if msg.type == "turn_aborted":
            self._take_back_steering()
        if self.state.is_steering_due and msg.type in _SPEECH:
            self._show_steering()
        self.history.feed(msg, now)
        if msg.type == "token_count":
            self.state.is_steering_due = bool(self.state.steering)
        elif msg.type == "task_complete":
            self._show_steering()
        match msg:
            case events.SessionConfiguredEvent():
                self._configured(msg, is_first=is_first)
            case events.TaskStartedEvent():
                self._set_running(is_running=True)
                self.state.clock.start(now)
            case events.TaskCompleteEvent():
                self._turn_ended()
                said = msg.last_agent_message or "done"
                self.stage.notify(" ".join(said.split())[:_PREVIEW_CHARS])
                self._send_queued()
            case events.TurnAbortedEvent():
                self._turn_ended()
                if msg.reason == "replaced":
                    self._send_queued()
                else:
                    self.handle(self.composer.restore_queue())
            case events.ExecApprovalRequestEvent() | events.ApplyPatchApprovalRequestEvent():
                self.start(self._approve(event.id, msg))
            case events.GetHistoryEntryResponseEvent():
                text = None if msg.entry is None else msg.entry.text
                self.handle(self.composer.provide_prompt(msg.log_id, msg.offset, text))
            case events.ListCustomPromptsResponseEvent():
                prompts = [SavedPrompt(prompt.name, prompt.content) for prompt in msg.custom_prompts]
                self.handle(self.composer.provide_saved_prompts(prompts))
            case events.McpListToolsResponseEvent():
                from codex_tui.commands import show_mcp_tools

                show_mcp_tools(self, msg)
        self.stage.changed()

    def _configured(self, msg: SessionConfiguredEvent, *, is_first: bool) -> None:
        from codex_protocol.ops import ListCustomPromptsOp

        self.state.is_ready = True
        self._set_running(is_running=False)
        self.composer.history.configure(msg.history_log_id, msg.history_entry_count)
        self.submit(ListCustomPromptsOp())
        options = self.launch.options
        if msg.initial_messages:
            self.state.was_used = True
        if is_first and (options.prompt is not None and (options.prompt.strip() or self._first_images)):
            self._send(Message(options.prompt))
        elif is_first and self._first_images:
            count = len(self._first_images)
            what = "image goes" if count == 1 else "images go"
            self.notice(NoticeKind.INFO, f"{count} {what} along with your first message.")
            self._send_queued()
        else:
            self._send_queued()

    def _set_running(self, *, is_running: bool) -> None:
        self.state.is_running = self.composer.is_running = is_running
        self.tell_title()

    def _turn_ended(self) -> None:
        self.state.hint = Hint.NONE
        self._set_running(is_running=False)
        self.withdraw_questions()

    def tell_title(self) -> None:
        """Says in the window's title what goes on."""
        place = os.path.basename(self.state.config.cwd.rstrip("/")) or "/"
        panel = self.state.panel
        if panel is not None and panel.waits_for_user:
            self.stage.set_title(f"[ ! ] answer needed - {place}")
        elif self.state.is_running:
            self.stage.set_title(f"⠿ working - {place}")
        else:
            self.stage.set_title(f"codex - {place}")

    # --- messages ------------------------------------------------------------------------------------

    def send(self, message: Message, *, later: bool = False) -> None:
        """Sends a message: into the running turn, behind it if `later`, else as a turn of its own."""
        if not self.state.is_ready or (self.state.is_running and later):
            self.composer.queue.add(message)
        elif self.state.is_running:
            self.state.steering.append(message)
            self._hand_in(message)
        else:
            self._send(message)
        self.stage.changed()

    def _send(self, message: Message) -> None:
        images = self._first_images
        self._first_images = ()
        message = Message(message.text, (*message.images, *images), message.draft)
        self.history.add(PromptCell(message.text or "[image]"))
        self._hand_in(message)

    def _hand_in(self, message: Message) -> None:
        from codex_protocol.ops import AddToHistoryOp, LocalImageInput, TextInput, UserInputOp

        text = (TextInput(text=message.text),) if message.text else ()
        self.submit(UserInputOp(items=(*text, *(LocalImageInput(path=path) for path in message.images))))
        if message.text.strip():
            self.submit(AddToHistoryOp(text=message.text))
        self.state.was_used = True

    def _send_queued(self) -> None:
        message = self.composer.queue.take_next()
        if message is not None:
            self._send(message)

    def _show_steering(self) -> None:
        for message in self.state.steering:
            self.history.add(PromptCell(message.text or "[image]"))
        self.state.steering.clear()
        self.state.is_steering_due = False

    def _take_back_steering(self) -> None:
        """What no request has carried is not lost with the turn: it goes back to the composer."""
        waiting = self.composer.queue.messages
        self.composer.queue.clear()
        for message in (*self.state.steering, *waiting):
            self.composer.queue.add(message)
        self.state.steering.clear()
        self.state.is_steering_due = False

    def notice(self, kind: NoticeKind, text: str, hint: str = "") -> None:
        """Says something of the app's own in the history."""
        self.history.add(NoticeCell(kind, text, hint))
        self.stage.changed()

    # --- questions -----------------------------------------------------------------------------------

    async def ask(self, panel: Panel, *, waits_for_user: bool = False) -> object:
        """Shows a question in place of the composer; the answer, or None if it was withdrawn."""
        asked = OpenPanel(panel, asyncio.get_running_loop().create_future(), waits_for_user)
        self.state.panels.append(asked)
        self.state.clock.pause(self.clock())
        self.tell_title()
        self.stage.changed()
        try:
            return await asked.answer
        finally:
            if asked in self.state.panels:
                self.state.panels.remove(asked)
            if not self.state.panels and self.state.is_running:
                self.state.clock.go_on(self.clock())
            self.tell_title()
            self.stage.changed()

    def answer(self, value: object) -> None:
        """Answers the question on the screen."""
        if self.state.panels:
            asked = self.state.panels.pop(0)
            if not asked.answer.done():
                asked.answer.set_result(value)
        self.stage.changed()

    def withdraw_questions(self) -> None:
        """The agent waits for none of its questions any more."""
        for asked in [each for each in self.state.panels if each.waits_for_user]:
            self.state.panels.remove(asked)
            if not asked.answer.done():
                asked.answer.set_result(None)

    async def _approve(
        self, event_id: str, request: ExecApprovalRequestEvent | ApplyPatchApprovalRequestEvent
    ) -> None:
        from codex_core.presentation import blocks
        from codex_protocol import events
        from codex_protocol.ops import ExecApprovalOp, PatchApprovalOp, ReviewDecision
        from codex_tui.screens.approval import ApprovalPanel

        if isinstance(request, events.ExecApprovalRequestEvent):
            what = blocks.first_line(blocks.command_text(request.command), _REQUEST_CHARS)
            self.stage.notify(f"Approval requested: {what}")
        else:
            count = len(request.changes)
            what = next(iter(request.changes)) if count == 1 else f"{count} files"
            self.stage.notify(f"Codex wants to edit {what}")
        panel = ApprovalPanel(request, cwd=self.state.config.cwd, home=self.launch.home)
        decision = await self.ask(panel, waits_for_user=True)
        if not isinstance(decision, ReviewDecision):
            return
        if isinstance(request, events.ExecApprovalRequestEvent):
            self.history.decide(request, _DECISIONS.get(decision.value, Decision.CANCELED))
            self.submit(ExecApprovalOp(id=event_id, decision=decision))
        else:
            if decision is ReviewDecision.APPROVED:
                self.history.approve_patch(request.call_id)
            self.submit(PatchApprovalOp(id=event_id, decision=decision))

    # --- the composer --------------------------------------------------------------------------------

    def press(self, key: Key, *, is_typeahead: bool = False) -> None:
        """A key for the composer."""
        hint, self.state.hint = self.state.hint, Hint.NONE
        self.handle(self.composer.press(key, is_typeahead=is_typeahead), hint)

    def handle(self, outcomes: Iterable[Outcome], hint: Hint = Hint.NONE) -> None:
        """Does what the composer asks for; `hint` is what was promised to this key."""
        from codex_protocol.ops import GetHistoryEntryRequestOp

        for outcome in outcomes:
            match outcome:
                case Submitted(message, later):
                    self.send(message, later=later)
                case CommandChosen(command, arguments):
                    from codex_tui.commands import run_command

                    self.start(run_command(self, command.name, arguments))
                case Refused(sentence):
                    self.notice(NoticeKind.ERROR, sentence)
                case Cleared():
                    self.state.hint = Hint.INTERRUPT_OR_QUIT
                case HistoryWanted(log_id, offset):
                    self.submit(GetHistoryEntryRequestOp(log_id=log_id, offset=offset))
                case FilesWanted(query):
                    if self._searcher is not None:
                        self._searcher.ask(query)
                case EditorWanted(text):
                    self._edit(text)
                case Asked(action):
                    self._asked(action, hint)
        self.stage.changed()

    def _asked(self, action: Action, hint: Hint) -> None:
        from codex_tui.history.cells import transcript_rows

        match action:
            case Action.ESCAPE:
                self.interrupt()
            case Action.INTERRUPT_OR_QUIT if self.state.is_running:
                self.interrupt()
                self.state.hint = Hint.INTERRUPT_OR_QUIT
            case Action.INTERRUPT_OR_QUIT if hint is not Hint.INTERRUPT_OR_QUIT and self.state.is_ready:
                self.state.hint = Hint.INTERRUPT_OR_QUIT
            case Action.QUIT if self.state.is_running and hint is not Hint.LEAVE_TURN:
                self.state.hint = Hint.LEAVE_TURN
            case Action.QUIT | Action.INTERRUPT_OR_QUIT:
                self.leave()
            case Action.TRANSCRIPT:
                cells = tuple(self.history.cells)
                self.stage.page("Transcript", lambda width: transcript_rows(cells, width), at_end=True)
            case Action.PASTE_IMAGE:
                self.notice(
                    NoticeKind.INFO, "Images cannot be taken from the clipboard; paste a path instead."
                )

    def interrupt(self) -> None:
        """Stops the running turn."""
        from codex_protocol.ops import InterruptOp

        if self.state.is_running:
            self.submit(InterruptOp())

    def _edit(self, text: str) -> None:
        edited = self.stage.edit_elsewhere(text)
        if edited is not None:
            self.handle(self.composer.edited(edited))

    def _files_found(self, query: str, files: list[FileMatch]) -> None:
        found = [FoundFile(match.path, match.indices) for match in files]
        self.handle(self.composer.provide_files(query, found))


_DECISIONS = {
    "approved": Decision.APPROVED,
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
}
