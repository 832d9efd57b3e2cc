"""Resizes, overlays and suspension: no line of the history is lost, doubled or out of order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator import Emulator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_terminal import ManualLoop, MemoryTerminal

from codex_tui.term.rows import Row, plain_row
from codex_tui.term.surface import Surface, View
from codex_tui.term.viewport import MAX_HISTORY_ROWS, SLICE_S, ResizePolicy, Viewport

if TYPE_CHECKING:
    from collections.abc import Iterator


class Session:
    """An app in miniature: numbered lines as history, a view of some height, an overlay."""

    def __init__(
        self,
        cols: int = 40,
        rows: int = 10,
        *,
        policy: ResizePolicy = ResizePolicy.SMART,
        pulls_back: bool = True,
    ) -> None:
        self.loop = ManualLoop()
        self.emulator = Emulator(cols, rows, pulls_back=pulls_back)
        self.terminal = MemoryTerminal(self.emulator)
        self.surface = Surface(cols, rows)
        self.terminal.farewell = self.surface.leave
        self.viewport = Viewport(
            self.terminal,
            self.surface,
            clock=self.loop.time,
            call_later=self.loop.call_later,
            history=self.history,
            on_resize=self.lay_out,
            expect_cursor_report=lambda: None,
            policy=policy,
        )
        self.lines: list[str] = []
        self.seconds_per_line = 0.0
        self.is_layout_slow = False
        self.height = 3
        self.overlay = False
        self.layouts = 0
        self.cursor_row = 1
        self.terminal.write(self.surface.start((0, 0)))
        self.show()

    def history(self, cols: int) -> Iterator[Row]:
        for line in self.lines[::-1]:
            self.loop.now += self.seconds_per_line
            yield from reversed(self.wrap(line, cols))

    @staticmethod
    def wrap(line: str, cols: int) -> list[Row]:
        return [plain_row(line[at : at + cols], cols) for at in range(0, len(line), cols)]

    def commit(self, count: int, width: int = 7) -> None:
        for _ in range(count):
            line = f"[{len(self.lines):04}]".ljust(width, "x")
            self.lines.append(line)
            self.viewport.commit(self.wrap(line, self.viewport.cols))
        self.show()

    def show(self) -> None:
        cols, rows = self.surface.size
        texts = [f"view {n}" for n in range(self.height)]
        if self.overlay:
            texts = [f"overlay {n}" for n in range(rows)]
        cursor = None if self.overlay else (2, min(self.cursor_row, self.height - 1))
        self.viewport.show(
            View([plain_row(text, cols) for text in texts], cursor, overlay=self.overlay, size=(cols, rows))
        )

    def lay_out(self, cols: int, rows: int) -> None:
        self.layouts += 1
        if not self.is_layout_slow:
            self.show()

    def resize(self, cols: int, rows: int, *, signal: bool = True) -> None:
        self.emulator.resize(rows, cols)
        if signal:
            self.viewport.window_changed()

    def answer(self) -> None:
        replies, self.emulator.replies = self.emulator.replies, []
        for reply in replies:
            self.viewport.cursor_report(int(reply[2:-1].split(";")[0]) - 1)

    def settle(self) -> None:
        for _ in range(12):
            self.loop.advance(0.1)
            self.answer()
        assert self.viewport.is_steady

    def check(self) -> None:
        shown = self.emulator.everything()
        height = min(self.height, self.surface.rows)
        cols = self.surface.cols
        expected = [row.ansi for row in self.history(cols)][::-1]
        assert shown[: len(shown) - height] == expected
        assert (
            shown[len(shown) - height :] == [f"view {n}" for n in range(self.height)][self.height - height :]
            or height < self.height
        )


def test_commits_are_written_once_and_in_order_with_the_view() -> None:
    session = Session()
    session.commit(25)
    session.commit(3)
    session.check()


def test_a_frame_is_held_when_the_size_changed_before_its_signal_came() -> None:
    session = Session()
    session.commit(25)
    session.loop.advance(1)
    session.resize(40, 6, signal=False)
    written = len(session.terminal.written)
    session.commit(1)
    assert len(session.terminal.written) == written
    session.settle()
    session.check()


def test_many_signals_are_one_resize() -> None:
    session = Session()
    for cols in range(40, 20, -1):
        session.resize(cols, 10)
        session.loop.advance(0.05)
    session.settle()
    assert session.layouts == 1


def test_a_change_of_height_while_quiet_leaves_the_scrollback_alone() -> None:
    session = Session()
    session.emulator.scrollback.insert(0, "from the shell")
    session.commit(25)
    session.loop.advance(1)
    for rows in (6, 14, 9):
        session.resize(40, rows)
        session.settle()
    assert session.emulator.everything()[0] == "from the shell"
    del session.emulator.scrollback[0]
    session.check()


def test_a_change_of_height_right_after_a_frame_writes_everything_anew() -> None:
    session = Session()
    session.commit(25)
    session.loop.advance(0.2)
    session.resize(40, 7)
    session.settle()
    assert sum("\x1b[3J" in text for text in session.terminal.written) == 1
    session.check()


def test_a_change_of_width_wraps_the_history_anew() -> None:
    session = Session()
    session.commit(12, width=60)
    session.loop.advance(1)
    for cols in (20, 70, 33):
        session.resize(cols, 10)
        session.settle()
        session.check()


def test_a_terminal_that_does_not_answer_gets_everything_anew() -> None:
    session = Session()
    session.terminal.answers_cursor = False
    session.commit(25)
    session.loop.advance(1)
    session.resize(40, 7)
    session.settle()
    session.check()


def test_an_answer_that_comes_late_is_not_taken_for_a_later_one() -> None:
    session = Session()
    session.commit(25)
    session.loop.advance(1)
    session.resize(40, 7)
    session.loop.advance(0.1)
    session.resize(40, 9)
    session.loop.advance(0.1)
    late, session.emulator.replies = session.emulator.replies[:1], session.emulator.replies[1:]
    session.viewport.cursor_report(int(late[0][2:-1].split(";")[0]) - 1)
    session.settle()
    session.check()


def test_the_anchor_policy_never_clears_the_scrollback() -> None:
    session = Session(policy=ResizePolicy.ANCHOR)
    session.commit(25)
    session.loop.advance(1)
    for cols, rows in ((60, 10), (40, 6), (30, 12)):
        session.resize(cols, rows)
        session.settle()
    assert not any("\x1b[3J" in text for text in session.terminal.written)
    session.check()


def test_the_rebuild_policy_always_writes_anew() -> None:
    session = Session(policy=ResizePolicy.REBUILD)
    session.commit(25)
    session.loop.advance(1)
    session.resize(40, 8)
    session.settle()
    assert sum("\x1b[3J" in text for text in session.terminal.written) == 1
    session.check()


def test_redraw_writes_the_history_anew() -> None:
    session = Session()
    session.commit(15)
    session.emulator.feed("\x1b[Hsomebody else's noise")
    session.viewport.redraw()
    session.check()


def test_redraw_under_an_overlay_waits_for_its_end() -> None:
    session = Session()
    session.commit(15)
    session.overlay = True
    session.show()
    session.viewport.redraw()
    assert session.emulator.is_alternate
    assert not any("\x1b[3J" in text for text in session.terminal.written)
    session.overlay = False
    session.show()
    session.check()


def test_history_that_arrives_under_an_overlay_is_there_afterwards() -> None:
    session = Session()
    session.commit(5)
    session.overlay = True
    session.show()
    session.commit(20)
    assert session.emulator.screen()[0] == "overlay 0"
    session.overlay = False
    session.show()
    session.check()


def test_a_resize_under_an_overlay_repaints_it_and_the_history_on_return() -> None:
    session = Session()
    session.commit(15, width=30)
    session.overlay = True
    session.show()
    session.resize(20, 12)
    session.settle()
    assert session.emulator.screen() == [f"overlay {n}" for n in range(12)]
    session.overlay = False
    session.show()
    session.settle()
    session.check()


def test_the_history_written_anew_is_capped() -> None:
    session = Session()
    session.lines = [f"[{n:05}]" for n in range(MAX_HISTORY_ROWS + 50)]
    session.viewport.redraw()
    shown = session.emulator.everything()
    assert shown[0] == "[00050]"
    assert shown[-4] == session.lines[-1]


def test_a_long_history_is_made_anew_in_slices_and_what_comes_meanwhile_follows_it() -> None:
    session = Session()
    session.commit(30)
    session.settle()
    session.seconds_per_line = SLICE_S / 3
    written = len(session.terminal.written)
    session.viewport.redraw()
    assert len(session.terminal.written) == written
    assert not session.viewport.is_steady
    session.commit(2)
    session.loop.advance(0.0)
    assert len(session.terminal.written) == written
    session.loop.advance(1.0)
    assert len(session.terminal.written) == written + 1
    session.check()


@pytest.mark.parametrize("what", ["resize", "narrower", "overlay", "given away"])
def test_a_history_being_made_anew_is_begun_again_if_the_terminal_changes_meanwhile(what: str) -> None:
    session = Session()
    session.commit(30)
    session.settle()
    session.seconds_per_line = SLICE_S / 3
    session.viewport.redraw()
    match what:
        case "resize":
            session.resize(40, 12)
        case "narrower":
            session.resize(20, 10)
        case "overlay":
            session.overlay = True
            session.show()
            session.loop.advance(1.0)
            assert session.emulator.is_alternate
            session.overlay = False
            session.show()
        case _:
            session.viewport.give_away()
            session.loop.advance(1.0)
            session.viewport.take_back()
    session.commit(3)
    session.settle()
    session.loop.advance(1.0)
    session.check()


def test_a_resize_between_taking_the_terminal_back_and_the_next_layout_is_no_known_place() -> None:
    session = Session(rows=12)
    session.commit(20)
    session.settle()
    session.viewport.give_away()
    session.emulator.resize(10, 40)
    session.is_layout_slow = True
    session.viewport.take_back()
    session.resize(40, 16)
    session.is_layout_slow = False
    session.settle()
    session.commit(2)
    session.settle()
    session.check()


@pytest.mark.parametrize(("cols", "rows"), [(30, 8), (60, 14), (40, 6), (40, 16)])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_anchor_policy_keeps_what_was_there_before_behind_an_overlay_too(
    cols: int, rows: int, is_stopped: bool
) -> None:
    session = Session(policy=ResizePolicy.ANCHOR, pulls_back=False)
    session.commit(20)
    session.emulator.scrollback.insert(0, "of the shell")
    session.settle()
    session.overlay = True
    session.show()
    if is_stopped:
        session.viewport.was_stopped()
    session.resize(cols, rows)
    session.settle()
    assert session.emulator.is_alternate
    session.overlay = False
    session.show()
    session.commit(2)
    session.settle()
    shown = session.emulator.everything()
    assert not session.emulator.is_alternate
    assert shown[0] == "of the shell"
    assert [line for line in shown if line.startswith("[")][-2:] == session.lines[-2:]
    assert shown[-3:] == ["view 0", "view 1", "view 2"]


def test_while_the_terminal_is_given_away_nothing_is_written_and_all_comes_afterwards() -> None:
    session = Session()
    session.commit(5)
    session.viewport.give_away()
    assert not session.terminal.is_raw
    session.emulator.feed("editor was here\r\n")
    written = len(session.terminal.written)
    session.commit(4)
    session.viewport.window_changed()
    session.viewport.write("\x07")
    session.loop.advance(5)
    assert len(session.terminal.written) == written
    session.viewport.take_back()
    session.settle()
    shown = session.emulator.everything()
    assert shown == [*session.lines[:5], "editor was here", *session.lines[5:], "view 0", "view 1", "view 2"]


@pytest.mark.parametrize("size", [(25, 10), (40, 7), (25, 14)])
def test_a_window_that_changed_while_the_terminal_was_given_away(size: tuple[int, int]) -> None:
    session = Session()
    session.commit(12, width=30)
    session.viewport.give_away()
    session.emulator.resize(size[1], size[0])
    session.viewport.take_back()
    session.settle()
    session.check()


def test_after_a_stop_nobody_announced_the_modes_are_right_and_the_view_is_below_the_shell() -> None:
    session = Session()
    session.commit(3)
    session.emulator.feed("\r\n[1]+ Stopped\r\n$ fg\r\n")
    session.terminal.is_raw = False
    session.viewport.was_stopped()
    session.settle()
    assert session.terminal.is_raw
    assert session.emulator.everything()[-3:] == ["view 0", "view 1", "view 2"]
    assert session.emulator.kitty_pushes == [1, 0]


def test_a_hold_keeps_everything_until_its_end() -> None:
    session = Session()
    session.viewport.hold()
    written = len(session.terminal.written)
    session.commit(4)
    assert len(session.terminal.written) == written
    session.viewport.release()
    session.check()


STEP = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 40), st.integers(7, 90)),
    st.tuples(st.just("height"), st.integers(1, 8), st.integers(0, 7)),
    st.tuples(st.just("resize"), st.sampled_from([30, 60, 100]), st.integers(4, 20)),
    st.tuples(st.just("unsignalled"), st.sampled_from([30, 60, 100]), st.integers(4, 20)),
    st.tuples(st.just("overlay"), st.booleans(), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.08, 0.3, 1.0]), st.booleans()),
    st.tuples(st.just("redraw"), st.just(0), st.just(0)),
)


@pytest.mark.parametrize("pulls_back", [True, False])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=25))
def test_whatever_happens_the_history_is_exact_in_the_end(
    pulls_back: bool, steps: list[tuple[str, object, object]]
) -> None:
    session = Session(60, 12, pulls_back=pulls_back)
    for name, first, second in steps:
        match name:
            case "commit":
                session.commit(int(first), int(second))  # type: ignore[call-overload]
            case "height":
                session.height, session.cursor_row = int(first), int(second)  # type: ignore[call-overload]
                session.show()
            case "resize":
                session.resize(int(first), int(second))  # type: ignore[call-overload]
            case "unsignalled":
                session.resize(int(first), int(second), signal=False)  # type: ignore[call-overload]
            case "overlay":
                session.overlay = bool(first)
                session.show()
            case "wait":
                session.loop.advance(float(first))  # type: ignore[arg-type]
                if second:
                    session.answer()
            case _:
                session.viewport.redraw()
    session.overlay = False
    session.show()
    session.settle()
    session.check()
