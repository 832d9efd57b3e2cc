"""`codex debug approval`: what would be asked, told and shown, and nothing run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_core.testing import ScratchRepo

if TYPE_CHECKING:
    from codex_core.testing.pytest_plugin import RunCodex

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")


@pytest.mark.parametrize(
    ("words", "decision", "sandboxed", "reason"),
    [
        (["ls"], "run", True, "known-safe"),
        (["-s", "danger-full-access", "ls"], "run", False, "known-safe"),
        (["-a", "untrusted", "rm", "x"], "ask", None, "not-trusted"),
        (["-a", "never", "-s", "workspace-write", "--", "bash", "-lc", "rm x"], "run", True, "confined"),
        (["-c", "approval_policy=untrusted", "bash", "-lc", "ls > f"], "ask", None, "not-trusted"),
        (
            ["-a", "on-request", "-s", "read-only", "--escalated", "rm", "x"],
            "ask",
            None,
            "escalation-requested",
        ),
        (["-a", "never", "-s", "read-only", "--escalated", "rm", "x"], "run", True, "confined"),
        (["-a", "untrusted", "--approved", "rm", "x"], "run", False, "approved-for-session"),
    ],
)
def test_approval_tells_the_decision(
    run_codex: RunCodex, words: list[str], decision: str, sandboxed: bool | None, reason: str
) -> None:
    shown = json.loads(run_codex("debug", "approval", "--json", *words).check().stdout)
    assert (shown["decision"], shown["sandboxed"], shown["reason"]) == (decision, sandboxed, reason)


def test_approval_runs_nothing_and_reads_for_people(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    done = run_codex("debug", "approval", "-a", "untrusted", "--", "bash", "-lc", "ls && touch made").check()
    assert not (git_repo.path / "made").exists()
    assert done.lines[0] == "policies: approval untrusted, sandbox read-only"
    assert [line.partition(":")[0] for line in done.lines[1:]] == [
        "command",
        "reads as",
        "reads as",
        "rule",
        "decision",
        "shown as",
        "shown as",
    ]
    assert "decision: ask the user" in done.stdout


def test_approval_shows_the_policies_it_went_by(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    sub = git_repo.path / "sub"
    sub.mkdir()
    done = run_codex("debug", "approval", "--json", "-C", "sub", "-a", "never", "-s", "workspace-write", "ls")
    shown = json.loads(done.check().stdout)
    assert (shown["cwd"], shown["approval_policy"]) == (str(sub), "never")
    assert shown["sandbox_policy"]["mode"] == "workspace-write"


def test_approval_judges_a_patch_as_a_patch(
    run_codex: RunCodex, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    def judge(path: str) -> dict[str, Any]:
        patch = f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch"
        options = ("--json", "-s", "workspace-write", "-c", "sandbox_workspace_write.exclude_slash_tmp=true")
        words = ("debug", "approval", *options, "apply_patch", patch)
        shown: dict[str, Any] = json.loads(run_codex(*words).check().stdout)
        return shown

    inside = judge("new.txt")
    assert (inside["decision"], inside["paths"]) == ("run", [str(git_repo.path / "new.txt")])
    assert judge(str(tmp_path / "outside.txt"))["decision"] == "ask"
    assert judge(".git/config2")["reason"] == "patch-outside"
    assert not (git_repo.path / "new.txt").exists()


def test_approval_does_not_let_a_command_steer_the_terminal(run_codex: RunCodex) -> None:
    done = run_codex("debug", "approval", "echo", "\x1b[31m", "\u202e").check()
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
