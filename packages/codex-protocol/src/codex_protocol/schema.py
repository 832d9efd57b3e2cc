"""JSON Schema (2020-12) of the wire types: what a reader of ours accepts.

`python -m codex_protocol schema --out DIR` writes one file per type, `DIR/<module>/<Type>.json`.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING

from codex_protocol.base import RawModel, WireModel
from codex_protocol.shapes import (
    SANDBOX_POLICY,
    Anything,
    Const,
    Either,
    Flag,
    ListOf,
    MapOf,
    Named,
    Nullable,
    Number,
    Object,
    OtherThan,
    Shape,
    Text,
    shape_of,
    shape_of_marker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_protocol.jsonio import JSON

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODULES = (
    "config_types",
    "elicitation",
    "events.answers",
    "events.calls",
    "events.commands",
    "events.duration",
    "events.envelope",
    "events.patches",
    "events.reviews",
    "events.session",
    "events.speech",
    "exec_events",
    "file_change",
    "history_entry",
    "ide",
    "items",
    "json_rpc",
    "mcp_tools",
    "mcp_types",
    "ops",
    "parsed_command",
    "plan",
    "review",
    "rollout",
    "tokens",
    "tool_calls",
)
"""Where the types are."""

UNIONS = {
    "EventMsg": ("events.dispatch", "EVENT_MSG"),
    "FileChange": ("file_change", "FILE_CHANGE"),
    "IdeInputItem": ("ide", "IDE_INPUT_ITEM"),
    "InputItem": ("ops", "INPUT_ITEM"),
    "Op": ("ops", "OP"),
    "ParsedCommand": ("parsed_command", "PARSED_COMMAND"),
    "ContentItem": ("items", "CONTENT_ITEM"),
    "ReasoningContent": ("items", "REASONING_CONTENT"),
    "ResponseItem": ("items", "RESPONSE_ITEM"),
    "ContentBlock": ("mcp_types", "CONTENT_BLOCK"),
    "ThreadEvent": ("exec_events", "THREAD_EVENT"),
    "ThreadItem": ("exec_events", "THREAD_ITEM"),
}
"""Unions: their names, and where the marker of each is."""


def public_types() -> Iterator[tuple[str, type[WireModel | StrEnum]]]:
    """Every model and every set of words, with the name of the area it belongs to."""
    for module_name in MODULES:
        module = import_module(f"codex_protocol.{module_name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if not (isinstance(value, type) and issubclass(value, WireModel | StrEnum)):
                continue
            # Bases look like nothing on their own, and what is kept as it came looks like anything.
            if not (name.endswith("Model") or name == "UnknownRolloutItem" or issubclass(value, RawModel)):
                yield module_name.split(".")[0], value


def all_schemas() -> dict[str, dict[str, JSON]]:
    """A schema for every public type, under `<area>/<Type>`."""
    schemas = {f"{area}/{cls.__name__}": schema_of(cls) for area, cls in public_types()}
    for name, (module, marker) in UNIONS.items():
        shape = shape_of_marker(getattr(import_module(f"codex_protocol.{module}"), marker))
        schemas[f"{module.split('.')[0]}/{name}"] = _complete(name, shape)
    schemas["sandbox_policy/SandboxPolicy"] = _complete("SandboxPolicy", SANDBOX_POLICY)
    return schemas


def schema_of(cls: type[WireModel | Enum]) -> dict[str, JSON]:
    """The schema of one type, with the types it refers to under `$defs`."""
    if issubclass(cls, WireModel):
        return _complete(cls.__name__, shape_of(cls), about=cls)
    return {"$schema": DIALECT, **_words(cls)}


def _complete(name: str, shape: Shape, about: type | None = None) -> dict[str, JSON]:
    writer = _Writer()
    body = writer.write(shape)
    schema: dict[str, JSON] = {"$schema": DIALECT, "title": name}
    if about is not None and about.__doc__:
        schema["description"] = cleandoc(about.__doc__)
    schema.update(body)
    definitions = writer.definitions()
    if definitions:
        schema["$defs"] = definitions
    return schema


class _Writer:
    """Writes shapes as schemas and gathers the named types they mention."""

    def __init__(self) -> None:
        self._names: dict[type[WireModel | Enum], str] = {}
        self._waiting: list[type[WireModel | Enum]] = []

    def definitions(self) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        while self._waiting:
            cls = self._waiting.pop()
            if issubclass(cls, WireModel):
                described: dict[str, JSON] = {
                    "title": cls.__name__,
                    "description": cleandoc(cls.__doc__ or ""),
                }
                found[self._names[cls]] = {**described, **self.write(shape_of(cls))}
            else:
                found[self._names[cls]] = _words(cls)
        return dict(sorted(found.items()))

    def write(self, shape: Shape) -> dict[str, JSON]:
        match shape:
            case Text("base64"):
                return {"type": "string", "contentEncoding": "base64"}
            case Text("uuid"):
                return {"type": "string", "format": "uuid"}
            case Text():
                return {"type": "string"}
            case Number():
                bounds: dict[str, JSON] = {"minimum": shape.minimum, "maximum": shape.maximum}
                kept = {key: value for key, value in bounds.items() if value is not None}
                return {"type": "integer" if shape.is_integer else "number", **kept}
            case Flag():
                return {"type": "boolean"}
            case Anything(is_object):
                return {"type": "object"} if is_object else {}
            case Const(value):
                return {"type": "string", "const": value}
            case OtherThan(values):
                return {"type": "string", "not": {"enum": list(values)}}
            case ListOf(item):
                return {"type": "array", "items": self.write(item)}
            case MapOf(value):
                return {"type": "object", "additionalProperties": self.write(value)}
            case Nullable(inner):
                return {"anyOf": [self.write(inner), {"type": "null"}]} if self.write(inner) else {}
            case Either():
                others = () if shape.other is None else (shape.other,)
                return {"anyOf": [self.write(option) for option in (*shape.options, *others)]}
            case Named(cls):
                return {"$ref": f"#/$defs/{self._name(cls)}"}
            case Object():
                return self._object(shape)

    def _object(self, shape: Object) -> dict[str, JSON]:
        properties: dict[str, JSON] = {member.key: self.write(member.shape) for member in shape.members}
        required: list[JSON] = [member.key for member in shape.members if member.is_required]
        schema: dict[str, JSON] = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if shape.is_closed:
            schema["additionalProperties"] = False
        return schema

    def _name(self, cls: type[WireModel | Enum]) -> str:
        if cls not in self._names:
            taken = cls.__name__ in self._names.values()
            self._names[cls] = f"{cls.__module__}.{cls.__name__}" if taken else cls.__name__
            self._waiting.append(cls)
        return self._names[cls]


def _words(cls: type[Enum]) -> dict[str, JSON]:
    values: list[JSON] = [str(member.value) for member in cls]
    return {
        "title": cls.__name__,
        "description": cleandoc(cls.__doc__ or ""),
        "type": "string",
        "enum": values,
    }
