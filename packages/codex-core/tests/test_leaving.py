"""A program that has done its work ends at once; nothing that was printed is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LAST_WORD = "kept = type('Kept', (), {'__del__': lambda _: print('apart', flush=True)})()"
"""Says so when the interpreter is taken apart."""


Run = Callable[[str], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program that has the name of ours."""

    def run(
        source: str, name: str = "codex", stdout: int | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        path = tmp_path / name
        path.write_text(f"import sys, atexit\nfrom codex_core.startup import leave\n{source}\n")
        return subprocess.run(
            [sys.executable, "-E", str(path)],
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            check=False,
        )

    return run


def test_the_interpreter_is_not_taken_apart_and_output_is_written(run: Any) -> None:
    done = run(
        f"{LAST_WORD}; atexit.register(print, 'exit'); sys.stdout.write('printed, '); sys.exit(leave(3))"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, b"printed, exit\n", b"")


@pytest.mark.parametrize(
    "reason",
    [
        "sys.modules['coverage'] = sys",
        "import threading; threading.Thread(target=lambda: __import__('time').sleep(0.05)).start()",
    ],
)
def test_what_is_watched_or_still_works_ends_as_usual(reason: str, run: Any) -> None:
    done = run(f"{reason}\n{LAST_WORD}\nsys.exit(leave(3))")
    assert (done.returncode, done.stdout) == (3, b"apart\n")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_output_that_cannot_be_written_is_a_failure(run: Any) -> None:
    with open("/dev/full", "wb") as full:
        done = run("sys.stdout.write('x'); leave(0)", stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == b"Error: cannot write the output: No space left on device (os error 28)\n"


def test_a_program_that_is_not_ours_goes_on(run: Any) -> None:
    done = run("code = leave(3)\nprint(f'still here: {code}')", name="embedding")
    assert (done.returncode, done.stdout) == (0, b"still here: 3\n")
