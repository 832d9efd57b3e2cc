"""The face of the test kit: lazy names, no pytest, fixtures that do what they say."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import httpx
import pytest

import codex_core.testing
from codex_core.testing import ScratchHome, ScratchRepo, answer, message
from codex_core.testing.scripts import ScriptNotInstalledError

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.testing.pytest_plugin import RunCodex, StartModelServer

LOADED = "import sys; print(*sorted(m for m in sys.modules if m in {'pytest', 'httpx', 'pydantic', 'asyncio'} or m.startswith('codex')))"


def test_every_name_is_there_and_is_no_module():
    for name in codex_core.testing.__all__:
        assert not isinstance(getattr(codex_core.testing, name), ModuleType)
    assert set(codex_core.testing.__all__) == set(codex_core.testing._HOME_OF)
    assert set(codex_core.testing.__all__) <= set(dir(codex_core.testing))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = codex_core.testing.nothing


def test_importing_the_kit_imports_nothing_else():
    code = f"import codex_core.testing; {LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["codex_core", "codex_core.testing"]


def test_using_all_of_the_kit_imports_neither_pytest_nor_httpx_nor_pydantic():
    code = f"from codex_core.testing import *; {LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytest", "httpx", "pydantic"} & set(done.stdout.split())
    assert "codex_core.testing.transcripts" in done.stdout


def test_the_home_is_configured_for_the_model(
    model_server: StartModelServer, scratch_home: ScratchHome, git_repo: ScratchRepo
):
    server = model_server([answer(message("hi"))])
    assert server.base_url in (scratch_home.codex_home / "config.toml").read_text()
    assert git_repo.read("README.md")
    assert httpx.post(f"{server.base_url}/responses", json={}, trust_env=False).status_code == 200


def test_a_script_may_be_left_unfinished_when_the_test_says_so(model_server: StartModelServer):
    assert model_server(["never asked for"], check=False).requests == []


def test_console_scripts_run_in_the_repository_with_the_scratch_home(
    run_codex: RunCodex, git_repo: ScratchRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "codex"
    script.write_text('#!/bin/sh\necho "$PWD|$CODEX_HOME|$EXTRA|$1|$(cat)"\n')
    script.chmod(0o755)
    done = run_codex("argument", command=str(script), stdin="in", env={"EXTRA": "1"})
    home = tmp_path / "home" / ".codex"
    assert done.check().stdout == f"{git_repo.path}|{home}|1|argument|in\n"
    with pytest.raises(ScriptNotInstalledError):
        run_codex(command="no-such-console-script")
