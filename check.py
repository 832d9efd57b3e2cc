"""Runs every gate of this project, or the named ones.

    uv run --group dev check.py [lint] [types] [imports] [tests] [-- PYTEST ARGUMENTS]

Ends with 1 if a gate failed, after running all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
GATES = {
    "lint": [["ruff", "check", "."], ["ruff", "format", "--check", "."]],
    "types": [["mypy"]],
    "imports": [["lint-imports", "--no-logo"]],
    "tests": [["pytest", "-q", "-n", "auto"]],
}


def main(arguments: list[str]) -> int:
    """Runs the gates and returns the exit code."""
    names, pytest_arguments = _split(arguments)
    if unknown := [name for name in names if name not in GATES]:
        print(f"error: there is no gate '{unknown[0]}'; the gates are {', '.join(GATES)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or GATES:
        started = time.monotonic()
        for command in GATES[name]:
            extra = pytest_arguments if name == "tests" else []
            print(f"== {' '.join([*command, *extra])}", flush=True)
            if subprocess.run([_program(command[0]), *command[1:], *extra], cwd=ROOT, check=False).returncode:
                failed.append(name)
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(dict.fromkeys(failed))}", file=sys.stderr)
    return 1 if failed else 0


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _program(name: str) -> str:
    """The tool beside this interpreter, else the one on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.path.exists(beside) else shutil.which(name) or name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
