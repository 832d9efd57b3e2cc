"""How tools are described to the model, on either wire.

The order of keys is stable and properties are sorted, so that equal tool sets are equal bytes and the
server's prompt cache works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JsonSchema: TypeAlias = "Mapping[str, object]"


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A tool called with a JSON object."""

    name: str
    description: str
    parameters: JsonSchema
    """JSON Schema of the arguments; `object_schema` makes the usual kind."""
    strict: bool = False

    def to_responses(self) -> dict[str, object]:
        """The entry of `tools` on the Responses wire."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "strict": self.strict,
            "parameters": self.parameters,
        }

    def to_chat(self) -> dict[str, object] | None:
        """The entry of `tools` on the Chat Completions wire."""
        function = self.to_responses()
        del function["type"]
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class CustomTool:
    """A tool called with free text in the shape of a grammar."""

    name: str
    description: str
    definition: str
    """The grammar."""
    syntax: str = "lark"

    def to_responses(self) -> dict[str, object]:
        """The entry of `tools` on the Responses wire."""
        return {
            "type": "custom",
            "name": self.name,
            "description": self.description,
            "format": {"type": "grammar", "syntax": self.syntax, "definition": self.definition},
        }

    def to_chat(self) -> dict[str, object] | None:
        """None: the Chat Completions wire has no such tools."""
        return None


@dataclass(frozen=True, slots=True)
class LocalShellTool:
    """The shell as models know it that were trained with one of their own."""

    def to_responses(self) -> dict[str, object]:
        """The entry of `tools` on the Responses wire."""
        return {"type": "local_shell"}

    def to_chat(self) -> dict[str, object] | None:
        """None: the Chat Completions wire has no such tool."""
        return None


@dataclass(frozen=True, slots=True)
class WebSearchTool:
    """A search that the server does on its side."""

    def to_responses(self) -> dict[str, object]:
        """The entry of `tools` on the Responses wire."""
        return {"type": "web_search"}

    def to_chat(self) -> dict[str, object] | None:
        """None: the Chat Completions wire has no such tool."""
        return None


ToolSpec: TypeAlias = FunctionTool | CustomTool | LocalShellTool | WebSearchTool


def object_schema(properties: Mapping[str, JsonSchema], *, required: Sequence[str]) -> dict[str, object]:
    """The schema of an object with exactly these properties, sorted by name."""
    return {
        "type": "object",
        "properties": {name: properties[name] for name in sorted(properties)},
        "required": list(required),
        "additionalProperties": False,
    }


def string(description: str | None = None) -> dict[str, object]:
    """The schema of a text."""
    return _described({"type": "string"}, description)


def number(description: str | None = None) -> dict[str, object]:
    """The schema of a number."""
    return _described({"type": "number"}, description)


def boolean(description: str | None = None) -> dict[str, object]:
    """The schema of a yes or no."""
    return _described({"type": "boolean"}, description)


def array(items: JsonSchema, description: str | None = None) -> dict[str, object]:
    """The schema of a list."""
    return _described({"type": "array", "items": items}, description)


def _described(schema: dict[str, object], description: str | None) -> dict[str, object]:
    return schema if description is None else {**schema, "description": description}
