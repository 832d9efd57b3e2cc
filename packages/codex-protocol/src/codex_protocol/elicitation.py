"""How a tool session asks an MCP client for approval (spec: servers.md section 4).

The request is MCP's `elicitation/create` with keys of our own beside it; the answer is a decision,
not the shape MCP names.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from codex_protocol.base import WireModel
from codex_protocol.config_types import ReviewDecision
from codex_protocol.fields import OmitNone
from codex_protocol.file_change import FILE_CHANGE, FileChange
from codex_protocol.mcp_types import ElicitSchema

_FileChange: TypeAlias = Annotated[FileChange, FILE_CHANGE]


def _no_fields() -> ElicitSchema:
    return ElicitSchema(properties={})


class ExecApprovalElicitParams(WireModel):
    """May this command run?"""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    message: str
    requested_schema: ElicitSchema = Field(default_factory=_no_fields, alias="requestedSchema")
    codex_elicitation: Literal["exec-approval"] = "exec-approval"
    codex_mcp_tool_call_id: str
    codex_event_id: str
    codex_call_id: str
    codex_command: tuple[str, ...]
    codex_cwd: str


class PatchApprovalElicitParams(WireModel):
    """May these files be changed?"""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    message: str
    requested_schema: ElicitSchema = Field(default_factory=_no_fields, alias="requestedSchema")
    codex_elicitation: Literal["patch-approval"] = "patch-approval"
    codex_mcp_tool_call_id: str
    codex_event_id: str
    codex_call_id: str
    codex_reason: OmitNone[str] = None
    codex_grant_root: OmitNone[str] = None
    codex_changes: dict[str, _FileChange]


class ApprovalElicitResult(WireModel):
    """The answer to either."""

    decision: ReviewDecision
