"""The schema of a tool's arguments as it can be sent to a model's API.

A server may write any JSON Schema; the APIs refuse a whole request for parts they do not know. What says how
arguments look is kept, everything else is left out or put into words that all of them take (spec: agent.md
section 17 and D20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 32
"""Below that a schema is taken as text."""

_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_PLAIN = ("description", "enum", "const", "default", "format")
_NUMBERS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
_TELLING = {"type", "enum", "const", "$ref", *_ALTERNATIVES}  # without one of these a schema says nothing
_DEFINITIONS = ("$defs", "definitions")

_OBJECT_SIGNS = ("properties", "required", "additionalProperties")
_ARRAY_SIGNS = ("items", "prefixItems")
_STRING_SIGNS = ("format", "pattern", "minLength", "maxLength")
_NUMBER_SIGNS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def tool_parameters(schema: object) -> dict[str, object]:
    """The `parameters` of a function tool: always an object with `properties`, sorted by name."""
    source = schema if isinstance(schema, dict) else {}
    # At the top the API takes nothing but an object, no alternatives of it.
    result: dict[str, object] = {
        "type": "object",
        "properties": _sorted_schemas(source.get("properties"), MAX_DEPTH),
    }
    if names := _required(source):
        result["required"] = names
    for key in _DEFINITIONS:
        if isinstance(source.get(key), dict):
            result[key] = _sorted_schemas(source[key], MAX_DEPTH)
    return result


def _clean(schema: object, depth: int) -> dict[str, object]:
    if not isinstance(schema, dict) or depth == 0:
        return {"type": "string"}  # `true`, `false`, or no schema at all
    result: dict[str, object] = {}
    kind = _kind(schema)
    if kind is not None:
        result["type"] = kind
    result |= {key: schema[key] for key in _PLAIN if key in schema and _is_plain(key, schema[key])}
    result |= {key: schema[key] for key in _NUMBERS if _is_number(schema.get(key))}
    if isinstance(schema.get("$ref"), str):
        result["$ref"] = schema["$ref"]
    for key in _ALTERNATIVES:
        choices = schema.get(key)
        if isinstance(choices, list) and choices:
            result[key] = [_clean(choice, depth - 1) for choice in choices]
    if not result.keys() & _TELLING:
        return {"type": "string", **result}
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds:
        result["items"] = _items(schema, depth)
    if "object" in kinds:
        result |= _object_parts(schema, depth)
    return result


def _kind(schema: Mapping[str, object]) -> str | list[str] | None:
    """The type, written or to be seen from the other keywords; None where those say enough without it."""
    given = schema.get("type")
    if isinstance(given, list):
        known = [each for each in _TYPES if each in given]
        if known:
            return known if len(known) > 1 else known[0]
    elif isinstance(given, str) and given in _TYPES:
        return given
    if any(key in schema for key in _OBJECT_SIGNS):
        return "object"
    if any(key in schema for key in _ARRAY_SIGNS):
        return "array"
    if "$ref" in schema or any(isinstance(schema.get(key), list) for key in _ALTERNATIVES):
        return None
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "string" if isinstance(values, list) and all(isinstance(v, str) for v in values) else None
    if any(key in schema for key in _STRING_SIGNS):
        return "string"
    if any(key in schema for key in _NUMBER_SIGNS):
        return "number"
    return "string"


def _object_parts(schema: Mapping[str, object], depth: int) -> dict[str, object]:
    parts: dict[str, object] = {"properties": _sorted_schemas(schema.get("properties"), depth)}
    if names := _required(schema):
        parts["required"] = names
    additional = schema.get("additionalProperties")
    if isinstance(additional, bool):
        parts["additionalProperties"] = additional
    elif isinstance(additional, dict):
        parts["additionalProperties"] = _clean(additional, depth - 1)
    return parts


def _required(schema: Mapping[str, object]) -> list[str]:
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def _sorted_schemas(schemas: object, depth: int) -> dict[str, object]:
    # Sorted so that equal tools are equal bytes, which the server's prompt cache lives on.
    if not isinstance(schemas, dict):
        return {}
    return {name: _clean(schemas[name], depth - 1) for name in sorted(schemas)}


def _items(schema: Mapping[str, object], depth: int) -> dict[str, object]:
    items = schema.get("items")
    if isinstance(items, dict):
        return _clean(items, depth - 1)
    # A list of schemas, in either spelling, is one per place: none of the APIs has that.
    places = items if isinstance(items, list) else schema.get("prefixItems")
    if not isinstance(places, list) or not places:
        return {"type": "string"}
    choices: list[dict[str, object]] = []
    for place in places:
        choice = _clean(place, depth - 1)
        if choice not in choices:
            choices.append(choice)
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _is_plain(key: str, value: object) -> bool:
    if key in ("description", "format"):
        return isinstance(value, str)
    return key != "enum" or (isinstance(value, list) and bool(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
