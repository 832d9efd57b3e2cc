"""The app: composes the widgets, draws what the controller's data say, and is its `Stage`."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Span, Style
from codex_tui.composer.shortcuts import footer
from codex_tui.composer.view import view
from codex_tui.controller import Controller
from codex_tui.history.themes import choose_theme, painted
from codex_tui.screens.panel import key_hints
from codex_tui.state import Hint, footer_state
from codex_tui.term.inputs import Key
from codex_tui.term.textual_bridge import InlineApp
from codex_tui.widgets.composer_box import InputBox
from codex_tui.widgets.lines import Lines
from codex_tui.widgets.status import queue_rows, status_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer

    from codex_tui.session_start import Launch
    from codex_tui.state import OpenPanel
    from codex_tui.term.boot import Boot
    from codex_tui.term.rows import Row

_FRAME_S = 1 / 60
_TICK_S = 0.1
_TYPING_S = 1.0
"""Who pressed a key that short a time before a question came up is typing …"""
_GRACE_S = 0.7
"""… and what they type for this long still goes to the composer."""
_MARGIN_ROWS = 3


class CodexApp(InlineApp[int]):
    """What is on the terminal: history above, what goes on, the composer or a question, and a hint."""

    def __init__(self, boot: Boot, launch: Launch, *, placeholder: str = "") -> None:
        super().__init__(boot)
        self.controller = Controller(launch, self)
        self.problem: str | None = None
        """Why the app had to end, to be told on the restored terminal."""
        self._placeholder = placeholder
        self._colours = choose_theme(launch.services.environ)
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
        self._typed_at = float("-inf")
        self._asked_at = 0.0
        self._asked: OpenPanel | None = None
        self._burst_timer: asyncio.TimerHandle | None = None
        self._own_context = copy_context()

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
        self._draw()
        self._box.focus()
        self._ticker = self.set_interval(_TICK_S, self._tick, pause=True)
        self._session = asyncio.create_task(self._hold_session(), name="tui session")

    async def on_unmount(self) -> None:
        """However the app ends, what it started ends with it."""
        for timer in (self._due, self._burst_timer):
            if timer is not None:
                timer.cancel()
        if self._session is not None:
            self._session.cancel()
            await asyncio.wait([self._session])
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

    def _tick(self) -> None:
        self.changed()

    def _draw(self) -> None:
        """Commits what is finished and shows the rest."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._commit()
        self._show_input()
        self._show_live()
        if self._ticker is not None:
            if self.controller.state.is_running:
                self._ticker.resume()
            else:
                self._ticker.pause()

    def _commit(self) -> None:
        history = self.controller.history
        count = len(history.cells)
        if count > self._written:
            cols = self.viewport.cols
            rows = painted(history.rows(cols, self._written, count), self._colours, cols)
            self._written = count
            self.viewport.commit(rows)
            self.request_frame()

    def _show_live(self) -> None:
        controller, cols = self.controller, self.size.width
        now = controller.clock()
        live = controller.history.live_rows(cols, now)
        state = controller.state
        rows: list[Line] = []
        if state.panel is None:
            rows += status_rows(controller.history, state, now, cols)
            rows += queue_rows(state, controller.composer.queue, cols)
        if not rows or rows[-1]:
            rows.append(())
        # What the turn does goes before what waits, and both before what it says just now.
        budget = max(self.size.height - len(self._box.rows) - len(self._below.rows), 0)
        rows = rows[:budget]
        room = budget - len(rows)
        self._live.show([*(live[-room:] if room else []), *rows])

    def _show_input(self) -> None:
        state, cols, height = self.controller.state, self.size.width, self.size.height
        panel = state.panel
        if panel is not None:
            if panel is not self._asked:
                self._asked, self._asked_at = panel, self.controller.clock()
            rows = panel.panel.rows(cols, max(height - 2, 4))
            self._box.caret = None
            # The end holds the answers; what is above it stands in the history, too.
            self._box.show(rows[-max(height - 2, 4) :])
            self._below.show(())
            return
        self._asked = None
        seen = view(
            self.controller.composer,
            cols,
            max_rows=max(height - _MARGIN_ROWS, 1),
            placeholder=self._placeholder,
        )
        self._box.caret = seen.caret
        self._box.show(seen.rows)
        if height <= _MARGIN_ROWS:
            self._below.show(())
        elif seen.popup:
            self._below.show(seen.popup[: max(height - len(seen.rows) - 1, 1)])
        else:
            self._below.show(((), seen.search or self._footer()))

    def _footer(self) -> Line:
        state = self.controller.state
        if state.is_leaving:
            return (Span("leaving …", Style.DIM),)
        if state.hint is Hint.LEAVE_TURN:
            return key_hints(("Ctrl+D", "again to interrupt the turn and quit"))
        return footer(footer_state(state, self.controller.history.tokens))

    def history_rows(self, cols: int) -> Iterable[Row]:
        """All that was committed, for this width."""
        rows = self.controller.history.rows(cols, 0, self._written)
        return painted(rows, self._colours, cols)

    def on_resize(self, _event: events.Resize) -> None:
        """Everything is laid out anew."""
        self._draw()

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
        self._typed_at = self.controller.clock()
        for character in text:
            self.controller.press(Key(character, character, self._typed_at), is_typeahead=True)
        self._draw()

    def on_input_box_pressed(self, message: InputBox.Pressed) -> None:
        """A key goes to the question on the screen, else to the composer."""
        key, panel = message.key, self.controller.state.panel
        is_early = self._typeahead_ended is None or key.at <= self._typeahead_ended
        if panel is not None and not is_early and self._is_for(panel, key.at):
            answer = panel.panel.press(key)
            if answer is not None:
                self.controller.answer(answer.value)
        else:
            self._typed_at = key.at
            self.controller.press(key, is_typeahead=is_early)
            self._wait_for_burst()
        self._draw()
        self.paint_now(self._box, self._below)

    def _is_for(self, panel: OpenPanel, at: float) -> bool:
        """Whether who pressed a key then had seen the question: nobody shall answer one by accident."""
        if panel is not self._asked or at <= self._asked_at:
            return False
        is_typing = self._asked_at - self._typed_at < _TYPING_S and self.controller.composer.draft.text
        was_typing = panel.waits_for_user and is_typing
        return not was_typing or at - self._asked_at > _GRACE_S

    def on_input_box_pasted(self, message: InputBox.Pasted) -> None:
        """A paste goes where keys go."""
        panel = self.controller.state.panel
        if panel is not None:
            panel.panel.paste(message.text)
        else:
            self.controller.handle(self.controller.composer.paste(message.text))
        self._draw()
        self.paint_now(self._box, self._below)

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

    def terminal_focus_changed(self, *, has_focus: bool) -> None:
        """Who looks at the window needs no notification."""
        self._has_focus = has_focus

    # --- the stage -----------------------------------------------------------------------------------

    def page(self, title: str, rows: Callable[[int], list[Line]], *, at_end: bool) -> None:
        """Opens a pager above everything."""
        from codex_tui.screens.pager import Pager

        self.push_screen(Pager(title, rows, self._colours, at_end=at_end))

    def redraw(self) -> None:
        """Prints the history again at the present width."""
        self._draw()
        self.viewport.redraw()

    def set_title(self, text: str) -> None:
        """The window's title."""
        if text != self._title:
            self._title = text
            self.viewport.set_title(text)

    def notify(self, text: str) -> None:  # type: ignore[override]  # Textual's toasts are not used
        """A message on the desktop, unless the window has the keyboard."""
        if self._has_focus is not True:
            self.viewport.notify(text)

    def edit_elsewhere(self, text: str) -> str | None:
        """Gives the terminal to the user's editor."""
        from codex_tui.editor import EditorError, edit
        from codex_tui.history.notice_cells import NoticeKind

        try:
            with self.terminal_given_away():
                return edit(text, self.controller.launch.services.environ)
        except EditorError as error:
            self.controller.notice(NoticeKind.ERROR, str(error))
            return None

    def leave(self, problem: str | None = None) -> None:
        """Ends the app."""
        if problem is not None:
            self.problem = problem
        self._draw()
        self.exit(return_code=0 if self.problem is None else 1)
