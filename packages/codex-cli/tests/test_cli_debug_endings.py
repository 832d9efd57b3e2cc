"""How a command in the sandbox ends: exit codes, signals, the terminal, and what is left behind."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, script_path

if TYPE_CHECKING:
    from codex_core.testing.pytest_plugin import RunCodex

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")

LANDLOCK = ("debug", "landlock")


@pytest.mark.parametrize("code", [0, 1, 7, 126, 255])
def test_the_exit_code_is_the_commands(run_codex: RunCodex, command: tuple[str, ...], code: int) -> None:
    run_codex(*command, "sh", "-c", f"exit {code}").check(code)


def test_a_shell_sees_128_and_the_signal(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    line = f"{script_path('codex')} {' '.join(command)} sh -c 'kill -s TERM $$'; echo $?"
    assert run_codex("-c", line, command="/bin/sh").check().lines[-1] == str(128 + signal.SIGTERM)


def test_a_missing_program_is_127_and_one_that_is_none_126(
    run_codex: RunCodex, git_repo: ScratchRepo, command: tuple[str, ...]
) -> None:
    done = run_codex(*command, "no-such-program", "x").check(127)
    assert done.stderr == (
        "codex-linux-sandbox: cannot run 'no-such-program': No such file or directory (os error 2)\n"
    )
    run_codex(*command, "./README.md").check(126)


@pytest.mark.parametrize("isolation", ["landlock", "auto"])
def test_the_command_can_be_stopped_and_continued(
    scratch_home: ScratchHome, git_repo: ScratchRepo, isolation: str
) -> None:
    argv = [
        script_path("codex"),
        "sandbox",
        "--isolation",
        isolation,
        "sh",
        "-c",
        "echo ready; read x; exit 5",
    ]
    # A group of its own in our session, as a shell makes one for a job.
    with subprocess.Popen(
        argv,
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as job:
        assert job.stdin is not None
        assert job.stdout is not None
        assert job.stdout.readline() == b"ready\n"
        os.killpg(job.pid, signal.SIGTSTP)
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.killpg(job.pid, signal.SIGCONT)
        job.stdin.write(b"\n")
        job.stdin.close()
        assert job.wait() == 5


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
@pytest.mark.parametrize("isolation", ["landlock", "auto"])
def test_a_shell_on_a_terminal_has_job_control(
    scratch_home: ScratchHome, git_repo: ScratchRepo, isolation: str
) -> None:
    main_end, other_end = os.openpty()
    seen = b""

    def wait_for(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            ready, _, _ = select.select([main_end], [], [], 30)
            assert ready, seen
            seen += os.read(main_end, 4096)
        seen = seen.partition(text)[2]

    # The terminal becomes that of a new session, as a terminal program does it.
    session = ["setsid", "--ctty", "--wait"]
    codex = [script_path("codex"), "sandbox", "--isolation", isolation]
    with subprocess.Popen(
        [*session, *codex, "--", "bash", "--norc", "--noprofile", "-i"],
        cwd=git_repo.path,
        env={**scratch_home.environ(), "PS1": "ask> "},
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
    ) as shell:
        os.close(other_end)
        try:
            wait_for(b"ask> ")
            os.write(main_end, b"sh -c 'echo u''p; read x; echo got $x; exec sleep 600'\n")
            wait_for(b"up\r\n")
            os.write(main_end, b"\x1a")
            wait_for(b"Stopped")
            wait_for(b"ask> ")
            os.write(main_end, b"fg\n")
            wait_for(b"exec sleep 600'\r\n")
            os.write(main_end, b"a line\n")
            wait_for(b"got a line\r\n")
            os.write(main_end, b"\x03")
            wait_for(b"ask> ")
            os.write(main_end, b"echo $?\n")
            wait_for(b"130\r\n")
            os.write(main_end, b"exit 9\n")
            assert shell.wait(timeout=30) == 9
        finally:
            os.close(main_end)
            if shell.poll() is None:
                shell.kill()


def test_the_command_takes_the_place_of_the_process_that_was_started(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    argv = [script_path("codex"), "sandbox", "--isolation", "landlock", "sh", "-c", "echo $$; exec cat"]
    with subprocess.Popen(
        argv, cwd=git_repo.path, env=scratch_home.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
        assert process.wait() == -signal.SIGTERM


def test_ctrl_c_reaches_the_command(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    script = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(
        [script_path("codex"), "sandbox", "sh", "-c", script],
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdout=subprocess.PIPE,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == b"caught\n"
        assert process.wait() == 3


def test_a_command_in_the_background_goes_on_without_the_shell_that_started_it(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    read_end, write_end = os.pipe()
    codex = script_path("codex")
    line = f"exec 3<&0; {codex} sandbox sh -c 'echo ready; read x; echo went on' <&3 & wait"
    try:
        with subprocess.Popen(
            ["/bin/sh", "-c", line],
            cwd=git_repo.path,
            env=scratch_home.environ(),
            stdin=read_end,
            stdout=subprocess.PIPE,
        ) as shell:
            assert shell.stdout is not None
            assert shell.stdout.readline() == b"ready\n"
            shell.kill()
            shell.wait()
            os.write(write_end, b"\n")
            assert shell.stdout.read() == b"went on\n"
    finally:
        os.close(read_end)
        os.close(write_end)


def test_it_leaves_no_process_and_its_tools_directory_goes_with_the_next_start(
    run_codex: RunCodex, scratch_home: ScratchHome
) -> None:
    tools = scratch_home.codex_home / "tmp" / "arg0"
    run_codex(*LANDLOCK, "true").check().assert_no_processes_left()
    (left,) = tools.iterdir()
    run_codex(*LANDLOCK, "true").check()
    assert left not in list(tools.iterdir())


def test_the_tools_directory_stays_while_the_command_runs(
    scratch_home: ScratchHome, git_repo: ScratchRepo, run_codex: RunCodex
) -> None:
    with subprocess.Popen(
        [script_path("codex"), "sandbox", "sh", "-c", "echo; read x; command -v apply_patch"],
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        run_codex(*LANDLOCK, "true").check()  # clears away what is left over
        output, _ = process.communicate(b"\n")
    assert output.startswith(os.fsencode(scratch_home.codex_home / "tmp" / "arg0"))
