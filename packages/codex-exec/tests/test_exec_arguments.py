"""The command line of `codex exec`: what it accepts, what it refuses and in which words (config-cli.md 3, 4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_exec import cli, run
from codex_exec.options import Color, ExecOptions
from codex_exec.strict_arguments import ArgumentError, Option, strict_arguments
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


def parsed(runs: list[ExecOptions], *arguments: str, **more: Any) -> ExecOptions:
    assert cli.run_command_line(arguments, **more) == 7
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
    options = parsed(runs, "-i", "b.png,a.png", "--image=c.png", "-i=,d.png,", "look")
    assert options.images == ("b.png", "a.png", "c.png", "d.png")
    assert options.prompt == "look"


def test_overrides_come_from_both_sides_in_order(runs: list[ExecOptions]) -> None:
    options = parsed(runs, "-c", "a=1", "-cb=2", "--config=c=3", "hi", "-c=d=4", overrides=["root=0"])
    assert options.overrides == ("root=0", "a=1", "b=2", "c=3", "d=4")


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
    assert captured.err == f"error: {message}{HELP_HINT}"
    assert captured.out == ""
    assert runs == []


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout(flag: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line([flag, "--model", "x"], program="codex exec") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Usage: codex exec [OPTIONS] [PROMPT]\n")
    for word in ("--full-auto", "--output-last-message", "--demo", "key=value", "Example: "):
        assert word in captured.out
    assert "--yolo" not in captured.out
    assert max(map(len, captured.out.splitlines())) <= 100
    assert (captured.err, runs) == ("", [])


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_has_the_name_of_the_command(
    flag: str, runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line([flag]) == 0
    assert capsys.readouterr().out == "codex-cli-exec 0.36.0\n"
    assert runs == []


# -- the rules themselves -----------------------------------------------------------------------

OPTIONS = (
    Option(("-m", "--model"), "MODEL", is_repeatable=False),
    Option(("-c", "--config"), "key=value", is_repeatable=True),
    Option(("--json",), None, is_repeatable=False),
)


@given(
    st.lists(
        st.sampled_from(
            [
                "-m",
                "--model",
                "-m=x",
                "-mx",
                "--model=",
                "-c",
                "-ca=b",
                "--json",
                "--",
                "-",
                "x",
                "",
                "-z",
                "--y=1",
            ]
        ),
        max_size=8,
    )
)
def test_the_parser_gets_every_word_once_or_a_reason(arguments: list[str]) -> None:
    try:
        words = list(strict_arguments(arguments, OPTIONS))
    except ArgumentError:
        return
    assert len(words) >= len(arguments)
    rest = words[words.index("--") :] if "--" in words else []
    assert rest == (arguments[arguments.index("--") :] if "--" in arguments else [])
    assert words.count("--json") <= 1 + rest.count("--json")
    joined = "".join(words).replace("=", "")
    assert joined == "".join(arguments).replace("=", "")


def test_behind_two_dashes_nothing_is_an_option() -> None:
    words = ["--", "-m", "-m", "--json", "--json"]
    assert list(strict_arguments(words, OPTIONS)) == words


@pytest.mark.parametrize("word", ["resume", "review", "help"])
def test_commands_of_other_versions_are_no_prompts(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    from codex_exec.cli import run_command_line

    assert run_command_line([word]) == 2
    assert "is not part of this version" in capsys.readouterr().err
