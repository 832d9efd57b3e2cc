"""The command line of the helper: what it accepts, what it says otherwise, and its exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from codex_linux_sandbox import __version__

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = '{"mode":"read-only"}'


def run(helper: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [helper, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=env
    )


def test_help_goes_to_stdout_and_succeeds(helper: str) -> None:
    done = run(helper, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: codex-linux-sandbox" in done.stdout


def test_version_is_that_of_the_package(helper: str) -> None:
    assert run(helper, "--version").stdout == f"codex-linux-sandbox {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing <SANDBOX_POLICY_CWD> and <SANDBOX_POLICY>"),
        (["/tmp"], "missing <SANDBOX_POLICY>"),
        (["/tmp", READ_ONLY], "missing <COMMAND>"),
        (["/tmp", READ_ONLY, "--"], "missing <COMMAND>"),
        (["", READ_ONLY, "true"], "invalid value '' for '<SANDBOX_POLICY_CWD>'"),
        (["--bogus", "/tmp", READ_ONLY, "true"], "unexpected option '--bogus'"),
        (["--parent-pid"], "option '--parent-pid' needs a value"),
        (["--parent-pid=x", "/tmp", READ_ONLY, "true"], "invalid value 'x' for '--parent-pid'"),
        (["/tmp", "{", "true"], "invalid value '{' for '<SANDBOX_POLICY>': not valid JSON"),
        (["/tmp", "[]", "true"], "expected a JSON object"),
        (["/tmp", "{}", "true"], "missing field `mode`"),
    ],
)
def test_usage_errors_exit_with_2_and_an_error_line(helper: str, arguments: list[str], message: str) -> None:
    done = run(helper, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    first_line = done.stderr.splitlines()[0]
    assert first_line.startswith("error: ")
    assert message in first_line


def test_unknown_mode_names_the_valid_ones(helper: str) -> None:
    done = run(helper, "/tmp", '{"mode":"bogus"}', "true")
    assert done.returncode == 2
    assert "unknown mode `bogus`" in done.stderr
    assert "`danger-full-access`, `read-only`, `workspace-write`" in done.stderr


@pytest.mark.parametrize("separator", [["--"], []])
def test_separator_may_be_left_out(helper: str, landlock: int, separator: list[str]) -> None:
    assert run(helper, "/tmp", READ_ONLY, *separator, "echo", "a b", "--", "-x").stdout == "a b -- -x\n"


def test_options_of_the_command_are_not_ours(helper: str, landlock: int) -> None:
    assert run(helper, "/tmp", READ_ONLY, "printf", "%s", "--help").stdout == "--help"


@pytest.mark.parametrize("code", [0, 1, 2, 101, 255])
def test_exit_code_is_the_commands(helper: str, landlock: int, code: int) -> None:
    assert run(helper, "/tmp", READ_ONLY, "--", "sh", "-c", f"exit {code}").returncode == code


def test_death_by_signal_passes_through(helper: str, landlock: int) -> None:
    done = run(helper, "/tmp", READ_ONLY, "--", "sh", "-c", "kill -KILL $$")
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("command", ["no-such-command-here", "/no/such/file", "/etc/hosts/x", ""])
def test_missing_command_exits_with_127(helper: str, landlock: int, command: str) -> None:
    done = run(helper, "/tmp", READ_ONLY, "--", command)
    assert done.returncode == 127
    assert done.stderr.startswith(f"codex-linux-sandbox: cannot run '{command}': ")


@pytest.mark.parametrize("name", ["file", "directory"])
def test_command_that_may_not_be_executed_exits_with_126(
    helper: str, landlock: int, tmp_path: Path, name: str
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch(mode=0o644)
    done = run(helper, "/tmp", READ_ONLY, "--", str(tmp_path / name))
    assert done.returncode == 126
    assert "Permission denied (os error 13)" in done.stderr


def test_file_without_a_known_format_exits_with_126(helper: str, landlock: int, tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_text("neither a script nor a program\n")
    file.chmod(0o755)
    done = run(helper, "/tmp", READ_ONLY, "--", str(file))
    assert done.returncode == 126
    assert "Exec format error" in done.stderr


def test_command_is_searched_in_the_path_of_its_environment(
    helper: str, landlock: int, tmp_path: Path
) -> None:
    closed, good = tmp_path / "closed", tmp_path / "good"
    for directory, mode, text in ((closed, 0o644, "no"), (good, 0o755, "yes")):
        directory.mkdir()
        program = directory / "program"
        program.write_text(f"#!/bin/sh\necho {text}\n")
        program.chmod(mode)
    path = f"{tmp_path}/missing:{closed}:{good}"
    assert run(helper, "/tmp", READ_ONLY, "program", env={"PATH": path}).stdout == "yes\n"
    only_closed = run(helper, "/tmp", READ_ONLY, "program", env={"PATH": f"{closed}:{tmp_path}/missing"})
    assert only_closed.returncode == 126


def test_program_name_is_kept_as_first_argument(helper: str, landlock: int) -> None:
    done = run(helper, "/tmp", READ_ONLY, "sh", "-c", "tr '\\0' '\\n' < /proc/$$/cmdline | head -1")
    assert done.stdout == "sh\n"


def test_danger_full_access_applies_nothing(helper: str) -> None:
    fields = "NoNewPrivs|Seccomp|CapEff"
    bare = subprocess.run(
        ["grep", "-E", fields, "/proc/self/status"], capture_output=True, check=True, text=True
    )
    done = run(helper, "/tmp", '{"mode":"danger-full-access"}', "grep", "-E", fields, "/proc/self/status")
    assert done.stdout == bare.stdout


def test_missing_or_relative_policy_directory_is_no_error(helper: str, landlock: int, tmp_path: Path) -> None:
    policy = '{"mode":"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}'
    for directory in ("no/such/directory", "workspace"):
        (tmp_path / "workspace").mkdir(exist_ok=True)
        done = subprocess.run(
            [helper, directory, policy, "sh", "-c", "echo x > workspace/new"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert (tmp_path / "workspace" / "new").exists() == (directory == "workspace")
        assert (done.returncode == 0) == (directory == "workspace")


def test_arguments_that_are_not_text_reach_the_command(helper: str, landlock: int) -> None:
    done = subprocess.run(
        [os.fsencode(helper), b"/tmp", READ_ONLY.encode(), b"printf", b"%s", b"\xff\xfe"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\xff\xfe"
