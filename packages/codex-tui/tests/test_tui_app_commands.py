"""Commands with a slash, in the app."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from app_kit import at_provider, codex
from memory_app import until

from codex_core.presentation.spans import Style, plain_text
from codex_core.testing import Gate, answer, completed, created, message, sse
from codex_protocol.config_types import SandboxMode
from codex_tui.options import TuiOptions
from codex_tui.working_diff import diff_rows

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp


async def commands(run: RunningApp, line: str) -> None:
    await run.idle()
    run.type(line)
    await run.shows("▌ " + line)
    run.type("\r")


def git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True)


async def test_status_tells_the_settings(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "AGENTS.md").write_text("Be brief.\n")
    async with codex(tmp_path, rows=40) as run:
        await commands(run, "/status")
        await run.shows("Workspace", "~/work", "AGENTS files: AGENTS.md", "workspace-write", "Session ID")


async def test_a_new_conversation_leaves_the_old_one_on_the_screen(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Old.")), answer(message("New."))], rows=50) as run:
        await run.submits("one")
        await run.shows("> Old.")
        await run.idle()
        first = run.controller.history.session_id
        await commands(run, "/new")
        await until(lambda: run.controller.history.session_id != first and run.controller.state.is_ready)
        await run.submits("two")
        await run.shows("> Old.", "> New.")
        assert run.text.count(">_ Codex") == 2


def of_openai(tmp_path: Path) -> TuiOptions:
    """A provider that wants a sign-in, which there is."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "auth.json").write_text('{"OPENAI_API_KEY": "sk-test"}')
    (tmp_path / "home" / "auth.json").chmod(0o600)
    return at_provider(tmp_path, requires_openai_auth=True)


async def test_the_model_is_changed_for_now_and_for_later(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Yes."))], options=of_openai(tmp_path)) as run:
        await commands(run, "/model")
        await run.shows("Select model and reasoning level", "gpt-5 minimal", "gpt-5 high")
        assert "gpt-5-codex" not in run.screen  # which an API key does not pay for
        await run.drawn()
        run.type("\x1b[A")
        await run.shows("> 4. gpt-5 high")
        run.type("\r")
        await run.shows("Model changed to gpt-5 high")
        stored = (tmp_path / "home" / "config.toml").read_text()
        assert 'model = "gpt-5"' in stored
        assert 'model_reasoning_effort = "high"' in stored
        await run.submits("still there")
        await run.shows("> Yes.")
        assert run.transport.requests[0].json["model"] == "gpt-5"
        assert run.transport.requests[0].json["reasoning"]["effort"] == "high"


async def test_escape_leaves_a_picker_without_changes(tmp_path: Path) -> None:
    async with codex(tmp_path, options=of_openai(tmp_path)) as run:
        await commands(run, "/model")
        await run.shows("Select model")
        await run.drawn()
        run.type("\x1b")
        await run.hides("Select model")
        assert run.controller.state.config.model == "gpt-5"
        assert not (tmp_path / "home" / "config.toml").exists()


async def test_a_provider_whose_models_nobody_knows_takes_any_name(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Yes."))]) as run:
        await commands(run, "/model")
        await run.shows("The model is demo, of Offline demo.", "/model NAME takes one")
        await commands(run, "/model other-model tremendous")
        await run.shows("/model takes a name and, if you like, one of minimal, low, medium, high.")
        await commands(run, "/model other-model high")
        await run.shows("Model changed to other-model high")
        await run.submits("still there")
        await run.shows("> Yes.")
        assert run.transport.requests[0].json["model"] == "other-model"


async def test_approvals_apply_to_this_session_only(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await commands(run, "/approvals")
        await run.shows("Select approval mode", "Auto (current)")
        run.type("\x1b[A")
        await run.shows("> 1. Read Only")
        run.type("\r")
        await run.shows("Approval mode changed to Read Only")
        assert run.controller.state.config.sandbox_policy.mode is SandboxMode.READ_ONLY
        assert not (tmp_path / "home" / "config.toml").exists()


async def test_some_commands_wait_for_the_end_of_the_turn(tmp_path: Path) -> None:
    async with codex(tmp_path, [sse(created(), Gate(), completed())]) as run:
        await run.submits("think")
        await run.shows("Working")
        run.type("/model")
        await run.shows("▌ /model")
        run.type("\r")
        await run.shows("'/model' is disabled while a task is in progress.")


async def test_a_diff_opens_in_a_pager_with_new_files(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q")
    (work / "known.txt").write_text("one\n")
    git(work, "add", "known.txt")
    (work / "known.txt").write_text("two\n")
    (work / "fresh file.txt").write_text("fresh line\n")
    async with codex(tmp_path) as run:
        await commands(run, "/diff")
        await until(lambda: "+fresh line" in run.screen and run.boot.emulator.is_alternate)
        assert "/ D I F F /" in run.screen
        assert "-one" in run.screen
        assert "+two" in run.screen
        run.type("q")
        await until(lambda: not run.boot.emulator.is_alternate)
        await run.shows("what to do")


def test_a_diff_hides_nothing_of_a_line_and_takes_no_colours_from_it() -> None:
    text = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-old\n+changed evil\r overwritten\n+\x1b[8mhid\n dos\r\n"
    rows = diff_rows(text)
    assert [plain_text(row) for row in rows][-4:] == [
        "-old",
        "+changed evil␍ overwritten",
        "+␛[8mhid",
        " dos␍",
    ]
    styles = [row[0].style for row in rows]
    assert styles == [Style.STRONG] * 3 + [Style.ACCENT, Style.REMOVED, Style.ADDED, Style.ADDED, Style.PLAIN]


async def test_the_mcp_servers_are_listed_with_how_they_are_reached(tmp_path: Path) -> None:
    overrides = ('mcp_servers.no-such={command="/nowhere/server", args=["--with", "a blank"]}',)
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"), overrides=overrides)
    async with codex(tmp_path, options=options) as run:
        await run.shows("MCP client for `no-such` failed to start")
        await commands(run, "/mcp")
        await run.shows(
            "Server: no-such", "Command: /nowhere/server --with 'a blank'", "Tools: (none: it did not start)"
        )


async def test_a_diff_without_changes_or_repository_says_so(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await commands(run, "/diff")
        await until(lambda: "is not inside a git repository" in " ".join(run.text.split()))
        git(tmp_path / "work", "init", "-q")
        await run.hides("▌ /diff")
        await commands(run, "/diff")
        await run.shows("No changes detected.")


async def test_compacting_sums_the_conversation_up(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Long.")), answer(message("Short."))]) as run:
        await run.submits("tell me")
        await run.shows("> Long.")
        await run.idle()
        await commands(run, "/compact")
        await run.shows("Compact task completed")


async def test_help_lists_commands_and_keys(tmp_path: Path) -> None:
    async with codex(tmp_path, rows=60) as run:
        await commands(run, "/help")
        await until(lambda: "/approvals" in run.screen and "queue for the next turn" in run.screen)
        run.type("\x1b")
        await until(lambda: not run.boot.emulator.is_alternate)


async def test_the_transcript_follows_the_conversation_in_full(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("The whole story."))]) as run:
        await run.submits("tell")
        await run.shows("The whole story.")
        await run.idle()
        run.type("\x14")
        await until(lambda: run.boot.emulator.is_alternate and "T R A N S C R I P T" in run.screen)
        assert "The whole story." in run.screen
        run.type("\x14")
        await until(lambda: not run.boot.emulator.is_alternate)
        assert run.text.count("The whole story.") == 1


async def test_quit_ends_the_app_and_the_session(tmp_path: Path) -> None:
    async with codex(tmp_path) as run:
        await commands(run, "/quit")
        await until(lambda: not run.app._running)
        assert run.app.return_code == 0


async def test_an_unknown_mcp_list_is_empty_and_says_so(tmp_path: Path) -> None:
    options = TuiOptions(demo=True, cwd=str(tmp_path / "work"))
    async with codex(tmp_path, options=options) as run:
        await commands(run, "/mcp")
        await run.shows("No MCP servers configured.")


async def test_pickers_fit_into_a_small_window(tmp_path: Path) -> None:
    async with codex(tmp_path, options=of_openai(tmp_path), cols=60, rows=20) as run:
        await commands(run, "/model")
        await run.shows("Select model and reasoning level", "gpt-5 high", "⏎ confirm   Esc go back")
        names = ("minimal", "low", "medium", "high")
        assert [name for name in names if f"gpt-5 {name}" not in run.screen] == []
        run.type("\x03")
        await run.hides("Select model")
        await commands(run, "/approvals")
        await run.shows("Select approval mode", "Read Only", "Auto (current)", "Full Access", "⏎ confirm")
        assert "only where nothing can be lost" in run.screen


async def test_a_saved_prompt_is_shown_with_what_its_file_says_of_it(tmp_path: Path) -> None:
    prompts = tmp_path / "home" / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "zebra.md").write_text("---\ndescription: Counts the stripes\n---\nCount them.\n")
    (prompts / "zebu.md").write_text("Milk it.\n")
    async with codex(tmp_path) as run:
        await run.idle()
        await until(lambda: run.controller.composer.draft.text == "" and has_prompts(run))
        run.type("/zeb")
        await run.shows("/zebra  Counts the stripes", "/zebu  send saved prompt")


def has_prompts(run: RunningApp) -> bool:
    return run.controller.composer.commands.named("zebra") is not None
