"""The parts of the Model Context Protocol, revision 2025-06-18, that we send and understand ourselves.

Keys are written in alphabetical order, as the reference does (spec: protocol.md section 11).
JSON-RPC frames are in `codex_protocol.json_rpc`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import ConfigDict, Field

from codex_protocol.base import RawModel, WireModel
from codex_protocol.camel import CamelModel
from codex_protocol.fields import Bool, Float64, Int64, OmitNone, is_none
from codex_protocol.unions import Shaped

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = "2025-06-18"

FreeObject: TypeAlias = dict[str, object]
ProgressToken: TypeAlias = str | Int64


# --- what is pointed at and shown -----------------------------------------------------------------


class Role(StrEnum):
    """Who something is for."""

    USER = "user"
    ASSISTANT = "assistant"


class Annotations(CamelModel):
    """Who a piece of content is for, and how much it matters."""

    audience: OmitNone[tuple[Role, ...]] = None
    last_modified: OmitNone[str] = None
    priority: OmitNone[Float64] = None


class TextContent(CamelModel):
    """Text."""

    annotations: OmitNone[Annotations] = None
    text: str
    type: str = "text"


class ImageContent(CamelModel):
    """An image; `data` is base64 text."""

    annotations: OmitNone[Annotations] = None
    data: str
    mime_type: str
    type: str = "image"


class AudioContent(CamelModel):
    """Sound; `data` is base64 text."""

    annotations: OmitNone[Annotations] = None
    data: str
    mime_type: str
    type: str = "audio"


class ResourceLink(CamelModel):
    """A resource that can be read with another request."""

    annotations: OmitNone[Annotations] = None
    description: OmitNone[str] = None
    mime_type: OmitNone[str] = None
    name: str
    size: OmitNone[Int64] = None
    title: OmitNone[str] = None
    type: str = "resource_link"
    uri: str


class TextResourceContents(CamelModel):
    """A resource that is text."""

    mime_type: OmitNone[str] = None
    text: str
    uri: str


class BlobResourceContents(CamelModel):
    """A resource that is bytes; `blob` is base64 text."""

    blob: str
    mime_type: OmitNone[str] = None
    uri: str


EMBEDDED_RESOURCE = Shaped(
    lambda data: TextResourceContents if "text" in data else BlobResourceContents,
    lambda: (TextResourceContents, BlobResourceContents),
)
EmbeddedResourceResource: TypeAlias = Annotated[
    TextResourceContents | BlobResourceContents, EMBEDDED_RESOURCE
]


class EmbeddedResource(CamelModel):
    """A resource, contents and all."""

    annotations: OmitNone[Annotations] = None
    resource: EmbeddedResourceResource
    type: str = "resource"


class OtherContentBlock(RawModel):
    """Content of a kind unknown here, kept as it came."""


def _choose_content(data: Mapping[str, object]) -> type[WireModel]:
    # By what the block holds, not by its type text, which peers do not agree on.
    if "text" in data:
        return TextContent
    if "data" in data and "mimeType" in data:
        return AudioContent if data.get("type") == "audio" else ImageContent
    if "uri" in data and "name" in data:
        return ResourceLink
    if "resource" in data:
        return EmbeddedResource
    return OtherContentBlock


CONTENT_BLOCK = Shaped(
    _choose_content,
    lambda: (TextContent, ImageContent, AudioContent, ResourceLink, EmbeddedResource),
    unknown=OtherContentBlock,
)
"""Tells the kinds of content apart."""
ContentBlock: TypeAlias = Annotated[
    TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource | OtherContentBlock,
    CONTENT_BLOCK,
]


# --- tools ----------------------------------------------------------------------------------------


class ToolAnnotations(CamelModel):
    """What a tool says of its own manners."""

    destructive_hint: OmitNone[Bool] = None
    idempotent_hint: OmitNone[Bool] = None
    open_world_hint: OmitNone[Bool] = None
    read_only_hint: OmitNone[Bool] = None
    title: OmitNone[str] = None


class ToolSchema(CamelModel):
    """The JSON Schema of what goes into or comes out of a tool; further keywords are kept."""

    model_config = ConfigDict(extra="allow")

    properties: object = Field(default=None, exclude_if=is_none)
    required: OmitNone[tuple[str, ...]] = None
    type: str = "object"


class ToolInputSchema(ToolSchema):
    """The JSON Schema of what goes into a tool."""


class ToolOutputSchema(ToolSchema):
    """The JSON Schema of what comes out of a tool."""


class Tool(CamelModel):
    """A tool of an MCP server."""

    annotations: OmitNone[ToolAnnotations] = None
    description: OmitNone[str] = None
    input_schema: ToolInputSchema
    name: str
    output_schema: OmitNone[ToolOutputSchema] = None
    title: OmitNone[str] = None


class CallToolRequestParams(CamelModel):
    """Which tool to call, with what."""

    arguments: object = Field(default=None, exclude_if=is_none)
    name: str


class CallToolResult(CamelModel):
    """What a tool answered."""

    content: tuple[ContentBlock, ...]
    is_error: OmitNone[Bool] = None
    structured_content: object = Field(default=None, exclude_if=is_none)


class ListToolsRequestParams(CamelModel):
    """Which page of tools to list."""

    cursor: OmitNone[str] = None


class ListToolsResult(CamelModel):
    """A page of tools."""

    next_cursor: OmitNone[str] = None
    tools: tuple[Tool, ...]


# --- the handshake --------------------------------------------------------------------------------


class Implementation(CamelModel):
    """A program that speaks the protocol; `user_agent`, snake_case on the wire too, is an extra of ours."""

    name: str
    title: OmitNone[str] = None
    version: str
    user_agent: str | None = Field(default=None, exclude_if=is_none, alias="user_agent")


class ClientCapabilitiesRoots(CamelModel):
    """What a client does about roots."""

    list_changed: OmitNone[Bool] = None


class ServerCapabilitiesPrompts(CamelModel):
    """What a server does about prompts."""

    list_changed: OmitNone[Bool] = None


class ServerCapabilitiesTools(CamelModel):
    """What a server does about tools."""

    list_changed: OmitNone[Bool] = None


class ServerCapabilitiesResources(CamelModel):
    """What a server does about resources."""

    list_changed: OmitNone[Bool] = None
    subscribe: OmitNone[Bool] = None


class ClientCapabilities(CamelModel):
    """What a client can do."""

    elicitation: object = Field(default=None, exclude_if=is_none)
    experimental: object = Field(default=None, exclude_if=is_none)
    roots: OmitNone[ClientCapabilitiesRoots] = None
    sampling: object = Field(default=None, exclude_if=is_none)


class ServerCapabilities(CamelModel):
    """What a server can do."""

    completions: object = Field(default=None, exclude_if=is_none)
    experimental: object = Field(default=None, exclude_if=is_none)
    logging: object = Field(default=None, exclude_if=is_none)
    prompts: OmitNone[ServerCapabilitiesPrompts] = None
    resources: OmitNone[ServerCapabilitiesResources] = None
    tools: OmitNone[ServerCapabilitiesTools] = None


class InitializeRequestParams(CamelModel):
    """What a client says first."""

    capabilities: ClientCapabilities
    client_info: Implementation
    protocol_version: str


class InitializeResult(CamelModel):
    """What a server answers to it."""

    capabilities: ServerCapabilities
    instructions: OmitNone[str] = None
    protocol_version: str
    server_info: Implementation


# --- questions, progress, messages ----------------------------------------------------------------


class ElicitSchema(CamelModel):
    """What an answer must look like: an object of simple properties."""

    properties: FreeObject
    required: OmitNone[tuple[str, ...]] = None
    type: str = "object"


class ElicitRequestParams(CamelModel):
    """A question for the user; what we ask about carries further keys, which are kept."""

    model_config = ConfigDict(extra="allow")

    message: str
    requested_schema: ElicitSchema


class ElicitResult(CamelModel):
    """The user's answer: accept, decline or cancel."""

    action: str
    content: object = Field(default=None, exclude_if=is_none)


class CancelledNotificationParams(CamelModel):
    """The sender no longer wants an answer to that request."""

    reason: OmitNone[str] = None
    request_id: str | Int64


class ProgressNotificationParams(CamelModel):
    """How far a request is."""

    message: OmitNone[str] = None
    progress: Float64
    progress_token: ProgressToken
    total: OmitNone[Float64] = None


class LoggingLevel(StrEnum):
    """How bad it is."""

    ALERT = "alert"
    CRITICAL = "critical"
    DEBUG = "debug"
    EMERGENCY = "emergency"
    ERROR = "error"
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"


class LoggingMessageNotificationParams(CamelModel):
    """A line of a server's log."""

    data: object
    level: LoggingLevel
    logger: OmitNone[str] = None
