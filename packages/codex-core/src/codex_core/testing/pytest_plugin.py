"""Fixtures for pytest: `scratch_home`, `git_repo`, `model_server`, `run_codex`, `reference`.

Use them by `pytest_plugins = ["codex_core.testing.pytest_plugin"]` in a top-level conftest.py, or by
importing the fixtures into a conftest.py below it. This is the one module of the kit that imports
pytest.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from codex_core.testing.home import ScratchHome, ScratchRepo, make_home, make_repo
from codex_core.testing.model_server import ModelServer, Script, ScriptEntry
from codex_core.testing.scripts import TIMEOUT_S, CompletedScript, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from codex_core.testing.threaded_server import ThreadedModelServer


class StartModelServer(Protocol):
    """Type of the fixture `model_server`."""

    def __call__(
        self, script: Script = (), *, routes: Mapping[str, ScriptEntry] | None = None, check: bool = True
    ) -> ThreadedModelServer:
        """Start a server; `check` is whether the end of the test asserts that its script was used up."""


class RunCodex(Protocol):
    """Type of the fixture `run_codex`."""

    def __call__(
        self,
        *arguments: str,
        command: str = "codex",
        stdin: str | bytes | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> CompletedScript:
        """Run a console script in `git_repo` with the environment of `scratch_home`, plus `env`."""


@pytest.fixture
def scratch_home(tmp_path: Path) -> ScratchHome:
    """A fresh home with an empty CODEX_HOME."""
    return make_home(tmp_path / "home")


@pytest.fixture
def git_repo(tmp_path: Path) -> ScratchRepo:
    """A fresh git repository on branch main with one commit that holds `README.md`."""
    return make_repo(tmp_path / "repo", {"README.md": "A scratch repository.\n"})


@pytest.fixture
def model_server(scratch_home: ScratchHome) -> Iterator[StartModelServer]:
    """Starts mock models in the background and points the configuration of `scratch_home` at the newest."""
    with ExitStack() as servers:
        to_check: list[ThreadedModelServer] = []

        def start(
            script: Script = (), *, routes: Mapping[str, ScriptEntry] | None = None, check: bool = True
        ) -> ThreadedModelServer:
            server = servers.enter_context(ModelServer.in_thread(script, routes=routes))
            scratch_home.use_model_server(server.base_url)
            if check:
                to_check.append(server)
            return server

        yield start
        for server in to_check:
            server.assert_done()


@pytest.fixture
def run_codex(scratch_home: ScratchHome, git_repo: ScratchRepo) -> RunCodex:
    """Runs the installed `codex`, or another console script, to its end."""

    def run(
        *arguments: str,
        command: str = "codex",
        stdin: str | bytes | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> CompletedScript:
        return run_script(
            command,
            *arguments,
            env={**scratch_home.environ(), **(env or {})},
            cwd=cwd if cwd is not None else git_repo.path,
            stdin=stdin,
            timeout_s=timeout_s,
        )

    return run


@pytest.fixture
def reference() -> str:
    """The launcher of the reference 0.36.0: the path in CODEX_REFERENCE, or what the benchmarks installed.

    Skips the test where there is none.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    installed = os.path.join(cache, "codex-python-benchmarks", "npm-0.36.0", "node_modules", ".bin", "codex")
    path = os.environ.get("CODEX_REFERENCE", installed)
    if not os.access(path, os.X_OK):
        pytest.skip(f"the reference is not installed at {path}")
    return path
