"""`codex exec` as a program: streams that are closed, full or narrow, pictures, colours, terminals."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, answer, message, reasoning, script_path
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer

linux = pytest.mark.skipif(sys.platform != "linux", reason="what is asked of the system is Linux's")

PNG = b"\x89PNG\r\n\x1a\n"
GIF = b"GIF89a"

RunShell = Callable[[str], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run_shell(scratch_home: ScratchHome, git_repo: ScratchRepo) -> RunShell:
    """Runs a line of bash in which `codex` is ours."""

    def run(line: str) -> subprocess.CompletedProcess[bytes]:
        text = f'codex() {{ {shlex.quote(str(script_path("codex")))} "$@"; }}; {line}'
        return subprocess.run(
            ["bash", "-c", text],
            env=scratch_home.environ(),
            cwd=git_repo.path,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    return run


# -- streams ------------------------------------------------------------------------------------


def test_a_prompt_needs_no_stdin(run_shell: RunShell, model_server: StartModelServer) -> None:
    model_server([answer(message("ok"))])
    done = run_shell("codex exec hi <&-")
    assert (done.returncode, done.stdout) == (0, b"ok\n")


def test_a_closed_stdin_holds_no_prompt(run_shell: RunShell, model_server: StartModelServer) -> None:
    model_server([])
    done = run_shell("codex exec - <&-")
    assert (done.returncode, done.stderr) == (1, b"No prompt provided via stdin.\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("flag", ["", "--json", "--experimental-json"])
def test_closed_outputs_do_not_stop_the_work(
    closed: str, flag: str, run_shell: RunShell, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    model_server([answer(message("ok"))])
    done = run_shell(f"codex exec {flag} hi {closed}")
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    # No file of ours got the number of a closed stream, so nothing was printed into it.
    assert scratch_home.read_rollout()[-1]["type"] == "event_msg"


@pytest.mark.parametrize("flag", ["", "--json"])
def test_programs_read_utf8_whatever_the_locale(
    flag: str, run_shell: RunShell, model_server: StartModelServer
) -> None:
    model_server([answer(message("→ grün …"))])
    done = run_shell(f"export PYTHONIOENCODING=ascii LC_ALL=POSIX; codex exec {flag} hi")
    assert done.returncode == 0
    assert "→ grün …" in done.stdout.decode("utf-8")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "codex exec hi 2>&1 >/dev/null | head -1",
        "codex exec --json hi | head -1",
        "codex exec --experimental-json hi | head -1",
    ],
)
def test_a_reader_that_leaves_is_no_noise(
    line: str, run_shell: RunShell, model_server: StartModelServer
) -> None:
    model_server([answer(reasoning("Think."), message("ok"))], check=False)
    done = run_shell(f"{line}; echo ${{PIPESTATUS[0]}}")
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.splitlines()[-1] in (b"0", b"141")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


FULL = "cannot write the output: No space left on device (os error 28)\n"


@linux
@pytest.mark.parametrize(
    "arguments", ["--version", "--help", "help", "exec --version", "exec --help", "exec hi", "exec --json hi"]
)
def test_output_that_cannot_be_written_is_one_sentence(
    arguments: str, run_shell: RunShell, model_server: StartModelServer
) -> None:
    model_server([answer(message("ok"))], check=False)
    done = run_shell(f"codex {arguments} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.decode().endswith(f"Error: {FULL}")
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@linux
@pytest.mark.parametrize("arguments", ["login status", "exec hi", "exec --bogus"])
def test_without_a_place_for_the_sentence_there_is_none(
    arguments: str, run_shell: RunShell, model_server: StartModelServer
) -> None:
    model_server([answer(message("ok"))], check=False)
    done = run_shell(f"codex {arguments} 2>/dev/full")
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("arguments", ["--version", "--help", "exec --help"])
def test_help_nobody_reads_is_no_noise(arguments: str, run_shell: RunShell) -> None:
    done = run_shell(f"codex {arguments} | true; echo ${{PIPESTATUS[0]}} >&2")
    assert done.stderr in (b"0\n", b"141\n")


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_whose_reader_has_stalled_can_be_stopped(
    number: signal.Signals, scratch_home: ScratchHome, git_repo: ScratchRepo, model_server: StartModelServer
) -> None:
    model_server([answer(message("x" * 300_000))])
    with subprocess.Popen(
        [script_path("codex"), "exec", "--json", "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=scratch_home.environ(),
        cwd=git_repo.path,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        waiting = bytearray(4)
        while struct.unpack("i", waiting)[0] < 50_000:  # then more is to come than the pipe can hold
            assert process.poll() is None
            fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
        assert process.stderr.read() == b""


def test_ctrl_c_before_there_is_anything_to_stop_just_ends(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    with subprocess.Popen(
        [script_path("codex"), "exec"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=scratch_home.environ(),
        cwd=git_repo.path,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"Reading prompt from stdin...\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == -signal.SIGINT
        assert process.stderr.read() == b""


# -- pictures -----------------------------------------------------------------------------------


def test_pictures_come_before_the_text_in_their_order_and_in_one_turn(
    run_codex: RunCodex, model_server: StartModelServer, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    git_repo.write("a.txt", GIF)
    git_repo.write("sub/b", PNG)
    server = model_server([answer(message("ok"))])
    run_codex("exec", "-i", "sub/b,a.txt", "look", "-i", f"{git_repo.path}/sub/b").check()
    content = server.requests[0].json["input"][-1]["content"]
    assert [part["type"] for part in content] == ["input_image"] * 3 + ["input_text"]
    heads = [part["image_url"].partition(";")[0] for part in content[:3]]
    assert heads == ["data:image/png", "data:image/gif", "data:image/png"]
    assert content[3]["text"] == "look"
    assert len(server.requests) == 1


def test_pictures_are_found_from_where_the_user_is(
    run_codex: RunCodex, model_server: StartModelServer, git_repo: ScratchRepo
) -> None:
    git_repo.write("sub/x", b"")
    git_repo.write("a.png", PNG)
    server = model_server([answer(message("ok"))])
    run_codex("exec", "-C", "sub", "-i", "a.png", "look").check()
    items = server.requests[0].json["input"]
    assert items[-1]["content"][0]["image_url"].startswith("data:image/png;base64,")
    assert f"<cwd>{git_repo.path}/sub</cwd>" in items[0]["content"][0]["text"]


def test_a_missing_picture_is_told_before_anything_is_sent(
    run_codex: RunCodex, scratch_home: ScratchHome
) -> None:
    scratch_home.use_model_server("http://127.0.0.1:9/v1")
    done = run_codex("exec", "-i", "no.png", "look").check(1)
    assert done.stderr == "There is no image at no.png. Check the path given with --image.\n"
    assert done.stdout == ""


# -- terminals and colours ----------------------------------------------------------------------


def on_terminal(arguments: list[str], home: ScratchHome, repo: ScratchRepo, **environ: str) -> str:
    """What a terminal shows of a run; stdout and stderr are the same terminal."""
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            [script_path("codex"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env=home.environ(**environ),
            cwd=repo.path,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # what Linux says when the last writer has gone
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_shows_the_answer_once_in_its_place(
    model_server: StartModelServer, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    model_server([answer(message("The answer.", deltas=True))])
    shown = on_terminal(["exec", "hi"], scratch_home, git_repo)
    assert shown.count("The answer.") == 1
    assert shown.index("user\nhi\n") < shown.index("codex\nThe answer.\n") < shown.index("tokens used: ")
    assert "\x1b" not in shown  # TERM is dumb


@pytest.mark.parametrize(
    ("arguments", "environ", "colored"),
    [
        ([], {"TERM": "xterm"}, True),
        (["--color", "auto"], {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"TERM": "xterm"}, False),
        (["--color=always"], {"TERM": "dumb"}, True),
    ],
)
def test_colours_on_a_terminal(
    arguments: list[str],
    environ: dict[str, str],
    colored: bool,
    model_server: StartModelServer,
    scratch_home: ScratchHome,
    git_repo: ScratchRepo,
) -> None:
    model_server([answer(message("ok"))])
    shown = on_terminal(["exec", *arguments, "hi"], scratch_home, git_repo, **environ)
    assert ("\x1b[" in shown) is colored


@pytest.mark.parametrize(("color", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_colours_in_a_pipe(
    color: str, colored: bool, run_codex: RunCodex, model_server: StartModelServer
) -> None:
    model_server([answer(message("ok"))])
    done = run_codex("exec", "--color", color, "hi").check()
    assert ("\x1b[" in done.stderr) is colored
    assert done.stdout == "ok\n"


def test_json_is_never_coloured(run_codex: RunCodex, model_server: StartModelServer) -> None:
    model_server([answer(message("ok"))])
    done = run_codex("exec", "--json", "--color", "always", "hi").check()
    assert "\x1b" not in done.stdout
    assert done.json_lines()[-1]["msg"]["type"] == "token_count"
    assert done.stderr == ""


# -- exit codes ---------------------------------------------------------------------------------


def test_an_answer_that_could_not_be_recorded_is_an_answer(
    run_shell: RunShell, model_server: StartModelServer
) -> None:
    model_server([answer(message("ok " + "x" * 9_000))])
    # Files may grow to eight blocks of 1024 bytes; the answer is larger.
    done = run_shell("trap '' XFSZ; ulimit -f 8; codex exec hi | cat; exit ${PIPESTATUS[0]}")
    assert done.stdout.startswith(b"ok xxx")
    assert b"cannot be written" in done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("was_on", [True, False])
def test_a_program_that_embeds_a_run_keeps_its_own_collector(was_on: bool, scratch_home: ScratchHome) -> None:
    """Only what was turned off for a quick start is turned on again, and set aside."""
    code = (
        f"import gc, sys; gc.enable() if {was_on} else gc.disable()\n"
        "from codex_exec.options import ExecOptions\n"
        "from codex_exec.run import run\n"
        "code = run(ExecOptions(prompt='hi', demo=True, skip_git_repo_check=True, ephemeral=True))\n"
        "print('after', code, gc.isenabled(), gc.get_freeze_count() > 1000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=scratch_home.environ(),
        cwd=scratch_home.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"after 0 True {not was_on}", done.stderr
