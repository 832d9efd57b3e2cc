"""The launcher script: behaves as the console script and obeys nothing in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from codex_linux_sandbox import write_launcher

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = '{"mode":"read-only"}'


def test_runs_a_command_confined(tmp_path: Path, landlock: int) -> None:
    launcher = write_launcher(str(tmp_path))
    target = tmp_path / "new"
    done = subprocess.run([launcher, "/", READ_ONLY, "touch", str(target)], capture_output=True, check=False)
    assert done.returncode == 1
    assert not target.exists()
    assert (
        subprocess.run([launcher, "/", READ_ONLY, "echo", "x"], capture_output=True, check=True).stdout
        == b"x\n"
    )


def test_only_the_user_may_touch_it(tmp_path: Path) -> None:
    path = write_launcher(str(tmp_path), name="other-name")
    assert path == str(tmp_path / "other-name")
    assert os.stat(path).st_mode & 0o777 == 0o700


def test_replaces_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "codex-linux-sandbox").symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        write_launcher(str(tmp_path))
    assert (tmp_path / "elsewhere").read_text() == "kept"


def test_code_named_by_the_environment_does_not_run(tmp_path: Path, helper: str, landlock: int) -> None:
    launcher = write_launcher(str(tmp_path))
    planted, mark = tmp_path / "planted", tmp_path / "mark"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(planted)}
    arguments = ["/", READ_ONLY, "printenv", "PYTHONPATH"]
    done = subprocess.run([launcher, *arguments], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{planted}\n"
    assert not mark.exists()
    # The console script cannot help it, which is why there is a launcher.
    subprocess.run([helper, *arguments], env=environment, capture_output=True, check=True)
    assert mark.exists()


def test_interpreter_with_a_space_in_its_path(tmp_path: Path, landlock: int) -> None:
    directory = tmp_path / "with $pace \"and' quotes"
    directory.mkdir()
    python = directory / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    launcher = write_launcher(str(tmp_path), python=str(python))
    done = subprocess.run(
        [launcher, "/", READ_ONLY, "printf", "%s,", "a b", "c"], capture_output=True, check=True
    )
    assert done.stdout == b"a b,c,"
