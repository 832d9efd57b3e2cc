"""`codex debug` and `codex sandbox` as a user runs them: what is refused, command lines, options."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, run_script
from codex_core.testing.home import to_toml

if TYPE_CHECKING:
    from codex_core.testing.pytest_plugin import RunCodex

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")

NO_VALUE = "a value is required for '--config <key=value>' but none was supplied"


def possible(values: str) -> str:
    return f"\n  [possible values: {values}]"


# Refusals and what may be done


def test_nothing_is_writable_and_everything_readable(
    run_codex: RunCodex, git_repo: ScratchRepo, command: tuple[str, ...]
) -> None:
    done = run_codex(*command, "--", "sh", "-c", "cat README.md; touch new").check(1)
    assert done.stdout == "A scratch repository.\n"
    assert "cannot touch 'new'" in done.stderr
    assert not (git_repo.path / "new").exists()


def test_full_auto_lets_it_write_in_the_workspace_and_for_temporary_files_only(
    run_codex: RunCodex,
    git_repo: ScratchRepo,
    scratch_home: ScratchHome,
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    script = f'touch inside "$TMPDIR/scratch" && ! touch {tmp_path}/outside'
    scratch_home.write("config.toml", "[sandbox_workspace_write]\nexclude_slash_tmp = true\n")
    run_codex(*command, "--full-auto", "sh", "-c", script).check()
    assert (git_repo.path / "inside").exists()
    assert (scratch_home.path / "tmp" / "scratch").exists()
    assert not (tmp_path / "outside").exists()


def test_a_configured_mode_does_not_count_and_its_details_do(
    run_codex: RunCodex, scratch_home: ScratchHome, tmp_path: Path, command: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    table = {"writable_roots": [str(data)], "exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}
    settings = {"sandbox_mode": "danger-full-access", "sandbox_workspace_write": table}
    scratch_home.write("config.toml", to_toml(settings))
    run_codex(*command, "touch", str(data / "a")).check(1)
    run_codex(*command, "--full-auto", "touch", str(data / "a")).check()
    run_codex(*command, "--full-auto", "sh", "-c", 'touch "$TMPDIR/a"').check(1)


def test_network_is_refused_and_said_to_be(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    program = "import os, socket; print(os.environ['CODEX_SANDBOX_NETWORK_DISABLED']); socket.socket()"
    done = run_codex(*command, "--full-auto", sys.executable, "-c", program).check(1)
    assert done.stdout == "1\n"
    assert "PermissionError" in done.stderr


def test_network_that_is_configured_can_be_used(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    program = "import os, socket; print('CODEX_SANDBOX_NETWORK_DISABLED' in os.environ); socket.socket()"
    override = ("-c", "sandbox_workspace_write.network_access=true")
    done = run_codex(*command, *override, "--full-auto", sys.executable, "-c", program).check()
    assert done.stdout == "False\n"
    read_only = run_codex(*command, *override, sys.executable, "-c", program).check(1)
    assert read_only.stdout == "True\n"


def test_input_and_outputs_are_the_commands_own(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    done = run_codex(*command, "sh", "-c", "cat; echo err >&2", stdin=b"\xffin\n").check()
    assert (done.stdout, done.stderr) == ("\ufffdin\n", "err\n")


# The command line


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["echo", "-c", "x", "--full-auto", "-h"], "-c x --full-auto -h\n"),
        (["--", "echo", "-c=x", "--", "-C=y"], "-c=x -- -C=y\n"),
        (["echo", "--", "a", ""], "-- a \n"),
        (["-cmodel=x", "--config=model=y", "-c=model=z", "--", "echo", "--color"], "--color\n"),
        (["-c", "shell_environment_policy.set.A=x", "printenv", "A"], "x\n"),
        (["--", "--", "x"], None),
        (["-", "x"], None),
    ],
)
def test_words_behind_the_first_are_taken_as_they_are(
    run_codex: RunCodex, command: tuple[str, ...], words: list[str], shown: str | None
) -> None:
    done = run_codex(*command, *words)
    if shown is None:  # `--` and `-` are no programs, but they are taken for one
        done.check(127)
    else:
        assert done.check().stdout == shown


def test_overrides_of_every_level_count_and_the_last_wins(run_codex: RunCodex) -> None:
    sets = [("-c", f"shell_environment_policy.set={{V={value!r}}}") for value in ("a", "b", "c")]
    script = ("sh", "-c", "echo $V")
    assert run_codex(*sets[0], "debug", *sets[1], "landlock", *sets[2], *script).check().stdout == "c\n"
    assert run_codex(*sets[0], "debug", *sets[1], "landlock", *script).check().stdout == "b\n"
    assert run_codex(*sets[0], "sandbox", *script).check().stdout == "a\n"


def test_the_platform_may_be_named(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    assert run_codex("sandbox", "linux", "echo", "linux").check().stdout == "linux\n"
    run_codex("sandbox", "--full-auto", "linux", "-c", "model=x", "--", "touch", "new").check()
    assert (git_repo.path / "new").exists()
    # Behind `--` it is a program.
    done = run_codex("sandbox", "--", "linux").check(127)
    assert "cannot run 'linux'" in done.stderr


@pytest.mark.parametrize("words", [("debug", "seatbelt", "ls"), ("sandbox", "macos", "--", "ls")])
def test_the_sandbox_of_macos_is_not_here(run_codex: RunCodex, words: tuple[str, ...]) -> None:
    done = run_codex(*words).check(1)
    assert done.stderr == "Error: Seatbelt confines commands on macOS only; this is Linux\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["debug", "landlock"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "landlock", "--"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["sandbox"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["sandbox", "linux"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "approval"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "landlock", "--cd", "/", "ls"], "unexpected argument '--cd' found"),
        (["debug", "--full-auto", "landlock", "ls"], "unexpected argument '--full-auto' found"),
        (["debug", "bogus"], "unrecognized subcommand 'bogus'"),
        (
            ["debug", "landlok", "ls"],
            "unrecognized subcommand 'landlok'\n\n  tip: a similar subcommand exists: 'landlock'",
        ),
        (
            ["help", "sandbx"],
            "unrecognized subcommand 'sandbx'\n\n  tip: a similar subcommand exists: 'sandbox'",
        ),
        (["debug", "landlock", "-c"], NO_VALUE),
        (["sandbox", "-c", "--", "ls"], NO_VALUE),
        (["debug", "-c"], NO_VALUE),
        (["sandbox", "-C", "/", "-C", "/", "ls"], "the argument '--cd <DIR>' cannot be used multiple times"),
        (
            ["sandbox", "-s", "all", "ls"],
            "invalid value 'all' for '--sandbox <SANDBOX_MODE>'"
            + possible("read-only, workspace-write, danger-full-access"),
        ),
        (
            ["debug", "approval", "-a", "maybe", "ls"],
            "invalid value 'maybe' for '--ask-for-approval <APPROVAL_POLICY>'"
            + possible("untrusted, on-failure, on-request, never"),
        ),
        (
            ["sandbox", "--isolation=none", "ls"],
            "invalid value 'none' for '--isolation <KIND>'" + possible("auto, namespaces, landlock"),
        ),
        (["sandbox", "--network", "ls"], "the argument '--network' needs '--sandbox workspace-write'"),
        (
            ["sandbox", "-s", "danger-full-access", "--add-dir", ".", "ls"],
            "the argument '--add-dir <DIR>' needs '--sandbox workspace-write'",
        ),
        (
            ["sandbox", "--full-auto", "-s", "read-only", "ls"],
            "the argument '--full-auto' cannot be used with '--sandbox <SANDBOX_MODE>'",
        ),
        (
            ["sandbox", "--full-auto", "--add-dir", "nowhere", "ls"],
            "invalid value 'nowhere' for '--add-dir <DIR>': it is not a directory",
        ),
        (["sandbox", "--json", "ls"], "the argument '--json' needs '--self-test'"),
        (["sandbox", "--self-test", "ls"], "unexpected argument 'ls' found"),
        (["sandbox", "--explain", "ls"], "unexpected argument 'ls' found"),
        (
            ["sandbox", "--self-test", "-s", "read-only"],
            "the argument '--self-test' cannot be used with '--sandbox <SANDBOX_MODE>'",
        ),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_sentence_and_exit_code_2(run_codex: RunCodex, words: list[str], error: str) -> None:
    done = run_codex(*words).check(2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {error}\n\n")
    assert done.stderr.endswith("\n\nFor more information, try '--help'.\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["-c", "a", "--", "ls"], "Error: Invalid override (missing '='): a\n"),
        (["-c", "sandbox_isolation=none", "ls"], "unknown variant `none`"),
        (["-c", "model=1", "ls"], "invalid type: integer `1`, expected a string"),
    ],
)
def test_a_bad_configuration_ends_with_1_before_anything_runs(
    run_codex: RunCodex, command: tuple[str, ...], words: list[str], error: str
) -> None:
    done = run_codex(*command, *words).check(1)
    assert done.stderr.startswith("Error: ")
    assert error in done.stderr
    assert done.stdout == ""


def test_debug_alone_prints_its_help_on_stderr(run_codex: RunCodex) -> None:
    page = run_codex("debug", "-h").check().stdout
    for name in ("landlock", "seatbelt", "approval"):
        assert f"\n  {name} " in page
    alone = run_codex("debug").check(2)
    assert (alone.stdout, alone.stderr) == ("", page)
    long = run_codex("debug", "--help").check().stdout
    for words in (["help", "debug"], ["debug", "help"]):
        assert run_codex(*words).check().stdout == long


@pytest.mark.parametrize(
    "name", [["debug", "landlock"], ["debug", "seatbelt"], ["debug", "approval"], ["sandbox"]], ids=" ".join
)
def test_each_command_has_a_help_page(run_codex: RunCodex, name: list[str]) -> None:
    page = run_codex(*name, "--help").check().stdout
    assert page.startswith(f"Usage: codex {' '.join(name)}")
    assert run_codex("help", *name).check().stdout == page
    assert run_codex(*name[:1], "help", *name[1:]).stdout == page or name == ["sandbox"]


# `codex sandbox` alone


def test_further_roots_and_the_directory_to_work_in(run_codex: RunCodex, tmp_path: Path) -> None:
    for name in ("work", "more", "other"):
        (tmp_path / name).mkdir()
    script = f"pwd; touch here ../more/there && ! touch {tmp_path}/other/no"
    policy = ("-c", "sandbox_workspace_write={exclude_slash_tmp=true, exclude_tmpdir_env_var=true}")
    mode = ("-s", "workspace-write", "--add-dir", "../more", "-C", str(tmp_path / "work"))
    done = run_codex("sandbox", *mode, *policy, "--", "sh", "-c", script).check()
    assert done.stdout == f"{tmp_path / 'work'}\n"
    assert (tmp_path / "work" / "here").exists()
    assert (tmp_path / "more" / "there").exists()
    assert not (tmp_path / "other" / "no").exists()


def test_network_by_flag(run_codex: RunCodex) -> None:
    program = ("--", sys.executable, "-c", "import socket; socket.socket(); print('had one')")
    run_codex("sandbox", "--full-auto", *program).check(1)
    assert run_codex("sandbox", "--full-auto", "--network", *program).check().stdout == "had one\n"


def test_full_access_is_no_confinement(run_codex: RunCodex, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/anywhere; echo ${{CODEX_SANDBOX_NETWORK_DISABLED-unset}}"
    assert run_codex("sandbox", "-s", "danger-full-access", "sh", "-c", script).check().stdout == "unset\n"
    assert (tmp_path / "anywhere").exists()


@pytest.fixture
def namespaces(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    """Skips where the kernel, or a container around us, does not allow them."""
    arguments = ("sandbox", "--isolation", "namespaces", "true")
    done = run_script("codex", *arguments, env=scratch_home.environ(), cwd=git_repo.path)
    if done.exit_code != 0:
        pytest.skip(done.stderr)


@pytest.mark.usefixtures("namespaces")
def test_isolation_by_flag_and_by_configuration(
    run_codex: RunCodex, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    attempt = ("sh", "-c", "readlink /proc/self/ns/mnt")
    outside = os.readlink("/proc/self/ns/mnt")
    assert run_codex("sandbox", *attempt).check().stdout.strip() != outside
    assert run_codex("sandbox", "--isolation", "auto", *attempt).check().stdout.strip() != outside
    scratch_home.write("config.toml", 'sandbox_isolation = "namespaces"\n')
    assert run_codex("debug", "landlock", *attempt).check().stdout.strip() != outside
    assert run_codex("sandbox", "--isolation", "landlock", *attempt).check().stdout.strip() == outside
    run_codex("sandbox", "--full-auto", "sh", "-c", "touch .git/x").check(1)
    assert not (git_repo.path / ".git" / "x").exists()


def test_environment_of_the_command_does_not_reach_what_confines_it(
    run_codex: RunCodex, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    """A library that a command left in the workspace would else be loaded before the sandbox is there."""
    library = tmp_path / "missing.so"
    scratch_home.write("config.toml", f'[shell_environment_policy.set]\nLD_PRELOAD = "{library}"\n')
    for isolation in ("landlock", "auto"):
        done = run_codex("sandbox", "--isolation", isolation, "printenv", "LD_PRELOAD").check()
        assert done.stdout == f"{library}\n"
        # The loader complains in every program that starts with it: once for the command, no more.
        assert done.stderr.count("cannot be preloaded") <= 1


def test_explain_names_the_roots_and_runs_nothing(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    done = run_codex("sandbox", "--explain", "--full-auto", "--network", "--isolation", "auto").check()
    assert done.lines[0].startswith("workspace-write, isolation auto, Landlock ABI ")
    assert f"  {git_repo.path}" in done.lines
    assert "Network: allowed" in done.lines
    assert "nothing but devices" in run_codex("sandbox", "--explain").check().stdout


def test_self_test_reports_as_json(run_codex: RunCodex, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)  # names of unix sockets do not fit below it
    deep.mkdir()
    arguments = ("sandbox", "--self-test", "--json", "--isolation", "landlock")
    done = run_codex(*arguments, env={"TMPDIR": str(deep)}, timeout_s=110)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert list(report["results"]) == ["landlock"]
    assert report["probes"] > 100
    assert done.exit_code == (0 if report["ok"] else 1)
