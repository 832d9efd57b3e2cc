"""Refusals of the sandbox told in the user's language."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_core.execution.command import ExecOutcome
from codex_core.execution.refusal_words import refusals_in_language_of
from codex_core.execution.sandbox import SandboxType, looks_denied

if sys.platform != "linux":
    pytest.skip("asks the C library of Linux", allow_module_level=True)

READ_ONLY_DISK = "Das Dateisystem ist nur lesbar"


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who works in German, with a locale compiled for this test."""
    compiler = shutil.which("localedef")
    if compiler is None or not os.path.exists("/usr/share/locale/de/LC_MESSAGES/libc.mo"):
        pytest.skip("localedef or the German messages of the C library are not installed")
    directory: Path = tmp_path_factory.mktemp("locales")
    target = directory / "de_DE.UTF-8"
    done = subprocess.run(
        [compiler, "-i", "de_DE", "-f", "UTF-8", str(target)], capture_output=True, check=False
    )
    if not target.exists():
        pytest.skip(f"the locale cannot be compiled: {done.stderr.decode(errors='replace')}")
    return {"LOCPATH": str(directory), "LANG": "de_DE.UTF-8"}


def failed(text: str) -> ExecOutcome:
    printed = text.encode()
    return ExecOutcome(
        exit_code=128,
        signal=None,
        timed_out=False,
        stdout=b"",
        stderr=printed,
        aggregated=printed,
        duration_s=0,
    )


@pytest.mark.parametrize(
    "environ",
    [{}, {"LANG": "C"}, {"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8"}, {"LANG": "en_GB.UTF-8"},
     {"LANG": "xx_YY"}, {"LANG": "a\0b"}, {"LC_ALL": "", "LANG": ""}],
)  # fmt: skip
def test_in_english_there_is_nothing_to_add(environ: dict[str, str]) -> None:
    assert refusals_in_language_of(environ) == ()


def test_the_words_are_those_of_the_c_library(german: dict[str, str]) -> None:
    # In a process of its own: LOCPATH is read from the environment once.
    script = (
        "import json, os, sys\n"
        "from codex_core.execution.command import ExecOutcome\n"
        "from codex_core.execution.refusal_words import refusals_in_language_of\n"
        "from codex_core.execution.sandbox import SandboxType, looks_denied\n"
        "printed = sys.stdin.buffer.read()\n"
        "end = ExecOutcome(128, None, False, b'', printed, printed, 0.0)\n"
        "kind = SandboxType.LINUX_SECCOMP\n"
        "print(json.dumps([[word.decode() for word in refusals_in_language_of(os.environ)],\n"
        "    looks_denied(end, kind, os.environ), looks_denied(end, kind, {'LANG': 'C'})]))\n"
    )
    environ = {**{k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}, **german}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environ,
        input=READ_ONLY_DISK.encode(),
        capture_output=True,
        check=True,
    )

    words, in_german, in_english = json.loads(done.stdout)
    assert READ_ONLY_DISK in words
    assert "Keine Berechtigung" in words
    assert (in_german, in_english) == (True, False)


def test_without_the_environment_only_english_counts() -> None:
    assert not looks_denied(failed(READ_ONLY_DISK), SandboxType.LINUX_SECCOMP)
    assert looks_denied(failed("Read-only file system"), SandboxType.LINUX_SECCOMP, {"LANG": "de_DE.UTF-8"})
