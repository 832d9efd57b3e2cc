"""`codex login` and `codex logout` where the disk does not play along: real processes, real limits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from codex_core.testing import ScratchHome, run_script, script_path

KEY = "sk-proj-0123456789-ABCDE"

LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # Python 3.11 keeps what it could write of a module's bytecode
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""No file can grow beyond so many bytes: how a disk looks that fills up in the middle of a write."""


def login_with_key(home: ScratchHome, *prefix: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, script_path("codex"), "login", "--with-api-key"],
        input=KEY,
        capture_output=True,
        text=True,
        env=home.environ(),
        cwd=home.path,
        check=False,
    )


def files(home: ScratchHome) -> list[str]:
    return sorted(path.name for path in home.codex_home.iterdir() if path.is_file())


def test_a_disk_that_fills_up_costs_nothing_that_was_stored(scratch_home: ScratchHome) -> None:
    before = json.dumps({"OPENAI_API_KEY": "sk-old", "kept": 1})
    scratch_home.write("auth.json", before)
    done = login_with_key(scratch_home, sys.executable, "-c", LIMITED, "20")
    path = scratch_home.codex_home / "auth.json"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error logging in: {path} cannot be written: File too large (os error 27)\n"
    assert path.read_text() == before
    assert files(scratch_home) == ["auth.json"]
    assert login_with_key(scratch_home).returncode == 0
    assert json.loads(path.read_text()) == {"OPENAI_API_KEY": KEY, "kept": 1}


def test_a_home_on_a_read_only_disk_is_told(scratch_home: ScratchHome) -> None:
    home = scratch_home.codex_home
    mount = f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}" && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", mount, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode != 0:
        pytest.skip("no disk can be made read-only here")
    path = scratch_home.write("auth.json", '{"OPENAI_API_KEY": "sk-old"}')
    done = login_with_key(scratch_home, *prefix)
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"Error logging in: {path} cannot be written: Read-only file system (os error 30)\n"
    )
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        [*prefix, script_path("codex"), "logout"],
        capture_output=True, text=True, env=scratch_home.environ(), cwd=scratch_home.path, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"Error logging out: {path} cannot be removed: Read-only file system (os error 30)\n"
    )
    assert path.read_text() == '{"OPENAI_API_KEY": "sk-old"}'


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"\0" * 4096])
def test_a_file_that_cannot_be_read_is_told_and_mended_by_signing_in(
    scratch_home: ScratchHome, content: bytes
) -> None:
    path = scratch_home.write("auth.json", content)
    done = run_script("codex", "login", "status", env=scratch_home.environ(), cwd=scratch_home.path).check(1)
    assert done.stderr.startswith(f"Error checking login status: {path} cannot be used: it is not ")
    assert done.stderr.count("\n") == 1
    assert login_with_key(scratch_home).stderr == "Successfully logged in\n"
    assert json.loads(path.read_text()) == {"OPENAI_API_KEY": KEY}


def test_a_file_that_cannot_be_read_can_be_logged_out_of(scratch_home: ScratchHome) -> None:
    path = scratch_home.write("auth.json", "{")
    done = run_script("codex", "logout", env=scratch_home.environ(), cwd=scratch_home.path).check()
    assert done.stderr == "Successfully logged out\n"
    assert not path.exists()
