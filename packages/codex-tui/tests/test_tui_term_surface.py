"""What the surface puts on a terminal, looked at on one in memory."""

from __future__ import annotations

import pytest
from emulator import Emulator
from memory_terminal import view_of

from codex_tui.term.rows import Row, plain_row
from codex_tui.term.surface import MODES_OFF, Surface, View, notification


def started(cols: int = 20, rows: int = 6) -> tuple[Surface, Emulator]:
    emulator = Emulator(cols, rows)
    surface = Surface(cols, rows)
    emulator.feed(surface.start((0, 0)))
    return surface, emulator


def lines(first: int, last: int) -> list[Row]:
    return [plain_row(f"line {n}", 20) for n in range(first, last)]


def test_start_moves_what_is_above_the_cursor_to_the_scrollback() -> None:
    emulator = Emulator(20, 6)
    emulator.feed("$ ls\r\nfile\r\n$ codex\r\n")
    surface = Surface(20, 6)
    emulator.feed(surface.start((0, 3)))
    emulator.feed(surface.frame(view_of("> ")))
    assert emulator.scrollback == ["$ ls", "file", "$ codex"]
    assert emulator.screen()[0] == ">"


@pytest.mark.parametrize("cursor", [(7, 2), None])
def test_start_keeps_a_line_the_cursor_stands_in(cursor: tuple[int, int] | None) -> None:
    emulator = Emulator(20, 6)
    emulator.feed("one\r\ntwo\r\nprompt>")
    surface = Surface(20, 6)
    emulator.feed(surface.start(cursor) + surface.frame(view_of("view")))
    assert [row for row in emulator.everything() if row] == ["one", "two", "prompt>", "view"]


def test_history_goes_above_the_view_and_then_into_the_scrollback() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("a", "b")))
    emulator.feed(surface.frame(view_of("a", "b"), lines(0, 3)))
    assert emulator.screen() == ["line 0", "line 1", "line 2", "a", "b", ""]
    emulator.feed(surface.frame(view_of("a", "c"), lines(3, 9)))
    assert emulator.everything() == [*(f"line {n}" for n in range(9)), "a", "c"]
    assert emulator.screen()[-2:] == ["a", "c"]


def test_a_view_of_the_whole_screen_still_lets_history_through() -> None:
    surface, emulator = started(rows=4)
    view = view_of("1", "2", "3", "4")
    emulator.feed(surface.frame(view))
    emulator.feed(surface.frame(view, lines(0, 3)))
    assert emulator.scrollback == ["line 0", "line 1", "line 2"]
    assert emulator.screen() == ["1", "2", "3", "4"]


def test_growing_and_shrinking_puts_no_row_of_the_view_into_the_scrollback() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("c"), lines(0, 5)))
    emulator.feed(surface.frame(view_of("c", "p1", "p2", "p3")))
    assert emulator.everything() == [*(f"line {n}" for n in range(5)), "c", "p1", "p2", "p3"]
    emulator.feed(surface.frame(view_of("c")))
    emulator.feed(surface.frame(view_of("c"), lines(5, 9)))
    assert emulator.everything() == [*(f"line {n}" for n in range(9)), "c"]


def test_only_rows_that_differ_are_written() -> None:
    surface, _ = started()
    surface.frame(view_of("one", "two"))
    changed = surface.frame(view_of("one", "TWO"))
    assert "TWO" in changed
    assert "one" not in changed
    assert surface.frame(view_of("one", "TWO")) == ""


def test_the_cursor_is_moved_and_hidden_only_when_it_changes() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("ab", "cd", cursor=(1, 1))))
    assert (emulator.cursor.x, emulator.cursor.y) == (1, 1)
    hidden = surface.frame(view_of("ab", "cd", cursor=None))
    assert hidden.count("\x1b[?25l") == 1
    assert surface.frame(view_of("ab", "cd", cursor=None)) == ""
    shown = surface.frame(view_of("ab", "cd", cursor=(0, 0)))
    assert "\x1b[?25h" in shown


def test_every_frame_is_one_synchronized_update_without_wrapping() -> None:
    surface, _ = started()
    for text in (
        surface.frame(view_of("a")),
        surface.frame(view_of("b"), lines(0, 3)),
        surface.rebuild(view_of("b"), lines(0, 3)),
        surface.frame(view_of("x", overlay=True)),
    ):
        assert text.startswith("\x1b[?2026h\x1b[?7l")
        assert text.endswith("\x1b[?7h\x1b[?2026l")


def test_overlay_and_back_leaves_the_main_screen_as_it_was() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("view", cursor=(2, 0)), lines(0, 2)))
    before = emulator.screen()
    emulator.feed(surface.frame(view_of("pager", "two", overlay=True, cursor=None)))
    assert emulator.is_alternate
    assert emulator.screen()[:2] == ["pager", "two"]
    emulator.feed(surface.frame(view_of("pager", overlay=True, cursor=None)))
    assert emulator.screen()[1] == ""
    emulator.feed(surface.frame(view_of("view", cursor=(2, 0))))
    assert emulator.screen() == before
    assert (emulator.cursor.x, emulator.cursor.y) == (2, 2)
    assert emulator.kitty_pushes == [1, 0]
    assert 25 in emulator.private_modes
    assert 1007 not in emulator.private_modes


def test_rebuild_clears_and_writes_everything_once() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("v"), lines(0, 30)))
    surface.resize(10, 4)
    emulator.resize(4, 10)
    emulator.feed(surface.rebuild(view_of("v", "w", cols=10), lines(0, 30)))
    assert emulator.everything() == [*(f"line {n}" for n in range(30)), "v", "w"]


def test_rows_too_wide_are_cut_into_several_so_that_no_text_is_lost() -> None:
    surface, emulator = started(cols=8)
    row = Row("\x1b[1mabcdefgh\x1b[0mijklmnop日本語!", 23)
    emulator.feed(surface.frame(view_of("v"), [row]))
    shown = emulator.everything()
    assert shown[:2] == ["abcdefgh", "ijklmnop"]
    # pyte leaves an empty cell behind a wide character
    assert [text.replace(" ", "") for text in shown[2:]] == ["日本語!", "v"]


def test_a_view_higher_than_the_screen_shows_the_part_with_the_cursor() -> None:
    surface, emulator = started(rows=3)
    texts = [f"r{n}" for n in range(6)]
    emulator.feed(surface.frame(view_of(*texts, cursor=(0, 2))))
    assert emulator.screen() == ["r0", "r1", "r2"]
    emulator.feed(surface.frame(view_of(*texts, cursor=(0, 5))))
    assert emulator.screen() == ["r3", "r4", "r5"]
    assert emulator.cursor.y == 2


def test_an_empty_view_keeps_one_row() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(View([]), lines(0, 2)))
    assert surface.height == 1
    assert emulator.everything() == ["line 0", "line 1"]


@pytest.mark.parametrize("overlay", [False, True])
def test_leave_restores_every_mode_and_erases_the_view(overlay: bool) -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("view", cursor=None), lines(0, 2)))
    if overlay:
        emulator.feed(surface.frame(view_of("pager", overlay=True)))
    emulator.feed(surface.leave())
    assert emulator.everything() == ["line 0", "line 1"]
    assert (emulator.cursor.x, emulator.cursor.y) == (0, 2)
    assert emulator.private_modes == {7, 25}
    assert emulator.kitty_pushes == [0, 0]
    assert not emulator.is_alternate


def test_leaving_in_the_middle_of_a_sequence_still_restores() -> None:
    surface, emulator = started()
    frame = surface.frame(view_of("view", "rows"), lines(0, 2))
    for cut in range(len(frame)):
        emulator = Emulator(20, 6)
        emulator.feed(frame[:cut] + MODES_OFF)
        assert emulator.private_modes == {7, 25}


def test_resume_begins_in_a_fresh_line_below_what_was_written_meanwhile() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("view"), lines(0, 2)))
    emulator.feed(surface.leave())
    emulator.feed("shell$ fg")
    emulator.feed(surface.resume((emulator.cursor.x, emulator.cursor.y), (20, 6)))
    emulator.feed(surface.frame(view_of("view", "more")))
    assert emulator.everything() == ["line 0", "line 1", "shell$ fg", "view", "more"]
    assert emulator.kitty_pushes == [1, 0]


def test_anchor_finds_the_view_by_the_cursor_and_says_when_it_cannot() -> None:
    surface, emulator = started()
    emulator.feed(surface.frame(view_of("a", "b", cursor=(0, 1)), lines(0, 3)))
    emulator.resize(8, 20)
    surface.resize(20, 8)
    assert surface.anchor(emulator.cursor.y)
    emulator.feed(surface.frame(view_of("a", "b", cursor=(0, 1))))
    assert emulator.everything() == ["line 0", "line 1", "line 2", "a", "b"]
    assert not surface.anchor(0)


def test_a_title_cannot_break_out_and_is_given_back() -> None:
    surface, emulator = started()
    assert surface.title("a\x1b]0;b\x07c\nd") == "\x1b[22;0t\x1b]0;a ]0;b c d\x07"
    assert surface.title("a\x1b]0;b\x07c\nd") == ""
    assert surface.title("next") == "\x1b]0;next\x07"
    emulator.feed(surface.frame(view_of("v")))
    assert "\x1b[23;0t" in surface.leave()
    assert "\x1b[22;0t\x1b]0;next\x07" in surface.resume((0, 0), (20, 6))


def test_a_notification_cannot_break_out() -> None:
    assert notification("done\x07\x1b[2J") == "\x1b]9;done  [2J\x07"
