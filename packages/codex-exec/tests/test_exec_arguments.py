"""The command line of `codex exec`: what it accepts, what it refuses and in which words (config-cli.md 3, 4)."""

from __future__ import annotations

import pytest

from codex_core.command_line.resume import ResumeRequest
from codex_exec import cli, run
from codex_exec.options import Color, ExecOptions
from codex_exec.review import ReviewScope
from codex_protocol.config_types import SandboxMode

HELP_HINT = "\n\nFor more information, try '--help'.\n"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[ExecOptions]:
    """The runs that were started, instead of running them."""
    started: list[ExecOptions] = []

    def note(options: ExecOptions) -> int:
        started.append(options)
        return 7

    monkeypatch.setattr(run, "run", note)
    return started


def parsed(runs: list[ExecOptions], *arguments: str) -> ExecOptions:
    assert cli.run_command_line(arguments) == 7
    return runs.pop()


def test_without_anything_all_is_left_open(runs: list[ExecOptions]) -> None:
    assert parsed(runs) == ExecOptions()


@pytest.mark.parametrize(
    "form", [["-m", "x"], ["-mx"], ["-m=x"], ["--model", "x"], ["--model=x"]], ids=" ".join
)
def test_a_value_may_be_given_in_five_ways(form: list[str], runs: list[ExecOptions]) -> None:
    assert parsed(runs, *form, "hi") == ExecOptions(prompt="hi", model="x")
    assert parsed(runs, "hi", *form) == ExecOptions(prompt="hi", model="x")


def test_every_option_arrives(runs: list[ExecOptions]) -> None:
    assert parsed(
        runs,
        *("-p", "mine", "-s", "read-only", "-C", "/w", "--oss", "--demo", "--skip-git-repo-check"),
        *("--color", "always", "--json", "--output-last-message", "f", "hi"),
    ) == ExecOptions(
        prompt="hi",
        profile="mine",
        sandbox=SandboxMode.READ_ONLY,
        cwd="/w",
        oss=True,
        demo=True,
        skip_git_repo_check=True,
        color=Color.ALWAYS,
        json=True,
        last_message_file="f",
    )
    assert parsed(runs, "--full-auto").full_auto
    assert parsed(runs, "--dangerously-bypass-approvals-and-sandbox", "-s", "read-only").bypass
    assert parsed(runs, "--yolo").bypass


def test_images_keep_their_order_and_commas_part_them(runs: list[ExecOptions]) -> None:
    options = parsed(runs, "-i", "b.png,a.png", "--image=c.png", "-i=d.png", "look")
    assert options.images == ("b.png", "a.png", "c.png", "d.png")
    assert options.prompt == "look"


def test_overrides_keep_their_order(runs: list[ExecOptions]) -> None:
    options = parsed(runs, "-c", "a=1", "-cb=2", "--config=c=3", "hi", "-c=d=4")
    assert options.overrides == ("a=1", "b=2", "c=3", "d=4")


@pytest.mark.parametrize(
    ("arguments", "prompt"),
    [(["--", "--json"], "--json"), (["--", "-"], "-"), (["-"], "-"), ([""], ""), (["-m", "-", "x"], "x")],
)
def test_what_a_prompt_can_be(arguments: list[str], prompt: str, runs: list[ExecOptions]) -> None:
    assert parsed(runs, *arguments).prompt == prompt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bogus"], "unexpected argument '--bogus' found"),
        (["--mod", "x"], "unexpected argument '--mod' found"),
        (["-x"], "unexpected argument '-x' found"),
        (["-a", "never"], "unexpected argument '-a' found"),
        (["--search"], "unexpected argument '--search' found"),
        (["a", "b"], "unexpected argument 'b' found"),
        (["a", "b", "c"], "unexpected argument 'b' found"),
        (
            ["-s", "bogus"],
            (
                "invalid value 'bogus' for '--sandbox <SANDBOX_MODE>'\n"
                "  [possible values: read-only, workspace-write, danger-full-access]"
            ),
        ),
        (["--color=x"], "invalid value 'x' for '--color <COLOR>'\n  [possible values: always, never, auto]"),
        (["--json=1"], "unexpected value '1' for '--json' found; no more were expected"),
        (["-i", ""], "a value is required for '--image <FILE>...' but none was supplied"),
        (["-i=a.png,,b.png"], "a value is required for '--image <FILE>...' but none was supplied"),
        (["--cd="], "a value is required for '--cd <DIR>' but none was supplied"),
        (["-c"], "a value is required for '--config <key=value>' but none was supplied"),
        (["-m", "--json"], "a value is required for '--model <MODEL>' but none was supplied"),
        (["-m", "--", "x"], "a value is required for '--model <MODEL>' but none was supplied"),
        (["-m", "a", "--model=b"], "the argument '--model <MODEL>' cannot be used multiple times"),
        (["--json", "--json"], "the argument '--json' cannot be used multiple times"),
        (
            ["--full-auto", "--yolo"],
            "the argument '--full-auto' cannot be used with '--dangerously-bypass-approvals-and-sandbox'",
        ),
    ],
)
def test_mistakes_are_told_in_the_words_users_know(
    arguments: list[str], message: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {message}\n\n")
    assert captured.err.endswith(HELP_HINT)
    assert captured.out == ""
    assert runs == []


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout(flag: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line([flag, "--model", "x"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Usage: codex-exec [OPTIONS] [PROMPT]\n")
    for word in ("--full-auto", "--output-last-message", "--demo", "key=value", "resume"):
        assert word in captured.out
    assert ("Examples:" in captured.out) is (flag == "--help")
    assert "--yolo" not in captured.out
    assert max(map(len, captured.out.splitlines())) <= 80
    assert (captured.err, runs) == ("", [])


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_has_the_name_of_the_command(
    flag: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line([flag]) == 0
    assert capsys.readouterr().out == "codex-cli-exec 0.36.0\n"
    assert runs == []


# -- what newer releases have -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--uncommitted"], ExecOptions(review=ReviewScope(uncommitted=True))),
        (["--base", "main"], ExecOptions(review=ReviewScope(base="main"))),
        (
            ["--commit", "abc", "--title", "Fix"],
            ExecOptions(review=ReviewScope(commit="abc", title="Fix")),
        ),
        (["the tests"], ExecOptions(prompt="the tests", review=ReviewScope())),
        (["-"], ExecOptions(prompt="-", review=ReviewScope())),
        ([], ExecOptions(review=ReviewScope())),
    ],
)
def test_a_review_has_one_scope(arguments: list[str], expected: ExecOptions, runs: list[ExecOptions]) -> None:
    assert parsed(runs, "review", *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--uncommitted", "--base", "x"], "cannot be used with"),
        (["--base", "x", "words"], "cannot be used with"),
        (["--title", "x"], "needs '--commit <SHA>'"),
    ],
)
def test_a_review_of_two_things_is_refused(
    arguments: list[str], problem: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line(["review", *arguments]) == 2
    assert problem in capsys.readouterr().err
    assert runs == []


def test_only_one_schema_of_json_lines_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line(["--json", "--experimental-json", "hi"]) == 2
    assert "cannot be used with" in capsys.readouterr().err


def test_a_prompt_that_is_the_name_of_a_command_follows_two_dashes(runs: list[ExecOptions]) -> None:
    assert parsed(runs, "--", "resume").prompt == "resume"


# -- resume -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("resume ID go", ExecOptions(prompt="go", resume=ResumeRequest("ID"))),
        ("resume ID -", ExecOptions(prompt="-", resume=ResumeRequest("ID"))),
        ("first resume ID", ExecOptions(prompt="first", resume=ResumeRequest("ID"))),
        ("first resume ID go", ExecOptions(prompt="go", resume=ResumeRequest("ID"))),
        ("first resume --last", ExecOptions(prompt="first", resume=ResumeRequest(last=True))),
        ("resume --last go", ExecOptions(prompt="go", resume=ResumeRequest(last=True))),
        ("first resume --last go", ExecOptions(prompt="go", resume=ResumeRequest(last=True))),
        (
            "--json -c a=1 resume ID -c b=2",
            ExecOptions(json=True, overrides=("a=1", "b=2"), resume=ResumeRequest("ID")),
        ),
        ("-m a resume ID -m b --json", ExecOptions(model="b", json=True, resume=ResumeRequest("ID"))),
        ("-i a.png b.png resume ID", ExecOptions(images=("a.png", "b.png"), resume=ResumeRequest("ID"))),
        (
            "--full-auto resume ID -s read-only",
            ExecOptions(sandbox=SandboxMode.READ_ONLY, resume=ResumeRequest("ID")),
        ),
        ("fork ID go", ExecOptions(prompt="go", resume=ResumeRequest("ID"), is_fork=True)),
        (
            "--ephemeral fork --last",
            ExecOptions(ephemeral=True, resume=ResumeRequest(last=True), is_fork=True),
        ),
    ],
)
def test_resume_names_a_session_and_a_prompt(
    arguments: str, expected: ExecOptions, runs: list[ExecOptions]
) -> None:
    assert parsed(runs, *arguments.split()) == expected


@pytest.mark.parametrize("command", ["resume", "fork"])
def test_a_session_has_to_be_named(
    command: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line(["a prompt", command]) == 2
    assert capsys.readouterr().err.startswith("error: no session is named: give its id, or --last")
    assert runs == []


def test_an_id_and_last_exclude_each_other(
    runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line(["resume", "--last", "ID", "go"]) == 2
    assert capsys.readouterr().err == (
        "error: the argument '[SESSION_ID]' cannot be used with '--last'\n\n"
        f"Usage: codex-exec resume [OPTIONS] [SESSION_ID] [PROMPT]{HELP_HINT}"
    )
    assert runs == []
