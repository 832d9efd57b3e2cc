"""The list of sessions to resume: pages, search, times, wide characters and what each key does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from hypothesis import given
from hypothesis import strategies as st
from memory_app import until

from codex_core.command_line.resume import ResumeRequest
from codex_core.presentation.spans import plain_text
from codex_core.rollout.catalog import list_sessions
from codex_core.testing import answer, message
from codex_tui.history.wrapping import line_width
from codex_tui.options import TuiOptions
from codex_tui.screens.session_picker import LEAVING, ListedSession, SessionPicker, time_since
from codex_tui.session_choice import PAGE_SIZE, listed
from codex_tui.term.inputs import Key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def session(number: int, preview: str = "", directory: str = "/home/me/work") -> ListedSession:
    return ListedSession(
        f"id-{number}", preview or f"prompt {number}", NOW - timedelta(minutes=number), directory
    )


class Pages:
    """A picker, and how often it asked for more."""

    def __init__(self, sessions: Sequence[ListedSession], *, is_last: bool = True) -> None:
        self.asked = 0
        self.picker = SessionPicker("Resume a previous session", self._more, now=lambda: NOW, home="/home/me")
        self.picker.add(sessions, is_last=is_last)

    def _more(self) -> None:
        self.asked += 1

    def look(self, width: int = 60, rows: int = 18) -> list[str]:
        found = self.picker.rows(width, rows)
        assert all(line_width(row) <= width for row in found)
        assert len(found) <= max(rows, 3)
        return [plain_text(row).rstrip() for row in found]

    def press(self, *names: str) -> object:
        """The value of the answer to the last key, `...` if that was none."""
        found = None
        for name in names:
            found = self.picker.press(Key(name, name if len(name) == 1 else None))
        return ... if found is None else found.value


# --- the looks ---------------------------------------------------------------------------------------


def test_sessions_have_a_row_each_with_their_time() -> None:
    pages = Pages([session(0, "first\nthing"), session(1), session(90), session(60 * 24 * 3)])
    assert pages.look() == [
        "Resume a previous session",
        "Type to search",
        "",
        "> 0 seconds ago  first thing",
        "  1 minute ago   prompt 1",
        "  1 hour ago     prompt 90",
        "  3 days ago     prompt 4320",
        "",
        "1 of 4 · ~/work",
        "⏎ go on   Esc new one   Ctrl+C quit   ↑/↓ PgUp/PgDn move",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 seconds ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
        (86_400, "1 day ago"),
        (86_400 * 400, "400 days ago"),
    ],
)
def test_times_are_told_in_the_largest_full_unit(seconds: int, text: str) -> None:
    assert time_since(NOW - timedelta(seconds=seconds), NOW) == text


def test_a_long_first_message_is_cut_wherever_its_characters_end() -> None:
    pages = Pages(
        [session(1, "日本語の長い文章" * 40), session(2, "👩‍👩‍👧‍👦" * 60), session(3, "a\x1b[31mb" * 50)]
    )
    shown = pages.look()
    assert shown[3].startswith("> 1 minute ago   日本語")
    assert shown[3].endswith("…")
    assert "\x1b" not in "".join(shown)


@given(
    st.lists(st.text(max_size=60), max_size=40),
    st.integers(20, 120),
    st.integers(1, 40),
    st.lists(
        st.sampled_from(["up", "down", "pageup", "pagedown", "home", "end", "a", "backspace"]), max_size=12
    ),
)
def test_the_selected_one_is_always_seen_and_nothing_is_too_large(
    previews: list[str], width: int, rows: int, keys: list[str]
) -> None:
    pages = Pages([session(number, preview) for number, preview in enumerate(previews)])
    pages.look(width, rows)
    for key in keys:
        pages.press(key)
        shown = pages.look(width, rows)
        if pages.picker.selected is not None:
            assert sum(row.startswith("> ") for row in shown) == 1


# --- keys --------------------------------------------------------------------------------------------


def test_every_letter_searches_and_the_list_does_not_walk_around() -> None:
    pages = Pages([session(1, "Add a dad joke"), session(2, "fix tests", "/srv/adder"), session(3, "other")])
    assert pages.press("up", "enter") == "id-1"
    assert pages.press("down", "down", "down", "down", "enter") == "id-3"
    pages.press(*"DAD")
    assert pages.look()[1] == "Search: DAD"
    assert pages.press("enter") == "id-1"
    pages.press("backspace", "d", "backspace")
    pages.picker.paste(" te")
    assert pages.press("enter") is ...
    assert "No sessions found" in pages.look()
    pages.press("ctrl+u", *"adder fix")
    assert pages.press("enter") == "id-2"
    assert pages.press("ctrl+w", "ctrl+w", "enter") == "id-1"


def test_esc_begins_a_new_one_and_ctrl_c_wants_none() -> None:
    pages = Pages([session(1)])
    assert pages.press("escape") is None
    assert pages.press("ctrl+c") is LEAVING
    assert pages.press("ctrl+d") is LEAVING
    assert pages.press("q") is ...


# --- pages -------------------------------------------------------------------------------------------


def test_the_next_page_is_asked_for_once_before_the_end_is_reached() -> None:
    pages = Pages([session(number) for number in range(25)], is_last=False)
    pages.look(60, 18)
    asked = pages.asked
    assert asked <= 1
    pages.press("end")
    assert pages.asked == 1
    pages.press("end", "up", "down")
    assert pages.asked == 1
    assert "25 of 25+ · ~/work" in pages.look()
    pages.picker.add([session(number) for number in range(25, 30)], is_last=True)
    assert pages.press("down", "enter") == "id-25"
    pages.press("end")
    assert pages.asked == 1
    assert "30 of 30 · ~/work" in pages.look()


def test_a_search_goes_on_in_pages_to_come() -> None:
    pages = Pages([session(number) for number in range(25)], is_last=False)
    pages.look()
    pages.press(*"needle")
    assert pages.asked == 1
    assert "Looking for sessions …" in pages.look()
    pages.picker.add([session(number) for number in range(25, 50)], is_last=False)
    assert pages.asked == 2
    pages.picker.add([session(50, "the needle")], is_last=True)
    assert pages.press("enter") == "id-50"


def recorded(tmp_path: Path, count: int) -> None:
    """So many sessions on the disk, the newest `prompt 0`."""
    for number in range(count):
        began = NOW - timedelta(minutes=number)
        directory = tmp_path / "home" / "sessions" / f"{began:%Y/%m/%d}"
        directory.mkdir(parents=True, exist_ok=True)
        identifier = f"11111111-2222-4333-8444-{number:012}"
        stamp = f"{began:%Y-%m-%dT%H:%M:%S}.000Z"
        meta = {
            "id": identifier,
            "timestamp": stamp,
            "cwd": "/srv/project",
            "originator": "test",
            "cli_version": "0.36.0",
            "instructions": None,
        }
        said = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": f"prompt {number}"}],
        }
        event = {"type": "user_message", "message": f"prompt {number}", "kind": "plain"}
        lines = [("session_meta", meta), ("response_item", said), ("event_msg", event)]
        path = directory / f"rollout-{began:%Y-%m-%dT%H-%M-%S}-{identifier}.jsonl"
        path.write_text(
            "".join(
                json.dumps({"timestamp": stamp, "type": kind, "payload": payload}) + "\n"
                for kind, payload in lines
            )
        )


def resuming(tmp_path: Path, *, is_fork: bool = False) -> TuiOptions:
    return TuiOptions(demo=True, cwd=str(tmp_path / "work"), resume=ResumeRequest(), is_fork=is_fork)


def test_what_is_recorded_is_listed_with_its_own_time(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    (entry,) = list_sessions(str(tmp_path / "home"), PAGE_SIZE).entries
    found = listed(entry)
    assert (found.preview, found.directory) == ("prompt 0", "/srv/project")
    assert found.began == NOW


async def test_a_session_on_the_third_page_is_found_and_resumed(tmp_path: Path) -> None:
    recorded(tmp_path, 2 * PAGE_SIZE + 5)
    async with codex(tmp_path, options=resuming(tmp_path), cols=60, rows=20) as run:
        await run.asked("Resume a previous session", "prompt 0")
        run.type("prompt 53")
        await run.shows("Search: prompt 53", "1 of 1 ·")
        run.type("\r")
        await run.shows("▌ prompt 53", "what to do")
        await run.idle()
        assert run.controller.history.session_id.endswith("000000000053")


async def test_ctrl_c_in_the_list_leaves_the_app(tmp_path: Path) -> None:
    recorded(tmp_path, 2)
    async with codex(tmp_path, options=resuming(tmp_path)) as run:
        await run.asked("Resume a previous session")
        run.type("\x03")
        await until(lambda: not run.app.is_running)
        assert run.app.problem is None
        assert run.controller.conversation is None


async def test_esc_in_the_list_begins_a_new_session(tmp_path: Path) -> None:
    recorded(tmp_path, 2)
    async with codex(tmp_path, [answer(message("New."))], options=resuming(tmp_path)) as run:
        await run.asked("Resume a previous session")
        await run.escape()
        await run.submits("hi")
        await run.shows("> New.")
        assert "prompt 0" not in run.screen


async def test_without_any_session_a_new_one_begins_and_that_is_said(tmp_path: Path) -> None:
    async with codex(tmp_path, options=resuming(tmp_path)) as run:
        await run.shows("No sessions found: this is a new one.", "what to do")


async def test_the_list_for_a_copy_says_so_and_the_original_stays(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    before = {path: path.read_bytes() for path in (tmp_path / "home" / "sessions").rglob("*.jsonl")}
    async with codex(
        tmp_path, [answer(message("In the copy."))], options=resuming(tmp_path, is_fork=True)
    ) as run:
        await run.asked("Go on in a copy of a previous session")
        run.type("\r")
        await run.shows("▌ prompt 0")
        await run.idle()
        await run.submits("go on")
        await run.shows("> In the copy.")
    assert {path: path.read_bytes() for path in before} == before
