"""What state the command starts in: signals, descriptors, environment, privileges, its tie to the parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import RunConfined

READ_ONLY = '{"mode":"read-only"}'
NETWORK = '{"mode":"workspace-write","network_access":true}'
_CAP_SYS_ADMIN, _CAP_NET_RAW, _CAP_DAC_OVERRIDE = 21, 13, 1


def status_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)


def test_no_signal_is_ignored(run_confined: RunConfined) -> None:
    status = status_of(run_confined("cat", "/proc/self/status"))
    ignored = int(status["SigIgn"], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored & (1 << (number - 1))


def test_broken_pipe_ends_a_program_silently(run_confined: RunConfined) -> None:
    done = run_confined("bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout == "y\n141\n"
    assert done.stderr == ""


@pytest.mark.parametrize("policy", [READ_ONLY, '{"mode":"danger-full-access"}'])
@pytest.mark.parametrize(
    "given", [{}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "POSIX"}, {"LC_CTYPE": "C.UTF-8"}, {"LANG": "C"}]
)
def test_environment_is_what_the_user_had(
    run_confined: RunConfined, policy: str, given: dict[str, str]
) -> None:
    environment = {"PATH": os.defpath, "ODD": "a=b\nc", **given}
    done = run_confined("env", "-0", policy=policy, env=environment)
    assert dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry) == environment


def test_interpreter_alone_would_change_the_environment() -> None:
    # Shows that the test above can fail: Python started the same way adds LC_CTYPE.
    script = "import os; os.execvp('env', ['env'])"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    assert "LC_CTYPE=" in done.stdout


def test_only_the_standard_descriptors_are_open(helper: str, landlock: int) -> None:
    read_end, write_end = os.pipe()
    try:
        for descriptor in (read_end, write_end):
            os.set_inheritable(descriptor, True)
        command = ["sh", "-c", "ls /proc/$$/fd"]
        arguments = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": True}
        bare = subprocess.run(command, close_fds=False, **arguments)
        done = subprocess.run([helper, "/tmp", READ_ONLY, *command], close_fds=False, **arguments)
    finally:
        os.close(read_end)
        os.close(write_end)
    assert str(read_end) in bare.stdout.split()
    assert done.stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize("policy", [READ_ONLY, NETWORK])
def test_new_privileges_are_forbidden_and_a_filter_is_set(run_confined: RunConfined, policy: str) -> None:
    status = status_of(run_confined("cat", "/proc/self/status", policy=policy))
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to lose")
def test_root_keeps_no_power_over_the_system(run_confined: RunConfined) -> None:
    own = int(Path("/proc/self/status").read_text().split("CapEff:\t")[1].split()[0], 16)
    if not own & 1 << _CAP_SYS_ADMIN:
        pytest.skip("this root has no power over the system to begin with")
    plain = int(status_of(run_confined("cat", "/proc/self/status"))["CapEff"], 16)
    network = int(status_of(run_confined("cat", "/proc/self/status", policy=NETWORK))["CapEff"], 16)
    assert not plain & (1 << _CAP_SYS_ADMIN | 1 << _CAP_NET_RAW)
    assert plain & 1 << _CAP_DAC_OVERRIDE
    assert network == plain | 1 << _CAP_NET_RAW


def test_command_is_the_process_that_was_started(helper: str, landlock: int) -> None:
    command = [helper, "--isolation", "landlock", "/tmp", READ_ONLY, "sh", "-c", "echo $$"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate()
    assert int(out) == process.pid


def test_working_directory_is_kept(run_confined: RunConfined, workspace: Path) -> None:
    assert run_confined("pwd", "-P").stdout == f"{workspace.resolve()}\n"


def start_and_abandon(command: list[str], **streams: int) -> int:
    """The process id of `command`, started by a process that waits for its first line and dies without a word."""
    middle = f"""
import os, subprocess, sys
child = subprocess.Popen({command!r}, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", middle], stdout=subprocess.PIPE, text=True, check=True, **streams
    )
    return int(done.stdout)


def test_command_dies_with_its_parent(helper: str, landlock: int) -> None:
    wait_until_gone(start_and_abandon([helper, "/tmp", READ_ONLY, "sh", "-c", "echo ready; exec sleep 600"]))


@pytest.mark.parametrize("isolation", ["landlock", "auto"])
def test_command_may_be_told_to_outlive_its_parent(helper: str, landlock: int, isolation: str) -> None:
    script = "trap 'echo told >&2' USR1; echo ready; read line || read line; echo $line >&2"
    read_end, write_end = os.pipe()
    told, telling = os.pipe()
    try:
        options = ["--outlive-parent", "--isolation", isolation]
        pid = start_and_abandon(
            [helper, *options, "/tmp", READ_ONLY, "sh", "-c", script], stdin=read_end, stderr=telling
        )
        os.close(telling)
        os.kill(pid, signal.SIGUSR1)
        with open(told, closefd=False) as lines:
            assert lines.readline() == "told\n"
            os.write(write_end, b"end\n")
            assert lines.readline() == "end\n"
        wait_until_gone(pid)
    finally:
        for descriptor in (read_end, write_end, told):
            os.close(descriptor)


def wait_until_gone(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    try:
        readable, _, _ = select.select([descriptor], [], [], 30)
    finally:
        os.close(descriptor)
    if not readable:
        os.kill(pid, signal.SIGKILL)
    assert readable, "the command outlived its parent"


def test_named_parent_that_is_gone_ends_the_helper(helper: str) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    command = [helper, "--parent-pid", str(gone.pid), "/tmp", READ_ONLY, "echo", "ran"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


def test_named_parent_that_lives_changes_nothing(helper: str, landlock: int) -> None:
    command = [helper, f"--parent-pid={os.getpid()}", "/tmp", READ_ONLY, "echo", "ran"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "ran\n"


def test_a_terminal_it_was_started_on_can_be_opened_again(helper: str, landlock: int) -> None:
    main_end, other_end = os.openpty()
    try:
        command = [helper, "/tmp", READ_ONLY, "sh", "-c", "echo x > /dev/stdout"]
        done = subprocess.run(
            command, stdin=other_end, stdout=other_end, stderr=subprocess.PIPE, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert os.read(main_end, 10).strip() == b"x"
    finally:
        os.close(main_end)
        os.close(other_end)


def test_another_terminal_cannot_be_written_to(run_confined: RunConfined) -> None:
    main_end, other_end = os.openpty()
    try:
        name = os.ttyname(other_end)
        assert subprocess.run(["sh", "-c", f"echo x > {name}"], check=False).returncode == 0
        done = run_confined("sh", "-c", f"echo x > {name}", policy=json.loads(NETWORK))
        assert done.returncode != 0
        assert "Permission denied" in done.stderr
    finally:
        os.close(main_end)
        os.close(other_end)
