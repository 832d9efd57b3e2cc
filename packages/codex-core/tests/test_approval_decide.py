"""What runs, what is asked about, what is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.approval.decide import (
    COMMAND_ROWS,
    PATCH_ROWS,
    ApprovalKey,
    Ask,
    CommandFacts,
    Decision,
    PatchFacts,
    PatchScope,
    Reason,
    Reject,
    Run,
    Trust,
    command_row,
    decide_command,
    decide_patch,
    patch_row,
)
from codex_core.approval.shell_syntax import read_plain_script
from codex_protocol.config_types import AskForApproval
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)

UNTRUSTED, ON_FAILURE = AskForApproval.UNTRUSTED, AskForApproval.ON_FAILURE
ON_REQUEST, NEVER = AskForApproval.ON_REQUEST, AskForApproval.NEVER
READ_ONLY, FULL = ReadOnlyPolicy(), DangerFullAccessPolicy()
WORKSPACE = WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
CONFINED = [READ_ONLY, WORKSPACE]


def command(
    *argv: str,
    policy: AskForApproval = ON_REQUEST,
    sandbox: SandboxPolicy = WORKSPACE,
    cwd: str = "/w",
    approved: frozenset[ApprovalKey] = frozenset(),
    escalated: bool = False,
    platform: bool = True,
) -> Decision:
    return decide_command(
        argv,
        cwd=cwd,
        approval_policy=policy,
        sandbox_policy=sandbox,
        approved=approved,
        escalated=escalated,
        platform_sandbox=platform,
    )


def patch(
    *paths: str,
    policy: AskForApproval = ON_REQUEST,
    sandbox: SandboxPolicy = WORKSPACE,
    platform: bool = True,
) -> Decision:
    return decide_patch(
        paths,
        approval_policy=policy,
        sandbox_policy=sandbox,
        cwd="/w",
        tmpdir=None,
        platform_sandbox=platform,
        resolve=lambda path: path,
    )


@pytest.mark.parametrize("sandbox", CONFINED)
@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (UNTRUSTED, Ask(Reason.NOT_TRUSTED)),
        (ON_FAILURE, Run(sandboxed=True, reason=Reason.CONFINED)),
        (ON_REQUEST, Run(sandboxed=True, reason=Reason.CONFINED)),
        (NEVER, Run(sandboxed=True, reason=Reason.CONFINED)),
    ],
)
def test_an_unknown_command_under_a_sandbox(
    policy: AskForApproval, decision: Decision, sandbox: SandboxPolicy
) -> None:
    assert command("touch", "f", policy=policy, sandbox=sandbox) == decision


@pytest.mark.parametrize("escalated", [False, True])
@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (UNTRUSTED, Ask(Reason.NOT_TRUSTED)),
        (ON_FAILURE, Run(sandboxed=False, reason=Reason.FULL_ACCESS)),
        (ON_REQUEST, Run(sandboxed=False, reason=Reason.FULL_ACCESS)),
        (NEVER, Run(sandboxed=False, reason=Reason.FULL_ACCESS)),
    ],
)
def test_an_unknown_command_under_full_access(
    policy: AskForApproval, decision: Decision, escalated: bool
) -> None:
    assert command("touch", "f", policy=policy, sandbox=FULL, escalated=escalated) == decision


@pytest.mark.parametrize("sandbox", CONFINED)
@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (UNTRUSTED, Ask(Reason.NOT_TRUSTED)),
        (ON_FAILURE, Run(sandboxed=True, reason=Reason.CONFINED)),
        (ON_REQUEST, Ask(Reason.ESCALATION_REQUESTED)),
        (NEVER, Run(sandboxed=True, reason=Reason.CONFINED)),
    ],
)
def test_the_wish_to_leave_the_sandbox_counts_on_request_only(
    policy: AskForApproval, decision: Decision, sandbox: SandboxPolicy
) -> None:
    assert command("touch", "f", policy=policy, sandbox=sandbox, escalated=True) == decision


@pytest.mark.parametrize("sandbox", CONFINED)
@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (UNTRUSTED, Ask(Reason.NOT_TRUSTED)),
        (ON_FAILURE, Ask(Reason.NO_SANDBOX)),
        (ON_REQUEST, Ask(Reason.NO_SANDBOX)),
        (NEVER, Reject(Reason.NO_SANDBOX_NOBODY_TO_ASK)),
    ],
)
def test_without_a_sandbox_on_the_platform_somebody_must_agree(
    policy: AskForApproval, decision: Decision, sandbox: SandboxPolicy
) -> None:
    assert command("touch", "f", policy=policy, sandbox=sandbox, platform=False) == decision


def test_a_refused_command_is_explained_to_the_model_in_the_known_words() -> None:
    decision = command("touch", "f", policy=NEVER, platform=False)
    assert decision.sentence == "exec command rejected: auto-rejected because command is not on trusted list"


@pytest.mark.parametrize("policy", AskForApproval)
@pytest.mark.parametrize("escalated", [False, True])
def test_a_harmless_command_runs_without_a_question_but_confined(
    policy: AskForApproval, escalated: bool
) -> None:
    for sandbox in CONFINED:
        assert command("ls", policy=policy, sandbox=sandbox, escalated=escalated) == Run(
            True, Reason.KNOWN_SAFE
        )
    assert command("ls", policy=policy, sandbox=FULL, escalated=escalated) == Run(False, Reason.KNOWN_SAFE)
    assert command("ls", policy=policy, escalated=escalated, platform=False) == Run(False, Reason.KNOWN_SAFE)


def test_a_command_that_runs_project_code_is_trusted_in_a_sandbox_only() -> None:
    assert command("cargo", "check", policy=UNTRUSTED) == Run(True, Reason.KNOWN_SAFE)
    assert command("cargo", "check", policy=UNTRUSTED, sandbox=FULL) == Ask(Reason.NOT_TRUSTED)
    assert command("cargo", "check", policy=UNTRUSTED, platform=False) == Ask(Reason.NOT_TRUSTED)
    assert command("cargo", "check", policy=NEVER, platform=False) == Reject(Reason.NO_SANDBOX_NOBODY_TO_ASK)


@pytest.mark.parametrize("policy", AskForApproval)
def test_a_session_approval_covers_these_words_in_this_directory(policy: AskForApproval) -> None:
    approved = frozenset({ApprovalKey(("uname", "-a"), "/w")})
    free = Run(sandboxed=False, reason=Reason.APPROVED_FOR_SESSION)
    assert command("uname", "-a", policy=policy, approved=approved) == free
    for other in (
        command("uname", "-a", policy=policy, approved=approved, cwd="/elsewhere"),
        command("bash", "-lc", "uname -a", policy=policy, approved=approved),
        command("uname", policy=policy, approved=approved),
    ):
        assert other != free


@pytest.mark.parametrize("policy", AskForApproval)
def test_an_empty_patch_is_refused(policy: AskForApproval) -> None:
    decision = patch(policy=policy, sandbox=FULL)
    assert decision == Reject(Reason.EMPTY_PATCH)
    assert decision.sentence == "patch rejected: empty patch"


@pytest.mark.parametrize(
    ("policy", "inside", "outside"),
    [
        (UNTRUSTED, Ask(Reason.PATCH_NOT_TRUSTED), Ask(Reason.PATCH_NOT_TRUSTED)),
        (ON_FAILURE, Run(True, Reason.PATCH_INSIDE), Ask(Reason.PATCH_OUTSIDE)),
        (ON_REQUEST, Run(True, Reason.PATCH_INSIDE), Ask(Reason.PATCH_OUTSIDE)),
        (NEVER, Run(True, Reason.PATCH_INSIDE), Reject(Reason.PATCH_OUTSIDE_NOBODY_TO_ASK)),
    ],
)
def test_a_patch_is_decided_by_where_it_writes(
    policy: AskForApproval, inside: Decision, outside: Decision
) -> None:
    assert patch("/w/a", "/w/b", policy=policy) == inside
    assert patch("/w/a", "/etc/b", policy=policy) == outside
    assert patch("/w/.git/config", policy=policy) == outside
    assert patch("/w/a", policy=policy, sandbox=READ_ONLY) == outside


def test_a_patch_refused_for_its_place_is_explained_in_the_known_words() -> None:
    decision = patch("/etc/x", policy=NEVER)
    assert decision.sentence == (
        "patch rejected: writing outside of the project; rejected by user approval settings"
    )


@pytest.mark.parametrize(
    ("policy", "decision"),
    [
        (UNTRUSTED, Ask(Reason.PATCH_NOT_TRUSTED)),
        (ON_FAILURE, Run(False, Reason.FULL_ACCESS)),
        (ON_REQUEST, Run(False, Reason.FULL_ACCESS)),
        (NEVER, Run(False, Reason.FULL_ACCESS)),
    ],
)
def test_full_access_lets_a_patch_write_anywhere(policy: AskForApproval, decision: Decision) -> None:
    assert patch("/etc/x", policy=policy, sandbox=FULL) == decision


def test_without_a_sandbox_on_the_platform_a_patch_is_asked_about_or_refused() -> None:
    assert patch("/w/a", policy=ON_FAILURE, platform=False) == Ask(Reason.NO_SANDBOX)
    assert patch("/w/a", policy=ON_REQUEST, platform=False) == Ask(Reason.NO_SANDBOX)
    assert patch("/w/a", policy=NEVER, platform=False) == Reject(Reason.PATCH_NO_SANDBOX_NOBODY_TO_ASK)


BOOLS = (False, True)


def test_every_combination_of_facts_about_a_command_is_decided_and_every_row_is_needed() -> None:
    all_facts = [
        CommandFacts(*facts) for facts in itertools.product(Trust, AskForApproval, BOOLS, BOOLS, BOOLS)
    ]
    assert {id(command_row(facts)) for facts in all_facts} == {id(row) for row in COMMAND_ROWS}


def test_every_combination_of_facts_about_a_patch_is_decided_and_every_row_is_needed() -> None:
    all_facts = [PatchFacts(*facts) for facts in itertools.product(PatchScope, AskForApproval, BOOLS, BOOLS)]
    assert {id(patch_row(facts)) for facts in all_facts} == {id(row) for row in PATCH_ROWS}


def test_never_asks_nobody() -> None:
    for trust, *rest in itertools.product(Trust, BOOLS, BOOLS, BOOLS):
        assert not isinstance(command_row(CommandFacts(trust, NEVER, *rest)).outcome, Ask)
    for scope, *rest in itertools.product(PatchScope, BOOLS, BOOLS):
        assert not isinstance(patch_row(PatchFacts(scope, NEVER, *rest)).outcome, Ask)


def test_every_reason_has_a_sentence() -> None:
    assert all(Run(True, reason).sentence for reason in Reason)


@given(
    script=st.lists(
        st.sampled_from(
            [
                "ls",
                "cat f",
                "rm x",
                " && ",
                " | ",
                ";",
                "\n",
                ">",
                "$(",
                ")",
                "'",
                '"',
                "\\",
                "\r",
                " ",
                "&",
                "`",
                "{",
            ]
        ),
        max_size=8,
    ).map("".join)
    | st.text(max_size=20),
    policy=st.sampled_from(AskForApproval),
    sandbox=st.sampled_from([READ_ONLY, WORKSPACE, FULL]),
    escalated=st.booleans(),
    platform=st.booleans(),
    approved=st.booleans(),
)
def test_a_script_not_fully_understood_leaves_the_sandbox_only_by_policy_or_approval(
    script: str,
    policy: AskForApproval,
    sandbox: SandboxPolicy,
    escalated: bool,
    platform: bool,
    approved: bool,
) -> None:
    argv = ("bash", "-lc", script)
    keys = frozenset({ApprovalKey(argv if approved else ("bash", "-lc", script + " "), "/w")})
    decision = command(
        *argv, policy=policy, sandbox=sandbox, approved=keys, escalated=escalated, platform=platform
    )
    plain = read_plain_script(script)
    if isinstance(decision, Run) and not decision.sandboxed:
        understood = plain is not None and plain.is_exact
        assert understood or sandbox is FULL or approved
