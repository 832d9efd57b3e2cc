"""The Textual half of the demo program."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from demo import PROMPT
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from codex_tui.term.rows import Piece, Row, cell_width, make_row
from codex_tui.term.textual_bridge import InlineApp, OverlayScreen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.geometry import Size


class Composer(Widget, can_focus=True):
    """Text in rows as wide as the screen, nothing but typing and deleting."""

    DEFAULT_CSS = "Composer { height: auto; width: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._rows = 1

    def rows(self) -> list[str]:
        width = max(self.app.size.width, 1)
        out = [""]
        for character in PROMPT + self.text:
            if character == "\n" or cell_width(out[-1] + character) > width:
                out.append("" if character == "\n" else character)
            else:
                out[-1] += character
        return out

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.rows())

    def render_line(self, y: int) -> Strip:
        rows = self.rows()
        return Strip([Segment(rows[y] if y < len(rows) else "", Style())])

    def cursor_cell(self) -> tuple[int, int]:
        rows = self.rows()
        return min(cell_width(rows[-1]), max(self.app.size.width - 1, 0)), len(rows) - 1

    def insert(self, text: str) -> None:
        self.text += text
        self.changed()

    def changed(self) -> None:
        rows = len(self.rows())
        self.refresh(layout=rows != self._rows)
        self._rows = rows

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "enter":
            text, self.text = self.text, ""
            self.changed()
            self.app.command(text)  # type: ignore[attr-defined]
        elif event.key == "backspace":
            self.text = self.text[:-1]
            self.changed()
        elif event.character is not None:  # and not `is_printable`, or emoji lose their joiners
            self.insert(event.character)
        else:
            self.app.say(f"<{event.key}>")  # type: ignore[attr-defined]
        self.app.paint_now(self)  # type: ignore[attr-defined]

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.insert(event.text if len(event.text) < 200 else f"[paste {len(event.text)}]")
        self.app.paint_now(self)  # type: ignore[attr-defined]


class Below(Widget):
    """The hint, or some rows as a popup would have."""

    DEFAULT_CSS = "Below { height: auto; width: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines = ["  ready when you are"]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(self.lines[y] if y < len(self.lines) else "")])


class Gap(Widget):
    """One row, empty or with the line that streams."""

    DEFAULT_CSS = "Gap { height: 1; width: 100%; }"

    text = ""

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(self.text)])


class Pager(OverlayScreen):
    """An overlay; `q` closes it."""

    def compose(self) -> ComposeResult:
        pager = Below()
        pager.lines = ["overlay", "press q"]
        yield pager

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "q":
            self.dismiss()


class DemoApp(InlineApp[int]):
    """Commands come from the composer."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.lines: list[str] = []
        self.fact_changes = 0

    def compose(self) -> ComposeResult:
        yield Gap()
        yield Composer()
        yield Below()

    def on_mount(self) -> None:
        if "--crash-on-mount" in sys.argv:
            raise RuntimeError("crashed before it was there")
        self.query_one(Composer).focus()

    def facts_changed(self) -> None:
        self.fact_changes += 1

    def type_ahead(self, text: str) -> None:
        self.query_one(Composer).insert(text)

    def history_rows(self, cols: int) -> Iterable[Row]:
        return [row for line in reversed(self.lines) for row in reversed(self.wrap(line, cols))]

    @staticmethod
    def wrap(line: str, cols: int) -> list[Row]:
        return [
            make_row((Piece("• ", "32"), Piece(line[at : at + cols - 2])), cols)
            for at in range(0, max(len(line), 1), max(cols - 2, 1))
        ]

    def say(self, line: str) -> None:
        self.lines.append(line)
        self.viewport.commit(self.wrap(line, self.viewport.cols))
        self.request_frame()

    def command(self, text: str) -> None:
        words = text.split()
        match words:
            case ["rows", count, *width]:
                for _ in range(int(count)):
                    self.say(f"[{len(self.lines):05}]".ljust(int(width[0]) if width else 7, "x"))
            case ["stream", count, rate]:
                self.run_worker(self.stream(int(count), float(rate)))
            case ["popup", count]:
                below = self.query_one(Below)
                below.lines = [f"  popup {n}" for n in range(int(count))] or ["  ready when you are"]
                below.refresh(layout=True)
            case ["facts"]:
                facts = self.facts
                self.say(
                    f"<{facts.background} {facts.marks_pastes} {facts.has_extended_keys} {facts.is_complete}>"
                )
            case ["overlay"]:
                self.push_screen(Pager())
            case ["redraw"]:
                self.viewport.redraw()
            case ["crash"]:
                secret = "s3cret"
                raise RuntimeError(f"crashed on command, {len(secret)}")
            case ["hang", seconds]:
                self.viewport.set_title("hanging")
                time.sleep(float(seconds))
            case ["shell"]:
                with self.terminal_given_away():
                    import subprocess

                    subprocess.run(
                        ["/bin/sh", "-c", "stty -a | tr ';' '\\n' | grep -w echo; echo from-the-shell"]
                    )
            case ["exit"]:
                self.exit(0)
            case _:
                self.say(text)

    async def stream(self, count: int, rate: float) -> None:
        """Four deltas a line: the line grows in the view and is committed when it is whole; rate 0 is at once."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        tail = self.query_one(Gap)
        for number in range(count):
            line = f"[{len(self.lines):05}] line {number:05} with **bold words**, `code` and some more to fill it"
            for part in range(4):
                if rate:
                    delay = begin + (number + part / 4) / rate - loop.time()
                    if delay > 0:
                        await asyncio.sleep(delay)
                tail.text = line[: len(line) * part // 4]
                tail.refresh()
            tail.text = ""
            self.say(line)
            if not rate and number % 100 == 0:
                await asyncio.sleep(0)
        self.say("endofstream: stream done")
