"""Everything that was found out about one command: how it reads, which rule judged it, what was decided.

For people and tests that want to know why; the session itself only calls `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.approval.decide import (
    COMMAND_ROWS,
    ApprovalKey,
    Ask,
    CommandFacts,
    Decision,
    Run,
    Trust,
    command_row,
    trust_of,
)
from codex_core.approval.describe import parse_command
from codex_core.approval.known_safe import Verdict, judge, judge_commands
from codex_core.approval.words import shlex_join

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from codex_protocol.config_types import AskForApproval
    from codex_protocol.jsonio import JSON
    from codex_protocol.parsed_command import ParsedCommand
    from codex_protocol.sandbox_policy import SandboxPolicy


@dataclass(frozen=True, slots=True)
class JudgedCommand:
    """One simple command and the verdict on it."""

    words: tuple[str, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a command is run, asked about or refused."""

    argv: tuple[str, ...]
    commands: tuple[JudgedCommand, ...] | None
    """The commands of a `bash -lc` script, or the command itself; None for a script that is not plain."""

    verdict: Verdict
    trust: Trust
    row: int
    """Which row of the decision table fitted, counted from 1."""

    decision: Decision
    parsed: tuple[ParsedCommand, ...]

    def to_json(self) -> dict[str, JSON]:
        """The explanation as JSON-able values."""
        commands: JSON = None
        if self.commands is not None:
            commands = [
                {"words": list(command.words), **_verdict_json(command.verdict)} for command in self.commands
            ]
        return {
            "argv": list(self.argv),
            "commands": commands,
            **_verdict_json(self.verdict),
            "trust": self.trust.name.lower(),
            "row": self.row,
            **decision_json(self.decision),
            "parsed_cmd": [part.to_wire() for part in self.parsed],
        }

    def lines(self) -> list[str]:
        """The explanation as lines of text for a person."""
        lines = [f"command:  {shlex_join(self.argv)}"]
        if self.commands is None:
            lines.append("reads as: a script that is not understood")
        else:
            lines += [
                f"reads as: {shlex_join(command.words)}: {_verdict_text(command.verdict)}"
                for command in self.commands
            ]
        lines.append(f"rule:     {self.verdict.rule.value}: {_verdict_text(self.verdict)}")
        lines.append(f"decision: {decision_text(self.decision)} (row {self.row}: {self.decision.sentence})")
        lines += [f"shown as: {part.type} {part.cmd}" for part in self.parsed]
        return lines


def explain_command(
    argv: Sequence[str],
    *,
    cwd: str,
    approval_policy: AskForApproval,
    sandbox_policy: SandboxPolicy,
    approved: Collection[ApprovalKey] = (),
    escalated: bool = False,
    platform_sandbox: bool,
) -> Explanation:
    """What `decide_command` says about the same arguments, and what led to it."""
    verdict = judge(argv)
    trust = Trust.APPROVED if ApprovalKey(tuple(argv), cwd) in approved else trust_of(verdict)
    row = command_row(
        CommandFacts(
            trust=trust,
            approval_policy=approval_policy,
            full_access=sandbox_policy.has_full_disk_write_access,
            escalated=escalated,
            platform_sandbox=platform_sandbox,
        )
    )
    return Explanation(
        argv=tuple(argv),
        commands=_commands(argv, verdict),
        verdict=verdict,
        trust=trust,
        row=COMMAND_ROWS.index(row) + 1,
        decision=row.outcome,
        parsed=tuple(parse_command(argv)),
    )


def _commands(argv: Sequence[str], verdict: Verdict) -> tuple[JudgedCommand, ...] | None:
    match argv:
        case ["bash", "-lc", script]:
            judged = judge_commands(script)
            if judged is None:
                return None
            return tuple(JudgedCommand(tuple(words), each) for words, each in judged)
        case _:
            return (JudgedCommand(tuple(argv), verdict),)


def _verdict_json(verdict: Verdict) -> dict[str, JSON]:
    return {"safe": verdict.is_safe, "rule": verdict.rule.value, "word": verdict.word}


def _verdict_text(verdict: Verdict) -> str:
    return verdict.rule.sentence if verdict.word is None else f"{verdict.rule.sentence} ({verdict.word!r})"


def decision_json(decision: Decision) -> dict[str, JSON]:
    """A decision as JSON-able values."""
    sandboxed: JSON = decision.sandboxed if isinstance(decision, Run) else None
    return {
        "decision": _decision_word(decision),
        "sandboxed": sandboxed,
        "reason": decision.reason.value,
        "sentence": decision.sentence,
    }


def _decision_word(decision: Decision) -> str:
    if isinstance(decision, Run):
        return "run"
    return "ask" if isinstance(decision, Ask) else "reject"


def decision_text(decision: Decision) -> str:
    """A decision in a few words, without its reason."""
    if isinstance(decision, Run):
        return "run in the sandbox" if decision.sandboxed else "run without a sandbox"
    return "ask the user" if isinstance(decision, Ask) else "refuse"
