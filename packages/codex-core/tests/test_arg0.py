"""The names our program answers to, and the directory that gives it those names."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from codex_core import arg0
from codex_core.arg0 import HelperDirectory, dispatch

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox helper is for Linux")

PATCH = "*** Begin Patch\n*** Add File: made.txt\n+hello\n*** End Patch\n"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose homes are all inside `tmp_path`."""
    for name in ("codex", "tmp"):
        (tmp_path / name).mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "CODEX_HOME": str(tmp_path / "codex"),
        "TMPDIR": str(tmp_path / "tmp"),
        "PATH": "/usr/bin:/bin",
    }


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A console script like those that pip makes, for the program `codex`, which here only says what it was."""
    path = tmp_path / "bin" / "codex"
    path.parent.mkdir()
    path.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from codex_core.arg0 import dispatch\n"
        "tool = dispatch(sys.argv)\n"
        "sys.exit(print('codex', sys.argv[1:]) if tool is None else tool())\n"
    )
    path.chmod(0o755)
    return str(path)


def base_of(environ: dict[str, str]) -> Path:
    return Path(environ["CODEX_HOME"], "tmp", "arg0")


@pytest.mark.parametrize(
    ("argv", "tool"),
    [
        (["codex"], None),
        (["/usr/bin/codex", "exec", "--codex-run-as-apply-patch"], None),
        ([], None),
        (["/x/codex-linux-sandbox"], arg0._run_sandbox),
        (["codex-linux-sandbox", "--codex-run-as-apply-patch"], arg0._run_sandbox),
        (["apply_patch", "x"], arg0._run_apply_patch),
        (["/x/applypatch"], arg0._run_apply_patch),
        (["codex", "--codex-run-as-apply-patch", "x"], arg0._run_apply_patch_of_flag),
        (["codex", "--codex-run-as-apply-patch"], arg0._run_apply_patch_of_flag),
        (["/apply_patch/codex"], None),
    ],
)
def test_name_or_first_argument_choose_the_tool(argv: list[str], tool: object) -> None:
    assert dispatch(argv) is tool


def test_asking_imports_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); from codex_core.arg0 import dispatch; dispatch(['codex']);"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    assert loaded.split() == ["__future__", "codex_core", "codex_core.arg0"]


def test_directory_is_private_and_first_on_path(environ: dict[str, str], script: str) -> None:
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.warning is None
        assert helpers.path is not None
        assert Path(helpers.path).parent == base_of(environ)
        assert stat.S_IMODE(os.stat(helpers.path).st_mode) == 0o700
        assert helpers.environ == {**environ, "PATH": f"{helpers.path}:/usr/bin:/bin"}
        for name in ("apply_patch", "applypatch"):
            assert os.readlink(os.path.join(helpers.path, name)) == os.path.realpath(script)
        assert helpers.apply_patch_exe == os.path.join(helpers.path, "apply_patch")


def test_path_that_was_not_set_becomes_the_directory(environ: dict[str, str], script: str) -> None:
    del environ["PATH"]
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.environ["PATH"] == helpers.path


def test_given_environment_is_not_changed(environ: dict[str, str], script: str) -> None:
    before = dict(environ)
    with HelperDirectory(environ, argv=[script]):
        assert environ == before


@pytest.mark.parametrize("name", ["apply_patch", "applypatch"])
def test_patch_program_runs_by_name(name: str, environ: dict[str, str], script: str, tmp_path: Path) -> None:
    with HelperDirectory(environ, argv=[script]) as helpers:
        command = f"{name} '{PATCH}'"
        result = subprocess.run(
            ["sh", "-c", command], env=helpers.environ, cwd=tmp_path, capture_output=True, text=True
        )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "Success. Updated the following files:\nA made.txt\n"
    assert (tmp_path / "made.txt").read_text() == "hello\n"


def test_patch_program_runs_by_flag(script: str, environ: dict[str, str], tmp_path: Path) -> None:
    command = [script, "--codex-run-as-apply-patch", PATCH]
    assert subprocess.run(command, env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
    assert (tmp_path / "made.txt").read_text() == "hello\n"


@on_linux
def test_sandbox_program_runs(environ: dict[str, str], script: str) -> None:
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.linux_sandbox_exe is not None
        assert helpers.path is not None
        assert os.path.dirname(helpers.linux_sandbox_exe) == helpers.path
        command = [helpers.linux_sandbox_exe, "/", '{"mode":"danger-full-access"}', "--", "echo", "ran"]
        assert subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE).stdout == b"ran\n"


@on_linux
def test_sandbox_program_does_not_obey_the_environment_of_the_command(
    environ: dict[str, str], script: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('planted')\n")
    environ["PYTHONPATH"] = str(tmp_path)
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.linux_sandbox_exe is not None
        command = [helpers.linux_sandbox_exe, "/", '{"mode":"danger-full-access"}', "--", "echo", "ran"]
        assert subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE).stdout == b"ran\n"


@on_linux
@pytest.mark.parametrize("name", ["codex-linux-sandbox", "apply_patch"])
def test_script_started_through_a_link_is_the_tool(
    name: str, environ: dict[str, str], script: str, tmp_path: Path
) -> None:
    os.symlink(script, tmp_path / name)
    argument = "--version" if name == "codex-linux-sandbox" else PATCH
    result = subprocess.run([tmp_path / name, argument], env=environ, cwd=tmp_path, stdout=subprocess.PIPE)
    assert result.returncode == 0
    assert b"codex-linux-sandbox 0" in result.stdout or b"A made.txt" in result.stdout


def test_link_to_our_script_is_followed(environ: dict[str, str], script: str, tmp_path: Path) -> None:
    os.symlink(script, tmp_path / "my-agent")
    with HelperDirectory(environ, argv=[str(tmp_path / "my-agent")]) as helpers:
        assert helpers.apply_patch_exe is not None
        assert os.readlink(helpers.apply_patch_exe) == os.path.realpath(script)


@pytest.mark.parametrize("argv", [["pytest"], ["-c"], [""], []])
def test_other_programs_use_the_installed_scripts(argv: list[str], environ: dict[str, str]) -> None:
    with HelperDirectory(environ, argv=argv) as helpers:
        assert helpers.path is not None
        target = os.readlink(os.path.join(helpers.path, "apply_patch"))
        assert os.path.basename(target) == "apply_patch"
        assert os.access(target, os.X_OK)


def test_closing_removes_it_and_can_be_repeated(environ: dict[str, str], script: str) -> None:
    helpers = HelperDirectory(environ, argv=[script])
    assert os.listdir(base_of(environ)) == [os.path.basename(helpers.path or "")]
    helpers.close()
    helpers.close()
    assert os.listdir(base_of(environ)) == []
    assert helpers.path is None
    assert helpers.environ == environ


def make_in_a_process(environ: dict[str, str], script: str, and_then: str) -> None:
    program = (
        "import os, sys; from codex_core.arg0 import HelperDirectory;"
        f"helpers = HelperDirectory(os.environ, argv=[{script!r}]); assert helpers.path; {and_then}"
    )
    subprocess.run([sys.executable, "-c", program], env=environ, check=True)


def test_end_of_the_process_removes_it(environ: dict[str, str], script: str) -> None:
    make_in_a_process(environ, script, "sys.exit(0)")
    assert os.listdir(base_of(environ)) == []


def test_forked_child_does_not_remove_it(environ: dict[str, str], script: str) -> None:
    make_in_a_process(
        environ,
        script,
        "pid = os.fork(); pid or sys.exit(0); os.waitpid(pid, 0); assert os.path.isdir(helpers.path)",
    )


def test_leftover_of_a_killed_process_is_cleared_away(environ: dict[str, str], script: str) -> None:
    make_in_a_process(environ, script, "os._exit(0)")
    (leftover,) = os.listdir(base_of(environ))
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert os.listdir(base_of(environ)) == [os.path.basename(helpers.path or "")]
        assert leftover != os.path.basename(helpers.path or "")


def test_directory_in_use_stays(environ: dict[str, str], script: str) -> None:
    with HelperDirectory(environ, argv=[script]) as first:
        make_in_a_process(environ, script, "pass")
        assert first.path is not None
        assert sorted(os.listdir(first.path)) == sorted(
            [
                ".lock",
                "apply_patch",
                "applypatch",
                *(["codex-linux-sandbox"] if sys.platform == "linux" else []),
            ]
        )


def test_directory_kept_for_exec_goes_with_the_process(environ: dict[str, str], script: str) -> None:
    # It turns into a program that knows nothing of the lock.
    program = (
        "import os, sys\n"
        "from codex_core.arg0 import HelperDirectory\n"
        f"helpers = HelperDirectory({environ!r}, argv=[{script!r}])\n"
        "helpers.keep_for_exec()\n"
        "print(helpers.path, flush=True)\n"
        "os.execv('/bin/cat', ['cat'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        kept = Path(process.stdout.readline().rstrip("\n"))
        process.stdin.write("it is cat now\n")
        process.stdin.flush()
        assert process.stdout.readline() == "it is cat now\n"
        with HelperDirectory(environ, argv=[script]):
            assert (kept / "apply_patch").is_symlink()
    with HelperDirectory(environ, argv=[script]):
        assert not kept.exists()


@pytest.mark.parametrize("text", [b"", b"x", b"0 1", b"99999999999999999999 1", b"-1 5", b"\xff"])
@on_linux
def test_directory_kept_for_nobody_goes(environ: dict[str, str], script: str, text: bytes) -> None:
    make_in_a_process(environ, script, "os._exit(0)")
    (leftover,) = base_of(environ).iterdir()
    (leftover / ".lock").write_bytes(text)
    with HelperDirectory(environ, argv=[script]):
        assert not leftover.exists()


@on_linux
def test_directory_kept_for_an_earlier_process_of_the_same_id_goes(
    environ: dict[str, str], script: str
) -> None:
    make_in_a_process(environ, script, "os._exit(0)")
    (leftover,) = base_of(environ).iterdir()
    (leftover / ".lock").write_text(f"{os.getpid()} {arg0._start_time(os.getpid())}1\n")
    with HelperDirectory(environ, argv=[script]):
        assert not leftover.exists()


def test_directory_without_a_lock_goes_only_when_it_is_old(environ: dict[str, str], script: str) -> None:
    fresh, old = base_of(environ) / "fresh", base_of(environ) / "old"
    for path in (fresh, old):
        path.mkdir(parents=True, mode=0o700)
    os.chmod(base_of(environ), 0o700)
    os.utime(old, (0, 0))
    with HelperDirectory(environ, argv=[script]):
        assert fresh.exists()
        assert not old.exists()


def test_files_that_are_not_ours_are_never_removed(environ: dict[str, str], script: str) -> None:
    mine = base_of(environ) / "old" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")
    (mine.parent / ".lock").touch()
    os.utime(mine.parent, (0, 0))
    os.chmod(base_of(environ), 0o700)
    with HelperDirectory(environ, argv=[script]):
        assert mine.read_text() == "keep"


def test_lock_that_was_taken_from_under_us_is_noticed(
    environ: dict[str, str], script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    real, calls = fcntl.flock, []

    def flock(fd: int, operation: int) -> None:
        calls.append(fd)
        if len(calls) == 1:  # somebody else clears up between our open and our lock
            (name,) = os.listdir(base_of(environ))
            shutil.rmtree(base_of(environ) / name)
        real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.path is not None
        assert os.listdir(base_of(environ)) == [os.path.basename(helpers.path)]
        assert len(calls) == 2


def test_home_is_made_when_nobody_named_it(environ: dict[str, str], script: str) -> None:
    del environ["CODEX_HOME"]
    os.mkdir(environ["HOME"])
    with HelperDirectory(environ, argv=[script]) as helpers:
        home = Path(environ["HOME"], ".codex")
        assert Path(helpers.path or "").parent == home / "tmp" / "arg0"
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_home_that_was_named_is_not_made(environ: dict[str, str], script: str) -> None:
    environ["CODEX_HOME"] += "/missing"
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.path is not None
    assert not os.path.exists(environ["CODEX_HOME"])


def test_without_a_home_it_lies_with_the_temporary_files(environ: dict[str, str], script: str) -> None:
    environ["CODEX_HOME"] = "/dev/null"
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.warning is None
        assert (helpers.path or "").startswith(f"{environ['TMPDIR']}/codex-arg0-{os.geteuid()}/")


@on_linux
def test_sandbox_program_is_not_taken_from_the_temporary_files(
    environ: dict[str, str], script: str, tmp_path: Path
) -> None:
    installed = tmp_path / "bin" / "codex-linux-sandbox"
    installed.touch(mode=0o755)
    environ["CODEX_HOME"] = "/dev/null"
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.linux_sandbox_exe == os.path.realpath(installed)
    environ["XDG_RUNTIME_DIR"] = str(tmp_path / "tmp")
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert os.path.dirname(helpers.linux_sandbox_exe or "") == helpers.path


def test_place_that_others_can_write_is_refused(environ: dict[str, str], script: str) -> None:
    environ["CODEX_HOME"] = "/dev/null"
    shared = Path(environ["TMPDIR"], f"codex-arg0-{os.geteuid()}")
    shared.mkdir()
    shared.chmod(0o777)
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.path is None
        assert os.listdir(shared) == []


def test_no_place_at_all_is_a_warning(environ: dict[str, str], script: str) -> None:
    environ |= {"CODEX_HOME": "/dev/null", "TMPDIR": "/dev/null"}
    with HelperDirectory(environ, argv=[script]) as helpers:
        assert helpers.path is None
        assert helpers.warning == "WARNING: proceeding, even though we could not update PATH: Not a directory"
        assert helpers.environ == environ
        assert helpers.apply_patch_exe is not None
