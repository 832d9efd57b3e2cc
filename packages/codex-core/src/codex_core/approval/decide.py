"""Whether a command or a patch runs, runs confined, is asked about or is refused.

Two tables, read from the top; the first row that fits decides. Nothing here runs, asks or changes anything
(spec: exec-sandbox.md sections D.2 and D.5).
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, TypeAlias

from codex_core.approval.known_safe import Rule, judge
from codex_core.approval.writable import paths_outside
from codex_protocol.config_types import AskForApproval

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from codex_core.approval.known_safe import Verdict
    from codex_protocol.sandbox_policy import SandboxPolicy


class Reason(StrEnum):
    """Why it was decided so, for programs."""

    APPROVED_FOR_SESSION = "approved-for-session"
    KNOWN_SAFE = "known-safe"
    FULL_ACCESS = "full-access"
    CONFINED = "confined"
    NOT_TRUSTED = "not-trusted"
    ESCALATION_REQUESTED = "escalation-requested"
    NO_SANDBOX = "no-sandbox"
    NO_SANDBOX_NOBODY_TO_ASK = "no-sandbox-nobody-to-ask"
    EMPTY_PATCH = "empty-patch"
    PATCH_NOT_TRUSTED = "patch-not-trusted"
    PATCH_INSIDE = "patch-inside"
    PATCH_OUTSIDE = "patch-outside"
    PATCH_OUTSIDE_NOBODY_TO_ASK = "patch-outside-nobody-to-ask"
    PATCH_NO_SANDBOX_NOBODY_TO_ASK = "patch-no-sandbox-nobody-to-ask"


_SENTENCES: Mapping[Reason, str] = {
    Reason.APPROVED_FOR_SESSION: "the user approved this command in this directory for the whole session",
    Reason.KNOWN_SAFE: "the command is known to be harmless",
    Reason.FULL_ACCESS: "the sandbox policy gives full access",
    Reason.CONFINED: "the sandbox keeps the command from doing harm",
    Reason.NOT_TRUSTED: "the approval policy wants every command approved that is not known to be harmless",
    Reason.ESCALATION_REQUESTED: "the model asks to run the command outside the sandbox",
    Reason.NO_SANDBOX: "this platform has no sandbox to confine it",
    # What the model reads, word for word.
    Reason.NO_SANDBOX_NOBODY_TO_ASK: (
        "exec command rejected: auto-rejected because command is not on trusted list"
    ),
    Reason.EMPTY_PATCH: "patch rejected: empty patch",
    Reason.PATCH_NOT_TRUSTED: "the approval policy wants every patch approved",
    Reason.PATCH_INSIDE: "the patch writes only where commands may write",
    Reason.PATCH_OUTSIDE: "the patch writes where commands may not write",
    Reason.PATCH_OUTSIDE_NOBODY_TO_ASK: (
        "patch rejected: writing outside of the project; rejected by user approval settings"
    ),
    Reason.PATCH_NO_SANDBOX_NOBODY_TO_ASK: (
        "patch rejected: no sandbox on this platform; rejected by user approval settings"
    ),
}


@dataclass(frozen=True, slots=True)
class Run:
    """Go ahead without a question."""

    sandboxed: bool
    reason: Reason

    @property
    def sentence(self) -> str:
        """The reason, for a person."""
        return _SENTENCES[self.reason]


@dataclass(frozen=True, slots=True)
class Ask:
    """Put it to the user; what the user approves runs outside the sandbox."""

    reason: Reason

    @property
    def sentence(self) -> str:
        """The reason, for a person."""
        return _SENTENCES[self.reason]


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not run it."""

    reason: Reason

    @property
    def sentence(self) -> str:
        """What the model is told."""
        return _SENTENCES[self.reason]


Decision: TypeAlias = Run | Ask | Reject


@dataclass(frozen=True, slots=True)
class ApprovalKey:
    """What a session approval covers: these very words in this very directory."""

    argv: tuple[str, ...]
    cwd: str


class Trust(Enum):
    """How far a command is trusted before any policy is looked at."""

    APPROVED = auto()
    HARMLESS = auto()
    HARMLESS_CONFINED = auto()
    UNKNOWN = auto()


class PatchScope(Enum):
    """Where a patch writes."""

    NOWHERE = auto()
    INSIDE = auto()
    OUTSIDE = auto()


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """All that counts when a command is decided on."""

    trust: Trust
    approval_policy: AskForApproval
    full_access: bool
    escalated: bool
    platform_sandbox: bool


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One row of the table for commands. None stands for any value."""

    outcome: Decision
    trust: Trust | None = None
    approval_policy: AskForApproval | None = None
    full_access: bool | None = None
    escalated: bool | None = None
    platform_sandbox: bool | None = None

    def fits(self, facts: CommandFacts) -> bool:
        return (
            self.trust in {None, facts.trust}
            and self.approval_policy in {None, facts.approval_policy}
            and self.full_access in {None, facts.full_access}
            and self.escalated in {None, facts.escalated}
            and self.platform_sandbox in {None, facts.platform_sandbox}
        )


COMMAND_ROWS: tuple[CommandRow, ...] = (
    CommandRow(Run(sandboxed=False, reason=Reason.APPROVED_FOR_SESSION), trust=Trust.APPROVED),
    CommandRow(Run(sandboxed=False, reason=Reason.KNOWN_SAFE), trust=Trust.HARMLESS, full_access=True),
    CommandRow(Run(sandboxed=True, reason=Reason.KNOWN_SAFE), trust=Trust.HARMLESS, platform_sandbox=True),
    CommandRow(Run(sandboxed=False, reason=Reason.KNOWN_SAFE), trust=Trust.HARMLESS),
    CommandRow(
        Run(sandboxed=True, reason=Reason.KNOWN_SAFE),
        trust=Trust.HARMLESS_CONFINED,
        full_access=False,
        platform_sandbox=True,
    ),
    CommandRow(Ask(Reason.NOT_TRUSTED), approval_policy=AskForApproval.UNTRUSTED),
    CommandRow(Run(sandboxed=False, reason=Reason.FULL_ACCESS), full_access=True),
    CommandRow(Ask(Reason.ESCALATION_REQUESTED), approval_policy=AskForApproval.ON_REQUEST, escalated=True),
    CommandRow(Run(sandboxed=True, reason=Reason.CONFINED), platform_sandbox=True),
    CommandRow(Reject(Reason.NO_SANDBOX_NOBODY_TO_ASK), approval_policy=AskForApproval.NEVER),
    CommandRow(Ask(Reason.NO_SANDBOX)),
)


@dataclass(frozen=True, slots=True)
class PatchFacts:
    """All that counts when a patch is decided on."""

    scope: PatchScope
    approval_policy: AskForApproval
    full_access: bool
    platform_sandbox: bool


@dataclass(frozen=True, slots=True)
class PatchRow:
    """One row of the table for patches. None stands for any value."""

    outcome: Decision
    scope: PatchScope | None = None
    approval_policy: AskForApproval | None = None
    full_access: bool | None = None
    platform_sandbox: bool | None = None

    def fits(self, facts: PatchFacts) -> bool:
        return (
            self.scope in {None, facts.scope}
            and self.approval_policy in {None, facts.approval_policy}
            and self.full_access in {None, facts.full_access}
            and self.platform_sandbox in {None, facts.platform_sandbox}
        )


PATCH_ROWS: tuple[PatchRow, ...] = (
    PatchRow(Reject(Reason.EMPTY_PATCH), scope=PatchScope.NOWHERE),
    PatchRow(Ask(Reason.PATCH_NOT_TRUSTED), approval_policy=AskForApproval.UNTRUSTED),
    PatchRow(Run(sandboxed=False, reason=Reason.FULL_ACCESS), full_access=True),
    PatchRow(
        Reject(Reason.PATCH_OUTSIDE_NOBODY_TO_ASK),
        scope=PatchScope.OUTSIDE,
        approval_policy=AskForApproval.NEVER,
    ),
    PatchRow(Ask(Reason.PATCH_OUTSIDE), scope=PatchScope.OUTSIDE),
    PatchRow(Run(sandboxed=True, reason=Reason.PATCH_INSIDE), platform_sandbox=True),
    PatchRow(Reject(Reason.PATCH_NO_SANDBOX_NOBODY_TO_ASK), approval_policy=AskForApproval.NEVER),
    PatchRow(Ask(Reason.NO_SANDBOX)),
)


def decide_command(
    argv: Sequence[str],
    *,
    cwd: str,
    approval_policy: AskForApproval,
    sandbox_policy: SandboxPolicy,
    approved: Collection[ApprovalKey],
    escalated: bool,
    platform_sandbox: bool,
) -> Decision:
    """What to do with the command `argv` in the directory `cwd`.

    `approved` holds what the user approved for the session, `escalated` is the model's wish to leave the
    sandbox, `platform_sandbox` whether there is a sandbox to put the command in.
    """
    facts = CommandFacts(
        trust=Trust.APPROVED if ApprovalKey(tuple(argv), cwd) in approved else trust_of(judge(argv)),
        approval_policy=approval_policy,
        full_access=sandbox_policy.has_full_disk_write_access,
        escalated=escalated,
        platform_sandbox=platform_sandbox,
    )
    return command_row(facts).outcome


def trust_of(verdict: Verdict) -> Trust:
    """How far the verdict on its words makes a command trusted."""
    if verdict.rule is Rule.RUNS_PROJECT_CODE:
        return Trust.HARMLESS_CONFINED
    return Trust.HARMLESS if verdict.is_safe else Trust.UNKNOWN


def command_row(facts: CommandFacts) -> CommandRow:
    """The row that decides."""
    return next(row for row in COMMAND_ROWS if row.fits(facts))


def decide_patch(
    paths: Sequence[str],
    *,
    approval_policy: AskForApproval,
    sandbox_policy: SandboxPolicy,
    cwd: str,
    tmpdir: str | None,
    settings: Sequence[str] = (),
    platform_sandbox: bool,
    resolve: Callable[[str], str] = os.path.realpath,
) -> Decision:
    """What to do with a patch that writes, removes or moves `paths`: sources and destinations alike.

    `cwd` is the directory of the session, wherever the patch itself is applied; `tmpdir` its TMPDIR.
    `settings` are places of the agent's own. `resolve` follows symbolic links as far as a path exists.
    """
    if not paths:
        scope = PatchScope.NOWHERE
    elif paths_outside(
        paths, sandbox_policy=sandbox_policy, cwd=cwd, tmpdir=tmpdir, settings=settings, resolve=resolve
    ):
        scope = PatchScope.OUTSIDE
    else:
        scope = PatchScope.INSIDE
    facts = PatchFacts(
        scope=scope,
        approval_policy=approval_policy,
        full_access=sandbox_policy.has_full_disk_write_access,
        platform_sandbox=platform_sandbox,
    )
    return patch_row(facts).outcome


def patch_row(facts: PatchFacts) -> PatchRow:
    """The row that decides."""
    return next(row for row in PATCH_ROWS if row.fits(facts))
