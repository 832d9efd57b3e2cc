"""Between conversation and screen: what was typed becomes operations, events become what is shown.

It knows no widgets: a `Stage` shows what `history`, `composer` and `state` hold, told when they change. The
work is done in rooms of its own: `sessions` and `incoming` for the conversation, `delivery` for messages,
`questions`, `commands`, `backtrack`.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from codex_core.errors import CodexError
from codex_login.errors import LoginError
from codex_tui import __version__
from codex_tui.clipboard.pasting import ClipboardPasting
from codex_tui.composer.composer import Composer
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
from codex_tui.delivery import Delivery
from codex_tui.history.history import History
from codex_tui.history.notice_cells import NoticeCell, NoticeKind
from codex_tui.history.settings import settings_for
from codex_tui.notifications import Notifications, NotificationSettings
from codex_tui.questions import Questions
from codex_tui.session_log import no_session_log
from codex_tui.sessions import SHUTDOWN_S, Origin, Sessions
from codex_tui.state import AppState, Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from tempfile import TemporaryDirectory

    from codex_core.conversation.conversation import CodexConversation
    from codex_core.presentation.spans import Line
    from codex_core.workspace.file_search import FileMatch, FileSearcher
    from codex_protocol.ops import Op
    from codex_tui.composer.draft import Message
    from codex_tui.composer.outcomes import Outcome
    from codex_tui.screens.panel import Panel
    from codex_tui.session_start import Launch
    from codex_tui.term.inputs import Key
    from codex_tui.term.viewport import ResizePolicy


class Stage(Protocol):
    """What shows the session."""

    def changed(self) -> None:
        """Something that is shown is different; it may be drawn a moment later."""

    def page(self, title: str, rows: Callable[[int], list[Line]]) -> None:
        """Shows rows, made for a width, in a pager."""

    def show_transcript(
        self, picked: Callable[[int], None] | None = None, *, is_picking: bool = False
    ) -> None:
        """Shows all cells in full; with `picked`, the user may pick a prompt to edit: it gets its cell.

        `is_picking`: the newest one is picked already.
        """

    def redraw(self) -> None:
        """Prints the whole history again."""

    def set_resize_policy(self, policy: ResizePolicy) -> None:
        """What happens to the history on the terminal when the window changes."""

    def set_title(self, text: str) -> None:
        """The terminal's title."""

    def show_notification(self, text: str) -> None:
        """Tells a user who looks elsewhere."""

    def ring(self) -> None:
        """Rings for a user who looks elsewhere."""

    async def edit_elsewhere(self, text: str) -> str | None:
        """The text as the user's editor left it; None if it was not edited."""

    def leave(self, problem: str | None = None) -> None:
        """Ends the app; with what went wrong, if something did."""


class Controller:
    """What one app knows, and what its keys and events do to that."""

    def __init__(self, launch: Launch, stage: Stage) -> None:
        config = launch.config
        self.launch = launch
        self.stage = stage
        self.clock = launch.services.monotonic
        self.state = AppState(config)
        self.history = History(settings_for(config, version=__version__, home=launch.home))
        self.composer = Composer(
            cwd=config.cwd,
            home=launch.home,
            environ=launch.services.environ,
            disable_paste_burst=config.disable_paste_burst,
        )
        self.sessions = Sessions(self)
        self.questions = Questions(self.state, self.clock, self._questions_changed)
        self.delivery = Delivery(
            self.state,
            self.history,
            self.composer.queue,
            self.submit,
            first_images=[os.path.abspath(path) for path in launch.options.images],
        )
        self.notifications = self._notifications(NotificationSettings())
        self.log = no_session_log(launch.services.now)
        self._clipboard = ClipboardPasting(self)
        self._searcher: FileSearcher | None = None
        self._is_editing = False
        self._scratch: TemporaryDirectory[str] | None = None

    # --- from the beginning to the end ---------------------------------------------------------------

    async def run(self) -> None:
        """Prepares and holds the session, to the end of the app."""
        try:
            await self.sessions.run(self._prepare())
        except* (CodexError, LoginError) as failures:
            error: BaseException = failures
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            sentence = self._sentence(error)
            self.stage.leave(sentence if sentence.startswith("Error") else f"Error: {sentence}")

    def _sentence(self, error: BaseException) -> str:
        from codex_core.rollout.recorder import SessionInUseError

        resume = self.launch.options.resume
        if isinstance(error, SessionInUseError) and resume is not None and resume.last:
            return (
                f"The newest session, {error.path}, is in use by another running Codex. "
                "End that one first, or go on in a copy: codex fork --last."
            )
        return str(error)

    async def aclose(self) -> None:
        """Ends what still runs; for the end of the app, however it comes."""
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await self.launch.manager.aclose()
        except TimeoutError:
            return
        finally:
            self.log.close()
            if self._scratch is not None:
                self._scratch.cleanup()

    async def _prepare(self) -> Origin:
        """Everything that comes before the first conversation, and what that is."""
        from codex_core.workspace.file_search import FileSearcher
        from codex_tui.preparation import prepare
        from codex_tui.session_log import open_session_log
        from codex_tui.session_start import check_session, tui_table

        options, services, config = self.launch.options, self.launch.services, self.state.config
        table = tui_table(config, options.overrides)
        self.notifications = self._notifications(table.notifications)
        self.stage.set_resize_policy(table.resize)
        try:
            self.log = open_session_log(services.environ, config.codex_home, services.now, self._warn)
        except OSError as error:
            self.notice(NoticeKind.WARNING, f"This session is not logged: {error}")
        self.log.begin(config)
        await check_session(config, options.resume)
        self._searcher = FileSearcher(config.cwd, self._files_found, environ=services.environ)
        self.start(self._searcher.run())
        for notice in config.notices:
            self.notice(NoticeKind.WARNING, notice)
        await prepare(self)
        return await self.first_origin()

    async def first_origin(self) -> Origin:
        """What the app's first conversation begins with; asks the user if the command line leaves it open."""
        from codex_tui.session_choice import pick_session

        options = self.launch.options
        resume = await pick_session(self)
        if resume is None:
            return Origin(is_first=True)
        is_picked = resume is not options.resume
        return Origin(
            resume.session_id, resume.last, is_copy=options.is_fork, is_first=True, is_picked=is_picked
        )

    def _notifications(self, settings: NotificationSettings) -> Notifications:
        environ, stage = self.launch.services.environ, self.stage
        return Notifications(settings, environ, show=stage.show_notification, ring=stage.ring)

    def is_idle(self) -> bool:
        """Whether there is a conversation, and nothing runs in it."""
        return self.state.is_ready and not self.state.is_busy

    @property
    def conversation(self) -> CodexConversation | None:
        """The conversation that is open, or was last."""
        return self.sessions.conversation

    @property
    def is_recorded(self) -> bool:
        """Whether what was said in the conversation is all on the disk, to be gone on with later."""
        return self.conversation is not None and self.conversation.rollout_path is not None

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Does something beside the conversation, for as long as the app lasts at most."""
        self.sessions.start(work)

    def submit(self, op: Op) -> None:
        """Asks something of the agent."""
        self.sessions.submit(op)

    def begin_anew(self) -> None:
        """Ends this conversation; a new one begins at once."""
        self.composer.queue.clear()
        self.sessions.follow_with(Origin())

    def leave(self) -> None:
        """Ends the conversation and the app."""
        self.sessions.leave()

    def scratch_directory(self) -> str:
        """A new directory that goes with the app."""
        import tempfile

        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="codex-tui-", ignore_cleanup_errors=True)
        return tempfile.mkdtemp(dir=self._scratch.name)

    # --- what is said and asked ----------------------------------------------------------------------

    def notice(self, kind: NoticeKind, text: str, hint: str = "") -> None:
        """Says something of the app's own in the history."""
        self.history.add(NoticeCell(kind, text, hint))
        self.stage.changed()

    def _warn(self, text: str) -> None:
        self.notice(NoticeKind.WARNING, text)

    def send(self, message: Message, *, later: bool = False) -> None:
        """Sends a message: into the running turn, behind it if `later`, else as a turn of its own."""
        self.delivery.send(message, later=later)
        self.stage.changed()

    async def ask(self, panel: Panel, *, waits_for_user: bool = False) -> object:
        """Shows a question in place of the composer; the answer, or None if it was withdrawn."""
        return await self.questions.ask(panel, waits_for_user=waits_for_user)

    def answer(self, value: object) -> None:
        """Answers the question on the screen."""
        from codex_protocol.ops import ReviewDecision

        if value is ReviewDecision.ABORT:
            self.state.is_stopping = True
        self.questions.answer(value)

    def set_running(self, *, is_running: bool) -> None:
        """A turn runs now, or none does."""
        self.state.is_running = self.composer.is_running = is_running
        self.tell_title()

    def _questions_changed(self) -> None:
        self.tell_title()
        self.stage.changed()

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

                    self.log.app_event(f"command /{command.name}")
                    self.start(run_command(self, command.name, arguments))
                case Refused(sentence):
                    self.notice(NoticeKind.ERROR, sentence)
                case Cleared():
                    self.state.hint = Hint.INTERRUPT_OR_QUIT
                case HistoryWanted(log_id, offset):
                    self.submit(GetHistoryEntryRequestOp(log_id=log_id, offset=offset))
                case FilesWanted(query):
                    self._search_files(query)
                case EditorWanted(text):
                    self.start(self._edit(text))
                case Asked(action):
                    self._asked(action, hint)
        self.stage.changed()

    def _asked(self, action: Action, hint: Hint) -> None:
        """What a key means that is the app's and not the composer's (spec: tui.md section 10)."""
        state = self.state
        match action:
            case Action.ESCAPE if state.is_busy:
                self.interrupt()
            case Action.ESCAPE if state.said and state.is_ready and not self.composer.draft.text:
                if hint is Hint.EDIT_PREVIOUS:
                    self.stage.show_transcript(self.go_back, is_picking=True)
                else:
                    state.hint = Hint.EDIT_PREVIOUS
            case Action.INTERRUPT_OR_QUIT if state.is_busy:
                self.interrupt()
                state.hint = Hint.INTERRUPT_OR_QUIT
            case Action.INTERRUPT_OR_QUIT if hint is not Hint.INTERRUPT_OR_QUIT and state.is_ready:
                state.hint = Hint.INTERRUPT_OR_QUIT
            case Action.QUIT if state.is_busy and hint is not Hint.LEAVE_TURN:
                state.hint = Hint.LEAVE_TURN
            case Action.QUIT | Action.INTERRUPT_OR_QUIT:
                self.leave()
            case Action.TRANSCRIPT:
                self.stage.show_transcript(None if state.is_busy else self.go_back)
            case Action.PASTE_IMAGE:
                self.start(self._clipboard.paste())

    def interrupt(self) -> None:
        """Stops the running turn."""
        from codex_protocol.ops import InterruptOp

        if self.state.is_busy:
            self.state.is_stopping = True
            self.submit(InterruptOp())

    def go_back(self, cell: int) -> None:
        """Edits the prompt in this cell again."""
        from codex_tui import backtrack

        self.start(backtrack.go_back(self, cell))

    async def _edit(self, text: str) -> None:
        if self._is_editing:  # there is one terminal
            return
        self._is_editing, before = True, self.composer.draft
        try:
            edited = await self.stage.edit_elsewhere(text)
        finally:
            self._is_editing = False
        if edited is not None:
            self.handle(self.composer.edited(edited, before))

    def _search_files(self, query: str) -> None:
        if self._searcher is not None:
            self._searcher.ask(query)
            self.log.file_search(query)

    def _files_found(self, query: str, files: list[FileMatch]) -> None:
        self.log.file_search(query, len(files))
        found = [FoundFile(match.path, match.indices) for match in files]
        self.handle(self.composer.provide_files(query, found))
