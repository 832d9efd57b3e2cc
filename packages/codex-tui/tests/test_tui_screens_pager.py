"""The pager: its window on rows that are made late, its keys, and the transcript in which a prompt is picked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from memory_app import MemoryBoot, running, until

from codex_core.presentation.spans import plain_text
from codex_tui.history.notice_cells import NoticeCell, NoticeKind
from codex_tui.history.speech_cells import PromptCell
from codex_tui.history.themes import DARK
from codex_tui.screens.pager import Pager
from codex_tui.screens.scroll import Scroll
from codex_tui.screens.transcript import TranscriptScreen
from codex_tui.term.textual_bridge import InlineApp, OverlayScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from codex_core.presentation.spans import Line

NOTHING = object()


# --- the window ----------------------------------------------------------------------------------------

MOVES = st.one_of(
    st.integers(-30, 30), st.sampled_from(["start", "end", "work"]), st.tuples(st.just("part"), st.integers(0, 50))
)  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 7), max_size=30), st.integers(1, 9), st.booleans(), st.lists(MOVES, max_size=20)
)
def test_a_window_shows_rows_that_follow_each_other(
    sizes: list[int], page: int, at_end: bool, moves: list[int | str | tuple[str, int]]
) -> None:
    parts: list[list[Line]] = [
        [_row(f"{part}.{row}") for row in range(size)] for part, size in enumerate(sizes)
    ]
    everything = [row for part in parts for row in part]
    scroll = Scroll(lambda part: parts[part], len(parts), page=page, at_end=at_end)
    for move in [*moves, *["work"] * len(sizes)]:
        match move:
            case int(rows):
                scroll.move(rows)
            case "start":
                scroll.to_start()
            case "end":
                scroll.to_end()
            case (_, part) if parts:
                scroll.to_part(part % len(parts))
            case _:
                scroll.work()
        seen = scroll.look()
        places = [at for at in range(len(everything) + 1) if everything[at : at + len(seen)] == seen]
        assert places
        assert len(seen) == min(page, len(everything)) or not scroll.is_complete
        assert 0 <= scroll.percent <= 100
        assert scroll.is_at_end is False or places[-1] + len(seen) == len(everything)
    assert scroll.is_complete
    scroll.to_start()
    assert scroll.look() == everything[:page]
    scroll.to_end()
    assert scroll.look() == everything[-page:]


def test_only_what_is_looked_at_is_made_at_once() -> None:
    made: list[int] = []

    def make(part: int) -> list[Line]:
        made.append(part)
        return [_row(f"{part}.{row}") for row in range(10)]

    scroll = Scroll(make, 1_000, page=25, at_end=True)
    assert made == [999, 998, 997]
    assert [plain_text(row) for row in scroll.look()][-1] == "999.9"
    scroll.move(-20)
    assert made[3:] == [996, 995]
    scroll.to_start()
    while not scroll.is_complete:
        scroll.work()
    assert sorted(made) == [*range(1_000)]
    assert plain_text(scroll.look()[0]) == "0.0"


def test_a_window_at_the_end_follows_what_is_added_and_one_above_stays() -> None:
    scroll = Scroll(lambda part: [_row(str(part))], 10, page=3, at_end=True)
    scroll.grow(12)
    assert _texts(scroll) == ["9", "10", "11"]
    scroll.move(-1)
    scroll.grow(20)
    assert _texts(scroll) == ["8", "9", "10"]
    scroll.move(100)
    scroll.grow(21)
    assert _texts(scroll) == ["18", "19", "20"]


def _row(text: str) -> Line:
    from codex_core.presentation.spans import line

    return line(text)


def _texts(scroll: Scroll) -> list[str]:
    return [plain_text(row) for row in scroll.look()]


# --- the screens ---------------------------------------------------------------------------------------


class Stand(InlineApp[None]):
    """An app that shows one screen."""

    result: object = NOTHING

    def ended(self, value: object) -> None:
        self.result = value


@asynccontextmanager
async def shown(
    screen: OverlayScreen, *, cols: int = 60, rows: int = 12
) -> AsyncIterator[tuple[Stand, MemoryBoot]]:
    boot = MemoryBoot(cols=cols, rows=rows)
    app = Stand(boot)  # type: ignore[arg-type]  # not a real boot
    async with running(app, boot):
        with app._context():
            app.push_screen(screen, app.ended)
            await until(lambda: boot.emulator.is_alternate and "/ " in boot.emulator.screen()[0])
            yield app, boot


def lines(boot: MemoryBoot) -> list[str]:
    return boot.emulator.screen()


async def sees(boot: MemoryBoot, *wanted: str) -> None:
    try:
        await until(lambda: all(any(text in row for row in lines(boot)) for text in wanted))
    except TimeoutError:
        raise AssertionError(f"{wanted} never came:\n" + "\n".join(lines(boot))) from None


async def test_a_page_scrolls_and_says_how_far() -> None:
    pager = Pager("Diff", lambda _: [_row(f"row {number}") for number in range(500)], DARK, at_end=False)
    async with shown(pager) as (app, boot):
        await sees(boot, "/ D I F F / /", "row 0", "row 8", " 0% ─", "q quit")
        boot.terminal.keyboard.send(b"\x1b[6~")
        await sees(boot, "row 9", "row 17")
        boot.terminal.keyboard.send(b"\x1b[F")
        await sees(boot, "row 499", " 100% ─")
        boot.terminal.keyboard.send(b"\x1b[H")
        await sees(boot, "row 0")
        assert app.result is NOTHING


async def test_keys_behind_the_one_that_closes_a_page_do_no_harm() -> None:
    async with shown(Pager("Help", lambda _: [_row("one")], DARK, at_end=False)) as (app, boot):
        boot.terminal.keyboard.send(b"qqq\x14q")
        await until(lambda: app.result is None and not boot.emulator.is_alternate)
        await asyncio.sleep(0)
        assert app.is_running


async def test_a_page_tells_what_waits_behind_it() -> None:
    pager = Pager("Help", lambda _: [_row("one")], DARK, at_end=False)
    async with shown(pager) as (_, boot):
        pager.notice = "An approval waits: q"
        await sees(boot, "An approval waits: q")
        pager.notice = ""
        await sees(boot, "q quit")


async def test_a_page_is_laid_out_for_its_width() -> None:
    async with shown(Pager("Diff", lambda _: [_row("words " * 30)], DARK, at_end=False)) as (_, boot):
        await sees(boot, "words words")
        assert max(map(len, lines(boot))) <= 60


def conversation() -> list[PromptCell | NoticeCell]:
    cells: list[PromptCell | NoticeCell] = []
    for number in range(6):
        cells.append(PromptCell(f"prompt {number}\nsecond line"))
        cells += [NoticeCell(NoticeKind.INFO, f"said {number}.{at}") for at in range(5)]
    return cells


async def test_the_transcript_opens_at_its_end_and_follows() -> None:
    cells = conversation()
    screen = TranscriptScreen(lambda: cells, [], DARK)
    async with shown(screen) as (app, boot):
        await sees(boot, "/ T R A N S C R I P T", "said 5.4", " 100% ─", "q quit")
        assert "edit prev" not in "\n".join(lines(boot))
        cells.append(NoticeCell(NoticeKind.INFO, "just said"))
        screen.refresh_cells()
        await sees(boot, "just said")
        boot.terminal.keyboard.send(b"\x1b[A\x1b[A")
        await sees(boot, "said 5.3")
        cells.append(NoticeCell(NoticeKind.INFO, "and more"))
        screen.refresh_cells()
        boot.terminal.keyboard.send(b"q")
        await until(lambda: app.result is None)


async def test_prompts_are_picked_from_the_newest_back_and_around() -> None:
    cells = conversation()
    picks = [at for at, cell in enumerate(cells) if isinstance(cell, PromptCell)][1:]
    screen = TranscriptScreen(lambda: cells, picks, DARK, is_picking=True)
    async with shown(screen) as (app, boot):
        await sees(boot, "prompt 5", "edit message", "edit prev")
        assert reversed_rows(boot) == ["user", "prompt 5", "second line"]
        boot.terminal.keyboard.send(b"\x1b[D")
        await sees(boot, "prompt 4")
        await until(lambda: reversed_rows(boot) == ["user", "prompt 4", "second line"])
        boot.terminal.keyboard.send(b"\x1b[D" * 4)
        await until(lambda: reversed_rows(boot) == ["user", "prompt 5", "second line"])
        boot.terminal.keyboard.send(b"\x1b[C\r")
        await until(lambda: app.result == picks[0])


async def test_escape_picks_only_where_there_is_something_to_pick() -> None:
    cells = conversation()
    async with shown(TranscriptScreen(lambda: cells, [], DARK)) as (app, boot):
        boot.terminal.keyboard.send(b"\r\x1b")
        await until(lambda: app.result is None)
    async with shown(TranscriptScreen(lambda: cells, [0], DARK)) as (app, boot):
        boot.terminal.keyboard.send(b"\x1b")
        await until(lambda: reversed_rows(boot) == ["user", "prompt 0", "second line"])
        boot.terminal.keyboard.send(b"\r")
        await until(lambda: app.result == 0)


def reversed_rows(boot: MemoryBoot) -> list[str]:
    found: list[str] = []
    for y in range(boot.emulator.lines):
        row = boot.emulator.buffer[y]
        text = "".join(row[x].data for x in range(boot.emulator.columns) if row[x].reverse).strip()
        if text:
            found.append(text)
    return found
