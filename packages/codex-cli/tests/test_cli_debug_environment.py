"""The environment a command in the sandbox gets, and that it is the reference's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, script_path
from codex_core.testing.home import to_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")

SHELL_ENV = Path(__file__).parents[2] / "codex-core" / "tests" / "data" / "shell_env.json"
VECTORS = json.loads(SHELL_ENV.read_text(encoding="utf-8"))["vectors"]
ENV_PROGRAM = shutil.which("env") or "/usr/bin/env"
LANDLOCK = ("debug", "landlock")


def variables(output: str) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in output.split("\0") if entry)


def without_helper_directory(env: Mapping[str, str], codex_home: Path) -> dict[str, str]:
    """`env` without what is put in front of PATH: by us below CODEX_HOME, by the reference below /tmp."""
    if "PATH" not in env:
        return dict(env)
    ours = f"{re.escape(os.fspath(codex_home))}/tmp/arg0/[0-9a-f]+"
    # The launcher of the reference adds its own ripgrep.
    path = re.sub(r"(^|:)[^:]*/@vscode/ripgrep[^:]*(?::|$)", r"\1", env["PATH"])
    match = re.fullmatch(rf"(?:{ours}|[^:]*/\.tmp[A-Za-z0-9]{{6}})(?::(.*))?", path)
    if match is None:
        return {**env, "PATH": path}
    return {**env, "PATH": "<helper-dir>" if match[1] is None else match[1]}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_environment_is_exactly_what_the_policy_lets_through(
    vector: dict[str, Any], scratch_home: ScratchHome
) -> None:
    got = environment_of([script_path("codex")], vector, scratch_home)
    assert got == vector["env"]


@pytest.mark.reference
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_environment_is_that_of_the_reference(
    vector: dict[str, Any], scratch_home: ScratchHome, reference: str
) -> None:
    ours = environment_of([script_path("codex")], vector, scratch_home)
    assert ours == environment_of(started(reference), vector, scratch_home)


def started(reference: str) -> list[str]:
    """How the reference is started where PATH leads nowhere: its npm launcher looks for node there."""
    with open(reference, "rb") as file:
        node = shutil.which("node") if file.readline().endswith(b" node\n") else None
    return [reference] if node is None else [node, reference]


def environment_of(program: Sequence[str], vector: dict[str, Any], home: ScratchHome) -> dict[str, str]:
    """What `codex debug landlock -- env -0` prints under the vector's policy and parent environment."""
    document: dict[str, object] = {}
    if vector["policy"] is not None:
        document["shell_environment_policy"] = vector["policy"]
    sandbox = vector.get("sandbox")
    if sandbox is not None:
        document["sandbox_workspace_write"] = sandbox
    home.write("config.toml", to_toml(document))
    home.write(".env", vector.get("dotenv", ""))
    done = subprocess.run(
        [*program, *LANDLOCK, *(["--full-auto"] if sandbox is not None else []), "--", ENV_PROGRAM, "-0"],
        env={**vector["parent"], "CODEX_HOME": str(home.codex_home)},
        cwd=home.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    env = variables(done.stdout.decode())
    for name in ("CODEX_HOME", "CODEX_MANAGED_BY_NPM"):  # the launcher of the reference sets the second
        env.pop(name, None)
    return without_helper_directory(env, home.codex_home)


def test_bytes_that_are_no_text_are_passed_on(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    env: dict[bytes, bytes] = {os.fsencode(k): os.fsencode(v) for k, v in scratch_home.environ().items()}
    done = subprocess.run(
        [script_path("codex"), "sandbox", "sh", "-c", 'printf %s "$RAW$1"', "sh", b"\xfe"],
        env={**env, b"RAW": b"\xff"},
        cwd=git_repo.path,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\xff\xfe"
