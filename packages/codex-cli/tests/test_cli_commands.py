"""The commands of `codex`: who gets which arguments, and what wrong ones are told (spec: config-cli.md 1-6)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from codex_cli import commands
from codex_cli.commands import COMMANDS, help_page, run_command_line, split_overrides
from codex_core.testing import ScratchHome, answer, message, script_path
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer

HELP_HINT = "\n\nFor more information, try '--help'.\n"


@pytest.fixture
def exec_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str, list[str]]]:
    """What `codex exec` would have been run with."""
    from codex_exec import cli

    calls: list[tuple[list[str], str, list[str]]] = []

    def note(arguments: Sequence[str], *, program: str, overrides: Sequence[str]) -> int:
        calls.append((list(arguments), program, list(overrides)))
        return 5

    monkeypatch.setattr(cli, "run_command_line", note)
    return calls


@pytest.mark.parametrize("name", ["exec", "e"])
def test_a_command_gets_what_stands_behind_it_untouched(
    name: str, exec_calls: list[tuple[list[str], str, list[str]]]
) -> None:
    arguments = ["-c", "b=2", "--json", "--", "-x", ""]
    assert run_command_line(["-c", "a=1", name, *arguments]) == 5
    assert exec_calls == [(arguments, "codex exec", ["a=1"])]


@pytest.mark.parametrize(
    ("arguments", "overrides", "rest"),
    [
        ([], [], []),
        (["exec", "-c", "x=1"], [], ["exec", "-c", "x=1"]),
        (["-c", "a=1", "--config", "b=2", "exec"], ["a=1", "b=2"], ["exec"]),
        (["--config=a=1", "-cb=2", "-c=c=3", "e"], ["a=1", "b=2", "c=3"], ["e"]),
        (["-c", "a = 1", "--help"], ["a = 1"], ["--help"]),
        (["-c", "a=1", "-c"], ["a=1"], None),
        (["--config"], [], None),
        (["--", "-c", "a=1"], [], ["--", "-c", "a=1"]),
        (["--cd", "x"], [], ["--cd", "x"]),
    ],
)
def test_overrides_before_the_command(
    arguments: list[str], overrides: list[str], rest: list[str] | None
) -> None:
    assert split_overrides(arguments) == (overrides, rest)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "unrecognized subcommand 'bogus'"),
        (["ex"], "unrecognized subcommand 'ex'"),
        (["--bogus"], "unexpected argument '--bogus' found"),
        (["-c"], "a value is required for '--config <key=value>' but none was supplied"),
        (["help", "bogus"], "unrecognized subcommand 'bogus'"),
    ],
)
def test_mistakes_are_told_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err == f"error: {message}{HELP_HINT}"
    assert captured.out == ""


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["help"], ["-c", "a=1", "--help"]])
def test_help_lists_every_command_that_is_not_hidden(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == help_page() + "\n"
    assert captured.err == ""
    for command in COMMANDS:
        assert (command.summary in captured.out) is not command.hidden
    assert max(map(len, captured.out.splitlines())) <= 100


@pytest.mark.parametrize("name", [command.names[0] for command in COMMANDS if command.names[0] != "help"])
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["help", name]) == 0
    by_help = capsys.readouterr()
    assert by_help.out.startswith(f"Usage: codex {name} ")
    assert by_help.err == ""
    assert run_command_line([name, "--help"]) == 0
    assert capsys.readouterr() == by_help


def test_no_name_means_two_commands() -> None:
    names = [name for command in COMMANDS for name in command.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_told_behind_overrides_too(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["-c", "a=1", flag]) == 0
    assert capsys.readouterr().out == "codex-cli 0.36.0\n"


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line([]) == 1
    captured = capsys.readouterr()
    assert "codex exec" in captured.err
    assert captured.out == ""


def test_help_imports_no_command() -> None:
    source = (
        "import sys; from codex_cli.commands import run_command_line; run_command_line(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('codex_exec', 'codex_core', 'typer'))])"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# -- as a program -------------------------------------------------------------------------------


def test_overrides_of_both_levels_count_and_the_later_wins(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    server = model_server([answer(message("ok"))])
    run_codex("-c", "model=first", "-c", "model_verbosity=low", "exec", "-c", "model=second", "hi").check()
    assert server.requests[0].json["model"] == "second"


@pytest.mark.parametrize("arguments", [["--version"], ["-V"]])
def test_version_of_the_program(arguments: list[str], run_codex: RunCodex) -> None:
    assert run_codex(*arguments).check().stdout == "codex-cli 0.36.0\n"


@pytest.mark.parametrize("arguments", ["--help", "exec --help"])
def test_a_reader_that_leaves_is_no_noise(arguments: str, scratch_home: ScratchHome) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{script_path('codex')} {arguments} | true; exit ${{PIPESTATUS[0]}}"],
        env=scratch_home.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1, 141)


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only known conditions become sentences; the rest must be seen."""

    def broken(arguments: Sequence[str], overrides: Sequence[str]) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(commands, "COMMANDS", (commands.Command(("boom",), "", broken),))
    with pytest.raises(ZeroDivisionError):
        run_command_line(["boom"])
