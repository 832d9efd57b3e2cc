"""Turns that are interrupted, steered, queued behind, or fail; what is said is never lost."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from app_kit import at_provider, codex
from memory_app import until

from codex_core.testing import (
    Gate,
    answer,
    completed,
    created,
    disconnect,
    failed,
    http_error,
    message,
    shell_call,
    sse,
)
from codex_protocol.config_types import AskForApproval
from codex_protocol.ops import ReviewDecision
from codex_tui.commands import run_command
from codex_tui.composer.draft import Message
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp

    from codex_core.testing import Reply

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def steer(run: RunningApp, text: str) -> None:
    run.type(text)
    await run.shows("▌ " + text)
    run.type("\r")
    await run.shows("→ " + text)


async def queue(run: RunningApp, text: str) -> None:
    run.type(text)
    await run.shows("▌ " + text)
    run.type("\t")
    await run.shows("↳ " + text)


async def test_a_message_into_a_turn_that_is_stopped_comes_back_with_its_images(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "shot.png").write_bytes(PIXEL)
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.submits("think")
        await run.shows("Working")
        run.type("\x1b[200~shot.png\x1b[201~")
        await run.shows("▌ [image 1x1 PNG]")
        run.type("look\r")
        await run.shows("→ [image 1x1 PNG] look")
        await steer(run, "and mind the tests")
        run.type("half a")
        await run.shows("▌ half a")
        run.type("\x1b")
        await run.shows("Conversation interrupted")
        await run.hides("→")
        draft = run.controller.composer.draft
        assert draft.text == "[image 1x1 PNG] look\nand mind the tests\nhalf a"
        assert draft.message().images == (str(tmp_path / "work" / "shot.png"),)
        assert not run.controller.state.steering


async def test_a_message_sent_before_the_turn_was_heard_of_belongs_to_it(tmp_path: Path) -> None:
    gate = Gate()
    async with codex(tmp_path, [sse(created(), gate, completed())]) as run:
        await run.idle()
        run.type("one\rtwo\r")  # in one go: nothing has come back from the session between them
        await run.shows("▌ one", "→ two")
        run.type("\x1b")
        await run.shows("Conversation interrupted")
        assert run.controller.composer.draft.text == "two"


async def test_what_is_said_while_the_conversation_is_summed_up_comes_after_it(tmp_path: Path) -> None:
    gate = Gate()
    script = [
        answer(message("Long.")),
        sse(created(), gate, *message("Short."), completed()),
        answer(message("Next.")),
    ]
    async with codex(tmp_path, script) as run:
        await run.submits("tell me")
        await run.shows("> Long.")
        await run.idle()
        run.type("/compact\r")
        await run.shows("Working")
        await steer(run, "and then?")
        gate.open()
        await run.shows("Compact task completed", "▌ and then?", "> Next.")
        assert run.text.index("Compact task completed") < run.text.index("> Next.")


async def test_an_interrupt_while_it_is_summed_up_gives_back_what_was_said(tmp_path: Path) -> None:
    script = [answer(message("Long.")), sse(created(), Gate(), completed()), answer(message("Still here."))]
    async with codex(tmp_path, script) as run:
        await run.submits("tell me")
        await run.shows("> Long.")
        await run.idle()
        run.type("/compact\r")
        await run.shows("Working")
        await steer(run, "are you there")
        run.type("\x1b")
        await run.shows("Conversation interrupted", "▌ are you there")
        await run.idle()
        run.type("\r")
        await run.shows("> Still here.")


async def test_queued_messages_are_sent_one_turn_each_and_the_newest_can_be_taken_back(
    tmp_path: Path,
) -> None:
    gate = Gate()
    script = [
        sse(created(), gate, *message("One."), completed()),
        *(answer(message(t)) for t in ("Two.", "Four.")),
    ]
    async with codex(tmp_path, script) as run:
        await run.submits("first")
        await run.shows("Working")
        for text in ("second", "third"):
            await queue(run, text)
        run.type("\x1b[1;3A")
        await run.shows("▌ third")
        await run.hides("↳ third")
        gate.open()
        await run.shows("> Two.")
        await run.idle()
        run.type(" or fourth\r")
        await run.shows("> Four.")
        assert run.text.index("> One.") < run.text.index("▌ second") < run.text.index("> Two.")


async def test_control_c_clears_the_draft_first_then_interrupts_then_asks(tmp_path: Path) -> None:
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.submits("think")
        await run.shows("Working")
        run.type("draft")
        await run.shows("▌ draft")
        run.type("\x03")
        await run.hides("▌ draft")
        assert run.controller.state.is_running
        run.type("\x03")
        await run.shows("Conversation interrupted")
        await run.idle()
        run.type("\x03")
        await run.shows("again to quit")
        run.type("\x03")
        await until(lambda: not run.app._running)


async def test_control_d_deletes_in_a_draft_and_leaves_from_an_empty_one(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await run.idle()
        run.type("ab\x01\x04")
        await run.shows("▌ b")
        run.type("\x04\x04")
        await until(lambda: not run.app._running)
        assert run.app.return_code == 0


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (http_error(401, {"error": {"message": "Incorrect key"}}), "401"),
        (
            http_error(
                429, {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached"}}
            ),
            "usage limit",
        ),
        (sse(created(), failed("insufficient_quota", "You exceeded your quota")), "uota"),
        (http_error(400, {"error": {"message": "No such model"}}), "No such model"),
    ],
)
async def test_a_refusal_of_the_model_server_is_told_and_the_session_goes_on(
    tmp_path: Path, reply: Reply, sentence: str
) -> None:
    options = at_provider(tmp_path, request_max_retries=0, stream_max_retries=0)
    async with codex(tmp_path, [reply, answer(message("Better now."))], options=options) as run:
        await run.submits("hello")
        await run.shows("■ ")
        await run.idle()
        assert sentence in run.text
        await run.submits("once more")
        await run.shows("> Better now.")
        assert "Traceback" not in run.text


@pytest.mark.parametrize("is_dead", [False, True])
async def test_a_stream_that_breaks_off_is_told_and_repeated(tmp_path: Path, is_dead: bool) -> None:
    text = "The beginning of a long answer.\n\nAnd its end."
    broken = sse(created(), *message(text, deltas=["The beginning of a long answer.\n\n", "And"])[:2])
    options = at_provider(tmp_path, request_max_retries=0, stream_max_retries=1)
    script = [broken, disconnect() if is_dead else answer(message(text)), answer(message("Still there."))]
    async with codex(tmp_path, script, options=options) as run:
        await run.submits("hello")
        await run.shows("retrying 1/1")
        if is_dead:
            await run.shows("■ ")
        else:
            await run.shows("And its end.")
        await run.idle()
        await run.submits("and now")
        await run.shows("> Still there.")


async def test_a_queue_goes_on_after_a_failed_turn(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, failed("bad", "It broke")), answer(message("Second answered."))]
    options = at_provider(tmp_path, stream_max_retries=0)
    async with codex(tmp_path, script, options=options) as run:
        await run.submits("first")
        await run.shows("Working")
        await queue(run, "second")
        gate.open()
        await run.shows("■ ", "> Second answered.")


async def test_a_command_of_the_app_typed_at_once_waits_for_the_conversation(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        run.type("/mcp\r")
        await run.shows("No MCP servers configured.")
        assert run.text.index("directory:") < run.text.index("No MCP servers")


async def test_a_command_typed_right_behind_a_message_meets_its_turn(tmp_path: Path) -> None:
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.idle()
        session = run.controller.history.session_id
        run.type("think\r/new\r")
        await run.shows("'/new' is disabled while a task is in progress.", "Working")
        assert run.controller.history.session_id == session


async def test_a_resize_under_a_question_and_under_the_transcript_keeps_both(tmp_path: Path) -> None:
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), approval=AskForApproval.UNTRUSTED)
    script = [answer(shell_call(["touch", "made.txt"]))]
    async with codex(tmp_path, script, options=options) as run:
        await run.submits("go")
        await run.asked("Allow this command?")
        for cols, rows in ((40, 12), (100, 40)):
            run.boot.emulator.resize(rows, cols)
            run.app.viewport.window_changed()
            await until(lambda cols=cols: run.app.size.width == cols)
            await until(lambda: "Allow this command?" in run.screen)
        await run.asked("Allow this command?")
        run.type("n")
        await run.shows("You canceled")
        await run.idle()
        run.type("\x14")
        await until(lambda: run.boot.emulator.is_alternate and "T R A N S" in run.screen)
        run.boot.emulator.resize(15, 50)
        run.app.viewport.window_changed()
        await until(lambda: run.app.size.width == 50 and "T R A N S" in run.screen)
        run.type("q")
        await until(lambda: not run.boot.emulator.is_alternate)
        await run.shows("You canceled", "what to do")


async def test_what_is_said_behind_an_interrupt_is_the_next_turn_and_is_said_once(tmp_path: Path) -> None:
    script = [sse(created(), Gate(), completed()), answer(message("Done instead."))]
    async with codex(tmp_path, script) as run:
        await run.submits("think")
        await run.shows("Working")
        await steer(run, "not carried yet")
        run.controller.interrupt()
        run.controller.send(Message("do this instead"))  # before the turn's end is heard of
        await run.shows("Conversation interrupted", "▌ do this instead", "> Done instead.")
        await run.idle()
        assert run.controller.composer.draft.text == "not carried yet"
        assert run.text.count("▌ do this instead") == 1
        assert len(run.transport.requests) == 2


async def test_what_is_said_behind_an_interrupt_that_came_too_late_is_the_next_turn_too(
    tmp_path: Path,
) -> None:
    gate = Gate()
    script = [sse(created(), gate, *message("Over."), completed()), answer(message("And now that."))]
    async with codex(tmp_path, script) as run:
        await run.submits("think")
        await run.shows("Working")
        run.controller.state.is_stopping = True  # as asked, of a turn that just ends
        run.controller.send(Message("and now that?"))
        await run.shows("→ and now that?")
        gate.open()
        await run.shows("> Over.", "▌ and now that?", "> And now that.")
        await run.idle()
        assert not run.controller.state.is_stopping


async def test_what_is_said_behind_a_no_is_not_given_to_the_turn_that_ends(tmp_path: Path) -> None:
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), approval=AskForApproval.UNTRUSTED)
    script = [answer(shell_call(["touch", "made.txt"])), answer(message("Otherwise, then."))]
    async with codex(tmp_path, script, options=options) as run:
        await run.submits("go")
        await run.asked("Allow this command?")
        run.controller.answer(ReviewDecision.ABORT)
        run.controller.send(Message("otherwise"))
        await run.shows("▌ otherwise", "> Otherwise, then.")
        await run.idle()
        assert run.controller.composer.draft.text == ""
        assert len(run.transport.requests) == 2


async def test_what_is_said_right_behind_a_summary_is_given_back_when_that_is_stopped(tmp_path: Path) -> None:
    script = [answer(message("Long.")), sse(created(), Gate(), completed())]
    async with codex(tmp_path, script) as run:
        await run.submits("tell me")
        await run.shows("> Long.")
        await run.idle()
        await run_command(run.controller, "compact", "")
        run.controller.send(Message("and then"))  # before anything is heard of the summary
        await run.shows("→ and then", "Working")
        run.controller.interrupt()
        await run.shows("Conversation interrupted", "▌ and then")
        await run.idle()
        assert run.controller.composer.draft.text == "and then"


async def test_covers_that_come_up_above_each_other_are_all_closed(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await run.idle()
        app = run.app

        def cover() -> None:  # a key that comes twice, and a diff that took its time
            app.show_transcript()
            app.show_transcript()
            app.page("Help", lambda _width: [])

        app.call_later(cover)
        await until(lambda: "H E L P" in run.screen)
        assert len(app.screen_stack) == 3
        run.type("q")
        await until(lambda: "T R A N S" in run.screen)
        assert app._is_covered
        run.type("q")
        await until(lambda: not run.boot.emulator.is_alternate)
        assert not app._is_covered
        await run.shows("what to do")


async def test_an_end_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, is_hanging = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        try:
            await let_go.wait()
        except asyncio.CancelledError:
            is_hanging.set()
            await let_go.wait()

    monkeypatch.setattr("codex_tui.app.SHUTDOWN_S", 0.01)
    async with codex(tmp_path) as run:
        await run.idle()
        session = run.app._session
        assert session is not None
        session.cancel()
        await asyncio.wait([session])
        run.app._session = asyncio.create_task(hang())
        await asyncio.sleep(0)
    assert is_hanging.is_set()
    let_go.set()
    await run.app._session


async def test_leaving_leaves_no_timer(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await run.idle()
        run.type("/quit\r")
        await until(lambda: run.app.return_code is not None)
    timer = run.controller.sessions._leaving
    assert timer is not None
    assert timer.cancelled()


@pytest.mark.parametrize("marks_pastes", [False, True])
async def test_letters_that_come_together_have_no_frame_each(tmp_path: Path, marks_pastes: bool) -> None:
    text = "again " * 300 + "the end"
    async with codex(tmp_path, marks_pastes=marks_pastes) as run:
        await run.idle()
        frames = len(run.boot.terminal.written)
        run.type(text)
        await until(lambda: run.controller.composer.draft.message().text == text)
        await run.drawn()
        assert len(run.boot.terminal.written) - frames < len(text) / 3
