"""A session in the app: a real conversation with a scripted model, on a terminal in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from memory_app import MemoryBoot, until

from codex_core.testing import Gate, answer, completed, created, message, shell_call, sse
from codex_protocol.config_types import AskForApproval
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_prompt_is_answered_and_the_answer_stays_in_the_scrollback(tmp_path: Path) -> None:
    text = "\n\n".join(f"paragraph {number}" for number in range(40))
    async with codex(tmp_path, [answer(message(text, deltas=True))]) as run:
        await run.shows(">_ Codex", "directory:", "what to do")
        await run.submits("hello there")
        await run.shows("▌ hello there", "> paragraph 0", "paragraph 39", "tokens used")
        await run.idle()
        found = [int(number) for number in re.findall(r"paragraph (\d+)", run.text)]
        assert found == list(range(40))
        assert run.controller.state.was_used


async def test_the_prompt_of_the_command_line_is_sent_at_once(tmp_path: Path) -> None:
    options = TuiOptions(demo=True, cwd=str(tmp_path), prompt="from the shell")
    async with codex(tmp_path, [answer(message("Got it."))], options=options) as run:
        await run.shows("▌ from the shell", "> Got it.")


async def test_what_was_typed_before_the_app_was_there_is_sent(tmp_path: Path) -> None:
    boot = MemoryBoot(typed="early", rest=b" bird\r", cols=80, rows=30)
    async with codex(tmp_path, [answer(message("Good morning."))], boot=boot) as run:
        await run.shows("▌ early bird", "> Good morning.")


async def test_a_streaming_answer_is_seen_before_it_is_finished(tmp_path: Path) -> None:
    gate = Gate()
    parts = message("First line.\n\nSecond line.", deltas=["First line.\n\nSec", "ond line."])
    script = [sse(created(), parts[0], parts[1], gate, *parts[2:], completed())]
    async with codex(tmp_path, script) as run:
        await run.submits("go")
        await run.shows("> First line.", "Working (", "Esc to interrupt")
        gate.open()
        await run.shows("Second line.")
        await run.idle()
        await run.hides("Esc to interrupt")


async def test_escape_interrupts_and_puts_the_queue_back_into_the_composer(tmp_path: Path) -> None:
    gate = Gate()
    async with codex(tmp_path, [sse(created(), gate, completed())]) as run:
        await run.submits("think hard")
        await run.shows("Working (")
        run.type("and then this")
        await run.shows("▌ and then this")
        run.type("\t")
        await run.shows("↳ and then this", "Alt+↑ edit")
        run.type("\x1b")
        await run.shows("Conversation interrupted")
        await run.hides("↳ and then this")
        assert run.controller.composer.draft.text == "and then this"
        assert not run.controller.state.is_running


async def test_a_message_into_the_running_turn_is_carried_by_its_next_request(tmp_path: Path) -> None:
    gate = Gate()
    script = [
        sse(created(), *message("Looking."), shell_call(["true"]), gate, completed()),
        answer(message("As you say.")),
    ]
    async with codex(tmp_path, script) as run:
        await run.submits("look")
        await run.shows("Looking.")
        await run.submits("also mind the tests")
        await run.shows("→ also mind the tests")
        gate.open()
        await run.shows("> As you say.")
        await run.idle()
        assert (
            run.text.index("Looking.")
            < run.text.index("▌ also mind the tests")
            < run.text.index("As you say")
        )
        assert "→" not in run.screen


async def test_a_queued_message_is_sent_when_the_turn_is_over(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, *message("One."), completed()), answer(message("Two."))]
    async with codex(tmp_path, script) as run:
        await run.submits("first")
        await run.shows("Working (")
        run.type("second")
        await run.shows("▌ second")
        run.type("\t")
        await run.shows("↳ second")
        gate.open()
        await run.shows("> Two.")
        assert run.text.index("One.") < run.text.index("▌ second") < run.text.index("Two.")


async def test_control_c_asks_again_before_it_quits(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await run.shows("directory:")
        await run.idle()
        run.type("\x03")
        await run.shows("again to quit")
        run.type("x")
        await run.hides("again to quit")
        run.type("\x03")
        await run.shows("again to quit")
        run.type("\x03")
        await until(lambda: run.app.return_code == 0 and not run.app._running)


async def test_control_d_in_a_turn_says_what_it_would_do_first(tmp_path: Path) -> None:
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.submits("think")
        await run.shows("Working (")
        run.type("\x04")
        await run.shows("again to interrupt the turn and quit")
        assert run.controller.state.is_running
        run.type("\x04")
        await until(lambda: not run.app._running)


async def test_a_changed_width_loses_nothing(tmp_path: Path) -> None:
    text = "\n\n".join(f"item {number} " + "word " * 20 for number in range(20))
    async with codex(tmp_path, [answer(message(text))]) as run:
        await run.submits("list")
        await run.shows("item 19")
        await run.idle()
        run.boot.emulator.resize(30, 50)
        run.app.viewport.window_changed()
        await until(lambda: run.app.size.width == 50)
        await run.shows("item 19", "what to do")
        run.type("/redraw")
        await run.shows("▌ /redraw")
        run.type("\r")
        await run.hides("/redraw")
        await until(lambda: re.findall(r"item (\d+)", run.text) == [str(n) for n in range(20)])


async def test_an_unknown_session_ends_the_app_with_a_sentence(tmp_path: Path) -> None:
    from codex_core.command_line.resume import ResumeRequest

    missing = "00000000-0000-4000-8000-000000000000"
    options = TuiOptions(demo=True, cwd=str(tmp_path), resume=ResumeRequest(missing))
    async with codex(tmp_path, options=options) as run:
        await until(lambda: run.app.problem)
        assert missing in (run.app.problem or "")
        await until(lambda: run.app.return_code == 1)


async def test_a_session_is_resumed_with_what_was_said(tmp_path: Path) -> None:
    from codex_core.command_line.resume import ResumeRequest

    async with codex(tmp_path, [answer(message("The answer is 42."))]) as run:
        await run.submits("what is it")
        await run.shows("> The answer is 42.")
        await run.idle()
        identifier = run.controller.history.session_id
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), resume=ResumeRequest(last=True), prompt="why")
    async with codex(tmp_path, [answer(message("Because."))], options=options) as run:
        await run.shows("▌ what is it", "> The answer is 42.", "▌ why", "> Because.")
        assert run.controller.history.session_id == identifier


@pytest.mark.parametrize(("cols", "rows"), [(30, 10), (20, 6), (12, 4), (8, 3), (200, 60)])
async def test_every_size_of_window_shows_the_draft(tmp_path: Path, cols: int, rows: int) -> None:
    call = shell_call(["touch", "x" * 100])
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), approval=AskForApproval.UNTRUSTED)
    script = [sse(created(), gate := Gate(), call, completed())]
    async with codex(tmp_path, script, options=options, cols=cols, rows=rows) as run:
        await run.idle()
        await run.submits("go")
        await until(lambda: run.controller.state.is_running)
        run.type("abc")
        await until(lambda: "▌ abc" in run.screen)
        gate.open()
        await until(lambda: run.controller.state.panel is not None)
        run.controller.answer(None)
        run.controller.interrupt()
        await run.idle()
        await until(lambda: "▌ abc" in run.screen)
        assert not {"▇", "▁", "▎"} & set(run.text)
