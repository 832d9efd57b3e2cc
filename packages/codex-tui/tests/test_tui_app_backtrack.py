"""Going back to an earlier message (spec: tui.md section 13), and the transcript it is picked in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from memory_app import until

from codex_core.command_line.resume import ResumeRequest
from codex_core.testing import Gate, answer, completed, created, message, sse
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def pick(run: RunningApp, steps: int = 1) -> None:
    """Esc twice, then further back."""
    await run.idle()
    run.type("\x1b")
    await run.shows("Esc edit prev")
    run.type("\x1b")
    await until(lambda: run.boot.emulator.is_alternate and "edit message" in run.screen)
    await run.escape(steps - 1)


def texts(run: RunningApp, request: int) -> list[str]:
    """What the user's messages say in a request, but for what the app puts in front."""
    items = run.transport.requests[request].json["input"]
    said = [
        part["text"]
        for item in items
        if item.get("role") == "user"
        for part in item["content"]
        if "text" in part
    ]
    return [text for text in said if not text.startswith("<")]


async def test_an_earlier_message_is_edited_and_what_came_after_it_is_left_out(tmp_path: Path) -> None:
    script = [answer(message(text)) for text in ("Answer one.", "Answer two.", "Answer three.")]
    async with codex(tmp_path, script, rows=40) as run:
        await run.submits("first")
        await run.shows("> Answer one.")
        run.type("second\x0a\x0awith a blank line")
        await run.shows("▌ with a blank line")
        run.type("\r")
        await run.shows("> Answer two.")
        first_session = run.controller.history.session_id
        await pick(run)
        run.type("\r")
        await until(lambda: run.controller.history.session_id != first_session)
        await run.shows("You went back")
        assert run.controller.composer.draft.text == "second\n\nwith a blank line"
        assert run.text.count("Answer one.") == 1  # nothing is printed twice
        run.type("other ")
        await run.shows("▌ other second")
        run.type("\r")
        await run.shows("> Answer three.")
        assert texts(run, 2) == ["first", "other second\n\nwith a blank line"]
        assert [said.message.text for said in run.controller.state.said] == texts(run, 2)


async def test_each_escape_goes_one_message_further_back(tmp_path: Path) -> None:
    script = [answer(message(text)) for text in ("One.", "Two.", "Three.", "Four.")]
    async with codex(tmp_path, script) as run:
        for text, reply in (("aaa", "> One."), ("bbb", "> Two."), ("ccc", "> Three.")):
            await run.submits(text)
            await run.shows(reply)
            await run.idle()
        await pick(run, steps=3)
        run.type("\r")
        await run.shows("You went back", "▌ aaa")
        await run.idle()
        run.type("\r")
        await run.shows("> Four.")
        assert texts(run, 3) == ["aaa"]


async def test_another_key_forgets_the_first_escape_and_q_leaves_without_a_change(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("One."))]) as run:
        await run.submits("aaa")
        await run.shows("> One.")
        await run.idle()
        run.type("\x1b")
        await run.shows("Esc edit prev")
        run.type("x\x7f")
        await run.hides("Esc edit prev")
        session = run.controller.history.session_id
        await pick(run)
        run.type("q")
        await until(lambda: not run.boot.emulator.is_alternate)
        await run.drawn()
        assert run.controller.history.session_id == session
        assert run.controller.composer.draft.text == ""


async def test_escape_does_nothing_where_nothing_was_said_or_something_is_written(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("One."))]) as run:
        await run.idle()
        await run.escape(2)
        await run.submits("aaa")
        await run.shows("> One.")
        await run.idle()
        run.type("draft")
        await run.shows("▌ draft")
        await run.escape(2)
        run.type("!")
        await run.shows("▌ draft!")
        assert not run.boot.emulator.is_alternate


async def test_the_images_of_a_message_come_back_with_it_in_this_session_and_after_a_resume(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "shot.png"
    picture.write_bytes(PIXEL)
    work = str(tmp_path / "work")
    options = TuiOptions(demo=True, cwd=work, prompt="see", images=(str(picture),))
    async with codex(tmp_path, [answer(message("Seen."))], options=options) as run:
        await run.shows("> Seen.")
        await pick(run)
        run.type("\r")
        await run.shows("You went back")
        assert run.controller.composer.draft.message().images == (str(picture),)
    options = TuiOptions(demo=True, cwd=work, prompt="again", images=(str(picture),))
    async with codex(tmp_path, [answer(message("Seen again."))], options=options) as run:
        await run.shows("> Seen again.")
        await run.idle()
        source = run.controller.history.session_id
    picture.unlink()
    resumed = TuiOptions(demo=True, cwd=work, resume=ResumeRequest(session_id=source))
    async with codex(tmp_path, [answer(message("Seen once more."))], options=resumed) as run:
        await run.shows("> Seen again.")
        await pick(run)
        run.type("\r")
        await run.shows("You went back")
        await until(lambda: run.controller.composer.draft.message().images)
        await run.idle()
        run.type("\r")
        await run.shows("> Seen once more.")
        content = run.transport.requests[0].json["input"][-1]["content"]
        assert [part["type"] for part in content] == ["input_text", "input_image"]


async def test_a_prompt_that_reached_the_record_and_not_the_screen_is_counted(tmp_path: Path) -> None:
    gate = Gate()
    script = [
        answer(message("One.")),
        sse(created(), *message("Looking."), completed()),
        sse(created(), gate, completed()),
        answer(message("Done.")),
    ]
    async with codex(tmp_path, script) as run:
        await run.submits("aaa")
        await run.shows("> One.")
        await run.idle()
        await run.submits("bbb")
        await run.shows("> Looking.")
        await run.idle()
        # As if a message into the last turn had been carried by a request that nobody answered.
        del run.controller.state.said[1]
        await pick(run)
        run.type("\r")
        await run.shows("You went back", "▌ aaa")
        await run.idle()
        gate.open()
        run.type("\r")
        await until(lambda: len(run.transport.requests) == 3)
        assert texts(run, 2) == ["aaa"]


async def test_the_transcript_picks_nothing_while_a_turn_runs(tmp_path: Path) -> None:
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.submits("think")
        await run.shows("Working")
        run.type("\x14")
        await until(lambda: run.boot.emulator.is_alternate and "T R A N S C R I P T" in run.screen)
        run.type("\x1b")
        await until(lambda: not run.boot.emulator.is_alternate)
        assert run.controller.state.is_running


async def test_a_copy_of_a_session_goes_on_and_the_session_stays(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("The answer is 42."))]) as run:
        await run.submits("what is it")
        await run.shows("> The answer is 42.")
        await run.idle()
        source = run.controller.history.session_id
    options = TuiOptions(
        demo=True,
        cwd=str(tmp_path / "work"),
        resume=ResumeRequest(session_id=source),
        is_fork=True,
        prompt="why",
    )
    async with codex(tmp_path, [answer(message("Because."))], options=options) as run:
        await run.shows("▌ what is it", "> The answer is 42.", "▌ why", "> Because.")
        assert run.controller.history.session_id != source
        assert texts(run, 0) == ["what is it", "why"]


async def test_a_session_that_is_open_elsewhere_ends_the_app_with_a_sentence(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Mine."))]) as run:
        await run.submits("mine")
        await run.shows("> Mine.")
        await run.idle()
        options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), resume=ResumeRequest(last=True))
        async with codex(tmp_path, options=options) as other:
            await until(lambda: other.app.problem)
            assert "in use" in (other.app.problem or "")
            await until(lambda: other.app.return_code == 1)


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_one_can_go_back_over_a_summary(tmp_path: Path, steps: int) -> None:
    script = [answer(message(text)) for text in ("One.", "Two.", "The summary.", "Three.", "Four.")]
    async with codex(tmp_path, script, rows=50) as run:
        for text, reply in (("aaa", "> One."), ("bbb", "> Two.")):
            await run.submits(text)
            await run.shows(reply)
            await run.idle()
        run.type("/compact\r")
        await run.shows("Compact task completed")
        await run.idle()
        await run.submits("ccc")
        await run.shows("> Three.")
        await pick(run, steps)
        run.type("\r")
        await run.shows("You went back")
        await run.idle()
        run.type("new \r")
        await run.shows("> Four.")
        said = " ".join(texts(run, 4))
        prompts = ["aaa", "bbb", "ccc"]
        assert [prompt for prompt in prompts if prompt in said] == prompts[: 4 - steps]
