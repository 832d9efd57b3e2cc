"""JSON-RPC 2.0 frames, as written and as tolerantly read as the reference reads them.

What the methods mean is in `codex_protocol.ide` and `codex_protocol.mcp_types`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from codex_protocol.base import WireModel
from codex_protocol.errors import ProtocolError
from codex_protocol.fields import Int64, is_none
from codex_protocol.jsonio import loads_object

if TYPE_CHECKING:
    from collections.abc import Mapping

JSONRPC_VERSION = "2.0"

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

RequestId: TypeAlias = Annotated[str | Int64, Field(union_mode="left_to_right")]


class JsonRpcRequest(WireModel):
    """A question that wants an answer under the same id."""

    id: RequestId
    jsonrpc: str = JSONRPC_VERSION
    method: str
    params: object = Field(default=None, exclude_if=is_none)


class JsonRpcNotification(WireModel):
    """News that want no answer."""

    jsonrpc: str = JSONRPC_VERSION
    method: str
    params: object = Field(default=None, exclude_if=is_none)


class JsonRpcResponse(WireModel):
    """The answer to a request."""

    id: RequestId
    jsonrpc: str = JSONRPC_VERSION
    result: object


class JsonRpcErrorDetail(WireModel):
    """Why a request has no answer."""

    code: Int64
    data: object = Field(default=None, exclude_if=is_none)
    message: str


class JsonRpcError(WireModel):
    """The answer to a request that failed."""

    error: JsonRpcErrorDetail
    id: RequestId
    jsonrpc: str = JSONRPC_VERSION


JsonRpcFrame: TypeAlias = JsonRpcRequest | JsonRpcNotification | JsonRpcResponse | JsonRpcError


def parse_frame(data: Mapping[str, object]) -> JsonRpcFrame:
    """The frame a JSON object stands for: the first of request, notification, response, error that fits.

    A missing `jsonrpc` is taken as 2.0 and its value is not looked at. A request whose id is neither
    text nor an integer is a notification, since a notification may carry any other key.

    Raises:
        ProtocolError: when nothing fits.
    """
    for shape in (JsonRpcRequest, JsonRpcNotification, JsonRpcResponse, JsonRpcError):
        try:
            return shape.from_wire(data)
        except ProtocolError:
            continue
    raise ProtocolError("not a JSON-RPC request, notification, response or error")


def parse_frame_line(text: str | bytes) -> JsonRpcFrame:
    """The frame one line of JSON holds.

    Raises:
        ProtocolError: when the text is not JSON, or no frame; batches are none.
    """
    return parse_frame(loads_object(text))
