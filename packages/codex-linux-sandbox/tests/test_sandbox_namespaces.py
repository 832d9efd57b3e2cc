"""Commands in namespaces of their own: how they end, what they leave behind, what stays protected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ_ONLY = '{"mode":"read-only"}'
ONLY_WORKSPACE = json.dumps(
    {"mode": "workspace-write", "exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}
)
PROTECTED = (".git", ".codex", ".agents")


@pytest.fixture(scope="module")
def isolated(helper: str, landlock: int) -> list[str]:
    """The beginning of a command line that insists on namespaces."""
    command = [helper, "--isolation", "namespaces"]
    done = subprocess.run([*command, "/", READ_ONLY, "true"], capture_output=True, text=True, check=False)
    if done.returncode == 101:
        pytest.skip(done.stderr.strip())
    return command


@pytest.fixture
def run(isolated: list[str], workspace: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run_command(*command: str, policy: str = ONLY_WORKSPACE) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*isolated, str(workspace), policy, "--", *command],
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_command


Run = "Callable[..., subprocess.CompletedProcess[str]]"


@pytest.mark.parametrize("code", [0, 1, 101, 127, 255])
def test_exit_code_is_the_commands(run: Run, code: int) -> None:
    assert run("sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGPIPE])
def test_death_by_signal_passes_through(run: Run, number: signal.Signals) -> None:
    assert run("sh", "-c", f"kill -{number.value} $$").returncode == -number


def test_missing_command_exits_with_127(run: Run) -> None:
    done = run("no-such-command-here")
    assert done.returncode == 127
    assert "cannot run 'no-such-command-here'" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_command(isolated: list[str], number: signal.Signals) -> None:
    script = f"trap 'echo caught; exit 7' {number.value}; echo ready; sleep 600 & wait"
    command = [*isolated, "/", READ_ONLY, "--", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        rest = process.stdout.read()
    assert (rest, process.returncode) == ("caught\n", 7)


def test_killing_the_helper_kills_everything_inside(isolated: list[str], landlock: int) -> None:
    script = "setsid sleep 600 & echo ready; wait"
    # The pipe is inherited by all of them: it ends when the last of them does.
    with subprocess.Popen(
        [*isolated, "/", READ_ONLY, "--", "sh", "-c", script], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.stdout.read() == b""


def test_what_the_command_leaves_behind_dies_with_it(isolated: list[str]) -> None:
    script = "(setsid sh -c 'trap \"\" TERM HUP; sleep 600' &) ; echo done"
    done = subprocess.run(
        [*isolated, "/", READ_ONLY, "--", "sh", "-c", script], stdout=subprocess.PIPE, check=True, timeout=60
    )
    # communicate() has read to the end of the pipe, which the daemon held too.
    assert done.stdout == b"done\n"


def test_orphans_are_reaped_while_the_command_runs(run: Run) -> None:
    # Ends only when no dead process is left.
    script = "(sh -c 'exit 0' &) ; (true &) ; while ps -eo stat= | grep -q Z; do :; done; echo clean"
    assert run("sh", "-c", script).stdout == "clean\n"


def test_end_of_output_is_seen_when_the_command_closes_it(isolated: list[str]) -> None:
    script = "echo out; exec >&- 2>&-; read line"
    command = [*isolated, "/", READ_ONLY, "--", "sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.read() == b"out\n"
        assert process.poll() is None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert process.returncode == 0


def test_command_sees_only_its_own_processes(run: Run) -> None:
    done = run("sh", "-c", "ls /proc | grep -c '^[0-9]'")
    assert int(done.stdout) <= 5
    assert run("sh", "-c", "ls /proc/$$ > /dev/null && echo yes").stdout == "yes\n"


def test_everything_outside_is_a_read_only_file_system(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run("sh", "-c", f"chmod 600 {file}; touch {file}; echo x > {tmp_path}/new")
    assert done.stderr.count("Read-only file system") == 3


def test_working_directory_is_writable_by_relative_names(run: Run, workspace: Path) -> None:
    assert run("sh", "-c", "echo x > new && pwd -P").stdout == f"{workspace.resolve()}\n"
    assert (workspace / "new").read_text() == "x\n"


def test_missing_protected_names_cannot_be_made_and_leave_no_trace(run: Run, workspace: Path) -> None:
    for name in PROTECTED:
        done = run("sh", "-c", f"mkdir -p {name}; echo x > {name}/new; mv {name} aside; rmdir {name}; exit 0")
        assert done.stderr.count("Read-only file system") == 1
        assert done.stderr.count("busy") == 2
    assert os.listdir(workspace) == []


def test_place_holders_of_a_killed_helper_are_removed_by_the_next(run: Run, workspace: Path) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git").chmod(0o1755)
    assert run("true").returncode == 0
    assert os.listdir(workspace) == []


def test_empty_directories_of_the_user_stay(run: Run, workspace: Path) -> None:
    (workspace / ".git").mkdir(mode=0o755)
    assert run("true").returncode == 0
    assert os.listdir(workspace) == [".git"]


def test_place_holders_stay_until_the_last_command_ends(isolated: list[str], workspace: Path) -> None:
    command = [*isolated, str(workspace), ONLY_WORKSPACE, "--"]
    script = "echo ready; read line; mkdir -p .git; echo x > .git/new; true"
    with subprocess.Popen(
        [*command, "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=workspace,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        subprocess.run([*command, "true"], check=True)
        assert sorted(os.listdir(workspace)) == sorted(PROTECTED)
        _, error = first.communicate("go\n")
    assert "Read-only file system" in error
    assert os.listdir(workspace) == []


def test_repository_made_meanwhile_is_kept(isolated: list[str], workspace: Path) -> None:
    command = [*isolated, str(workspace), ONLY_WORKSPACE, "--", "sh", "-c", "echo ready; read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (workspace / ".git" / "config").write_text("by the user\n")
        process.communicate("go\n")
    assert (workspace / ".git" / "config").read_text() == "by the user\n"


def test_link_in_place_of_a_protected_name_is_protected_with_its_target(run: Run, workspace: Path) -> None:
    (workspace / "elsewhere").mkdir()
    (workspace / ".git").symlink_to("elsewhere")
    done = run("sh", "-c", "rm .git; echo x > .git/new; echo x > elsewhere/new; ls .git")
    assert (done.returncode, done.stdout) == (0, "")
    assert len(done.stderr.splitlines()) == 3
    assert os.listdir(workspace / "elsewhere") == []
    assert os.readlink(workspace / ".git") == "elsewhere"


def test_directory_around_a_protected_one_cannot_be_moved_aside(isolated: list[str], tmp_path: Path) -> None:
    project = tmp_path / "a" / "b" / "project"
    (project / ".git").mkdir(parents=True)
    policy = json.dumps(
        {"mode": "workspace-write", "writable_roots": [str(tmp_path)], "exclude_slash_tmp": True}
    )
    script = (
        f"cd {tmp_path}; mv a/b/project x; mv a/b x; mv a x; echo x > a/b/project/.git/new; echo x > a/b/new"
    )
    subprocess.run(
        [*isolated, str(project), policy, "--", "sh", "-c", script], stderr=subprocess.DEVNULL, check=True
    )
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["new", "project"]
    assert os.listdir(project / ".git") == []


def test_a_command_may_end_before_its_start_has_been_read() -> None:
    from codex_linux_sandbox.namespaces import _read_line

    read_end, write_end = os.pipe()
    try:
        os.write(write_end, b"+123\n0\n")
        os.close(write_end)
        assert [_read_line(read_end) for _ in range(3)] == [b"+123", b"0", b""]
    finally:
        os.close(read_end)


# Starts the helper below a filter that refuses one system call, as a container runtime would.
UNDER_A_FILTER = """
import os, sys
import pyseccomp
table = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
table.add_rule(pyseccomp.ERRNO(1), int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1])
table.load()
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("call", ["mount", "428", "429", "442"])
def test_refused_step_falls_back_or_fails_as_asked(
    helper: str, isolated: list[str], workspace: Path, call: str
) -> None:
    def under_filter(isolation: str) -> subprocess.CompletedProcess[str]:
        command = [helper, "--isolation", isolation, str(workspace), ONLY_WORKSPACE, "--"]
        script = "touch new && echo ran; touch ../outside; readlink /proc/self/ns/pid"
        return subprocess.run(
            [sys.executable, "-c", UNDER_A_FILTER, call, *command, "sh", "-c", script],
            cwd=workspace,
            capture_output=True,
            text=True,
            check=False,
        )

    insisted = under_filter("namespaces")
    assert (insisted.returncode, insisted.stdout) == (101, "")
    assert "Operation not permitted" in insisted.stderr
    fallen_back = under_filter("auto")
    assert fallen_back.stdout == f"ran\n{os.readlink('/proc/self/ns/pid')}\n"
    assert "cannot touch '../outside': Permission denied" in fallen_back.stderr
    assert os.listdir(workspace) == ["new"]


def test_the_whole_system_may_be_the_workspace(isolated: list[str], tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    script = f"echo x > {tmp_path}/new && echo made; echo 1 > /proc/sys/kernel/core_uses_pid"
    policy = json.loads(ONLY_WORKSPACE) | {"writable_roots": [str(tmp_path)]}
    done = subprocess.run(
        [*isolated, "/", json.dumps(policy), "--", "sh", "-c", f"{script}; echo x > {tmp_path}/.git/new"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "made\n"
    assert done.stderr.count("Read-only file system") == 2
    assert (tmp_path / "new").read_text() == "x\n"
    assert os.listdir(tmp_path / ".git") == []


def test_what_keeps_a_command_from_running_is_one_plain_sentence(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from codex_linux_sandbox.__main__ import _cannot_confine

    with pytest.raises(SystemExit) as end:
        _cannot_confine(
            OSError(28, f"cannot keep {workspace}/.git from being created: No space left on device")
        )
    assert end.value.code == 101
    assert capfd.readouterr().err == (
        "codex-linux-sandbox: cannot confine the command, so it was not run: "
        f"cannot keep {workspace}/.git from being created: No space left on device\n"
    )
