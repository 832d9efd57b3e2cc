"""Textual on a terminal of our own: the only module that touches Textual's private names.

Textual lays out, focuses and dispatches; what it would write goes to a `Viewport` instead. The private names
used here are listed in `PRIVATE_NAMES` and held to what they were by a test, so that a new release of Textual
that moves one of them is found out before our users do.
"""

# ruff: noqa: SLF001 - this is the module that touches private names

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rich.color import ColorSystem
from textual import events
from textual._compositor import InlineUpdate
from textual.app import App, ScreenStackError
from textual.driver import Driver
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.screen import Screen
from textual.widget import Widget

from codex_tui.term.inputs import CursorReport, Focus, Key, Paste
from codex_tui.term.keys import KeyDecoder
from codex_tui.term.reader import InputReader, WatchedLoop
from codex_tui.term.rows import Piece, Row, make_row
from codex_tui.term.signals import TerminalSignals
from codex_tui.term.surface import View
from codex_tui.term.viewport import ResizePolicy, Viewport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import RenderableType
    from rich.style import Style
    from textual.message import Message
    from textual.strip import Strip

    from codex_tui.term.boot import Boot
    from codex_tui.term.inputs import Input

PRIVATE_NAMES: dict[str, tuple[str, ...]] = {
    "textual.app:App": (
        "_batch_count",
        "_close_messages_no_wait",
        "_closed",
        "_display",
        "_driver",
        "_exception",
        "_exception_event",
        "_handle_exception",
        "_return_code",
        "_running",
    ),
    "textual.driver:Driver": ("_app", "_loop", "_size"),
    "textual.screen:Screen": (
        "_compositor",
        "_compositor_refresh",
        "_dirty_widgets",
        "_layout_required",
        "_refresh_layout",
    ),
    "textual.widget:Widget": (
        "_clear_arrangement_cache",
        "_layout_required",
        "_layout_updates",
        "_repaint_required",
    ),
    "textual._compositor": ("InlineUpdate",),
    "textual.keys": ("_character_to_key",),
}
"""`module:class` to the private names this module uses."""

_OSC = re.compile(r"\x1b\]([0-9]*)[^\x07\x1b]*(?:\x07|\x1b\\)")
_PASSED_OSC = frozenset({"0", "2", "9", "52", "777"})  # title, notifications, clipboard
_FOCUS_ATTEMPTS = 50

Result = TypeVar("Result")


class InlineScreen(Screen[Any]):
    """The screen below the history: as high as its content, without borders."""

    IS_OVERLAY: ClassVar[bool] = False

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name, id, classes)
        # Textual's rule for inline screens draws tall borders and wins over one of a subclass.
        self.styles.border = ("none", "black")
        self.styles.height = "100%" if self.IS_OVERLAY else "auto"

    def on_resize(self, event: events.Resize) -> None:
        """Textual tells a screen the size that a layout gave it; it need not be laid out again for that."""
        if event.size == self.outer_size and event.size != self.app.size:
            event.prevent_default()


class OverlayScreen(InlineScreen):
    """A screen on the terminal's alternate screen; the history below stays and goes on afterwards."""

    IS_OVERLAY = True


class InlineDriver(Driver):
    """Input by the loop's reader, output through the app's viewport; no thread, no output of its own."""

    _app: InlineApp[Any]

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = False,  # noqa: ARG002 - never: selecting and the wheel are the terminal's
        size: tuple[int, int] | None = None,
    ) -> None:
        assert isinstance(app, InlineApp)
        super().__init__(app, debug=debug, mouse=False, size=size or app.terminal.size())
        self.reader = InputReader(
            app.terminal,
            app.decoder,
            self._loop,
            take=self._dispatch,
            ended=lambda: app.terminated(signal.SIGHUP),
            guard=app.failing,
        )
        self.signals = TerminalSignals(
            self._loop,
            resized=app.viewport.window_changed,
            stopped=self._stopped,
            continued=self._continued,
            terminated=lambda number: app.terminated(number),
            leave=app.terminal.leave,
        )

    @property
    def is_inline(self) -> bool:
        """True: Textual then makes whole rows for as many rows as the content has."""
        return True

    def write(self, data: str) -> None:
        """Passes on what does not draw: bells, titles, notifications, the clipboard."""
        for found in _OSC.finditer(data):
            if found[1] in _PASSED_OSC:
                self._app.viewport.write(found[0])
        if "\x07" in _OSC.sub("", data):  # and not the end of a pointer's shape
            self._app.viewport.write("\x07")

    def send_message(self, message: Message) -> None:
        """Posts at once: we are in the loop's own thread."""
        self._app.post_message(message)

    def start_application_mode(self) -> None:
        """Signals only; the terminal was taken by the boot, and input waits for the first layout."""
        self.signals.start()

    def stop_application_mode(self) -> None:
        """Gives the terminal back."""
        self.disable_input()
        self._app.end_boot()
        self.signals.stop()
        self._app.viewport.give_away()

    def disable_input(self) -> None:
        """Stops reading."""
        self.reader.stop()

    def _dispatch(self, found: Input) -> None:
        match found:
            case Key(name="ctrl+z"):
                self._app.suspend_process()
            case Key():
                event = events.Key(textual_key(found.name), found.text)
                event.time = found.at
                self.process_message(event)
            case Paste():
                if not self._app.facts.marks_pastes:
                    self._app.facts.marks_pastes = True
                    self._app.facts_changed()
                self.process_message(events.Paste(found.text))
            case Focus():
                self._app.terminal_focus_changed(has_focus=found.has_focus)
            case CursorReport():
                self._app.viewport.cursor_report(found.row)
            case _:
                if self._app.facts.learn(found.kind, found.body):
                    self._app.facts_changed()

    def _stopped(self) -> None:
        with self._app.failing():
            self._app.suspend_process()

    def _continued(self) -> None:
        with self._app.failing():
            self._app.viewport.was_stopped()
            self.reader.feed(self._app.terminal.take_typed())


class InlineApp(App[Result], Generic[Result]):
    """A Textual app with its history in the terminal's scrollback and its screen below it.

    Give finished rows to `viewport.commit` (made for `viewport.cols`) and refresh a widget; `history_rows`
    gives all of them again. A focused widget with a method `cursor_cell()` gets the terminal's cursor there.
    Screens derive from `InlineScreen`, those for the alternate screen from `OverlayScreen`.
    """

    ENABLE_COMMAND_PALETTE = False
    INLINE_PADDING = 0

    def __init__(self, boot: Boot, *, policy: ResizePolicy = ResizePolicy.SMART) -> None:
        super().__init__(driver_class=InlineDriver, ansi_color=True)
        self.terminal = boot.terminal
        self.facts = boot.facts
        """What the terminal says about itself, so far."""
        self.decoder = KeyDecoder()
        self.failure: Exception | None = None
        """What ended the app, if an error did."""
        self._boot = boot
        self._is_taken_over = False
        self._focus_attempts = 0
        self._color_system = ColorSystem.TRUECOLOR
        self._sgr: dict[Style, str] = {}
        self.viewport = Viewport(
            boot.terminal,
            boot.surface,
            clock=self._time,
            call_later=self._later,
            history=self.history_rows,
            on_resize=self._resized,
            expect_cursor_report=self.decoder.expect_cursor_report,
            policy=policy,
        )
        self.viewport.hold()

    # --- for subclasses ------------------------------------------------------------------------------

    def history_rows(self, cols: int) -> Iterable[Row]:  # noqa: ARG002 - for subclasses
        """All rows committed until it is called, made for `cols` columns, the newest first.

        Made while they are asked for, so that a long history neither stops the loop nor is made in vain.
        """
        return ()

    def type_ahead(self, text: str) -> None:
        """Gets the text typed before the app was there, once, when a widget has the focus."""

    def terminal_focus_changed(self, *, has_focus: bool) -> None:
        """The terminal's window got or lost the keyboard."""

    def facts_changed(self) -> None:
        """The terminal said something about itself: `facts`. What it said earlier is there already."""

    def terminated(self, number: int) -> None:
        """A signal or the terminal's end asks the app to go; exits with 128 and the signal's number."""
        self.exit(return_code=128 + number)

    # --- painting ------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """The screen below the history."""
        return InlineScreen(id="_default")

    def request_frame(self) -> None:
        """What was committed leaves with Textual's next frame, if no widget asked for one already."""
        try:
            self.screen.refresh()
        except ScreenStackError:  # before the first screen; its first frame takes everything along
            return

    def paint_now(self, *widgets: Widget) -> None:
        """Paints what changed in these widgets (else the focused one) without waiting for Textual's timer."""
        if self.is_headless or not self._running or self._batch_count:
            return
        screen = self.screen
        seen = widgets or ((screen.focused,) if screen.focused is not None else ())
        changed = [widget for widget in seen if screen in widget.ancestors]  # and not below an overlay
        for widget in changed:
            if widget._layout_required:
                for ancestor in widget.ancestors:
                    if not isinstance(ancestor, Widget):
                        break
                    ancestor._clear_arrangement_cache()
                    ancestor._layout_updates += 1
                    if not ancestor.styles.auto_dimensions:
                        break
                screen._layout_required = True
            if widget._repaint_required:
                screen._dirty_widgets.add(widget)
        if screen._layout_required:
            screen._refresh_layout()
        elif screen._dirty_widgets or screen._repaint_required:
            if screen._repaint_required:
                screen._dirty_widgets.add(screen)
            screen._compositor.update_widgets(screen._dirty_widgets)
            screen._compositor_refresh()
        # All of it is on the terminal now. A layout asks for another one, of what it has just laid out.
        for widget in (*changed, screen):
            widget._layout_required = widget._repaint_required = False

    def row_of(self, strip: Strip, cols: int) -> Row:
        """A strip as the terminal gets it."""
        return make_row(
            (
                Piece(text, self._sgr_of(style), style.link or "") if style else Piece(text)
                for text, style, control in strip
                if not control
            ),
            cols,
        )

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if self.is_headless:
            super()._display(screen, renderable)
            return
        try:
            if self._batch_count or not self._running or self._closed or self._driver is None:
                return
            if isinstance(renderable, InlineUpdate):
                self.viewport.show(self._view_of(screen, renderable))
        finally:
            self.post_display_hook()

    def _view_of(self, screen: Screen[Any], update: InlineUpdate) -> View:
        cols, rows = self.size
        return View(
            [self.row_of(strip, cols) for strip in update.strips],
            self._cursor_cell(screen),
            overlay=getattr(screen, "IS_OVERLAY", False),
            size=(cols, rows),
        )

    def _cursor_cell(self, screen: Screen[Any]) -> tuple[int, int] | None:
        """Where the focused widget wants the terminal's cursor, asked now: what it rendered may be older."""
        focused = screen.focused
        cell = getattr(focused, "cursor_cell", None)
        offset = cell() if cell is not None else None
        if focused is None or offset is None:
            return None
        region = focused.content_region
        column, row = offset
        if not (0 <= row < region.height and 0 <= column <= region.width):
            return None
        return region.x + column, region.y + row

    def _sgr_of(self, style: Style) -> str:
        found = self._sgr.get(style)
        if found is None:
            bare = style.update_link(None) if style.link else style
            found = bare.render("x", color_system=self._color_system).partition("x")[0][2:-1]
            if len(self._sgr) > 4096:  # a colour fade makes no end of styles
                self._sgr.clear()
            self._sgr[style] = found
        return found

    def _resized(self, cols: int, rows: int) -> None:
        size = Size(cols, rows)
        if self._driver is not None:
            self._driver._size = (cols, rows)
        self.post_message(events.Resize(size, size))

    # --- giving the terminal away --------------------------------------------------------------------

    def suspend_process(self) -> None:
        """Stops the process group as Ctrl-Z does in a shell; returns when it goes on."""
        driver = self._driver
        if not isinstance(driver, InlineDriver):
            return
        with self.terminal_given_away():
            os.kill(0, signal.SIGTSTP)

    @contextmanager
    def terminal_given_away(self) -> Iterator[None]:
        """The terminal is as a shell left it while the block lasts, for another program to use.

        The app may go on meanwhile, and may even end; nothing is written until the block does.

        Raises:
            OSError: the terminal went away meanwhile.
        """
        driver = self._driver
        assert isinstance(driver, InlineDriver)
        driver.disable_input()
        self.viewport.give_away()
        try:
            with driver.signals.others_at_work():
                yield
        finally:
            if driver.signals.is_started:
                self.viewport.take_back()
                driver.reader.feed(self.terminal.take_typed())
                driver.reader.start()

    # --- beginning and end ---------------------------------------------------------------------------

    def _on_ready(self) -> None:
        """The first layout exists. Textual drops keys while nothing has the focus, so that is waited for."""
        if self.is_headless or self._is_taken_over:
            return
        self._focus_attempts += 1
        if self.screen.focused is None and self._focus_attempts < _FOCUS_ATTEMPTS:
            self.call_later(self._on_ready)
            return
        driver = self._driver
        assert isinstance(driver, InlineDriver)
        names = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}
        self._color_system = names.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
        typed, rest = self.end_boot()
        for _ in range(self.terminal.unanswered):
            self.decoder.expect_cursor_report()
        if typed:
            self.type_ahead(typed)
            self.paint_now()
        self.viewport.release()
        driver.reader.feed(rest)
        driver.reader.start()
        gc.freeze()
        gc.enable()

    def end_boot(self) -> tuple[str, bytes]:
        """Ends the boot's echo, which else would write beside the viewport: what was typed until now."""
        self._is_taken_over = True
        return self._boot.finish()

    @contextmanager
    def failing(self) -> Iterator[None]:
        """What fails in the block, called by the loop and not by Textual, ends the app as if it were."""
        try:
            yield
        except OSError as error:
            if not self.terminal.is_gone:
                self._handle_exception(error)
                return
            self.terminated(signal.SIGHUP)
        except Exception as error:  # noqa: BLE001 - raised again by `run_inline`
            self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        """Keeps the error for who ran the app; Textual would print it with the values of all variables."""
        self._return_code = 1
        if self.failure is None:
            self.failure = error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def _later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay_s, self._call, call)

    def _call(self, call: Callable[[], None]) -> None:
        with self.failing():
            call()


def run_inline(app: InlineApp[Result]) -> Result | None:
    """Runs the app to its end; the terminal is as it was then, whatever happened.

    Raises:
        Exception: what ended the app, if an error did.
    """
    try:
        with asyncio.Runner(loop_factory=WatchedLoop) as runner:
            result = runner.run(app.run_async(mouse=False))
    finally:
        app.terminal.leave()
        gc.enable()
    if app.failure is not None:
        raise app.failure
    return result


def textual_key(name: str) -> str:
    """Our name of a key as Textual has it: `?` is `question_mark` there, with its modifiers in front."""
    modifiers, separator, base = name.rpartition("+") if len(name) > 1 else ("", "", name)
    if not base:  # the key is `+` itself
        modifiers, separator, base = name[:-2], "+", "+"
    if len(base) == 1 and not base.isalnum():
        base = _character_to_key(base)
    return f"{modifiers}{separator}{base}"
