"""Where the kernel or a library cannot confine, the command does not run and one sentence says why."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = '{"mode":"read-only"}'

# Starts the helper below a filter that answers one system call with an error, as an older kernel or a container
# runtime would.
UNDER_A_FILTER = """
import errno, os, sys
import pyseccomp
call, code, *command = sys.argv[1:]
table = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
number = {"landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446, "seccomp": None}
answer = pyseccomp.ERRNO(getattr(errno, code))
if call == "seccomp":
    table.add_rule(answer, "seccomp", pyseccomp.Arg(0, pyseccomp.EQ, 1))
    table.add_rule(answer, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, 22))
elif call == "no_new_privs":
    table.add_rule(answer, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, 38))
else:
    table.add_rule(answer, number[call])
if call == "no_new_privs":
    table.set_attr(pyseccomp.Attr.CTL_NNP, 0)
table.load()
os.execv(command[0], command)
"""


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ("landlock_create_ruleset", "ENOSYS", "this kernel has no Landlock"),
        ("landlock_create_ruleset", "EOPNOTSUPP", "Landlock is switched off on this kernel"),
        ("landlock_create_ruleset", "EPERM", "a system call filter around this process forbids Landlock"),
        ("landlock_add_rule", "EINVAL", "Landlock refused"),
        ("landlock_restrict_self", "EPERM", "Landlock refused to restrict this process"),
        ("seccomp", "EINVAL", "the system call filter cannot be installed"),
        ("seccomp", "ENOSYS", "the system call filter cannot be installed"),
    ],
)
def test_missing_kernel_feature(helper: str, landlock: int, call: str, code: str, message: str) -> None:
    command = [
        sys.executable,
        "-c",
        UNDER_A_FILTER,
        call,
        code,
        helper,
        "/tmp",
        READ_ONLY,
        "--",
        "echo",
        "ran",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 101, done.stderr
    assert done.stdout == ""
    assert message in done.stderr
    assert "so it was not run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise RuntimeError('Unable to find libseccomp')", "install the package libseccomp2"),
        ("raise ImportError('No module named pyseccomp')", "the Python package pyseccomp is needed"),
    ],
)
def test_missing_library(helper: str, landlock: int, tmp_path: Path, body: str, message: str) -> None:
    (tmp_path / "pyseccomp.py").write_text(body + "\n")
    done = subprocess.run(
        [helper, "/tmp", READ_ONLY, "--", "echo", "ran"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (101, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_process_with_threads_is_not_confined() -> None:
    script = """
import threading
from codex_linux_sandbox import ConfinementError, confine, parse_policy
release = threading.Event()
thread = threading.Thread(target=release.wait)
thread.start()
try:
    confine(parse_policy('{"mode":"read-only"}'), cwd="/")
except ConfinementError as error:
    print(error)
finally:
    release.set()
    thread.join()
open("/dev/null", "w").close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "this process has 2 threads; confine it while it has one\n"
