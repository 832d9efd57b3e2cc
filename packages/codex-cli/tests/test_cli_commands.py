"""The commands of `codex`: who gets which arguments, and what wrong ones are told (spec: config-cli.md 1-6)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codex_cli import commands
from codex_cli.commands import ROOT, ineffective, run_command_line
from codex_cli.doctor import command as doctor
from codex_core.command_line.grammar import Command
from codex_core.command_line.parser import Invocation, parse
from codex_core.testing import ScratchHome, answer, message, script_path
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer
from codex_exec.options import ExecOptions

HELP_HINT = "\n\nFor more information, try '--help'.\n"


@pytest.fixture
def exec_runs(monkeypatch: pytest.MonkeyPatch) -> list[ExecOptions]:
    """What `codex exec` would have been run with."""
    from codex_exec import run

    runs: list[ExecOptions] = []

    def note(options: ExecOptions) -> int:
        runs.append(options)
        return 5

    monkeypatch.setattr(run, "run", note)
    return runs


@pytest.mark.parametrize("name", ["exec", "e"])
def test_overrides_of_both_levels_arrive_in_order(name: str, exec_runs: list[ExecOptions]) -> None:
    assert run_command_line(["-c", "a=1", "-cb=2", name, "-c", "a=3", "--json", "--", "-x"]) == 5
    assert exec_runs == [ExecOptions(prompt="-x", json=True, overrides=("a=1", "b=2", "a=3"))]


def test_what_stands_before_exec_counts_and_what_stands_behind_it_goes_before(
    exec_runs: list[ExecOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    run_command_line(["-m", "a", "-p", "x", "-i", "a.png", "--oss", "--search", "first", "exec", "-m", "b"])
    run_command_line(["-i", "a.png", "exec", "-i", "b.png", "second"])
    assert exec_runs == [
        ExecOptions(
            prompt="first",
            model="b",
            profile="x",
            images=("a.png",),
            oss=True,
            overrides=("tools.web_search=true",),
        ),
        ExecOptions(prompt="second", images=("b.png",)),
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--full-auto", "exec"], (None, True, False)),
        (["--yolo", "exec"], (None, False, True)),
        (["--yolo", "exec", "--full-auto"], (None, True, False)),
        (["--yolo", "exec", "-s", "read-only"], ("read-only", False, False)),
        (["--full-auto", "exec", "-s", "read-only"], ("read-only", False, False)),
        (["-s", "workspace-write", "exec", "--skip-git-repo-check"], ("workspace-write", False, False)),
    ],
)
def test_the_innermost_word_on_safety_counts(
    arguments: list[str], expected: tuple[str | None, bool, bool], exec_runs: list[ExecOptions]
) -> None:
    run_command_line(arguments)
    (options,) = exec_runs
    assert (options.sandbox, options.full_auto, options.bypass) == expected


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["exec", "hi"], []),
        (["-c", "a=1", "login"], []),
        (["--search", "-m", "x", "login"], ["'--search' has no", "'--model' has no effect before 'login'"]),
        (["hi", "logout"], ["'hi' has no effect before 'logout'"]),
        (["-a", "on-request", "exec"], ["'--ask-for-approval' has no effect before 'exec'"]),
        (["-a", "never", "e"], []),
        (["-a", "never", "--search", "-C", "x", "hi", "resume"], []),
        (["exec", "--json", "hi", "resume", "--last"], []),
        (["--search", "exec", "resume"], []),
        (["login", "--api-key", "k", "status"], ["'--api-key' has no effect before 'status'"]),
        (["--full-auto", "debug", "landlock", "x"], ["'--full-auto' has no effect before 'debug'"]),
    ],
)
def test_what_cannot_count_is_not_ignored_in_silence(arguments: list[str], lines: list[str]) -> None:
    told = ineffective(parse((ROOT,), arguments))
    assert len(told) == len(lines)
    for line, begin in zip(told, lines, strict=True):
        assert line.startswith(begin)


def every_command(
    command: Command = ROOT, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], Command]]:
    """All commands and the names one has to type for them."""
    found = [(path, command)]
    for below in command.commands:
        found += every_command(below, (*path, below.name))
    return found


@pytest.mark.parametrize(
    ("path", "command"), every_command(), ids=[" ".join(path) or "codex" for path, _ in every_command()]
)
def test_names_and_options_of_a_command_are_its_alone(path: tuple[str, ...], command: Command) -> None:
    names = [name for below in command.commands for name in below.names] + ["help"] * bool(command.commands)
    assert len(names) == len(set(names))
    options = [name for option in command.all_options() for name in (*option.names, *option.hidden_names)]
    assert len(options) == len(set(options))
    keys = [option.key for option in command.options] + [each.key for each in command.arguments]
    assert len(keys) == len(set(keys))
    if not command.is_reserved:
        assert "config" in keys, "every command takes -c"
        assert command.run or command.is_command_required


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["help"], ["-c", "a=1", "--help"]])
def test_help_lists_every_command_that_is_not_hidden(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for command in ROOT.commands:
        assert (f"\n  {', '.join(command.names)} " in captured.out) is not command.is_hidden
    assert max(map(len, captured.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "names", [["exec"], ["exec", "resume"], ["mcp", "serve"], ["login", "status"], ["p"]]
)
def test_help_of_a_command_can_be_asked_for_in_every_way(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        ["help", *names],
        [*names, "--help"],
        [*names[:-1], "help", names[-1]],
        [*names, "--help", "--x"],
    ]
    pages = set()
    for arguments in asked:
        assert run_command_line(arguments) == 0
        pages.add(capsys.readouterr())
    (page,) = pages
    assert page.err == ""
    full = ["proto" if name == "p" else name for name in names]
    assert page.out.startswith(f"Usage: codex {' '.join(full)} [OPTIONS]")


@pytest.mark.parametrize("flag", ["-V", "--version"])
@pytest.mark.parametrize(
    ("before", "version"),
    [
        ([], "codex-cli"),
        (["-c", "a=1"], "codex-cli"),
        (["exec"], "codex-cli-exec"),
        (["resume"], "codex-cli-resume"),
    ],
)
def test_three_commands_tell_a_version(
    before: list[str], version: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*before, flag]) == 0
    assert capsys.readouterr().out == f"{version} 0.36.0\n"


@pytest.mark.parametrize("name", commands.RESERVED)
def test_commands_of_later_releases_are_not_taken_as_prompts(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([name, "--whatever", "x"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"`codex {name}` is not part of this version. ")
    assert captured.out == ""


def test_help_imports_nothing_that_runs_and_nothing_heavy() -> None:
    source = (
        "import sys; before = set(sys.modules)\n"
        "from codex_cli.commands import run_command_line\n"
        "run_command_line(['--help']); run_command_line(['exec', '--help'])\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    own = {name for name in loaded if name.startswith("codex_")}
    packages = {"codex_chatgpt", "codex_cli", "codex_core", "codex_exec", "codex_mcp_server", "codex_tui"}
    tables = {f"{name}.cli" for name in packages - {"codex_cli", "codex_core"}}
    tables |= {
        f"codex_cli.{name}"
        for name in (
            "commands",
            "config_options",
            "doctor",
            "doctor.options",
            "login_options",
            "mcp_check",
            "mcp_options",
            "sandbox_options",
            "sessions_options",
        )
    }
    assert {name for name in own if not name.startswith("codex_core.command_line")} == packages | tables
    heavy = {"typer", "dataclasses", "enum", "re", "typing", "inspect", "subprocess", "json", "asyncio"}
    # The interpreter's own start may have loaded some of them for editable installations.
    assert not loaded & heavy


# -- as a program -------------------------------------------------------------------------------


def test_the_later_override_wins(run_codex: RunCodex, model_server: StartModelServer) -> None:
    server = model_server([answer(message("ok"))])
    run_codex("-c", "model=first", "-c", "model_verbosity=low", "exec", "-c", "model=second", "hi").check()
    assert server.requests[0].json["model"] == "second"


def test_a_model_named_before_the_command_is_asked(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    server = model_server([answer(message("ok"))])
    run_codex("-m", "named", "exec", "hi").check()
    assert server.requests[0].json["model"] == "named"


@pytest.mark.parametrize("arguments", [["--version"], ["-V"]])
def test_version_of_the_program(arguments: list[str], run_codex: RunCodex) -> None:
    assert run_codex(*arguments).check().stdout == "codex-cli 0.36.0\n"


@pytest.mark.parametrize("arguments", ["--help", "exec --help", "completion bash", "sandbox --help"])
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


@pytest.mark.parametrize("line", ["--bogus >&- 2>&-", "--help >&-", "--bogus 2>&-"])
def test_closed_streams_are_no_traceback(line: str, scratch_home: ScratchHome) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{script_path('codex')} {line}"],
        env=scratch_home.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert done.returncode == (0 if "help" in line else 2)


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only known conditions become sentences; the rest must be seen."""

    def broken(invocation: Invocation) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(doctor, "run_doctor", broken)
    with pytest.raises(ZeroDivisionError):
        run_command_line(["doctor"])
