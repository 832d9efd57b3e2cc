"""`confine()` in a process of one's own, and on kernels with an older Landlock."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONFINED = """
import errno, os, sys
from codex_linux_sandbox import SandboxPolicy, confine
workspace, outside, abi = sys.argv[1], sys.argv[2], int(sys.argv[3])
policy = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
if abi:
    done = confine(policy, cwd=workspace, landlock_abi=abi)
    assert done.landlock_abi == abi and done.writable[0] == workspace, (done.landlock_abi, done.writable)
def trying(name, act):
    try:
        act()
    except OSError as error:
        print(name, errno.errorcode[error.errno])
    else:
        print(name, "done")
trying("write inside", lambda: open(f"{workspace}/new", "w").write("x"))
trying("truncate inside", lambda: os.close(os.open(f"{workspace}/new", os.O_RDWR | os.O_TRUNC)))
trying("write outside", lambda: open(f"{outside}/target", "r+").write("x"))
trying("truncate by path", lambda: os.truncate(f"{outside}/target", 0))
trying("truncate on open", lambda: os.close(os.open(f"{outside}/target", os.O_RDONLY | os.O_TRUNC)))
trying("move inside", lambda: (os.mkdir(f"{workspace}/d"), os.rename(f"{workspace}/new", f"{workspace}/d/new")))
"""


def confined(tmp_path: Path, abi: int) -> dict[str, str]:
    outside, workspace = tmp_path / "outside", tmp_path / "workspace"
    for directory in (outside, workspace):
        directory.mkdir()
    (outside / "target").write_text("text\n")
    command = [sys.executable, "-c", CONFINED, str(workspace.resolve()), str(outside), str(abi)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())


def test_every_act_succeeds_unconfined(tmp_path: Path) -> None:
    assert set(confined(tmp_path, 0).values()) == {"done"}


@pytest.mark.parametrize("abi", [1, 2, 3, 4, 5, 6, 7])
def test_nothing_outside_can_be_truncated_on_any_abi(tmp_path: Path, landlock: int, abi: int) -> None:
    if abi > landlock:
        pytest.skip(f"this kernel has Landlock ABI {landlock}")
    outcome = confined(tmp_path, abi)
    assert (outcome["write inside"], outcome["truncate inside"]) == ("done", "done")
    refused = {outcome[name] for name in ("write outside", "truncate by path", "truncate on open")}
    assert refused <= {"EACCES", "EPERM"}
    assert outcome["move inside"] == ("EXDEV" if abi == 1 else "done")
    assert (tmp_path / "outside" / "target").read_text() == "text\n"


def test_danger_full_access_does_nothing() -> None:
    script = """
from codex_linux_sandbox import SandboxPolicy, confine
done = confine(SandboxPolicy("danger-full-access"), cwd="/")
print(done.landlock_abi, done.filter_rules, open("/proc/self/status").read().count("NoNewPrivs:\\t0"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0 0 1\n"
