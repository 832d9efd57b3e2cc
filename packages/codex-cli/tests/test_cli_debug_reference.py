"""`codex debug landlock` beside the reference."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, script_path
from codex_core.testing.home import to_toml

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")

LANDLOCK = ("debug", "landlock")


def both(
    reference: str, home: ScratchHome, cwd: Path, *arguments: str, config: str = ""
) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
    """What ours and the reference did with the same arguments."""
    home.write("config.toml", config)

    def run(program: str) -> subprocess.CompletedProcess[bytes]:
        argv = [program, *LANDLOCK, *arguments]
        stdin = subprocess.DEVNULL
        return subprocess.run(
            argv, env=home.environ(), cwd=cwd, stdin=stdin, capture_output=True, check=False
        )

    return run(script_path("codex")), run(reference)


@pytest.mark.reference
@pytest.mark.parametrize(
    "words",
    [
        ("true",),
        ("sh", "-c", "exit 77"),
        ("--", "echo", "--", "-c", "x"),
        ("echo", "--", "x"),
        ("echo", "--full-auto"),
        ("sh", "-c", "echo out; echo err >&2"),
        ("sh", "-c", "touch README.md new; cat README.md"),
        ("--full-auto", "sh", "-c", "echo x > made; cat made; rm made; mkdir -p d/e; rmdir d/e d"),
        ("--full-auto", "sh", "-c", 'echo x > "$TMPDIR/t" && cat "$TMPDIR/t"'),
        ("--full-auto", "touch", "/usr/local/outside"),
        ("sh", "-c", "echo > /dev/null && cat /etc/hostname"),
        ("-c", "sandbox_mode=danger-full-access", "touch", "new"),
        ("--cd", "/", "ls"),
    ],
    ids=" ".join,
)
def test_exit_code_and_stdout_are_those_of_the_reference(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, words: tuple[str, ...]
) -> None:
    ours, theirs = both(reference, scratch_home, git_repo.path, *words)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)


@pytest.mark.reference
def test_a_signal_is_told_to_the_shell_as_the_reference_does(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    ours, theirs = both(reference, scratch_home, git_repo.path, "sh", "-c", "kill -s USR1 $$")
    assert (128 - ours.returncode, theirs.returncode) == (128 + signal.SIGUSR1, 128 + signal.SIGUSR1)


@pytest.mark.reference
@pytest.mark.parametrize("excluded", [True, False])
def test_full_auto_takes_the_details_the_reference_takes(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, tmp_path: Path, excluded: bool
) -> None:
    (tmp_path / "root").mkdir()
    table = {
        "writable_roots": [str(tmp_path / "root")],
        "exclude_slash_tmp": True,
        "exclude_tmpdir_env_var": excluded,
        "network_access": not excluded,
    }
    config = to_toml({"sandbox_workspace_write": table})
    script = f"""
        for path in inside {tmp_path}/root/a {tmp_path}/a "$TMPDIR/a"; do
            if touch "$path" 2> /dev/null; then echo yes; rm -f "$path"; else echo no; fi
        done
        echo ${{CODEX_SANDBOX_NETWORK_DISABLED-network}}
    """
    ours, theirs = both(
        reference, scratch_home, git_repo.path, "--full-auto", "sh", "-c", script, config=config
    )
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    assert ours.stdout.splitlines()[:3] == [b"yes", b"yes", b"no"]
