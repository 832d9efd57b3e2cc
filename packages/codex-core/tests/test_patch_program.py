"""The program `apply_patch` as a process."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_core.patch.__main__ import run, run_flag

PATCH = "*** Begin Patch\n*** Add File: é.txt\n+ü\n*** End Patch"
SUCCESS = "Success. Updated the following files:\nA é.txt\n"
HEAVY = {"asyncio", "dataclasses", "enum", "inspect", "pydantic", "re", "subprocess", "tree_sitter", "typing"}


def program(*arguments: str | bytes, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "codex_core.patch", *arguments]
    options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, timeout=60, **options)  # type: ignore[call-overload, no-any-return]  # options are passed through


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}])
def test_it_reads_and_writes_utf8_whatever_the_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    by_argument = program(PATCH, cwd=tmp_path, env=environment)
    assert (by_argument.returncode, by_argument.stdout.decode(), by_argument.stderr) == (0, SUCCESS, b"")
    by_stdin = program(cwd=tmp_path, env=environment, input=PATCH.encode())
    assert (by_stdin.returncode, by_stdin.stdout.decode(), by_stdin.stderr) == (0, SUCCESS, b"")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"é.txt": "ü\n".encode()}


def test_the_installed_scripts_are_this_program(tmp_path: Path) -> None:
    for number, name in enumerate(("apply_patch", "applypatch")):
        script = shutil.which(name, path=str(Path(sys.executable).parent))
        if script is None:
            pytest.skip("the console scripts are not installed")
        patch = f"*** Begin Patch\n*** Add File: {number}\n+x\n*** End Patch"
        done = subprocess.run([script, patch], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, f"Success. Updated the following files:\nA {number}\n")


def test_an_argument_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    done = program(PATCH.encode() + b"\xff", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"Error: apply_patch requires a UTF-8 PATCH argument.\n"


def test_input_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    done = program(cwd=tmp_path, input=b"\xff")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"Error: Failed to read PATCH from stdin.\nstream did not contain valid UTF-8\n"


def test_closed_streams_do_not_stop_it(tmp_path: Path) -> None:
    quoted = PATCH.replace("é", "e")
    for number, redirections in enumerate(("<&-", ">&-", "2>&-", "<&- >&- 2>&-")):
        patch = quoted.replace("e.txt", f"{number}.txt")
        command = f'exec "$0" -m codex_core.patch "$1" {redirections}'
        done = subprocess.run(
            ["sh", "-c", command, sys.executable, patch], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, (redirections, done.stderr)
        assert (tmp_path / f"{number}.txt").read_text() == "ü\n"


def test_a_reader_that_went_away_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "codex_core.patch", PATCH]
        done = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
    assert (tmp_path / "é.txt").exists()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    patch = "*** Begin Patch\n*** Add File: f\n" + "+x\n" * 10_000 + "*** End Patch"
    done = program(
        cwd=tmp_path,
        input=patch.encode(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stderr) == (1, b"Failed to write file f\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"f": "old\n"}


def test_a_directory_that_is_gone_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    stderr = io.StringIO()
    assert run(["apply_patch", PATCH], io.BytesIO(), io.StringIO(), stderr) == 1
    assert "No such file or directory" in stderr.getvalue()


def test_the_flag_form_ignores_what_follows_the_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stdout = io.StringIO()
    argv = ["codex", "--codex-run-as-apply-patch", PATCH, "more", "--help"]
    assert run_flag(argv, io.BytesIO(), stdout, io.StringIO()) == 0
    assert stdout.getvalue() == SUCCESS


def test_it_starts_without_anything_heavy() -> None:
    def modules(code: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.split())

    loaded = modules("import codex_core.patch.__main__") - modules("pass")
    assert not loaded & HEAVY
    assert {name for name in loaded if not name.startswith("codex_core")} <= {"__future__", "errno"}
