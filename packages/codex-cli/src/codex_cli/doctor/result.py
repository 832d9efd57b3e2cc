"""What a check finds, and what it is told to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_core.config.config import Config

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value] | None"
"""What JSON can say."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """Works, but somebody should know."""
    FAIL = "fail"
    """Something will not work."""
    SKIPPED = "skipped"
    """Was not looked at; the summary says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One finding. Its texts hold no secret."""

    status: Status
    summary: str
    """One sentence or phrase, without a full stop."""
    details: tuple[str, ...] = ()
    advice: str | None = None
    """What to do about it."""
    data: Mapping[str, Value] = field(default_factory=dict)
    """The facts for programs."""


def ok(summary: str, *details: str, **data: Value) -> Result:
    """All is well."""
    return Result(Status.OK, summary, details, data=data)


def skipped(summary: str, **data: Value) -> Result:
    """Not looked at."""
    return Result(Status.SKIPPED, summary, data=data)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: this process, its directories and its configuration."""

    environ: Mapping[str, str]
    """The environment of the user, with CODEX_HOME/.env over it."""
    cwd: str
    """Where the agent would work."""
    home: str | None = None
    """CODEX_HOME; None when it cannot be told."""
    config: Config | None = None
    """None when it cannot be used."""
    home_problem: str | None = None
    """Why CODEX_HOME cannot be told; then there is no configuration either."""
    problems: tuple[str, ...] = ()
    """Why the configuration cannot be used."""
    network: bool = False
    """Whether requests may be made."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at."""

    id: str
    """Stable, for programs."""
    group: str
    run: Callable[[Patient], Result]
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A check and how it ended."""

    check: Check
    result: Result
    seconds: float


def worst(findings: Sequence[Finding]) -> Status:
    """`FAIL` if anything failed, else `WARN` if anything warned, else `OK`."""
    found = {finding.result.status for finding in findings}
    return next((status for status in (Status.FAIL, Status.WARN) if status in found), Status.OK)
