"""The tools a server lists, read one by one, so that a bad entry costs only itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.mcp.schema import tool_parameters
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe, dumps

if TYPE_CHECKING:
    from codex_protocol.mcp_types import Tool

MAX_TOOLS = 1000
"""Further tools of a server are not looked at."""
MAX_DEFINITION_BYTES = 256 * 1024
"""A tool whose description and schema are longer is left out: it would fill the model's context."""


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server describes it."""

    name: str
    description: str
    parameters: dict[str, object]
    """The schema of its arguments, as it can be sent to a model."""
    is_read_only: bool
    """What it says of itself: that it changes nothing."""
    wire: Tool


@dataclass(frozen=True, slots=True)
class Listing:
    """What came of all pages of `tools/list`."""

    tools: tuple[ListedTool, ...] = ()
    problems: tuple[str, ...] = ()
    """Why entries were left out, a sentence each."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to `tools/list`."""

    entries: tuple[object, ...]
    next_cursor: str | None


def read_page(result: object) -> Page:
    """The entries of an answer, unread. Raises: ProtocolError when it is no page of tools."""
    entries = result.get("tools") if isinstance(result, dict) else None
    if not isinstance(entries, list):
        raise ProtocolError("the list of tools is missing in its answer to `tools/list`")
    cursor = result.get("nextCursor") if isinstance(result, dict) else None
    return Page(tuple(entries), cursor if isinstance(cursor, str) and cursor else None)


def read_tools(entries: list[object]) -> Listing:
    """The tools among the entries of all pages, in their order."""
    tools: list[ListedTool] = []
    problems: list[str] = []
    for number, entry in enumerate(entries[:MAX_TOOLS], start=1):
        try:
            tools.append(_read_tool(entry))
        except ProtocolError as error:
            name = entry.get("name") if isinstance(entry, dict) else None
            which = f"tool `{name}`" if isinstance(name, str) else f"tool number {number}"
            problems.append(f"{which} is left out: {error}")
    if len(entries) > MAX_TOOLS:
        problems.append(f"it lists {len(entries)} tools, of which the first {MAX_TOOLS} are offered")
    return Listing(tuple(tools), tuple(problems))


def _read_tool(entry: object) -> ListedTool:
    from codex_protocol.mcp_types import Tool

    if not isinstance(entry, dict):
        raise ProtocolError(f"it is no object but {describe(entry)}")
    name, description = entry.get("name"), entry.get("description")
    if not isinstance(name, str) or not name:
        raise ProtocolError("it has no name")
    if len(dumps(entry).encode()) > MAX_DEFINITION_BYTES:
        raise ProtocolError(f"its definition is longer than {MAX_DEFINITION_BYTES} bytes")
    source = entry.get("inputSchema")
    schema: dict[str, object] = dict(source) if isinstance(source, dict) else {}
    schema["type"] = "object"
    if not isinstance(schema.get("required", []), list):
        del schema["required"]
    wire_entry = {**entry, "inputSchema": schema}
    try:
        wire = Tool.from_wire(wire_entry)
    except ProtocolError:
        # Only what it adds to the tool is wrong; the tool can be called all the same.
        kept = {"name": name, "inputSchema": {"type": "object"}}
        if isinstance(description, str):
            kept["description"] = description
        wire = Tool.from_wire(kept)
    annotations = wire.annotations
    return ListedTool(
        name=name,
        description=wire.description or "",
        parameters=tool_parameters(source),
        is_read_only=annotations is not None and annotations.read_only_hint is True,
        wire=wire,
    )
