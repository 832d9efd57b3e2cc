"""Running programs: to their end, step by step, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from codex_core.testing.home import isolated_environ
from codex_core.testing.processes import (
    CAN_LOOK,
    MARK_VARIABLE,
    assert_none_left,
    children_of,
    marked_processes,
)
from codex_core.testing.scripts import (
    ScriptNotInstalledError,
    run_script,
    run_script_async,
    script_path,
    start_script,
)

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = [sys.executable, "-uc"]
needs_proc = pytest.mark.skipif(not CAN_LOOK, reason="processes are found through /proc")

LEAVES_A_CHILD = """
import subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid)
"""
WAITS_FOR_A_SIGNAL = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print("ready")
signal.pause()
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return isolated_environ(tmp_path)


def test_a_console_script_is_found_in_this_environment():
    assert os.access(script_path("pytest"), os.X_OK)
    with pytest.raises(ScriptNotInstalledError, match="no console script 'no-such-script' in"):
        script_path("no-such-script")


def test_a_program_runs_to_its_end(tmp_path: Path, env: dict[str, str]):
    code = "import os, sys; print(os.getcwd(), sys.argv[1], sys.stdin.read()); print('e', file=sys.stderr); sys.exit(3)"
    done = run_script(PYTHON, code, "argument", env=env, cwd=tmp_path, stdin="inpüt")
    assert done.exit_code == 3
    assert done.stdout == f"{os.path.realpath(tmp_path)} argument inpüt\n"
    assert done.lines == [done.stdout.strip()]
    assert done.stderr == "e\n"
    assert done.check(3) is done


def test_a_program_without_input_reads_nothing(tmp_path: Path, env: dict[str, str]):
    code = "import os, sys; print(repr(sys.stdin.read()), 'PYTHONPATH' in os.environ, os.environ['HOME'])"
    done = run_script(PYTHON, code, env=env, cwd=tmp_path)
    assert done.check().stdout == f"'' False {tmp_path}\n"


def test_an_exit_code_that_was_not_expected_shows_the_output(tmp_path: Path, env: dict[str, str]):
    done = run_script(PYTHON, "print('seen'); raise SystemExit('why')", env=env, cwd=tmp_path)
    with pytest.raises(AssertionError, match=r"(?s)exit code 1, expected 0.*seen.*why"):
        done.check()


def test_json_lines_of_stdout_are_decoded(tmp_path: Path, env: dict[str, str]):
    done = run_script(PYTHON, """print('{"a":1}\\n{"b":2}')""", env=env, cwd=tmp_path)
    assert done.json_lines() == [{"a": 1}, {"b": 2}]


@needs_proc
def test_a_program_that_takes_too_long_is_killed_with_its_children(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("codex_core.testing.scripts._new_mark", lambda: "takes-too-long")
    with pytest.raises(AssertionError, match=r"(?s)did not end within 0.3 s.*still running.*--- stdout ---"):
        run_script(["sh", "-c", "sleep 600 & wait"], env=env, cwd=tmp_path, timeout_s=0.3)
    assert_none_left("takes-too-long")


async def test_the_asynchronous_run_gives_the_same(tmp_path: Path, env: dict[str, str]):
    code = "import sys; print(sys.stdin.read().upper()); print('e', file=sys.stderr)"
    done = await run_script_async(PYTHON, code, env=env, cwd=tmp_path, stdin="abc")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "ABC\n", "e\n")


async def test_lines_are_waited_for_in_order(tmp_path: Path, env: dict[str, str]):
    code = "for line in ('a 1', 'b 2', 'a 3', '{\"n\": 4}', 'last'): print(line)"
    async with start_script(PYTHON, code, env=env, cwd=tmp_path) as process:
        assert await process.wait_for_line("a") == "a 1"
        assert await process.wait_for_line("a") == "a 3"
        assert await process.wait_for_json(lambda document: document["n"] == 4) == {"n": 4}
        assert await process.next_line() == "last"
        with pytest.raises(AssertionError, match=r"(?s)ended without a line with 'more'.*a 1"):
            await process.wait_for_line("more")
        assert (await process.finish()).lines[0] == "a 1"


async def test_a_last_line_without_its_end_counts_when_the_output_is_over(
    tmp_path: Path, env: dict[str, str]
):
    async with start_script(PYTHON, "print('\\nhalf', end='')", env=env, cwd=tmp_path) as process:
        assert await process.next_line() == ""
        assert await process.next_line() == "half"


async def test_waiting_for_a_line_in_vain_shows_the_output(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, WAITS_FOR_A_SIGNAL, env=env, cwd=tmp_path) as process:
        await process.wait_for_line("ready")
        with pytest.raises(AssertionError, match=r"(?s)no line that passes the test within 0 s.*ready"):
            await process.wait_for_line(lambda line: False, timeout_s=0)


async def test_ctrl_c_reaches_the_program(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, WAITS_FOR_A_SIGNAL, env=env, cwd=tmp_path) as process:
        await process.wait_for_line("ready")
        process.interrupt()
        assert (await process.finish()).exit_code == 7
        process.interrupt()  # nobody there any more: no error


async def test_programs_heed_signals_though_the_tests_run_where_they_are_ignored(
    tmp_path: Path, env: dict[str, str]
):
    code = "import signal; print([signal.getsignal(n) != signal.SIG_IGN for n in (1, 2, 15)])"
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (1, 2, 15)}
    try:
        outputs = [
            run_script(PYTHON, code, env=env, cwd=tmp_path).stdout,
            (await run_script_async(PYTHON, code, env=env, cwd=tmp_path)).stdout,
        ]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert outputs == ["[True, True, True]\n"] * 2


async def test_a_signal_is_told_as_a_negative_exit_code(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, WAITS_FOR_A_SIGNAL, env=env, cwd=tmp_path) as process:
        await process.wait_for_line("ready")
        process.send_signal(signal.SIGTERM)
        assert (await process.finish()).exit_code == -signal.SIGTERM


async def test_a_dialogue_over_stdin_and_stdout(tmp_path: Path, env: dict[str, str]):
    code = "import sys\nfor line in sys.stdin: print('got', line.strip())\nprint('end')"
    async with start_script(PYTHON, code, env=env, cwd=tmp_path, open_stdin=True) as process:
        await process.write("one\n")
        assert await process.next_line() == "got one"
        await process.write(b"two\n")
        assert await process.next_line() == "got two"
        await process.close_stdin()
        assert (await process.finish()).lines[-1] == "end"
        await process.write("too late\n")


async def test_writing_needs_an_open_stdin(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, "", env=env, cwd=tmp_path) as process:
        with pytest.raises(ValueError, match="without an open stdin"):
            await process.write("x")


async def test_what_still_runs_behind_the_block_is_killed(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, WAITS_FOR_A_SIGNAL, env=env, cwd=tmp_path) as process:
        await process.wait_for_line("ready")
        pid = process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_program_that_does_not_end_is_told(tmp_path: Path, env: dict[str, str]):
    async with start_script(PYTHON, WAITS_FOR_A_SIGNAL, env=env, cwd=tmp_path) as process:
        await process.wait_for_line("ready")
        with pytest.raises(AssertionError, match=r"(?s)did not end within 0 s.*still running.*ready"):
            await process.finish(timeout_s=0)


async def test_a_child_that_keeps_the_output_open_is_told(tmp_path: Path, env: dict[str, str]):
    async with start_script(["sh", "-c", "sleep 600 & echo done"], env=env, cwd=tmp_path) as process:
        await process._process.wait()
        with pytest.raises(AssertionError, match="something it started keeps its output open"):
            await process.finish(timeout_s=0)
        os.killpg(process.pid, signal.SIGKILL)
        assert (await process.finish()).stdout == "done\n"


async def test_a_program_that_is_not_there_is_an_error(tmp_path: Path, env: dict[str, str]):
    with pytest.raises(FileNotFoundError):
        async with start_script(["/no/such/program"], env=env, cwd=tmp_path):
            pass


@needs_proc
def test_a_child_left_behind_is_found_and_killed(tmp_path: Path, env: dict[str, str]):
    done = run_script(PYTHON, LEAVES_A_CHILD, env=env, cwd=tmp_path).check()
    pid = int(done.stdout)
    (left,) = marked_processes(done.mark)
    assert (left.pid, left.argv) == (pid, ("sleep", "600"))
    with pytest.raises(AssertionError, match=f"{pid} sleep 600"):
        assert_none_left(done.mark, grace_s=0)
    done.assert_no_processes_left()


@needs_proc
async def test_children_are_those_with_the_mark_but_the_program_itself(tmp_path: Path, env: dict[str, str]):
    # A child that tells of itself and then only waits: during an exec its environment cannot be seen.
    os.mkfifo(tmp_path / "never")
    code = "(echo started; read line < never) & wait"
    async with start_script(["sh", "-c", code], env=env, cwd=tmp_path) as process:
        await process.wait_for_line("started")
        assert [child.parent_pid for child in process.children()] == [process.pid]
        assert children_of(0, process.mark)[0].pid == process.pid
        mark = process.mark
    assert_none_left(mark)


@needs_proc
def test_a_process_that_is_dead_but_not_reaped_is_not_left():
    mark = "test-of-a-zombie"
    with subprocess.Popen(["true"], env={**os.environ, MARK_VARIABLE: mark}) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert marked_processes(mark) == []
