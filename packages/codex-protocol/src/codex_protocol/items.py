"""What a model reads and writes: messages, reasoning, tool calls and their outputs.

The same objects travel to the model, come back from it and are kept in rollouts. Ids are read and kept
in memory but written only on request (`to_wire(with_id=True)`), see spec protocol.md section 6.2.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias, cast

from pydantic import Field

from codex_protocol.base import RawModel, WireModel
from codex_protocol.fields import OmitNone, Uint
from codex_protocol.unions import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from codex_protocol.jsonio import JSON


# --- content of messages and reasoning ------------------------------------------------------------


class InputTextContent(WireModel):
    """Text given to the model."""

    type: Literal["input_text"] = "input_text"
    text: str


class InputImageContent(WireModel):
    """An image given to the model, as a URL or data URL."""

    type: Literal["input_image"] = "input_image"
    image_url: str


class OutputTextContent(WireModel):
    """Text the model wrote."""

    type: Literal["output_text"] = "output_text"
    text: str


CONTENT_ITEM = Tagged(
    lambda: {
        "input_text": InputTextContent,
        "input_image": InputImageContent,
        "output_text": OutputTextContent,
    }
)
ContentItem: TypeAlias = Annotated[InputTextContent | InputImageContent | OutputTextContent, CONTENT_ITEM]


class SummaryText(WireModel):
    """One part of a reasoning summary."""

    type: Literal["summary_text"] = "summary_text"
    text: str


_SUMMARY = Tagged(lambda: {"summary_text": SummaryText})


class ReasoningTextContent(WireModel):
    """Raw reasoning, as newer interfaces name it."""

    type: Literal["reasoning_text"] = "reasoning_text"
    text: str


class PlainTextContent(WireModel):
    """Raw reasoning, as some interfaces name it; never written on its own."""

    type: Literal["text"] = "text"
    text: str


REASONING_CONTENT = Tagged(lambda: {"reasoning_text": ReasoningTextContent, "text": PlainTextContent})
ReasoningContent: TypeAlias = Annotated[ReasoningTextContent | PlainTextContent, REASONING_CONTENT]


# --- items ----------------------------------------------------------------------------------------


class ItemModel(WireModel):
    """Base of the response items."""

    rollout_type: ClassVar[str] = "response_item"

    def to_wire(self, *, with_id: bool = False) -> dict[str, JSON]:
        """The item as JSON-able data; `with_id` puts its id, if it has one, back after the type.

        Some providers want the ids they gave with the items that come back to them.
        """
        wire = super().to_wire()
        item_id = getattr(self, "id", None)
        if not with_id or not item_id or "id" in wire:
            return wire
        return {"type": wire.pop("type"), "id": item_id, **wire}


class MessageItem(ItemModel):
    """Something said by the user, the assistant or another role."""

    type: Literal["message"] = "message"
    id: str | None = Field(default=None, exclude=True)
    role: str
    content: tuple[ContentItem, ...]


def _names_no_reasoning(content: tuple[ReasoningContent, ...] | None) -> bool:
    return content is not None and not any(isinstance(part, ReasoningTextContent) for part in content)


class ReasoningItem(ItemModel):
    """What the model thought, summed up, raw or encrypted.

    `content` is written as null when None, and left out when no part of it is `reasoning_text`.
    """

    type: Literal["reasoning"] = "reasoning"
    id: str = Field(default="", exclude=True)
    summary: tuple[Annotated[SummaryText, _SUMMARY], ...]
    content: tuple[ReasoningContent, ...] | None = Field(default=None, exclude_if=_names_no_reasoning)
    encrypted_content: str | None = None


class LocalShellStatus(StrEnum):
    """How far a shell call of the model's own tool is."""

    COMPLETED = "completed"
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"


class LocalShellExecAction(WireModel):
    """A command the model's own shell tool wants run."""

    type: Literal["exec"] = "exec"
    command: tuple[str, ...]
    timeout_ms: Uint | None = None
    working_directory: str | None = None
    env: dict[str, str] | None = None
    user: str | None = None


_SHELL_ACTION = Tagged(lambda: {"exec": LocalShellExecAction})


class LocalShellCallItem(ItemModel):
    """A call of the model's own shell tool."""

    type: Literal["local_shell_call"] = "local_shell_call"
    id: str | None = Field(default=None, exclude=True)
    call_id: str | None = None
    status: LocalShellStatus
    action: Annotated[LocalShellExecAction, _SHELL_ACTION]


class FunctionCallItem(ItemModel):
    """A call of one of our tools; `arguments` is JSON text, kept to the letter."""

    type: Literal["function_call"] = "function_call"
    id: str | None = Field(default=None, exclude=True)
    name: str
    arguments: str
    call_id: str


class FunctionCallOutputItem(ItemModel):
    """What a tool answered; `success` is ours to know and never leaves the process."""

    type: Literal["function_call_output"] = "function_call_output"
    call_id: str
    output: str
    success: bool | None = Field(default=None, exclude=True, json_schema_extra={"internal": True})

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The item a decoded JSON object stands for; a `success` in it is not ours and is dropped."""
        if "success" in data:
            data = {key: value for key, value in data.items() if key != "success"}
        return super().from_wire(data)


class CustomToolCallItem(ItemModel):
    """A call of a tool that takes free text."""

    type: Literal["custom_tool_call"] = "custom_tool_call"
    id: str | None = Field(default=None, exclude=True)
    status: OmitNone[str] = None
    call_id: str
    name: str
    input: str


class CustomToolCallOutputItem(ItemModel):
    """What a free-text tool answered."""

    type: Literal["custom_tool_call_output"] = "custom_tool_call_output"
    call_id: str
    output: str


class WebSearchAction(WireModel):
    """The model searched for `query`."""

    type: Literal["search"] = "search"
    query: str


class OtherWebSearchAction(RawModel):
    """Anything else a search tool does; kept as it came."""

    @property
    def type(self) -> str:
        """The tag it came with."""
        return str(self.raw.get("type", "other"))


_SEARCH_ACTION = Tagged(lambda: {"search": WebSearchAction}, unknown=OtherWebSearchAction)


class WebSearchCallItem(ItemModel):
    """A search the model's own tool made."""

    type: Literal["web_search_call"] = "web_search_call"
    id: str | None = Field(default=None, exclude=True)
    status: OmitNone[str] = None
    action: Annotated[WebSearchAction | OtherWebSearchAction, _SEARCH_ACTION]


class OtherItem(RawModel, ItemModel):
    """An item of a type unknown here, kept as it came so that a newer peer finds it unchanged."""

    @property
    def type(self) -> str:
        """The tag it came with."""
        return str(self.raw.get("type", "other"))


ResponseItem: TypeAlias = (
    MessageItem
    | ReasoningItem
    | LocalShellCallItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | CustomToolCallItem
    | CustomToolCallOutputItem
    | WebSearchCallItem
    | OtherItem
)

RESPONSE_ITEM = Tagged(
    lambda: {
        "message": MessageItem,
        "reasoning": ReasoningItem,
        "local_shell_call": LocalShellCallItem,
        "function_call": FunctionCallItem,
        "function_call_output": FunctionCallOutputItem,
        "custom_tool_call": CustomToolCallItem,
        "custom_tool_call_output": CustomToolCallOutputItem,
        "web_search_call": WebSearchCallItem,
    },
    unknown=OtherItem,
)
"""Tells the items apart."""


def parse_response_item(data: Mapping[str, object]) -> ResponseItem:
    """The item a decoded JSON object stands for; an unknown type gives an `OtherItem`.

    Raises:
        ProtocolError: when there is no type, or an item of a known type has not its shape.
    """
    return cast("ResponseItem", RESPONSE_ITEM.parse(data))
