"""The explanation of a decision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_core.approval.decide import ApprovalKey, Ask, Reason, decide_command
from codex_core.approval.explain import Explanation, explain_command
from codex_core.approval.explain_patch import PatchExplanation, explain_patch
from codex_protocol.config_types import AskForApproval
from codex_protocol.sandbox_policy import ReadOnlyPolicy, WorkspaceWritePolicy


def explain(
    *argv: str, policy: AskForApproval = AskForApproval.UNTRUSTED, approved: bool = False
) -> Explanation:
    return explain_command(
        argv,
        cwd="/w",
        approval_policy=policy,
        sandbox_policy=ReadOnlyPolicy(),
        approved={ApprovalKey(argv, "/w")} if approved else (),
        platform_sandbox=True,
    )


@pytest.mark.parametrize("policy", AskForApproval)
@pytest.mark.parametrize(
    "argv",
    [("ls",), ("rm", "x"), ("cargo", "check"), ("bash", "-lc", "ls | wc"), ("bash", "-lc", "ls > f"), ()],
)
def test_the_explained_decision_is_the_decision(policy: AskForApproval, argv: tuple[str, ...]) -> None:
    for approved in (False, True):
        assert explain(*argv, policy=policy, approved=approved).decision == decide_command(
            argv,
            cwd="/w",
            approval_policy=policy,
            sandbox_policy=ReadOnlyPolicy(),
            approved={ApprovalKey(argv, "/w")} if approved else (),
            escalated=False,
            platform_sandbox=True,
        )


def test_a_script_is_explained_command_by_command() -> None:
    assert explain("bash", "-lc", "ls && rm x").to_json() == {
        "argv": ["bash", "-lc", "ls && rm x"],
        "commands": [
            {"words": ["ls"], "safe": True, "rule": "reading-program", "word": None},
            {"words": ["rm", "x"], "safe": False, "rule": "unknown-program", "word": "rm"},
        ],
        "safe": False,
        "rule": "unknown-program",
        "word": "rm",
        "trust": "unknown",
        "row": 6,
        "decision": "ask",
        "sandboxed": None,
        "reason": "not-trusted",
        "sentence": "the approval policy wants every command approved that is not known to be harmless",
        "parsed_cmd": [{"type": "list_files", "cmd": "ls", "path": None}, {"type": "unknown", "cmd": "rm x"}],
    }


def test_a_script_that_is_not_understood_has_no_commands() -> None:
    explanation = explain("bash", "-lc", "ls > f")
    assert explanation.commands is None
    assert any("not understood" in line for line in explanation.lines())


def test_the_text_shows_the_command_the_rule_and_the_decision() -> None:
    assert explain("ls", "-l").lines() == [
        "command:  ls -l",
        "reads as: ls -l: the program only reads, whatever its arguments",
        "rule:     reading-program: the program only reads, whatever its arguments",
        "decision: run in the sandbox (row 3: the command is known to be harmless)",
        "shown as: list_files ls -l",
    ]


@pytest.mark.parametrize(
    "argv", [("ls",), ("rm", "x"), ("bash", "-lc", "git status | rg x *"), ("bash", "-lc", "é > f"), ()]
)
def test_an_explanation_can_be_written_as_json(argv: tuple[str, ...]) -> None:
    explanation = explain(*argv)
    assert json.loads(json.dumps(explanation.to_json()))["argv"] == list(argv)
    assert explanation.lines()


def explain_text(text: str, tmp_path: Path, policy: AskForApproval) -> PatchExplanation:
    explained = explain_patch(
        ("apply_patch", text),
        cwd=str(tmp_path),
        approval_policy=policy,
        sandbox_policy=WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True),
        tmpdir=None,
        platform_sandbox=True,
    )
    assert explained is not None
    return explained


def test_a_patch_is_explained_by_where_it_writes(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Add File: {}\n+x\n*** End Patch"
    inside = explain_text(patch.format("new"), tmp_path, AskForApproval.NEVER)
    assert inside.to_json() == {
        "argv": ["apply_patch", patch.format("new")],
        "patch": True,
        "paths": [str(tmp_path / "new")],
        "row": 6,
        "decision": "run",
        "sandboxed": True,
        "reason": "patch-inside",
        "sentence": "the patch writes only where commands may write",
    }
    outside = explain_text(patch.format("/usr/new"), tmp_path, AskForApproval.NEVER)
    reason = "patch rejected: writing outside of the project; rejected by user approval settings"
    assert outside.lines() == [
        "reads as: a patch",
        "writes:   /usr/new",
        f"decision: refuse (row 4 for patches: {reason})",
    ]
    assert explain_text(patch.format("/usr/new"), tmp_path, AskForApproval.ON_REQUEST).decision == Ask(
        Reason.PATCH_OUTSIDE
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("*** Begin Patch\n*** Delete File: gone\n*** End Patch", "gone"),
        ("*** Begin Patch\nnonsense\n*** End Patch", "nonsense"),
    ],
)
def test_a_patch_that_cannot_be_applied_is_refused_with_the_reason(
    tmp_path: Path, text: str, problem: str
) -> None:
    explained = explain_text(text, tmp_path, AskForApproval.NEVER)
    shown = explained.to_json()
    assert (shown["decision"], shown["reason"], explained.decision) == ("reject", "unusable", None)
    assert problem in str(shown["sentence"])
    assert explained.lines()[-1].startswith("decision: refuse (error: ")


def test_an_ordinary_command_is_no_patch(tmp_path: Path) -> None:
    explained = explain_patch(
        ("ls",),
        cwd=str(tmp_path),
        approval_policy=AskForApproval.NEVER,
        sandbox_policy=ReadOnlyPolicy(),
        tmpdir=None,
        platform_sandbox=True,
    )
    assert explained is None
