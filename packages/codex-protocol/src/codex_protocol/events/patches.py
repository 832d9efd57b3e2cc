"""Patches: may these files be changed, they are being changed, they were, and all of it so far."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from codex_protocol.events.model import EventModel
from codex_protocol.fields import Bool, OmitNone
from codex_protocol.file_change import FILE_CHANGE, FileChange

_FileChange: TypeAlias = Annotated[FileChange, FILE_CHANGE]


class ApplyPatchApprovalRequestEvent(EventModel):
    """May these files be changed, and with `grant_root` everything below it from now on?"""

    type: Literal["apply_patch_approval_request"] = "apply_patch_approval_request"
    call_id: str
    changes: dict[str, _FileChange]
    reason: OmitNone[str] = None
    grant_root: OmitNone[str] = None


class PatchApplyBeginEvent(EventModel):
    """Files are about to be changed."""

    type: Literal["patch_apply_begin"] = "patch_apply_begin"
    call_id: str
    auto_approved: Bool
    changes: dict[str, _FileChange]


class PatchApplyEndEvent(EventModel):
    """Files were changed, or not."""

    type: Literal["patch_apply_end"] = "patch_apply_end"
    call_id: str
    stdout: str
    stderr: str
    success: Bool


class TurnDiffEvent(EventModel):
    """Everything the task has changed so far."""

    type: Literal["turn_diff"] = "turn_diff"
    unified_diff: str
