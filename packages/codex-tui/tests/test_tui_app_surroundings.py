"""What the app has to do with what is around it: notifications, title, log, files, history, editor, images."""

from __future__ import annotations

import base64
import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from app_kit import at_provider, codex
from memory_app import until

from codex_core.testing import Gate, answer, completed, created, http_error, message, shell_call, sse
from codex_protocol.config_types import AskForApproval
from codex_tui.notifications import Method, uses_osc9
from codex_tui.options import TuiOptions
from codex_tui.session_log import SessionLog, open_session_log
from codex_tui.term.viewport import ResizePolicy

if TYPE_CHECKING:
    from pathlib import Path

    from app_kit import RunningApp

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Told:
    """What the terminal is told beside what it draws."""

    def __init__(self, run: RunningApp) -> None:
        self.titles: list[str] = []
        self.notes: list[str] = []
        viewport = run.app.viewport
        write, set_title = viewport.write, viewport.set_title

        def keep(text: str) -> None:
            self.notes.append(text)
            write(text)

        def keep_title(text: str) -> None:
            self.titles.append(text)
            set_title(text)

        viewport.write = keep  # type: ignore[method-assign]
        viewport.set_title = keep_title  # type: ignore[method-assign]


def options(tmp_path: Path, *overrides: str) -> TuiOptions:
    work = str(tmp_path / "work")
    return TuiOptions(demo=True, cwd=work, approval=AskForApproval.UNTRUSTED, overrides=overrides)


# --- notifications and the title ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "environ", "expected"),
    [
        (Method.AUTO, {"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, True),
        (Method.AUTO, {"TERM": "xterm-kitty"}, True),
        (Method.AUTO, {"TERM": "xterm-256color"}, False),
        (Method.AUTO, {"TERM_PROGRAM": "WezTerm", "TERM": "tmux-256color", "TMUX": "/tmp/t"}, False),
        (Method.OSC9, {"TERM": "xterm"}, True),
        (Method.BELL, {"TERM": "xterm-kitty"}, False),
    ],
)
def test_a_message_goes_to_terminals_that_show_it_and_others_ring(
    method: Method, environ: dict[str, str], expected: bool
) -> None:
    assert uses_osc9(method, environ) is expected


async def test_the_end_of_a_turn_and_a_question_are_told_with_their_first_words(tmp_path: Path) -> None:
    script = [
        answer(shell_call(["touch", "a-file-with-a-name-of-some-length.txt"])),
        answer(message("All\n done. " + "x" * 300)),
    ]
    given = options(tmp_path, 'tui.notification_method="osc9"')
    async with codex(tmp_path, script, options=given) as run:
        told = Told(run)
        await run.submits("go")
        await run.asked("Allow this command?")
        assert told.notes == ["\x1b]9;Approval requested: touch a-file-with-a-name-of-s…\x07"]
        assert told.titles[-1].startswith("[ ! ]")
        run.type("y")
        await run.shows("All")
        await run.idle()
        assert told.notes[1].startswith("\x1b]9;All done. xxx")
        assert len(told.notes[1]) < 220
        assert told.titles[-1] == "codex - work"


@pytest.mark.parametrize(
    ("overrides", "bells"),
    [
        ((), 2),
        (("tui.notifications=false",), 0),
        (('tui.notifications=["approval-requested"]',), 1),
        (('tui.notifications=["agent-turn-complete", "plan-mode-prompt"]',), 1),
    ],
)
async def test_what_is_told_is_what_the_configuration_wants(
    tmp_path: Path, overrides: tuple[str, ...], bells: int
) -> None:
    script = [answer(shell_call(["touch", "made.txt"])), answer(message("Done."))]
    async with codex(tmp_path, script, options=options(tmp_path, *overrides)) as run:
        told = Told(run)
        await run.submits("go")
        await run.asked("Allow this command?")
        run.type("y")
        await run.shows("> Done.")
        await run.idle()
        assert told.notes == ["\x07"] * bells


async def test_who_looks_at_the_window_is_told_nothing(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Done."))]) as run:
        told = Told(run)
        run.type("\x1b[I")
        await run.submits("go")
        await run.shows("> Done.")
        await run.idle()
        assert told.notes == []


async def test_notifications_that_mean_nothing_end_the_app_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[tui]\nnotifications = ["everything"]\n')
    async with codex(tmp_path, options=options(tmp_path)) as run:
        await until(lambda: run.app.problem)
        problem = run.app.problem or ""
        assert problem.startswith("Error loading configuration:")
        assert "config.toml:2:17" in problem
        assert '"agent-turn-complete"' in problem


@pytest.mark.parametrize("policy", list(ResizePolicy))
async def test_what_a_resize_does_to_the_history_can_be_chosen(tmp_path: Path, policy: ResizePolicy) -> None:
    async with codex(tmp_path, options=options(tmp_path, f'tui.resize="{policy}"')) as run:
        await run.idle()
        assert run.app.viewport.policy is policy


async def test_each_key_that_means_nothing_is_named(tmp_path: Path) -> None:
    given = options(tmp_path, 'tui.resize="never"', "tui.notification_method=3", "tui.theme=1")
    async with codex(tmp_path, options=given) as run:
        await until(lambda: run.app.problem)
        problem = run.app.problem or ""
        assert '-c tui.resize: expected one of "smart", "rebuild", "anchor"' in problem
        assert "-c tui.notification_method: expected one of" in problem
        assert "theme" not in problem


# --- the log of a session ----------------------------------------------------------------------------


async def test_a_session_is_logged_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("of an earlier session")
    path.chmod(0o644)  # which whoever made it may have thought nothing of
    environ = {"CODEX_TUI_RECORD_SESSION": "1", "CODEX_TUI_SESSION_LOG_PATH": str(path)}
    async with codex(tmp_path, [answer(message("Hello."))], environ=environ) as run:
        await run.submits("hi")
        await run.shows("> Hello.")
        await run.idle()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert records[0]["kind"] == "session_start"
    assert (records[0]["dir"], records[0]["model"]) == ("meta", "demo")
    assert records[-1]["kind"] == "session_end"
    kinds = {(record["dir"], record["kind"]) for record in records}
    assert {("to_tui", "codex_event"), ("from_tui", "op"), ("to_tui", "insert_history_cell")} <= kinds
    assert {"type": "text", "text": "hi"} in [
        item for record in records if record["kind"] == "op" for item in record["payload"].get("items", ())
    ]


async def test_a_log_that_cannot_be_made_is_told_and_the_session_goes_on(tmp_path: Path) -> None:
    environ = {"CODEX_TUI_RECORD_SESSION": "1", "CODEX_TUI_SESSION_LOG_PATH": "/nowhere/log"}
    async with codex(tmp_path, [answer(message("Hello."))], environ=environ) as run:
        await run.shows("This session is not logged")
        await run.submits("hi")
        await run.shows("> Hello.")


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environ = {"CODEX_TUI_RECORD_SESSION": "1", "CODEX_TUI_SESSION_LOG_PATH": str(pipe)}
    with pytest.raises(OSError, match="No such device"):
        open_session_log(environ, str(tmp_path), lambda: datetime(2026, 1, 2, tzinfo=UTC), print)


def test_a_log_that_fills_the_disk_ends_with_a_sentence() -> None:
    told: list[str] = []
    with open("/dev/full", "w", encoding="utf-8") as full:
        log = SessionLog(full, lambda: datetime(2026, 1, 2, tzinfo=UTC), told.append)
        log.app_event("one")
        log.app_event("two")
        log.close()
    assert told == ["The session log ends here: No space left on device."]


async def test_an_api_key_is_in_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    environ = {"CODEX_TUI_RECORD_SESSION": "yes", "CODEX_TUI_SESSION_LOG_PATH": str(path)}
    given = at_provider(tmp_path, requires_openai_auth=True)
    async with codex(tmp_path, options=given, environ=environ) as run:
        await run.asked("How do you want to sign in?")
        run.type("2")
        await run.asked("Sign in with an API key")
        run.type("sk-never-to-be-seen-0123456789\r")
        await run.shows("The API key is stored")
        await run.idle()
    assert "session_end" in path.read_text()
    assert "never-to-be-seen" not in path.read_text()


# --- the composer's surroundings ---------------------------------------------------------------------


async def test_files_of_the_project_are_found_and_put_in(tmp_path: Path) -> None:
    source = tmp_path / "work" / "src"
    source.mkdir(parents=True)
    (source / "needle.py").write_text("")
    (source / "other.py").write_text("")
    async with codex(tmp_path) as run:
        await run.idle()
        run.type("look at @needl")
        await run.shows("src/needle.py")
        run.type("\t")
        await run.shows("▌ look at src/needle.py")
        await run.hides("@needl")


async def test_prompts_of_other_sessions_and_of_other_processes_come_back_with_up_and_search(
    tmp_path: Path,
) -> None:
    async with codex(tmp_path, [answer(message("One."))]) as run:
        await run.submits("the very first prompt")
        await run.shows("> One.")
        await run.idle()
    history = tmp_path / "home" / "history.jsonl"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    async with codex(tmp_path, [answer(message("Two."))]) as run:
        await run.idle()
        # Another process writes while this one runs: what was known by its number stays where it is.
        with history.open("a") as file:
            file.write(json.dumps({"session_id": "x", "ts": 1, "text": "of somebody else"}) + "\n")
        await run.submits("here and now")
        await run.shows("> Two.")
        await run.idle()
        run.type("\x1b[A")
        await run.shows("▌ here and now")
        run.type("\x1b[A")
        await until(lambda: run.controller.composer.draft.text == "the very first prompt")
        run.type("\x03")
        await until(lambda: run.controller.composer.draft.text == "")
        run.type("\x12very")
        await until(lambda: "the very first prompt" in run.screen)
        run.type("\r")
        await until(lambda: run.controller.composer.draft.text == "the very first prompt")


def editor(tmp_path: Path, body: str) -> dict[str, str]:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return {"VISUAL": str(path)}


async def test_the_draft_is_edited_elsewhere_while_the_turn_goes_on(tmp_path: Path) -> None:
    go = tmp_path / "go"
    gate = Gate()
    environ = editor(tmp_path, f'while [ ! -e "{go}" ]; do sleep 0.02; done; echo " and more" >> "$1"')
    script = [sse(created(), gate, *message("Answered meanwhile."), completed())]
    async with codex(tmp_path, script, environ=environ) as run:
        await run.submits("go")
        await run.shows("Working")
        run.type("draft")
        await run.shows("▌ draft")
        run.type("\x07")
        await until(lambda: not run.app.viewport.is_steady)
        gate.open()
        await until(lambda: not run.controller.state.is_running)  # nobody waits for the editor
        assert "Answered meanwhile." not in run.text
        go.touch()
        await run.shows("▌ draft and more", "> Answered meanwhile.")


async def test_what_comes_back_while_the_draft_is_edited_elsewhere_stays(tmp_path: Path) -> None:
    go = tmp_path / "go"
    environ = editor(tmp_path, f'while [ ! -e "{go}" ]; do sleep 0.02; done; echo " and more" >> "$1"')
    async with codex(tmp_path, [sse(created(), Gate(), completed())], environ=environ) as run:
        told = Told(run)
        await run.submits("go")
        await run.shows("Working")
        run.type("queued")
        await run.shows("▌ queued")
        run.type("\tdraft")
        await run.shows("▌ draft")
        run.type("\x07")
        await until(lambda: not run.app.viewport.is_steady)
        run.controller.interrupt()
        await run.idle()
        go.touch()
        await run.shows("▌ draft and more")
        assert run.controller.composer.draft.text == "queued\ndraft and more"
        assert told.titles[-1] == "codex - work"


async def test_a_key_that_comes_twice_opens_one_editor(tmp_path: Path) -> None:
    started = tmp_path / "started"
    async with codex(tmp_path, environ=editor(tmp_path, f'echo one >> "{started}"')) as run:
        await run.idle()
        run.type("draft")
        await run.shows("▌ draft")
        run.type("\x07\x07")
        await until(started.exists)
        await until(lambda: run.app.viewport.is_steady)
        run.type(" and more")
        await run.shows("▌ draft and more")
        assert started.read_text() == "one\n"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("exit 3", "ended with code 3"), ('printf "\\377" > "$1"', "not UTF-8"), ('rm "$1"', "cannot be used")],
)
async def test_an_editor_that_fails_leaves_the_draft(tmp_path: Path, body: str, sentence: str) -> None:
    async with codex(tmp_path, environ=editor(tmp_path, body)) as run:
        await run.idle()
        run.type("draft")
        await run.shows("▌ draft")
        run.type("\x07")
        await run.shows(sentence, "▌ draft")


async def test_an_image_of_the_command_line_goes_along_with_the_first_message(tmp_path: Path) -> None:
    picture = tmp_path / "shot.png"
    picture.write_bytes(PIXEL)
    given = TuiOptions(demo=True, cwd=str(tmp_path / "work"), images=(str(picture),))
    async with codex(tmp_path, [answer(message("One.")), answer(message("Two."))], options=given) as run:
        await run.shows("1 image goes along with your first message.")
        await run.submits("look")
        await run.shows("▌ look\n▌ [image]\n", "> One.")
        await run.idle()
        await run.submits("and now")
        await run.shows("> Two.")
        types = [
            [part["type"] for part in item["content"]] for item in run.transport.requests[1].json["input"]
        ]
        assert [each for each in types if "input_image" in each] == [["input_text", "input_image"]]


async def test_without_colours_nothing_is_coloured(tmp_path: Path) -> None:
    script = [answer(message("# Title\n\n`code` and **bold**\n\n- item"))]
    async with codex(tmp_path, script, environ={"NO_COLOR": "1"}) as run:
        written: list[str] = []
        write = run.boot.terminal.write

        def keep(text: str) -> None:
            written.append(text)
            write(text)

        run.boot.terminal.write = keep  # type: ignore[method-assign]
        await run.submits("go")
        await run.shows("item")
        await run.idle()
        sequences = "".join(written).split("\x1b[")[1:]
        parameters = [
            part.partition("m")[0] for part in sequences if part.partition("m")[0].replace(";", "").isdigit()
        ]
        colours = [each for each in parameters for number in each.split(";") if 30 <= int(number) <= 49]
        assert [each for each in colours if each not in ("39", "49")] == []


async def test_the_models_of_a_local_server_are_offered(tmp_path: Path) -> None:
    tags = json.dumps({"models": [{"name": "gpt-oss:20b"}, {"name": "other:7b"}]}).encode()

    def local(request: object) -> object:
        assert getattr(request, "path", "").endswith("/api/tags")
        return http_error(200, json.loads(tags))

    given = TuiOptions(oss=True, cwd=str(tmp_path / "work"), approval=AskForApproval.ON_REQUEST)
    async with codex(tmp_path, [local], options=given) as run:  # type: ignore[list-item]
        await run.idle()
        run.type("/model\r")
        await run.shows("Select model", "gpt-oss:20b (current)", "other:7b")


async def test_a_local_server_that_is_gone_is_told(tmp_path: Path) -> None:
    given = TuiOptions(oss=True, cwd=str(tmp_path / "work"), approval=AskForApproval.ON_REQUEST)
    async with codex(tmp_path, [http_error(500, {})], options=given) as run:
        await run.idle()
        run.type("/model\r")
        await run.shows("The model is gpt-oss:20b")


async def test_the_login_is_forgotten_by_logout(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    auth = tmp_path / "home" / "auth.json"
    auth.write_text('{"OPENAI_API_KEY": "sk-test"}')
    auth.chmod(0o600)
    async with codex(tmp_path, options=at_provider(tmp_path, requires_openai_auth=True)) as run:
        await run.idle()
        run.type("/logout\r")
        await until(lambda: not run.app._running)
        assert not os.path.exists(auth)


async def test_a_guide_is_asked_for_by_init_and_a_file_by_mention(tmp_path: Path) -> None:
    async with codex(tmp_path, [answer(message("Written."))]) as run:
        await run.idle()
        run.type("/init\r")
        await run.shows("AGENTS.md", "> Written.")
        await run.idle()
        run.type("/mention\r")
        await until(lambda: run.controller.composer.draft.text == "@")
