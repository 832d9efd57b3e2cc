"""The command line of the terminal app: what arrives from both levels (spec: config-cli.md sections 3, 6)."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import pytest

from codex_core.command_line.grammar import Command
from codex_core.command_line.parser import parse
from codex_core.command_line.program import run_command
from codex_core.command_line.resume import ResumeRequest
from codex_core.command_line.usage import UsageError
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_tui import cli
from codex_tui.cli import FORK, OPTIONS, PROMPT, RESUME, TUI, read_options
from codex_tui.options import TuiOptions

CODEX = Command(
    "codex", summary="", options=OPTIONS, arguments=(PROMPT,), commands=(RESUME, FORK), run=TUI.run
)


def options(*arguments: str) -> TuiOptions:
    return read_options(parse((CODEX,), arguments))


def test_without_anything_all_is_left_open() -> None:
    assert options() == TuiOptions()


def test_every_option_arrives() -> None:
    flags = (
        "-i a.png b.png -m m -p mine -s read-only -a untrusted -C /w --oss --demo --search -c a=1 -c b=2 hi"
    )
    assert options(*flags.split()) == TuiOptions(
        prompt="hi",
        images=("a.png", "b.png"),
        overrides=("a=1", "b=2"),
        model="m",
        profile="mine",
        sandbox=SandboxMode.READ_ONLY,
        approval=AskForApproval.UNTRUSTED,
        cwd="/w",
        oss=True,
        demo=True,
        web_search=True,
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--full-auto", TuiOptions(full_auto=True)),
        ("--yolo -s read-only", TuiOptions(bypass=True, sandbox=SandboxMode.READ_ONLY)),
        ("--full-auto resume --yolo", TuiOptions(full_auto=True, resume=ResumeRequest())),
        ("--yolo resume", TuiOptions(bypass=True, resume=ResumeRequest())),
        ("resume", TuiOptions(resume=ResumeRequest())),
        ("resume ID", TuiOptions(resume=ResumeRequest("ID"))),
        ("resume ID go", TuiOptions(prompt="go", resume=ResumeRequest("ID"))),
        ("first resume ID", TuiOptions(prompt="first", resume=ResumeRequest("ID"))),
        ("first resume ID go", TuiOptions(prompt="go", resume=ResumeRequest("ID"))),
        ("resume --last", TuiOptions(resume=ResumeRequest(last=True))),
        ("resume --last go", TuiOptions(prompt="go", resume=ResumeRequest(last=True))),
        ("first resume --last", TuiOptions(prompt="first", resume=ResumeRequest(last=True))),
        (
            "-m a -i a.png resume -m b -i b.png",
            TuiOptions(model="b", images=("b.png",), resume=ResumeRequest()),
        ),
        ("-m a -i a.png resume", TuiOptions(model="a", images=("a.png",), resume=ResumeRequest())),
        ("--oss --search resume", TuiOptions(oss=True, web_search=True, resume=ResumeRequest())),
        ("fork", TuiOptions(resume=ResumeRequest(), is_fork=True)),
        ("-m a fork ID go", TuiOptions(model="a", prompt="go", resume=ResumeRequest("ID"), is_fork=True)),
        ("fork --last go", TuiOptions(prompt="go", resume=ResumeRequest(last=True), is_fork=True)),
        ("-c a=1 resume -c b=2", TuiOptions(overrides=("a=1", "b=2"), resume=ResumeRequest())),
        ("-- resume", TuiOptions(prompt="resume")),
    ],
)
def test_resume_lays_its_own_over_what_stands_before_it(arguments: str, expected: TuiOptions) -> None:
    assert options(*arguments.split()) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--yolo -a never", "cannot be used with '--ask-for-approval <APPROVAL_POLICY>'"),
        ("-a never --yolo", "'--ask-for-approval <APPROVAL_POLICY>' cannot be used with"),
        (
            "--full-auto --yolo",
            "'--full-auto' cannot be used with '--dangerously-bypass-approvals-and-sandbox'",
        ),
        ("resume --full-auto --yolo", "'--full-auto' cannot be used with"),
        ("resume --last ID go", "the argument '[SESSION_ID]' cannot be used with '--last'"),
        ("resume a b c", "unexpected argument 'c' found"),
        ("--skip-git-repo-check", "unexpected argument '--skip-git-repo-check' found"),
        ("--last", "unexpected argument '--last' found"),
    ],
)
def test_what_excludes_each_other_is_told(arguments: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        options(*arguments.split())
    assert message in str(caught.value)
    assert caught.value.usage.startswith("Usage: codex ")


@pytest.fixture
def start_app(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., int] | None], None]:
    """Puts an app behind the command line, or takes it away."""

    def install(run: Callable[..., int] | None) -> None:
        room = types.ModuleType("codex_tui.run")
        if run is not None:
            monkeypatch.setattr(room, "run", run, raising=False)
        monkeypatch.setitem(sys.modules, "codex_tui.run", room)

    return install


def test_the_app_gets_the_options_and_gives_the_exit_code(
    start_app: Callable[[Callable[..., int] | None], None],
) -> None:
    runs: list[tuple[TuiOptions, bool]] = []

    def note(read: Callable[[], TuiOptions], *, is_first_frame_late: bool) -> int:
        runs.append((read(), is_first_frame_late))
        return 7

    start_app(note)
    assert cli.run_command_line(["-m", "x", "hi"]) == 7
    assert cli.run_command_line(["--oss"]) == 7
    assert runs == [(TuiOptions(prompt="hi", model="x"), False), (TuiOptions(oss=True), True)]


def test_a_mistake_is_told_before_the_app_begins(
    start_app: Callable[[Callable[..., int] | None], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def never(read: Callable[[], TuiOptions], *, is_first_frame_late: bool) -> int:
        raise AssertionError("it began")

    start_app(never)
    assert run_command(CODEX, ["resume", "--last", "ID", "go"]) == 2
    assert "'[SESSION_ID]' cannot be used with '--last'" in capsys.readouterr().err


def test_without_an_app_one_sentence_says_so(
    start_app: Callable[[Callable[..., int] | None], None], capsys: pytest.CaptureFixture[str]
) -> None:
    start_app(None)
    assert cli.run_command_line(["hi"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("The interactive app is not part of this version.")
    assert captured.out == ""


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_of_the_stand_alone_program(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line([flag]) == 0
    assert capsys.readouterr().out == "codex-tui 0.36.0\n"
