"""A long session is resumed: keys are taken all the while, and the newest of it is on the terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from memory_app import until

from codex_core.command_line.resume import ResumeRequest
from codex_core.testing import answer, message
from codex_tui.backlog import Backlog
from codex_tui.history.history import History
from codex_tui.history.notice_cells import NoticeCell, NoticeKind
from codex_tui.history.settings import HistorySettings
from codex_tui.history.themes import choose_theme, painted
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp

THEME = choose_theme({}, is_light=False)
IDENTIFIER = "01990000-0000-7000-8000-000000000001"


def recorded(home: Path, turns: int) -> None:
    """A session of so many turns."""
    directory = home / "sessions/2026/11/22"
    directory.mkdir(parents=True)
    lines: list[tuple[str, dict[str, object]]] = [
        ("session_meta", {"id": IDENTIFIER, "timestamp": "2026-11-22T10:00:00.000Z", "cwd": "/", "originator": "t",
                          "cli_version": "0.36.0", "instructions": None}),
    ]  # fmt: skip
    for number in range(turns):
        asked, answered = f"question {number}.", f"answer {number}."
        lines += [
            ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]}),
            ("event_msg", {"type": "user_message", "message": asked, "kind": "plain"}),
            ("event_msg", {"type": "agent_message", "message": answered}),
        ]  # fmt: skip
    text = "".join(
        json.dumps({"timestamp": "2026-11-22T10:00:00.000Z", "type": kind, "payload": payload}) + "\n"
        for kind, payload in lines
    )
    (directory / f"rollout-2026-11-22T10-00-00-{IDENTIFIER}.jsonl").write_text(text)


def resuming(directory: Path, prompt: str | None = None) -> TuiOptions:
    return TuiOptions(
        demo=True, cwd=str(directory / "work"), resume=ResumeRequest(session_id=IDENTIFIER), prompt=prompt
    )


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event and every row is a slice of its own."""
    monkeypatch.setattr("codex_tui.incoming.SLICE_S", -1.0)
    monkeypatch.setattr("codex_tui.app.BACKLOG_SLICE_S", -1.0)


@pytest.mark.usefixtures("slow")
async def test_keys_are_taken_while_a_session_comes_up(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    recorded(tmp_path / "home", 60)
    async with codex(tmp_path, options=resuming(tmp_path)) as run:
        await until(lambda: run.controller.state.resuming_since is not None)
        run.type("while it")
        await until(lambda: "▌ while it" in run.screen)
        assert is_coming(run)
        run.clock.advance(1)
        await run.shows("Resuming the session …")
        assert is_coming(run)
        await run.shows("> answer 59.")
        await run.hides("Resuming")
        assert [line for line in run.text.splitlines() if "question" in line] == [
            f"▌ question {number}." for number in range(60)
        ]
        assert run.text.count("answer 30.") == 1
        assert run.text.index(">_ Codex") < run.text.index("question 0.")


def is_coming(run: RunningApp) -> bool:
    return run.controller.state.resuming_since is not None and "answer 59" not in run.text


@pytest.mark.usefixtures("slow")
async def test_what_is_said_next_stands_below_the_session_and_a_resize_meanwhile_loses_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "home").mkdir()
    recorded(tmp_path / "home", 30)
    options = resuming(tmp_path, prompt="and now")
    async with codex(tmp_path, [answer(message("Now this."))], options=options) as run:
        await until(lambda: run.app._backlog is not None)
        run.boot.emulator.resize(24, 60)
        run.app.viewport.window_changed()
        await run.shows("> Now this.")
        await until(lambda: run.app.viewport.is_steady)
        said = [line for line in run.text.splitlines() if line.startswith("▌") and "what to do" not in line]
        assert said == [*(f"▌ question {number}." for number in range(30)), "▌ and now"]


async def test_a_session_that_cannot_be_resumed_withholds_nothing(tmp_path: Path) -> None:
    async with codex(tmp_path, options=resuming(tmp_path)) as run:
        await until(lambda: run.app.problem)
        assert IDENTIFIER in (run.app.problem or "")
        assert run.controller.state.resuming_since is None
        assert not run.controller.state.is_replaying


def remarks(count: int) -> History:
    history = History(HistorySettings("1", "/w", "", "m"))
    for number in range(count):
        history.add(NoticeCell(NoticeKind.INFO, f"remark {number}"))
    return history


@pytest.mark.parametrize("start", [0, 1, 4])
def test_rows_made_in_parts_are_those_made_at_once(start: int) -> None:
    history = remarks(5)
    backlog = Backlog(history, THEME, 30, start)
    history.add(NoticeCell(NoticeKind.INFO, "too late"))
    steps = 1
    while not backlog.work(-1.0):
        steps += 1
    assert steps > 5 - start
    assert backlog.stop == 5
    assert backlog.rows() == painted(history.rows(30, start, 5), THEME, 30)


def test_of_very_many_rows_the_first_cell_and_the_newest_are_kept() -> None:
    history = remarks(100)
    backlog = Backlog(history, THEME, 60, 0, max_rows=5)
    assert backlog.work(60.0)
    left_out = "… what was said before is in the transcript (Ctrl+T)"
    assert [re.sub(r"\x1b\[[\d;]*m", "", row.ansi) for row in backlog.rows()] == [
        "> remark 0", "", left_out, "", "> remark 97", "", "> remark 98", "", "> remark 99",
    ]  # fmt: skip


def test_rows_for_another_width_are_not_those() -> None:
    backlog = Backlog(remarks(1), THEME, 30, 0)
    assert backlog.is_for(30, THEME)
    assert not backlog.is_for(31, THEME)
    assert not backlog.is_for(30, choose_theme({}, is_light=True))
