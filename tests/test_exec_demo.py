"""The offline model through the real console script: it works on the user's files and reports what happened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codex_core.testing import ScratchRepo, read_json_lines
from codex_core.testing.home import ScratchHome
from codex_core.testing.pytest_plugin import RunCodex

linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")


def outside_files() -> set[str]:
    return {name for name in os.listdir("/var/tmp") if name.startswith("codex-demo")}


@linux
def test_demo_does_real_work_and_is_refused_outside(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    git_repo.write("notes.txt", "keep me\n")
    before = outside_files()
    done = run_codex("exec", "--demo", "show me around").check()
    report = done.stdout
    assert "`README.md`" in report
    assert "Created `codex-demo.md`" in report
    assert "exit code 0" in report
    assert "refused by the sandbox" in report
    assert "`rm codex-demo.md`" in report
    assert "show me around" in report
    assert "which then changed this line" in git_repo.read("codex-demo.md")
    assert git_repo.read("notes.txt") == "keep me\n"
    assert outside_files() == before
    done.assert_no_processes_left()


@linux
def test_demo_never_touches_a_file_it_did_not_make(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    git_repo.write("codex-demo.md", "mine\n")
    report = run_codex("exec", "--demo", "again").check().stdout
    assert git_repo.read("codex-demo.md") == "mine\n"
    assert "Created `codex-demo-2.md`" in report


@linux
def test_demo_under_read_only_says_what_was_refused(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    report = run_codex("exec", "--demo", "-s", "read-only", "look").check().stdout
    assert not (git_repo.path / "codex-demo.md").exists()
    assert "--full-auto" in report


def test_demo_is_a_provider_like_any_other(run_codex: RunCodex) -> None:
    done = run_codex("exec", "--json", "-c", "model_provider=demo", "look").check()
    lines = done.json_lines()
    assert lines[0]["provider"] == "demo"
    assert "plan_update" in [line["msg"]["type"] for line in lines[2:]]


def test_demo_is_recorded_like_any_session(run_codex: RunCodex, scratch_home: ScratchHome) -> None:
    run_codex("exec", "--demo", "look").check()
    (path,) = Path(scratch_home.codex_home, "sessions").rglob("rollout-*.jsonl")
    lines = read_json_lines(path)
    calls = [
        line["payload"].get("call_id") for line in lines if line["payload"].get("type") == "function_call"
    ]
    outputs = [
        line["payload"]["call_id"] for line in lines if line["payload"].get("type") == "function_call_output"
    ]
    assert calls == outputs
    assert len(calls) >= 6
