"""What a front end asks of an agent: one `Submission` per request, one `Op` class per kind."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, cast

from pydantic import Field
from pydantic_core import core_schema

from codex_protocol.base import WireModel
from codex_protocol.config_types import AskForApproval, ReasoningEffort, ReasoningSummary, ReviewDecision
from codex_protocol.errors import ProtocolError
from codex_protocol.fields import OmitNone, SandboxPolicy, Size, Uint, is_none
from codex_protocol.jsonio import describe
from codex_protocol.unions import Late, Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler

    from codex_protocol.review import ReviewRequest
    from codex_protocol.shapes import Shape
else:
    ReviewRequest = Annotated[object, Late("codex_protocol.review", "ReviewRequest")]

__all__ = [
    "CLEAR_EFFORT",
    "INPUT_ITEM",
    "OP",
    "AddToHistoryOp",
    "ClearEffort",
    "CompactOp",
    "ExecApprovalOp",
    "GetHistoryEntryRequestOp",
    "GetPathOp",
    "ImageInput",
    "InputItem",
    "InterruptOp",
    "ListCustomPromptsOp",
    "ListMcpToolsOp",
    "LocalImageInput",
    "Op",
    "OverrideTurnContextOp",
    "PatchApprovalOp",
    "ReviewDecision",
    "ReviewOp",
    "ShutdownOp",
    "Submission",
    "TextInput",
    "UserInputOp",
    "UserTurnOp",
    "parse_input_item",
    "parse_op",
]


class TextInput(WireModel):
    """Something the user typed."""

    type: Literal["text"] = "text"
    text: str


class ImageInput(WireModel):
    """An image, as a URL or data URL."""

    type: Literal["image"] = "image"
    image_url: str


class LocalImageInput(WireModel):
    """An image in a file the agent can read."""

    type: Literal["local_image"] = "local_image"
    path: str


INPUT_ITEM = Tagged(lambda: {"text": TextInput, "image": ImageInput, "local_image": LocalImageInput})
InputItem: TypeAlias = TextInput | ImageInput | LocalImageInput
_InputItem: TypeAlias = Annotated[InputItem, INPUT_ITEM]


class InterruptOp(WireModel):
    """Stop the running task; nothing if there is none."""

    type: Literal["interrupt"] = "interrupt"


class UserInputOp(WireModel):
    """Start a task with the session's context, or hand the running one more input."""

    type: Literal["user_input"] = "user_input"
    items: tuple[_InputItem, ...]


class UserTurnOp(WireModel):
    """Start a task with a context of its own."""

    type: Literal["user_turn"] = "user_turn"
    items: tuple[_InputItem, ...]
    cwd: str
    approval_policy: AskForApproval
    sandbox_policy: SandboxPolicy
    model: str
    effort: OmitNone[ReasoningEffort] = None
    summary: ReasoningSummary


class ClearEffort(Enum):
    """The wish to go back to no reasoning effort, as opposed to no wish about it."""

    CLEAR = "clear"


CLEAR_EFFORT = ClearEffort.CLEAR


class EffortOverride:
    """Marks a field that holds an effort, the wish for none, or no wish."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_effort,
            serialization=core_schema.plain_serializer_function_ser_schema(_write_effort, when_used="json"),
        )

    def wire_shape(self) -> Shape:
        """An effort or null."""
        from codex_protocol.shapes import Named, Nullable

        return Nullable(Named(ReasoningEffort))


def _read_effort(value: object) -> ReasoningEffort | ClearEffort | None:
    if value is None or isinstance(value, ReasoningEffort | ClearEffort):
        return value
    if isinstance(value, str) and value in {effort.value for effort in ReasoningEffort}:
        return ReasoningEffort(value)
    expected = ", ".join(f"`{effort}`" for effort in ReasoningEffort)
    shown = f"`{value}`" if isinstance(value, str) else describe(value)
    raise ProtocolError(f"unknown variant {shown}, expected one of {expected}")


def _write_effort(value: ReasoningEffort | ClearEffort | None) -> str | None:
    return value.value if isinstance(value, ReasoningEffort) else None


_EffortOverride: TypeAlias = Annotated[ReasoningEffort | ClearEffort | None, EffortOverride()]


class OverrideTurnContextOp(WireModel):
    """Change the session's context for later turns; what is None stays as it is.

    `effort=CLEAR_EFFORT` is written as null; read back, null means "as it is", as the reference has it.
    """

    type: Literal["override_turn_context"] = "override_turn_context"
    cwd: OmitNone[str] = None
    approval_policy: OmitNone[AskForApproval] = None
    sandbox_policy: SandboxPolicy | None = Field(default=None, exclude_if=is_none)
    model: OmitNone[str] = None
    effort: _EffortOverride = Field(default=None, exclude_if=is_none)
    summary: OmitNone[ReasoningSummary] = None


class ExecApprovalOp(WireModel):
    """The answer to an exec approval request; `id` is the id of the event that asked, not the call's."""

    type: Literal["exec_approval"] = "exec_approval"
    id: str
    decision: ReviewDecision


class PatchApprovalOp(WireModel):
    """The answer to a patch approval request; `id` is the id of the event that asked, not the call's."""

    type: Literal["patch_approval"] = "patch_approval"
    id: str
    decision: ReviewDecision


class AddToHistoryOp(WireModel):
    """Append a prompt to history.jsonl."""

    type: Literal["add_to_history"] = "add_to_history"
    text: str


class GetHistoryEntryRequestOp(WireModel):
    """Ask for line `offset`, from zero, of the history file known as `log_id`."""

    type: Literal["get_history_entry_request"] = "get_history_entry_request"
    offset: Size
    log_id: Uint


class GetPathOp(WireModel):
    """Ask where the conversation is recorded."""

    type: Literal["get_path"] = "get_path"


class ListMcpToolsOp(WireModel):
    """Ask for the tools of the configured MCP servers."""

    type: Literal["list_mcp_tools"] = "list_mcp_tools"


class ListCustomPromptsOp(WireModel):
    """Ask for the user's saved prompts."""

    type: Literal["list_custom_prompts"] = "list_custom_prompts"


class CompactOp(WireModel):
    """Sum the conversation up and go on from the summary."""

    type: Literal["compact"] = "compact"


class ReviewOp(WireModel):
    """Start a review in place of whatever is running."""

    type: Literal["review"] = "review"
    review_request: ReviewRequest


class ShutdownOp(WireModel):
    """Write everything down and end the session."""

    type: Literal["shutdown"] = "shutdown"


Op: TypeAlias = (
    InterruptOp
    | UserInputOp
    | UserTurnOp
    | OverrideTurnContextOp
    | ExecApprovalOp
    | PatchApprovalOp
    | AddToHistoryOp
    | GetHistoryEntryRequestOp
    | GetPathOp
    | ListMcpToolsOp
    | ListCustomPromptsOp
    | CompactOp
    | ReviewOp
    | ShutdownOp
)

OP = Tagged(
    lambda: {
        "interrupt": InterruptOp,
        "user_input": UserInputOp,
        "user_turn": UserTurnOp,
        "override_turn_context": OverrideTurnContextOp,
        "exec_approval": ExecApprovalOp,
        "patch_approval": PatchApprovalOp,
        "add_to_history": AddToHistoryOp,
        "get_history_entry_request": GetHistoryEntryRequestOp,
        "get_path": GetPathOp,
        "list_mcp_tools": ListMcpToolsOp,
        "list_custom_prompts": ListCustomPromptsOp,
        "compact": CompactOp,
        "review": ReviewOp,
        "shutdown": ShutdownOp,
    }
)


class Submission(WireModel):
    """One request; every event it causes carries its id."""

    id: str
    op: Annotated[Op, OP]


def parse_op(data: Mapping[str, object]) -> Op:
    """The operation a decoded JSON object stands for.

    Raises:
        ProtocolError: when its type is unknown or it has not the shape of its type.
    """
    return cast("Op", OP.parse(data))


def parse_input_item(data: Mapping[str, object]) -> InputItem:
    """The input item a decoded JSON object stands for.

    Raises:
        ProtocolError: when its type is unknown or it has not the shape of its type.
    """
    return cast("InputItem", INPUT_ITEM.parse(data))
