"""The parts of the app that need no terminal: state, questions, the start, the editor."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from memory_app import until

from codex_core.arg0 import HelperDirectory
from codex_core.presentation.spans import plain_text
from codex_core.services import Services
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_protocol.events import parse_event_msg
from codex_protocol.ops import ReviewDecision
from codex_tui.composer.shortcuts import FooterState, footer
from codex_tui.editor import EditorError, edit
from codex_tui.options import TuiOptions
from codex_tui.screens.api_key import ApiKeyPanel
from codex_tui.screens.approval import ApprovalPanel
from codex_tui.screens.picker import ListPicker, Option
from codex_tui.session_start import StartError, load
from codex_tui.state import TurnClock, short_count
from codex_tui.term.inputs import Key

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.config.config import Config
    from codex_tui.screens.panel import Panel


def shown(panel: Panel, width: int = 60, rows: int = 20) -> str:
    return "\n".join(plain_text(row) for row in panel.rows(width, rows))


def command(*words: str, reason: str = "") -> ApprovalPanel:
    data = {"type": "exec_approval_request", "call_id": "1", "command": list(words), "cwd": "/w"}
    return ApprovalPanel(parse_event_msg(data | ({"reason": reason} if reason else {})), cwd="/work")  # type: ignore[arg-type]


# --- state -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_200, "1.20K"),
        (10_345, "10.3K"),
        (123_000_000, "123M"),
        (2_000_000_000, "2.00G"),
    ],
)
def test_counts_have_three_digits(number: int, text: str) -> None:
    assert short_count(number) == text


@pytest.mark.parametrize("width", range(1, 130))
@pytest.mark.parametrize("is_running", [False, True])
def test_the_line_below_the_composer_is_never_cut_where_what_changes_stands(
    width: int, is_running: bool
) -> None:
    state = FooterState(is_running=is_running, tokens_used="12.3K", context_left_percent=7)
    text = plain_text(footer(state, width))
    assert len(text) <= width
    if width >= 40:
        assert "12.3K" in text
        assert "7%" in text
        assert "send" in text
    if width >= 115:
        assert text.startswith("⏎ send   Ctrl+J newline")
        assert text.endswith("12.3K tokens used   7% context left")


def test_a_turns_clock_stands_still_while_the_user_is_asked() -> None:
    clock = TurnClock()
    clock.start(10.0)
    clock.pause(12.0)
    clock.pause(13.0)
    assert clock.seconds(50.0) == 2.0
    clock.go_on(60.0)
    assert clock.seconds(61.5) == 3.5
    clock.start(100.0)
    assert clock.seconds(101.0) == 1.0


# --- questions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (["y"], ReviewDecision.APPROVED),
        (["Y"], ReviewDecision.APPROVED),
        (["a"], ReviewDecision.APPROVED_FOR_SESSION),
        (["n"], ReviewDecision.ABORT),
        (["escape"], ReviewDecision.ABORT),
        (["ctrl+c"], ReviewDecision.ABORT),
        (["enter"], ReviewDecision.APPROVED),
        (["right", "enter"], ReviewDecision.APPROVED_FOR_SESSION),
        (["left", "enter"], ReviewDecision.ABORT),
        (["right", "right", "right", "enter"], ReviewDecision.APPROVED),
    ],
)
def test_the_keys_of_an_approval(keys: list[str], decision: ReviewDecision) -> None:
    panel = command("touch", "x")
    answers = [panel.press(Key(key, key if len(key) == 1 else None)) for key in keys]
    assert answers[:-1] == [None] * (len(keys) - 1)
    assert answers[-1] is not None
    assert answers[-1].value is decision


@pytest.mark.parametrize("key", ["ctrl+a", "ctrl+y", "x", "tab", "space"])
def test_other_keys_decide_nothing(key: str) -> None:
    assert command("touch", "x").press(Key(key, " " if key == "space" else None)) is None


def test_a_question_shows_reason_and_hides_no_control_characters() -> None:
    text = shown(command("sh", "-c", "echo \x1b[2J\u202eevil", reason="to \x1b]0;x\x07look"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "look" in text


def test_a_patch_names_files_and_what_else_is_granted() -> None:
    data = {
        "type": "apply_patch_approval_request",
        "call_id": "1",
        "changes": {f"/w/f{n}": {"add": {"content": "x\n"}} for n in range(3)},
        "grant_root": "/elsewhere",
    }
    panel = ApprovalPanel(parse_event_msg(data), cwd="/w")  # type: ignore[arg-type]
    text = shown(panel, 90, 30)
    assert "Apply these changes?" in text
    assert [f"f{n} (+1 -0)" in text for n in range(3)] == [True] * 3
    assert "/elsewhere" in text
    assert panel.press(Key("a", "a")) is None


@pytest.mark.parametrize("width", [10, 20, 40, 100])
def test_no_row_of_a_question_is_wider_than_the_screen(width: int) -> None:
    from codex_tui.history.wrapping import line_width

    picker = ListPicker(
        "A title of some length", [Option(f"name {n}", n, "what it is " * 9) for n in range(12)]
    )
    for panel in (picker, ApiKeyPanel(lambda _key: None)):
        rows = panel.rows(width, 20)
        hints = rows[-1]
        assert [row for row in rows if row is not hints and line_width(row) > width] == []


def test_a_picker_walks_around_and_shows_the_selected_one() -> None:
    picker = ListPicker("Pick", [Option(f"name {n}", n) for n in range(12)], takes_numbers=True)
    picker.press(Key("up"))
    assert "> 12. name 11" in shown(picker)
    answer = picker.press(Key("enter"))
    assert answer is not None
    assert answer.value == 11
    numbered = picker.press(Key("3", "3"))
    assert numbered is not None
    assert numbered.value == 2
    back = picker.press(Key("escape"))
    assert back is not None
    assert back.value is None


def test_an_api_key_from_the_environment_goes_with_the_first_letter() -> None:
    saved: list[str] = []

    def save(key: str) -> str | None:
        saved.append(key)
        return "Failed to save API key: the disk is full"

    panel = ApiKeyPanel(save, found=" sk-env-0123456789 ")
    panel.press(Key("q", "q"))
    panel.paste(" pasted-key-123456 \n")
    assert "0123456789" not in shown(panel)
    assert panel.press(Key("enter")) is None
    assert saved == ["qpasted-key-123456"]
    assert "the disk is full" in shown(panel)
    assert "pasted" not in shown(panel)


# --- the start ---------------------------------------------------------------------------------------


def loaded(tmp_path: Path, options: TuiOptions) -> Config:
    environ = {"HOME": str(tmp_path), "CODEX_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with HelperDirectory(environ) as helpers:
        return load(options, Services(environ=environ), helpers)


def test_the_demo_works_in_the_workspace_unless_told_otherwise(tmp_path: Path) -> None:
    config = loaded(tmp_path, TuiOptions(demo=True, cwd=str(tmp_path)))
    assert config.sandbox_policy.mode is SandboxMode.WORKSPACE_WRITE
    assert config.approval_policy is AskForApproval.ON_REQUEST
    config = loaded(tmp_path, TuiOptions(demo=True, cwd=str(tmp_path), sandbox=SandboxMode.READ_ONLY))
    assert config.sandbox_policy.mode is SandboxMode.READ_ONLY
    config = loaded(tmp_path, TuiOptions(demo=True, cwd=str(tmp_path), bypass=True))
    assert config.approval_policy is AskForApproval.NEVER


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (TuiOptions(overrides=("nonsense",)), "Error parsing -c overrides"),
        (TuiOptions(overrides=("approval_policy=1",)), "Error loading configuration"),
        (TuiOptions(cwd="/nowhere/at/all"), "/nowhere/at/all cannot be used"),
        (TuiOptions(images=("missing.png",)), "there is no image at missing.png"),
        (TuiOptions(profile="nobody"), "nobody"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, options: TuiOptions, sentence: str) -> None:
    with pytest.raises(StartError, match=r"^Error") as error:
        loaded(tmp_path, options)
    assert sentence in str(error.value)


def test_full_auto_asks_on_request_in_the_workspace(tmp_path: Path) -> None:
    config = loaded(tmp_path, TuiOptions(full_auto=True, cwd=str(tmp_path), approval=AskForApproval.NEVER))
    assert config.sandbox_policy.mode is SandboxMode.WORKSPACE_WRITE
    assert config.approval_policy is AskForApproval.ON_REQUEST


def test_before_the_first_frame_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from codex_tui.run import draw; draw('typed', 80, 24); "
        "print(sorted({'asyncio','rich','textual','pydantic','httpx','dataclasses','re'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", _paths() + code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def _paths() -> str:
    """Our packages importable without `site`, which imports what editable installs need."""
    import codex_core
    import codex_tui

    paths = [os.path.dirname(os.path.dirname(package.__file__ or "")) for package in (codex_core, codex_tui)]
    return f"import sys; sys.path[:0] = {paths!r}; "


# --- the editor --------------------------------------------------------------------------------------


def script(tmp_path: Path, body: str) -> str:
    path = tmp_path / "my editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f"'{path}' -x"


async def test_a_draft_comes_back_from_the_editor(tmp_path: Path) -> None:
    environ = {
        "VISUAL": script(tmp_path, 'echo "more" >> "$2"'),
        "EDITOR": "false",
        "PATH": os.environ["PATH"],
    }
    assert await edit("draft\n", environ) == "draft\nmore\n"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "No editor is named"),
        ({"EDITOR": "  "}, "No editor is named"),
        ({"EDITOR": "'unclosed"}, "cannot be understood"),
        ({"EDITOR": "/nowhere/editor"}, "cannot be used"),
        ({"EDITOR": "false", "PATH": "/usr/bin:/bin"}, "ended with code 1"),
        ({"EDITOR": "sh -c 'kill -9 $$'", "PATH": "/usr/bin:/bin"}, "was ended by signal 9"),
    ],
)
async def test_an_editor_that_does_not_work_is_told(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(EditorError, match=sentence):
        await edit("draft", environ)


async def test_an_editor_ends_with_the_app(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    environ = {"EDITOR": script(tmp_path, f"echo $$ > '{begun}'; exec sleep 60"), "PATH": os.environ["PATH"]}
    task = asyncio.create_task(edit("draft", environ))
    await until(lambda: begun.exists() and begun.read_text().strip())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
