"""Whether what the model types into a running program may reach it without a question.

A terminal outlives the decision that opened it: a shell that the user let out of the sandbox for one command
must not take further commands unasked, and what was started under wide policies is there when they narrow.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from codex_core.execution.terminal_sessions import TerminalSession
    from codex_protocol.sandbox_policy import SandboxPolicy

SIGNALS = frozenset("\x03\x04\x1c")
"""Ctrl-C, Ctrl-D and Ctrl-\\ can only stop a program, and that is always allowed."""

REJECTED = (
    "exec command rejected: the program runs with more rights than this turn has, "
    "and the approval settings let nobody be asked about its input"
)


class InputDecision(Enum):
    """What to do with input."""

    ALLOW = auto()
    ASK = auto()
    REJECT = auto()


def decide_input(
    chars: str,
    session: TerminalSession,
    *,
    approval_policy: AskForApproval,
    sandbox_policy: SandboxPolicy,
    cwd: str,
) -> InputDecision:
    """What to do with `chars` for `session`, under the policies of the turn that types them."""
    started = session.request
    if not chars.strip("".join(SIGNALS)) or session.trusts_input or started.is_harmless:
        return InputDecision.ALLOW
    if approval_policy is AskForApproval.UNTRUSTED:
        return InputDecision.ASK
    if sandbox_policy.has_full_disk_write_access:
        return InputDecision.ALLOW
    confinement = started.confinement
    if confinement is not None and (
        confinement.policy.mode == "read-only"
        or (confinement.policy == sandbox_policy and confinement.cwd == cwd)
    ):
        return InputDecision.ALLOW
    return InputDecision.REJECT if approval_policy is AskForApproval.NEVER else InputDecision.ASK
