"""What every front end does first, and how a program ends (spec: config-cli.md section 14)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_core.config import InvalidConfigError
from codex_core.startup import prepared_process, run_program
from codex_core.testing import ScratchHome


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    """A scratch home that this process lives in."""
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "")  # may be set by the start-up; undone with the rest
    return scratch_home


def test_tools_are_first_on_the_path_and_gone_afterwards(home: ScratchHome) -> None:
    with prepared_process() as (services, helpers):
        first, _, rest = services.environ["PATH"].partition(os.pathsep)
        assert rest == os.environ["PATH"]
        assert first == helpers.path
        assert {"apply_patch", "applypatch", "codex-linux-sandbox"} <= set(os.listdir(first))
        assert helpers.apply_patch_exe == os.path.join(first, "apply_patch")
    assert not os.path.exists(first)


def test_the_codex_homes_env_file_overlays_the_environment(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAYS", "before")
    monkeypatch.setenv("CHANGES", "before")
    monkeypatch.setenv("ADDED", "to be removed after the test")
    home.write(".env", "CHANGES=after\nADDED=new\nCODEX_HOME=/elsewhere\n")
    with prepared_process() as (services, _):
        seen = {name: services.environ.get(name) for name in ("STAYS", "CHANGES", "ADDED", "CODEX_HOME")}
    assert seen == {"STAYS": "before", "CHANGES": "after", "ADDED": "new", "CODEX_HOME": str(home.codex_home)}


def test_values_no_environment_can_hold_are_left_out(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDED", "to be removed after the test")
    home.write(".env", 'BROKEN="a\0b"\nADDED=new\n')
    with prepared_process() as (services, _):
        assert "BROKEN" not in services.environ
        assert services.environ["ADDED"] == "new"


def test_a_home_that_is_not_there_is_told(home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(home.path / "nowhere"))
    with pytest.raises(InvalidConfigError, match="nowhere"), prepared_process():
        pass


def test_the_directory_goes_away_when_the_work_fails(home: ScratchHome) -> None:
    paths: list[str | None] = []

    def fail() -> None:
        with prepared_process() as (_, helpers):
            paths.append(helpers.path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert paths[0] is not None
    assert not os.path.exists(paths[0])


# -- how a program ends -------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_exit_code_is_the_programs(code: int) -> None:
    assert run_program(lambda: code) == code


def test_ctrl_c_is_no_traceback() -> None:
    def stopped() -> int:
        raise KeyboardInterrupt

    assert run_program(stopped) == 130


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_program(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("number", "code", "is_told"),
    [(errno.EPIPE, 141, False), (errno.EIO, 129, False), (errno.ENOSPC, 1, True), (errno.EFBIG, 1, True)],
)
def test_output_that_fails_is_no_traceback(
    number: int, code: int, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise OSError(number, os.strerror(number))

    assert run_program(fail) == code
    sentence = f"Error: cannot write the output: {os.strerror(number)} (os error {number})\n"
    assert capsys.readouterr().err == (sentence if is_told else "")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full", "/a/file"), OSError(errno.ENOENT, "gone")], ids=["file", "other"]
)
def test_what_is_not_about_output_is_not_hidden(error: OSError) -> None:
    def fail() -> int:
        raise error

    with pytest.raises(OSError) as caught:
        run_program(fail)
    assert caught.value is error


def test_output_nobody_reads_is_no_noise(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "from codex_core.startup import run_program\n"
        "sys.stdin.read()\n"
        "sys.exit(run_program(lambda: print('unread') or 0))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=30) == 141
