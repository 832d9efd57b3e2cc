"""The app: composes the widgets, draws what the controller's data say, and is its `Stage`."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

from codex_tui.attention import Attention, Taker
from codex_tui.backlog import BACKLOG_PAUSE_S, BACKLOG_SLICE_S, Backlog
from codex_tui.controller import Controller
from codex_tui.history.themes import choose_theme, painted
from codex_tui.layout import Place, input_part, live_part
from codex_tui.sessions import SHUTDOWN_S
from codex_tui.term.inputs import Key
from codex_tui.term.textual_bridge import InlineApp
from codex_tui.widgets.composer_box import InputBox
from codex_tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from codex_core.presentation.spans import Line
    from codex_tui.history.themes import Theme
    from codex_tui.screens.pager import PagerScreen
    from codex_tui.screens.transcript import TranscriptScreen
    from codex_tui.session_start import Launch
    from codex_tui.term.boot import Boot
    from codex_tui.term.rows import Row
    from codex_tui.term.viewport import ResizePolicy

_FRAME_S = 1 / 60
_TICK_S = 0.1
_TOGETHER_S = 0.008
"""Nobody types a key that soon after another one was dealt with."""
_WAITING = "A question waits for you; close this to answer it."


class CodexApp(InlineApp[int]):
    """What is on the terminal: history above, what goes on, the composer or a question, and a hint."""

    def __init__(self, boot: Boot, launch: Launch, *, placeholder: str = "") -> None:
        super().__init__(boot)
        self.controller = Controller(launch, self)
        self.problem: str | None = None
        """Why the app had to end, to be told on the restored terminal."""
        self._placeholder = placeholder
        self._colours = self._chosen_colours()
        self._live = Lines(self._colours)
        self._box = InputBox(self._colours)
        self._below = Lines(self._colours)
        self._written = 0
        self._due: asyncio.TimerHandle | None = None
        self._ticker: Timer | None = None
        self._session: asyncio.Task[None] | None = None
        self._title = ""
        self._has_focus: bool | None = None
        self._typeahead_ended: float | None = None
        self._attention = Attention()
        self._overlays: list[PagerScreen] = []
        self._transcript: TranscriptScreen | None = None
        self._burst_timer: asyncio.TimerHandle | None = None
        self._backlog: Backlog | None = None
        self._backlog_timer: asyncio.TimerHandle | None = None
        self._own_context = copy_context()
        self._echoed_at = float("-inf")

    # --- the screen ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._live
        yield self._box
        yield self._below

    def on_mount(self) -> None:
        """The session begins; keys go to the composer at once."""
        # Rows are made to fit; while a resize is under way they may not, for a moment.
        self.screen.styles.overflow_x = self.screen.styles.overflow_y = "hidden"
        self._own_context = copy_context()
        self.facts_changed()
        self._draw()
        self._box.focus()
        self._ticker = self.set_interval(_TICK_S, self.changed, pause=True)
        self._session = asyncio.create_task(self._hold_session(), name="tui session")

    async def on_unmount(self) -> None:
        """However the app ends, what it started ends with it."""
        for timer in (self._due, self._burst_timer, self._backlog_timer):
            if timer is not None:
                timer.cancel()
        if self._session is not None:
            self._session.cancel()
            await asyncio.wait([self._session], timeout=SHUTDOWN_S)
        await self.controller.aclose()

    async def _hold_session(self) -> None:
        with self.failing():
            await self.controller.run()

    def changed(self) -> None:
        """Draws within a frame's time, however often it is told."""
        if self._due is None and self._running:
            self._due = self._call_in(_FRAME_S, self._draw)

    def _call_in(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Calls as if Textual did, whoever asks for it: its widgets look for their app in the context."""

        def guarded() -> None:
            with self.failing():
                call()

        return asyncio.get_running_loop().call_later(delay_s, guarded, context=self._own_context.copy())

    def _draw(self) -> None:
        """Commits what is finished and shows the rest."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._commit()
        self._show_input()
        self._show_live()
        self._keep_overlay_up_to_date()
        if self._ticker is not None:
            state = self.controller.state
            if state.is_running or state.panel is not None or state.resuming_since is not None:
                self._ticker.resume()
            else:
                self._ticker.pause()
        if not self._is_covered:  # with the new heights at once: a frame in between would be cut
            self.paint_now(self._live, self._box, self._below)

    @property
    def _is_covered(self) -> bool:
        """Whether something else than the conversation is on the screen."""
        return bool(self._overlays)

    def _commit(self) -> None:
        history, state = self.controller.history, self.controller.state
        if state.is_replaying or (state.resuming_since is not None and not self._commit_resumed()):
            return
        count = len(history.cells)
        if count > self._written:
            cols = self.viewport.cols
            rows = painted(history.rows(cols, self._written, count), self._colours, cols)
            self._written = count
            self.viewport.commit(rows)
            self.controller.log.cell(len(rows))
            self.request_frame()

    def _commit_resumed(self) -> bool:
        """Makes rows of the resumed conversation for a moment; True when all of them have been committed."""
        history, cols = self.controller.history, self.viewport.cols
        backlog = self._backlog
        if backlog is None or not backlog.is_for(cols, self._colours):
            backlog = self._backlog = Backlog(history, self._colours, cols, self._written)
        if not backlog.work(BACKLOG_SLICE_S):
            if self._backlog_timer is None:
                self._backlog_timer = self._call_in(BACKLOG_PAUSE_S, self._go_on_with_backlog)
            return False
        self._backlog = None
        self.controller.state.resuming_since = None
        self._written = backlog.stop
        rows = backlog.rows()
        self.viewport.commit(rows)
        self.controller.log.cell(len(rows))
        self.request_frame()
        return True

    def _go_on_with_backlog(self) -> None:
        self._backlog_timer = None
        if self.controller.state.resuming_since is not None and self._commit_resumed():
            self._draw()

    @property
    def _place(self) -> Place:
        cols, rows = self.size
        return Place(cols, rows, has_extended_keys=self.facts.has_extended_keys)

    def _show_live(self) -> None:
        room = self.size.height - len(self._box.rows) - len(self._below.rows)
        self._live.show(live_part(self.controller, self._place, room))

    def _show_input(self) -> None:
        panel = self.controller.state.panel
        if panel is None or (not self._is_covered and self.viewport.is_steady):
            self._attention.shown(panel, self.controller.clock())
        shown = input_part(self.controller, self._place, self._placeholder)
        self._box.caret = shown.caret
        self._box.show(shown.rows)
        self._below.show(shown.below)

    def history_rows(self, cols: int) -> Iterator[Row]:
        """All that was committed, for this width, the newest row first."""
        colours = self._colours
        for rows in self.controller.history.rows_backwards(cols, self._written):
            yield from reversed(painted(rows, colours, cols))

    def on_resize(self, _event: events.Resize) -> None:
        """Everything is laid out anew."""
        self._draw()

    # --- the terminal --------------------------------------------------------------------------------

    def facts_changed(self) -> None:
        """The terminal has said what it can do and what it looks like."""
        self.controller.composer.set_burst(is_disabled=self.facts.marks_pastes is True)
        colours = self._chosen_colours()
        if colours != self._colours:
            self._colours = colours
            for widget in (self._live, self._box, self._below):
                widget.colours = colours
                widget.refresh()
            if self._written:
                self.redraw()

    def _chosen_colours(self) -> Theme:
        is_light = {"light": True, "dark": False}.get(self.facts.background)
        return choose_theme(self.controller.launch.services.environ, is_light=is_light)

    def terminal_focus_changed(self, *, has_focus: bool) -> None:
        """Who looks at the window needs no notification."""
        self._has_focus = has_focus

    # --- keys ----------------------------------------------------------------------------------------

    def end_boot(self) -> tuple[str, bytes]:
        """What was typed until now came before there was anything to answer or to paste into."""
        typed = super().end_boot()
        if self._typeahead_ended is None:
            asyncio.get_running_loop().call_soon(self._end_typeahead)
        return typed

    def _end_typeahead(self) -> None:
        self._typeahead_ended = self.controller.clock()

    def type_ahead(self, text: str) -> None:
        """Text typed before the app was there."""
        now = self.controller.clock()
        for character in text:
            self._press(Key(character, character, now), is_typeahead=True)
        self._draw()

    def on_input_box_pressed(self, message: InputBox.Pressed) -> None:
        """A key goes to the question on the screen, else to the composer."""
        key, panel = self._on_our_clock(message.key), self.controller.state.panel
        is_early = self._typeahead_ended is None or key.at <= self._typeahead_ended
        taker = Taker.DRAFT if is_early else self._taker(key.name, key.at)
        if panel is not None and taker is Taker.QUESTION:
            answer = panel.panel.press(key)
            if answer is not None:
                self._attention.answered(key.name, key.at)
                self.controller.answer(answer.value)
        elif taker is Taker.DRAFT:
            self._press(key, is_typeahead=is_early)
            self._wait_for_burst()
        self._echo()

    def _echo(self) -> None:
        """Shows what a key did where it was typed, at once; the rest a moment later.

        Of keys that come together, as a paste without marks does, only the first has a frame of its own.
        """
        loop = asyncio.get_running_loop()
        is_alone = loop.time() - self._echoed_at > _TOGETHER_S
        self.changed()
        if is_alone:
            self._show_input()
            if not self._is_covered:
                self.paint_now(self._box, self._below)
        self._echoed_at = loop.time()

    def _taker(self, key: str, at: float) -> Taker:
        panel = self.controller.state.panel
        came_by_itself = panel is not None and panel.waits_for_user
        return self._attention.taker(panel, key, at, came_by_itself=came_by_itself)

    def _press(self, key: Key, *, is_typeahead: bool) -> None:
        self.controller.press(key, is_typeahead=is_typeahead)
        self._attention.typed(key.at, is_draft_empty=not self.controller.composer.draft.text)

    def _on_our_clock(self, key: Key) -> Key:
        """The key with the time it was read by the clock that everything here goes by."""
        age = max(asyncio.get_running_loop().time() - key.at, 0.0)
        return Key(key.name, key.text, self.controller.clock() - age)

    def on_input_box_pasted(self, message: InputBox.Pasted) -> None:
        """A paste goes where keys go; it decides nothing."""
        panel, now = self.controller.state.panel, self.controller.clock()
        if panel is not None and self._taker("", now) is Taker.QUESTION:
            panel.panel.paste(message.text)
        else:
            self.controller.handle(self.controller.composer.paste(message.text))
            self._attention.typed(now, is_draft_empty=not self.controller.composer.draft.text)
        self._echo()

    def _wait_for_burst(self) -> None:
        """Pastes that come as keys end when nothing follows."""
        deadline = self.controller.composer.deadline
        if self._burst_timer is not None:
            self._burst_timer.cancel()
            self._burst_timer = None
        if deadline is not None:
            delay = max(deadline - self.controller.clock(), 0.001)
            self._burst_timer = self._call_in(delay, self._end_burst)

    def _end_burst(self) -> None:
        now = max(self.controller.clock(), self.controller.composer.deadline or 0.0)
        self.controller.handle(self.controller.composer.tick(now))
        self._wait_for_burst()
        self._draw()

    # --- the stage -----------------------------------------------------------------------------------

    def page(self, title: str, rows: Callable[[int], list[Line]]) -> None:
        """Opens a pager above everything."""
        from codex_tui.screens.pager import Pager

        self._cover(Pager(title, rows, self._colours, at_end=False))

    def show_transcript(
        self, picked: Callable[[int], None] | None = None, *, is_picking: bool = False
    ) -> None:
        """Opens the transcript; with `picked`, a prompt of this conversation may be picked in it."""
        from codex_tui.screens.transcript import TranscriptScreen

        if self._transcript is not None:  # the key came twice before the first was on the screen
            return
        controller = self.controller
        picks = [said.cell for said in controller.state.said] if picked is not None else []
        screen = TranscriptScreen(
            lambda: controller.history.cells, picks, self._colours, is_picking=is_picking
        )
        self._transcript = screen
        self._cover(screen, picked)

    def _cover(self, screen: PagerScreen, picked: Callable[[int], None] | None = None) -> None:
        def closed(cell: object) -> None:
            self._overlays.remove(screen)
            if screen is self._transcript:
                self._transcript = None
            if isinstance(cell, int) and picked is not None:
                picked(cell)
            self._draw()

        self._overlays.append(screen)
        self.push_screen(screen, closed)

    def _keep_overlay_up_to_date(self) -> None:
        """What happens below an overlay is told in it, or comes in."""
        panel = self.controller.state.panel
        for screen in self._overlays:
            if screen.is_mounted:
                screen.notice = _WAITING if panel is not None and panel.waits_for_user else ""
        if self._transcript is not None:
            self._transcript.refresh_cells()

    def redraw(self) -> None:
        """Prints the history again at the present width."""
        self._draw()
        self.viewport.redraw()

    def set_resize_policy(self, policy: ResizePolicy) -> None:
        """What happens to the history on the terminal when the window changes."""
        self.viewport.policy = policy

    def set_title(self, text: str) -> None:
        """The window's title."""
        if text != self._title:
            self._title = text
            self.viewport.set_title(text)

    def _set_title_again(self) -> None:
        """The terminal was somebody else's, and what was said meanwhile did not get there."""
        self._title = ""
        self.controller.tell_title()

    def show_notification(self, text: str) -> None:
        """A message on the desktop, unless the window has the keyboard."""
        if self._has_focus is not True:
            self.viewport.notify(text)

    def ring(self) -> None:
        """The bell, unless the window has the keyboard."""
        if self._has_focus is not True:
            self.viewport.write("\x07")

    async def edit_elsewhere(self, text: str) -> str | None:
        """Gives the terminal to the user's editor; what goes on goes on meanwhile."""
        from codex_tui.editor import EditorError, edit
        from codex_tui.history.notice_cells import NoticeKind

        try:
            with self.terminal_given_away():
                return await edit(text, self.controller.launch.services.environ)
        except EditorError as error:
            self.controller.notice(NoticeKind.ERROR, str(error))
            return None
        finally:
            self._set_title_again()

    def leave(self, problem: str | None = None) -> None:
        """Ends the app."""
        if problem is not None:
            self.problem = problem
        self._draw()
        self.exit(return_code=0 if self.problem is None else 1)
