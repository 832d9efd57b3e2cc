"""Questions in the app: approvals, trust, the API key, pickers and the session to resume."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from memory_app import until

from codex_core.command_line.resume import ResumeRequest
from codex_core.testing import Gate, answer, completed, created, message, shell_call, sse
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_tui.attention import PAUSE_S, SEEN_S
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path


def asking(tmp_path: Path) -> TuiOptions:
    return TuiOptions(demo=True, cwd=str(tmp_path / "work"), approval=AskForApproval.UNTRUSTED)


async def test_a_command_runs_when_the_user_agrees_and_the_model_hears_of_it(tmp_path: Path) -> None:
    script = [answer(shell_call(["touch", "made.txt"])), answer(message("Made."))]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("make it")
        await run.asked("Proposed Command", "Allow this command?", "$ touch made.txt", "Run this command")
        assert "Working" not in run.screen
        run.type("y")
        await run.shows("✔ You approved codex to run touch made.txt this time", "> Made.")
        assert (tmp_path / "work" / "made.txt").exists()
        assert "Allow this command?" not in run.screen


async def test_no_stops_the_turn_and_gives_the_composer_back(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(shell_call(["touch", "made.txt"]))], options=asking(tmp_path)) as run:
        await run.submits("make it")
        await run.asked("Allow this command?")
        run.type("\x1b")
        await run.shows("✗ You canceled the request to run touch made.txt", "Conversation interrupted")
        await run.shows("what to do")
        assert not (tmp_path / "work" / "made.txt").exists()


async def test_always_is_not_asked_again_for_the_same_command(tmp_path: Path) -> None:
    script = [
        answer(shell_call(["touch", "made.txt"], call_id="one")),
        answer(shell_call(["touch", "made.txt"], call_id="two")),
        answer(message("Twice.")),
    ]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("make it")
        await run.asked("Allow this command?")
        run.type("\x1b[C")
        await run.shows("exactly this command without asking")
        run.type("\r")
        await run.shows("every time this session", "> Twice.")
        assert run.text.count("Proposed Command") == 1


async def test_a_long_command_is_whole_in_the_history_and_said_to_go_on_in_the_question(
    tmp_path: Path,
) -> None:
    lines = [f"touch part-{number}-of-it" for number in range(60)]
    call = shell_call(["bash", "-lc", "\n".join(lines)])
    async with codex(tmp_path, [answer(call)], options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.asked("of 60", "Allow this command?")
        before = run.text.split("Allow this command?")[0]
        assert [line for line in lines if line not in before] == []
        run.type("n")
        await run.shows("You canceled")


async def test_who_types_on_does_not_answer_the_question_that_comes_up(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("ma")
        await run.shows("▌ ma")
        gate.open()
        await run.shows("Allow this command?")
        for letter in "yes":  # for longer than it takes to see a question, without a pause
            await run.drawn()
            run.clock.advance(SEEN_S / 2)
            run.type(letter)
            await until(lambda letter=letter: run.controller.composer.draft.text.endswith(letter))
        await run.shows("▌ mayes", "Allow this command?")
        run.clock.advance(PAUSE_S + 0.1)
        run.type("n")
        await run.shows("You canceled")
        assert run.controller.composer.draft.text == "mayes"
        assert not (tmp_path / "work" / "made.txt").exists()


async def test_enter_just_after_a_question_came_up_sends_the_draft(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("my next message")
        await run.shows("▌ my next message")
        run.clock.advance(60)
        gate.open()
        await run.shows("Allow this command?")
        run.type("\r")
        await until(lambda: [each.text for each in run.controller.state.steering] == ["my next message"])
        assert run.controller.state.panel is not None
        assert not (tmp_path / "work" / "made.txt").exists()


async def test_a_key_held_down_answers_one_question(tmp_path: Path) -> None:
    script = [
        answer(
            shell_call(["touch", "one.txt"], call_id="one"), shell_call(["touch", "two.txt"], call_id="two")
        )
    ]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("both")
        await run.asked("$ touch one.txt")
        run.type("yyyy")
        await run.shows("$ touch two.txt")
        await run.drawn()
        run.type("y")
        await run.drawn()
        assert run.controller.composer.draft.text == ""
        assert run.controller.state.panel is not None
        await run.asked("$ touch two.txt")
        run.type("n")
        await run.shows("You canceled the request to run touch two.txt")
        assert (tmp_path / "work" / "one.txt").exists()
        assert not (tmp_path / "work" / "two.txt").exists()


async def test_a_question_behind_the_transcript_is_told_there_and_counts_as_seen_only_afterwards(
    tmp_path: Path,
) -> None:
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("\x14")
        await until(lambda: run.boot.emulator.is_alternate)
        gate.open()
        await until(lambda: "A question waits for you" in run.screen)
        run.clock.advance(60)
        run.type("q")
        await until(lambda: not run.boot.emulator.is_alternate)
        run.type("yes")
        await run.shows("Allow this command?", "▌ yes")
        assert run.controller.state.panel is not None
        await run.asked("Allow this command?")
        run.type("y")
        await run.shows("You approved")


async def test_a_question_that_comes_while_the_editor_is_open_waits_for_it(tmp_path: Path) -> None:
    go, editor = tmp_path / "go", tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\nwhile [ ! -e "{go}" ]; do sleep 0.02; done\necho " more" >> "$1"\n')
    editor.chmod(0o755)
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    environ = {"VISUAL": str(editor)}
    async with codex(tmp_path, script, options=asking(tmp_path), environ=environ) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("draft")
        await run.shows("▌ draft")
        run.type("\x07")
        await until(lambda: not run.app.viewport.is_steady)
        gate.open()
        await until(lambda: run.controller.state.panel)
        run.clock.advance(60)
        go.touch()
        await run.shows("Allow this command?", "▌ draft more")
        run.type("y")
        await until(lambda: run.controller.composer.draft.text == "draft morey")
        await run.asked("Allow this command?")
        run.type("n")
        await run.shows("You canceled")


async def test_a_question_closes_no_popup_and_no_search(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("/st")
        await run.shows("/status")
        gate.open()
        await run.asked("Allow this command?")
        run.type("n")
        await run.shows("You canceled", "▌ /st", "/status")


async def test_a_question_leaves_with_its_turn(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(shell_call(["touch", "made.txt"]))], options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.asked("Allow this command?")
        run.controller.interrupt()
        await run.shows("Conversation interrupted")
        await run.hides("Allow this command?")


@pytest.mark.parametrize("says_yes", [True, False])
async def test_an_undecided_directory_is_asked_about_before_the_first_turn(
    tmp_path: Path, says_yes: bool
) -> None:
    work = tmp_path / "work"
    options = TuiOptions(
        overrides=('model_provider="demo"', 'model="demo"'), cwd=str(work), prompt="begin at once"
    )
    async with codex(tmp_path, [answer(message("Begun."))], options=options) as run:
        await run.asked("Do you trust the files in", "not under version control")
        assert "begin at once" not in run.text
        run.type("1" if says_yes else "2")
        await run.shows("> Begun.")
        sandbox = run.controller.state.config.sandbox_policy.mode
        stored = tmp_path / "home" / "config.toml"
        if says_yes:
            assert sandbox is SandboxMode.WORKSPACE_WRITE
            assert str(work.resolve()) in stored.read_text()
        else:
            assert sandbox is SandboxMode.READ_ONLY
            assert not stored.exists()


async def test_a_key_typed_before_the_question_about_trust_does_not_answer_it(tmp_path: Path) -> None:
    from memory_app import MemoryBoot

    boot = MemoryBoot(typed="fix it", rest=b"\r", cols=80, rows=30)
    options = TuiOptions(overrides=('model_provider="demo"', 'model="demo"'), cwd=str(tmp_path / "work"))
    async with codex(tmp_path, [answer(message("Fixed."))], options=options, boot=boot) as run:
        await run.shows("Do you trust the files in")
        assert run.controller.state.panel is not None
        await until(lambda: len(run.controller.composer.queue) == 1)
        await run.asked("Do you trust the files in")
        run.type("\x1b")
        await run.shows("▌ fix it", "> Fixed.")


async def test_an_api_key_is_stored_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    options = TuiOptions(
        cwd=str(tmp_path / "work"), approval=AskForApproval.ON_REQUEST, sandbox=SandboxMode.READ_ONLY
    )
    key = "sk-test-key-with-q-0123456789"
    async with codex(tmp_path, options=options) as run:
        await run.asked("How do you want to sign in?")
        run.type("2")
        await run.asked("Sign in with an API key", "Paste or type")
        run.type("\r")
        await run.shows("API key cannot be empty")
        run.type(key)
        await run.shows("6789")
        run.type("\r")
        await run.shows("The API key is stored")
        assert key not in run.text
        path = tmp_path / "home" / "auth.json"
        assert json.loads(path.read_text())["OPENAI_API_KEY"] == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert run.controller.launch.auth.auth() is not None


async def test_without_a_key_the_app_opens_and_says_so(tmp_path: Path) -> None:
    options = TuiOptions(
        cwd=str(tmp_path / "work"), approval=AskForApproval.ON_REQUEST, sandbox=SandboxMode.READ_ONLY
    )
    async with codex(tmp_path, options=options, environ={"OPENAI_API_KEY": "sk-from-env"}) as run:
        await run.asked("How do you want to sign in?")
        run.type("2")
        await run.asked("Taken from OPENAI_API_KEY")
        await run.escape()
        await run.asked("How do you want to sign in?")
        run.type("\x1b")
        await run.shows("You are not signed in", "what to do")
        assert not (tmp_path / "home" / "auth.json").exists()


async def test_the_session_to_resume_is_picked_from_a_list(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Said."))]) as run:
        await run.submits("remember me")
        await run.shows("> Said.")
        await run.idle()
    options = replace(TuiOptions(demo=True, cwd=str(tmp_path / "work")), resume=ResumeRequest())
    async with codex(tmp_path, options=options) as run:
        await run.asked("Resume a previous session", "remember me")
        run.type("\r")
        await run.shows("▌ remember me", "> Said.", "what to do")


async def test_a_picked_session_that_is_in_use_brings_the_list_back(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Said."))]) as holder:
        await holder.submits("remember me")
        await holder.shows("> Said.")
        await holder.idle()
        options = replace(TuiOptions(demo=True, cwd=str(tmp_path / "work")), resume=ResumeRequest())
        async with codex(tmp_path, options=options) as run:
            await run.asked("Resume a previous session", "remember me")
            run.type("\r")
            await run.shows("is in use by another running Codex", "codex fork")
            await run.asked("Resume a previous session", "remember me")
            assert run.app.problem is None
            await run.escape()
            await run.idle()
            await run.shows("what to do")
            assert not run.controller.state.said


async def test_the_newest_session_in_use_is_answered_with_what_works(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Said."))]) as holder:
        await holder.submits("remember me")
        await holder.shows("> Said.")
        await holder.idle()
        options = replace(TuiOptions(demo=True, cwd=str(tmp_path / "work")), resume=ResumeRequest(last=True))
        async with codex(tmp_path, options=options) as run:
            await until(lambda: run.app.problem)
            assert "codex fork --last" in (run.app.problem or "")
            assert "in use by another running Codex" in (run.app.problem or "")
