"""What the helper imports: the standard library and pyseccomp, and little of the former."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Costs more to import than the confinement itself.
HEAVY = {
    "argparse",
    "asyncio",
    "collections",
    "contextlib",
    "ctypes.util",
    "dataclasses",
    "enum",
    "functools",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "shutil",
    "signal",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
}

# Runs main() up to the exec, which prints instead what has been imported, at the very last moment.
SCRIPT = """
import os, sys
before = set(sys.modules)
from codex_linux_sandbox.__main__ import main
def execve(path, arguments, environment):
    loaded = sorted(set(sys.modules) - before)
    os.write(1, repr(loaded).replace("'", '"').encode())
    os._exit(0)
os.execve = execve
sys.argv = ["codex-linux-sandbox", "/tmp", {policy!r}, "--", "/bin/true"]
main()
"""


def imported(policy: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(policy=policy)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_only_the_standard_library_and_pyseccomp(mode: str, landlock: int) -> None:
    roots = {name.split(".")[0] for name in imported(json.dumps({"mode": mode}))}
    assert "pyseccomp" in roots
    assert roots <= {*sys.stdlib_module_names, "pyseccomp", "codex_linux_sandbox"}


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_nothing_heavy_is_imported(mode: str, landlock: int) -> None:
    assert imported(json.dumps({"mode": mode})) & HEAVY == set()


def test_danger_full_access_needs_no_pyseccomp() -> None:
    assert "pyseccomp" not in imported('{"mode":"danger-full-access"}')


def test_probes_are_not_imported(landlock: int) -> None:
    assert not any("probes" in name for name in imported('{"mode":"read-only"}'))


def test_package_imports_nothing() -> None:
    script = """
import sys
before = set(sys.modules)
import codex_linux_sandbox
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['__future__', 'codex_linux_sandbox']\n"


def test_names_of_the_package_are_really_there() -> None:
    import codex_linux_sandbox

    for name in codex_linux_sandbox.__all__:
        assert getattr(codex_linux_sandbox, name) is not None
        assert name in dir(codex_linux_sandbox)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = codex_linux_sandbox.no_such_name
