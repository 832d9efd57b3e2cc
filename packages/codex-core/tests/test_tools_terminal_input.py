"""Typing into a program never gives it more than the turn has: the whole table."""

from __future__ import annotations

import itertools

import pytest

from codex_core.execution.terminal_sessions import Confinement, TerminalRequest, TerminalSession
from codex_core.tools.terminal_input import InputDecision, decide_input
from codex_protocol.config_types import AskForApproval
from codex_protocol.sandbox_policy import SandboxPolicy, parse_sandbox_policy

UNTRUSTED, ON_FAILURE, ON_REQUEST, NEVER = (
    AskForApproval("untrusted"),
    AskForApproval("on-failure"),
    AskForApproval("on-request"),
    AskForApproval("never"),
)
ALLOW, ASK, REJECT = InputDecision.ALLOW, InputDecision.ASK, InputDecision.REJECT

FULL = parse_sandbox_policy({"mode": "danger-full-access"})
WORKSPACE = parse_sandbox_policy({"mode": "workspace-write"})
NETWORK = parse_sandbox_policy({"mode": "workspace-write", "network_access": True})
READ_ONLY = parse_sandbox_policy({"mode": "read-only"})
CWD = "/work"


async def _ignore(_: object) -> None:
    pass


def session(
    policy: SandboxPolicy | None, *, cwd: str = CWD, is_harmless: bool = False, trusts_input: bool = False
) -> TerminalSession:
    """A terminal whose program was started confined by `policy`; None: unconfined."""
    confinement = None if policy is None else Confinement(policy, cwd)
    request = TerminalRequest(("bash",), cwd, {}, confinement=confinement, is_harmless=is_harmless)
    made = TerminalSession(0, request, _ignore, _ignore)
    made.trusts_input = trusts_input
    return made


def decide(
    started: TerminalSession, approval: AskForApproval, policy: SandboxPolicy, chars: str = "rm -r x\n"
) -> InputDecision:
    return decide_input(chars, started, approval_policy=approval, sandbox_policy=policy, cwd=CWD)


@pytest.mark.parametrize(
    ("started", "approval", "policy", "expected"),
    [
        # Confined as the turn confines: the sandbox decides.
        (WORKSPACE, ON_REQUEST, WORKSPACE, ALLOW),
        (WORKSPACE, ON_FAILURE, WORKSPACE, ALLOW),
        (WORKSPACE, NEVER, WORKSPACE, ALLOW),
        (READ_ONLY, NEVER, READ_ONLY, ALLOW),
        # Confined more than the turn confines.
        (READ_ONLY, NEVER, WORKSPACE, ALLOW),
        (WORKSPACE, NEVER, FULL, ALLOW),
        # Confined less.
        (WORKSPACE, ON_REQUEST, READ_ONLY, ASK),
        (WORKSPACE, NEVER, READ_ONLY, REJECT),
        (NETWORK, ON_FAILURE, WORKSPACE, ASK),
        (NETWORK, NEVER, WORKSPACE, REJECT),
        # Let out of the sandbox, for what it was then.
        (None, ON_REQUEST, WORKSPACE, ASK),
        (None, ON_FAILURE, READ_ONLY, ASK),
        (None, NEVER, WORKSPACE, REJECT),
        (None, NEVER, FULL, ALLOW),
        (None, ON_REQUEST, FULL, ALLOW),
        # Everything is asked about.
        (None, UNTRUSTED, FULL, ASK),
        (None, UNTRUSTED, WORKSPACE, ASK),
        (READ_ONLY, UNTRUSTED, READ_ONLY, ASK),
    ],
)
async def test_input_is_decided_on(
    started: SandboxPolicy | None, approval: AskForApproval, policy: SandboxPolicy, expected: InputDecision
) -> None:
    assert decide(session(started), approval, policy) is expected


async def test_another_workspace_is_another_sandbox() -> None:
    assert decide(session(WORKSPACE, cwd="/elsewhere"), ON_REQUEST, WORKSPACE) is ASK


@pytest.mark.parametrize(
    ("approval", "policy"), list(itertools.product(AskForApproval, (FULL, WORKSPACE, READ_ONLY)))
)
async def test_waiting_and_stopping_and_what_the_user_trusts_are_never_asked_about(
    approval: AskForApproval, policy: SandboxPolicy
) -> None:
    for chars in ("", "\x03", "\x04", "\x1c\x03"):
        assert decide(session(None), approval, policy, chars) is ALLOW
    assert decide(session(None, is_harmless=True), approval, policy) is ALLOW
    assert decide(session(None, trusts_input=True), approval, policy) is ALLOW


async def test_a_control_character_hides_no_command() -> None:
    assert decide(session(None), ON_REQUEST, WORKSPACE, "\x03rm -r x\n\x03") is ASK
    assert decide(session(None), ON_REQUEST, WORKSPACE, "\x1a") is ASK
