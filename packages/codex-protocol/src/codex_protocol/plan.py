"""The plan a model keeps of its work: the arguments of the `update_plan` tool and of its event."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from codex_protocol.base import WireModel


class StepStatus(StrEnum):
    """How far one step of a plan is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class PlanItemArg(WireModel):
    """One step of a plan; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    step: str
    status: StepStatus


class UpdatePlanArgs(WireModel):
    """A whole plan, and why it changed; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    explanation: str | None = None
    plan: tuple[PlanItemArg, ...]
