"""The lines of a rollout file: one recorded conversation, one JSON object per line, append only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, cast

from pydantic import ValidationInfo, model_serializer, model_validator
from pydantic_core import core_schema

from codex_protocol.base import WireModel, as_object
from codex_protocol.config_types import AskForApproval, ReasoningEffort, ReasoningSummary
from codex_protocol.errors import ProtocolError
from codex_protocol.events.dispatch import EVENT_MSG
from codex_protocol.fields import ConversationId, OmitNone, SandboxPolicy
from codex_protocol.items import RESPONSE_ITEM
from codex_protocol.jsonio import loads_object

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.shapes import Object, Shape


class GitInfo(WireModel):
    """Where the repository stood when the session began; what is unknown is left out."""

    commit_hash: OmitNone[str] = None
    branch: OmitNone[str] = None
    repository_url: OmitNone[str] = None


class SessionMeta(WireModel):
    """Which conversation a file holds; its first line."""

    rollout_type: ClassVar[str] = "session_meta"

    id: ConversationId
    timestamp: str
    cwd: str
    originator: str
    cli_version: str
    instructions: str | None = None
    git: OmitNone[GitInfo] = None


class TurnContextItem(WireModel):
    """Under which circumstances the model was asked."""

    rollout_type: ClassVar[str] = "turn_context"

    cwd: str
    approval_policy: AskForApproval
    sandbox_policy: SandboxPolicy
    model: str
    effort: OmitNone[ReasoningEffort] = None
    summary: ReasoningSummary


class CompactedItem(WireModel):
    """Everything before this line was summed up as `message`."""

    rollout_type: ClassVar[str] = "compacted"

    message: str


class UnknownRolloutItem(WireModel):
    """A line of a type unknown here; its payload is kept as it came."""

    rollout_type: str
    payload: object

    @model_serializer
    def _as_it_came(self) -> object:
        return self.payload


if TYPE_CHECKING:
    RolloutItem: TypeAlias = (
        SessionMeta | TurnContextItem | CompactedItem | ResponseItem | EventMsg | UnknownRolloutItem
    )


def parse_rollout_item(kind: str, payload: object) -> RolloutItem:
    """The item the payload of a line of type `kind` stands for.

    Raises:
        ProtocolError: when a payload of a known type has not its shape.
    """
    match kind:
        case "session_meta":
            return SessionMeta.from_wire(as_object(payload, "a session_meta payload"))
        case "turn_context":
            return TurnContextItem.from_wire(as_object(payload, "a turn_context payload"))
        case "compacted":
            return CompactedItem.from_wire(as_object(payload, "a compacted payload"))
        case "response_item":
            data = as_object(payload, "a response_item payload")
            if data.get("type") == "reasoning" and "content" not in data:
                # On disk an absent list was an empty one, and is written absent again.
                data = {**data, "content": []}
            return cast("ResponseItem", RESPONSE_ITEM.parse(data))
        case "event_msg":
            return cast("EventMsg", EVENT_MSG.parse(payload))
        case _:
            return UnknownRolloutItem(rollout_type=kind, payload=payload)


class _Payload:
    """Marks the payload of a line, whose class follows from the line's type."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(_read_payload)

    def wire_shape(self) -> Shape:
        """Any value; `RolloutLine` says which goes with which type."""
        from codex_protocol.shapes import Anything

        return Anything()


if TYPE_CHECKING:
    _AnyPayload: TypeAlias = RolloutItem
else:
    _AnyPayload = Annotated[object, _Payload()]


def _read_payload(value: object, info: ValidationInfo) -> RolloutItem:
    kind = info.data.get("type")
    if not isinstance(kind, str):
        raise ProtocolError("the payload of a line without a type")
    if not isinstance(value, WireModel):
        return parse_rollout_item(kind, value)
    if getattr(value, "rollout_type", None) != kind:
        raise ProtocolError(f"invalid value: {type(value).__name__}, expected the payload of a {kind} line")
    return cast("RolloutItem", value)


class RolloutLine(WireModel):
    """One line: when it was written (UTC), its type, and what it records.

    In code, `RolloutLine(timestamp=…, payload=item)` finds the type itself.
    """

    timestamp: str
    type: str = ""
    payload: _AnyPayload

    @classmethod
    def wire_shape(cls, fields: Object) -> Shape:
        """A line of each type, with the payload that goes with it."""
        from codex_protocol.shapes import (
            Anything,
            Const,
            Either,
            Member,
            Named,
            Object,
            OtherThan,
            shape_of_marker,
        )

        payloads: dict[str, Shape] = {
            model.rollout_type: Named(model) for model in (SessionMeta, TurnContextItem, CompactedItem)
        }
        payloads["response_item"] = shape_of_marker(RESPONSE_ITEM)
        payloads["event_msg"] = shape_of_marker(EVENT_MSG)
        timestamp = next(member for member in fields.members if member.key == "timestamp")
        return Either(
            tuple(
                Object((timestamp, Member("type", Const(kind)), Member("payload", payload)))
                for kind, payload in payloads.items()
            ),
            Object(
                (timestamp, Member("type", OtherThan(tuple(payloads))), Member("payload", Anything())),
            ),
        )

    @model_validator(mode="before")
    @classmethod
    def _type_of_payload(cls, data: object) -> object:
        if isinstance(data, dict) and "type" not in data:
            payload = data.get("payload")
            if isinstance(payload, WireModel):
                return {**data, "type": getattr(payload, "rollout_type", None)}
            raise ProtocolError("missing field `type`")
        return data


def parse_rollout_line(text: str | bytes) -> RolloutLine:
    """The record one line of a rollout file holds.

    Lines, items and events of unknown types are kept as they came.

    Raises:
        ProtocolError: when the text is not JSON or a record of a known type has not its shape.
    """
    return RolloutLine.from_wire(loads_object(text))
