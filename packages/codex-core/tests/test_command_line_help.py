"""Help pages: complete, and as wide as the terminal (spec: config-cli.md section 1)."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.command_line import program, rooms
from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.help_page import help_page, terminal_columns
from codex_core.command_line.options import APPROVAL, BYPASS, CONFIG, IMAGE, SANDBOX
from codex_core.command_line.parser import Invocation

HIDDEN = Option("--secret", key="secret", is_hidden=True, help="Nobody sees this")
RUN = Command(
    "run",
    "r",
    summary="Run it",
    about="Run it.\n\nA second paragraph that is for the long page only.",
    options=(IMAGE, SANDBOX, APPROVAL, BYPASS, HIDDEN, CONFIG),
    arguments=(Argument("SIZE", key="size", choices=("small", "large"), help="How big"),),
    commands=(Command("more", summary="More of it"), Command("ghost", summary="Not shown", is_hidden=True)),
    examples=(("prog run small", "a small one"),),
    version="prog 1",
    run=f"{__name__}:note",
)


def note(invocation: Invocation) -> int:
    return 40 + len(invocation.levels)


def test_the_long_page_says_everything_that_is_not_hidden() -> None:
    page = help_page((RUN,))
    for option in RUN.all_options():
        assert all((name in page) is not option.is_hidden for name in option.names)
        assert option.is_hidden or option.help.split()[0] in page
    for text in (
        "A second paragraph",
        "[small, large]",
        "Examples:\n  prog run small",
        "untrusted: before",
        "more",
    ):
        assert text in page
    for text in ("--yolo", "ghost", "Nobody"):
        assert text not in page


def test_the_short_page_has_no_paragraphs_and_no_examples() -> None:
    page = help_page((RUN,), is_long=False)
    for text in ("A second paragraph", "Examples:", "untrusted: before"):
        assert text not in page
    for text in (
        "--ask-for-approval <APPROVAL_POLICY>",
        "[untrusted, on-failure, on-request, never]",
        "-V, --version",
    ):
        assert text.partition(" ")[0] in page


@given(st.integers(min_value=-5, max_value=300), st.booleans())
def test_no_line_is_wider_than_the_terminal(columns: int, is_long: bool) -> None:
    widest = max(map(len, help_page((RUN,), columns=columns, is_long=is_long).splitlines()))
    # Below that, an option with its two spaces is wider; above, lines get hard to read.
    assert widest <= min(100, max(columns, len("      --dangerously-bypass-approvals-and-sandbox")))


def test_words_of_a_text_are_all_there_at_any_width() -> None:
    narrow, wide = (help_page((RUN,), columns=columns) for columns in (40, 100))
    assert sorted(narrow.split()) == sorted(wide.split())


@pytest.mark.parametrize(
    ("value", "columns"), [("60", 60), ("", 80), ("0", 80), ("x", 80), ("-3", 80), ("²", 80)]
)
def test_columns_has_its_say(value: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", value)
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # no terminal
    assert terminal_columns() == columns


# -- running ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["small"], 41, "", ""),
        (["--version"], 0, "prog 1\n", ""),
        (["-h"], 0, "Usage: run ", ""),
        (["--bogus"], 2, "", "error: unexpected argument '--bogus' found\n"),
        (["tiny"], 2, "", "error: invalid value 'tiny' for '[SIZE]'\n  [possible values: small, large]\n"),
    ],
)
def test_what_a_command_line_comes_to(
    arguments: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.run_command(RUN, arguments) == code
    captured = capsys.readouterr()
    assert captured.out.startswith(out)
    assert captured.err.startswith(err)
    assert not (captured.out and captured.err)
    assert bool(captured.out) is bool(out)
    assert bool(captured.err) is bool(err)


def test_closed_streams_are_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert program.run_command(RUN, ["--help"]) == 0
    assert program.run_command(RUN, ["--bogus"]) == 2
    assert rooms.not_built("It") == 1


@pytest.mark.parametrize("target", ["nowhere:run", "codex_core.nowhere:run", "codex_core.errors:run"])
def test_what_is_not_there_is_said_in_one_sentence(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.run_room(target, what="Such a thing") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Such a thing is not part of this version.")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_room_that_lacks_something_else_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError(name="httpx")

    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        rooms.run_room("codex_core.nowhere:run", what="It")
