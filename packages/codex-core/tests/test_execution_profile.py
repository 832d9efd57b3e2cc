"""Commands through the user's login shell (spec: exec-sandbox.md A.1)."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codex_core.execution.profile import login_command, through_login_shell

BASH = shutil.which("bash")
confined = pytest.mark.skipif(sys.platform != "linux", reason="commands are confined on Linux here")


def with_shell(monkeypatch: pytest.MonkeyPatch, shell: str | None) -> None:
    def entry(_: int) -> SimpleNamespace:
        if shell is None:
            raise KeyError
        return SimpleNamespace(pw_shell=shell, pw_dir="/nowhere")

    monkeypatch.setattr(pwd, "getpwuid", entry)


@pytest.mark.parametrize(
    ("argv", "rc", "script"),
    [
        (["bash", "-lc", "a | b"], None, "a | b"),
        (["bash", "-lc", "a | b"], "/home/u/.bashrc", "source /home/u/.bashrc && (a | b)"),
        (["echo", "a b"], "/home/u/.bashrc", "source /home/u/.bashrc && (echo 'a b')"),
        (["bash", "-c", "a"], None, "bash -c a"),
        (["ls"], "/home/my user/.zshrc", "source '/home/my user/.zshrc' && (ls)"),
        (["bash", "-lc", "a # why"], "/rc", "source /rc && (a # why\n)"),
        (["bash", "-lc", "cat <<E\nx\nE"], "/rc", "source /rc && (cat <<E\nx\nE\n)"),
    ],
)
def test_a_command_becomes_a_script_of_the_shell(argv: list[str], rc: str | None, script: str) -> None:
    assert login_command(argv, "/bin/zsh", rc) == ("/bin/zsh", "-lc", script)


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("echo $SET", "by rc\n"),
        ("echo a # b", "a\n"),
        ("cat <<E\nx\nE", "x\n"),
        ("echo a \\", "a\n"),
        ("exit 3", ""),
        ("echo (", ""),
    ],
)
def test_the_shell_reads_the_profile_and_then_the_script(tmp_path: Path, script: str, output: str) -> None:
    rc = tmp_path / "r c"
    rc.write_text("SET='by rc'\n")
    argv = login_command(["bash", "-lc", script], str(BASH), str(rc))
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout == output
    assert (done.returncode == 0) == (output != "")


@pytest.mark.parametrize("shell", [None, "", "bash", "/bin/sh", "/usr/sbin/nologin", "/bin/fish"])
def test_other_shells_change_nothing(monkeypatch: pytest.MonkeyPatch, shell: str | None) -> None:
    with_shell(monkeypatch, shell)
    assert through_login_shell(["ls", "-l"], {"HOME": "/"}) == ("ls", "-l")


def test_the_profile_is_looked_for_in_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_shell(monkeypatch, "/usr/bin/zsh")
    environ = {"HOME": str(tmp_path)}
    assert through_login_shell(["ls"], environ) == ("/usr/bin/zsh", "-lc", "ls")
    (tmp_path / ".zshrc").touch()
    assert through_login_shell(["ls"], environ)[2] == f"source {tmp_path}/.zshrc && (ls)"
    assert through_login_shell(["a\0b"], environ) == ("a\0b",)
    assert through_login_shell([], environ) == ()


@confined
@pytest.mark.skipif(BASH is None, reason="bash is not installed")
async def test_a_command_is_judged_and_shown_as_the_model_wrote_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_shell(monkeypatch, str(BASH))
    home = Path(bench.services.environ["HOME"])
    (home / ".bashrc").write_text("export FROM_PROFILE=seen\n")
    policy = replace(bench.context.shell_environment_policy, use_profile=True)
    bench.context = replace(bench.context, shell_environment_policy=policy)
    bench.under("never", "read-only")
    output = await bench.shell("bash", "-lc", "echo $FROM_PROFILE; touch made; echo $?")
    assert bench.last("exec_command_begin")["command"] == [
        "bash",
        "-lc",
        "echo $FROM_PROFILE; touch made; echo $?",
    ]
    assert "seen" in output  # the profile has run
    assert not (bench.repo.path / "made").exists()  # and the sandbox was around it

    bench.events.clear()
    bench.under("untrusted", "read-only")
    await bench.shell("env", answers=["denied"])  # asked as ever, and by the words of the model
    assert bench.last("exec_approval_request")["command"] == ["env"]
