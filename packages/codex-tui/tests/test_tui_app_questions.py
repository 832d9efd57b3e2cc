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
from codex_tui.options import TuiOptions

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp


def asking(tmp_path: Path) -> TuiOptions:
    return TuiOptions(demo=True, cwd=str(tmp_path / "work"), approval=AskForApproval.UNTRUSTED)


async def asked(run: RunningApp, *texts: str) -> None:
    """The question is there and whoever typed before has paused."""
    await run.shows(*texts)
    run.app._typed_at = float("-inf")


async def test_a_command_runs_when_the_user_agrees_and_the_model_hears_of_it(tmp_path: Path) -> None:
    script = [answer(shell_call(["touch", "made.txt"])), answer(message("Made."))]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("make it")
        await asked(run, "Proposed Command", "Allow this command?", "$ touch made.txt", "Run this command")
        assert "Working" not in run.screen
        run.type("y")
        await run.shows("✔ You approved codex to run touch made.txt this time", "> Made.")
        assert (tmp_path / "work" / "made.txt").exists()
        assert "Allow this command?" not in run.screen


async def test_no_stops_the_turn_and_gives_the_composer_back(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(shell_call(["touch", "made.txt"]))], options=asking(tmp_path)) as run:
        await run.submits("make it")
        await asked(run, "Allow this command?")
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
        await asked(run, "Allow this command?")
        run.type("\x1b[C")
        await run.shows("exactly this command without asking")
        run.type("\r")
        await run.shows("every time this session", "> Twice.")
        assert run.text.count("Proposed Command") == 1


async def test_a_long_command_is_whole_in_the_history_and_marked_as_cut_in_the_question(
    tmp_path: Path,
) -> None:
    lines = [f"touch part-{number}-of-it" for number in range(60)]
    call = shell_call(["bash", "-lc", "\n".join(lines)])
    async with codex(tmp_path, [answer(call)], options=asking(tmp_path)) as run:
        await run.submits("go")
        await asked(run, "the whole command stands above", "Allow this command?")
        before = run.text.split("Allow this command?")[0]
        assert [line for line in lines if line not in before] == []
        run.type("n")
        await run.shows("You canceled")


async def test_letters_typed_into_the_draft_do_not_answer_a_question_that_comes_up(tmp_path: Path) -> None:
    gate = Gate()
    script = [sse(created(), gate, shell_call(["touch", "made.txt"]), completed())]
    async with codex(tmp_path, script, options=asking(tmp_path)) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("ma")
        await run.shows("▌ ma")
        gate.open()
        await run.shows("Allow this command?")
        run.type("y")
        await until(lambda: run.controller.composer.draft.text == "may")
        assert run.controller.state.panel is not None
        run.app._typed_at = float("-inf")
        run.type("n")
        await run.shows("You canceled")
        assert run.controller.composer.draft.text == "may"


async def test_a_question_leaves_with_its_turn(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(shell_call(["touch", "made.txt"]))], options=asking(tmp_path)) as run:
        await run.submits("go")
        await asked(run, "Allow this command?")
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
        await asked(run, "Do you trust the files in", "not under version control")
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
        run.app._typed_at = float("-inf")
        run.type("\x1b")
        await run.shows("▌ fix it", "> Fixed.")


async def test_an_api_key_is_stored_for_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    options = TuiOptions(
        cwd=str(tmp_path / "work"), approval=AskForApproval.ON_REQUEST, sandbox=SandboxMode.READ_ONLY
    )
    key = "sk-test-key-with-q-0123456789"
    async with codex(tmp_path, options=options) as run:
        await run.shows("Sign in with an API key", "Paste or type")
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
        await run.shows("Taken from OPENAI_API_KEY")
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
        await run.shows("Resume a previous session", "remember me")
        run.type("\r")
        await run.shows("▌ remember me", "> Said.", "what to do")
