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
from codex_tui.term.rows import Piece, Row, make_row
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
    "textual.screen:Screen": ("_dirty_widgets", "_layout_required", "_on_timer_update"),
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
_EXIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

Result = TypeVar("Result")


class InlineScreen(Screen[Any]):
    """The screen below the history: as high as its content, without borders."""

    IS_OVERLAY: ClassVar[bool] = False

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name, id, classes)
        # Textual's rule for inline screens draws tall borders and wins over one of a subclass.
        self.styles.border = ("none", "black")
        self.styles.height = "100%" if self.IS_OVERLAY else "auto"


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
        self._is_reading = False
        self._expiry: asyncio.TimerHandle | None = None
        self._signals: list[int] = []
        self._former_handlers: dict[int, Any] = {}
        self._is_terminated = False

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
        """Signals only; the terminal was taken by the boot, and input waits for `read_input`."""
        app = self._app
        handlers = {
            signal.SIGWINCH: app.viewport.window_changed,
            signal.SIGTSTP: self._stopped,
            signal.SIGCONT: self._continued,
        }
        for number, handler in handlers.items():
            self._loop.add_signal_handler(number, handler)
        self._signals = [*handlers]
        # Not by the loop: what hangs in it shall still be ended by a second signal.
        for number in _EXIT_SIGNALS:
            self._former_handlers[number] = signal.signal(number, self._terminated)

    def stop_application_mode(self) -> None:
        """Gives the terminal back."""
        self.disable_input()
        self._app.end_boot()
        for number in self._signals:
            self._loop.remove_signal_handler(number)
        self._signals = []
        for number, former in self._former_handlers.items():
            signal.signal(number, former)
        self._former_handlers.clear()
        self._app.viewport.give_away()

    def disable_input(self) -> None:
        """Stops reading."""
        if self._is_reading:
            self._loop.remove_reader(self._app.terminal.in_fd)
            self._is_reading = False
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def read_input(self) -> None:
        """Reads from now on."""
        if not self._is_reading:
            self._loop.add_reader(self._app.terminal.in_fd, self._read)
            self._is_reading = True

    def feed(self, data: bytes) -> None:
        """Bytes from the terminal become messages."""
        for found in self._app.decoder.feed(data, self._loop.time()):
            self._dispatch(found)
        self._arm_expiry()

    @contextmanager
    def without_job_control(self) -> Iterator[None]:
        """SIGTSTP stops the process while the block lasts, and SIGCONT is nobody's business."""
        for number in (signal.SIGTSTP, signal.SIGCONT):
            self._loop.remove_signal_handler(number)
        try:
            yield
        finally:
            self._loop.add_signal_handler(signal.SIGTSTP, self._stopped)
            self._loop.add_signal_handler(signal.SIGCONT, self._continued)

    def _read(self) -> None:
        with self._app.failing():
            data = self._app.terminal.read()
            if data:
                self.feed(data)
            else:
                self.disable_input()
                self._app.terminated(signal.SIGHUP)

    def _arm_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        deadline = self._app.decoder.deadline
        if deadline is not None:
            self._expiry = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        # The loop may call a moment early, by the clock's resolution.
        now = max(self._loop.time(), self._app.decoder.deadline or 0.0)
        with self._app.failing():
            for found in self._app.decoder.expire(now):
                self._dispatch(found)
            self._arm_expiry()

    def _dispatch(self, found: Input) -> None:
        match found:
            case Key(name="ctrl+z"):
                self._app.suspend_process()
            case Key():
                self.process_message(events.Key(textual_key(found.name), found.text))
            case Paste():
                self.process_message(events.Paste(found.text))
            case Focus():
                self._app.terminal_focus_changed(has_focus=found.has_focus)
            case CursorReport():
                self._app.viewport.cursor_report(found.row)
            case _:
                self._app.terminal_replied(found.kind, found.body)

    def _terminated(self, number: int, _frame: object) -> None:
        if self._is_terminated:
            self._app.terminal.leave()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self._is_terminated = True
        self._loop.call_soon_threadsafe(self._app.terminated, number)

    def _stopped(self) -> None:
        with self._app.failing():
            self._app.suspend_process()

    def _continued(self) -> None:
        with self._app.failing():
            self._app.viewport.was_stopped()
            self.feed(self._app.terminal.take_typed())


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
        """All rows committed so far, made for `cols` columns."""
        return ()

    def type_ahead(self, text: str) -> None:
        """Gets the text typed before the app was there, once, when a widget has the focus."""

    def terminal_focus_changed(self, *, has_focus: bool) -> None:
        """The terminal's window got or lost the keyboard."""

    def terminal_replied(self, kind: str, body: str) -> None:
        """The terminal said something that is neither a key nor a cursor position."""

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
        for widget in widgets or ((screen.focused,) if screen.focused is not None else ()):
            if widget._layout_required:
                widget._layout_required = False
                for ancestor in widget.ancestors:
                    if not isinstance(ancestor, Widget):
                        break
                    ancestor._clear_arrangement_cache()
                    ancestor._layout_updates += 1
                    if not ancestor.styles.auto_dimensions:
                        break
                screen._layout_required = True
            if widget._repaint_required:
                widget._repaint_required = False
                screen._dirty_widgets.add(widget)
        screen._on_timer_update()

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
        with self.terminal_given_away(), driver.without_job_control():
            os.kill(0, signal.SIGTSTP)

    @contextmanager
    def terminal_given_away(self) -> Iterator[None]:
        """The terminal is as a shell left it while the block lasts, for another program to use.

        Raises:
            OSError: the terminal went away meanwhile.
        """
        driver = self._driver
        assert isinstance(driver, InlineDriver)
        driver.disable_input()
        self.viewport.give_away()
        try:
            yield
        finally:
            self.viewport.take_back()
            driver.feed(self.terminal.take_typed())
            driver.read_input()

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
        driver.feed(rest)
        driver.read_input()
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
        result = asyncio.run(app.run_async(mouse=False))
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
