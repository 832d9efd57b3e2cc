"""Schemas of MCP tools as they go to the model's API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.schema import tool_parameters

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["type", "properties", "items", "required", "enum", "anyOf", "additionalProperties", "$ref", "$defs", "x"]
        ),
        children | st.sampled_from(["object", "array", "string", "null", "integer"]),
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


def of(schema: object) -> Any:
    """How one property comes out."""
    return tool_parameters({"type": "object", "properties": {"p": schema}})["properties"]["p"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("given_schema", "expected"),
    [
        ({"type": "integer"}, {"type": "integer"}),
        (True, {"type": "string"}),
        (False, {"type": "string"}),
        ({}, {"type": "string"}),
        ({"format": "date"}, {"type": "string", "format": "date"}),
        ({"minimum": 1}, {"type": "number", "minimum": 1}),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"enum": [1, "b"]}, {"enum": [1, "b"]}),
        ({"const": "a"}, {"type": "string", "const": "a"}),
        ({"type": ["null", "string"]}, {"type": ["string", "null"]}),
        ({"type": ["string"]}, {"type": "string"}),
        ({"type": ["nonsense"]}, {"type": "string"}),
        ({"type": "nonsense"}, {"type": "string"}),
        ({"type": "null"}, {"type": "null"}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"items": {"type": "number"}}, {"type": "array", "items": {"type": "number"}}),
        ({"type": "array", "items": [{"type": "number"}, True]},
         {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "string"}]}}),
        ({"prefixItems": [{"type": "number"}]}, {"type": "array", "items": {"type": "number"}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"type": "object", "additionalProperties": {"type": "integer", "x-odd": 1}},
         {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}),
        ({"additionalProperties": True}, {"type": "object", "properties": {}, "additionalProperties": True}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"$ref": "#/$defs/a", "description": "d"}, {"description": "d", "$ref": "#/$defs/a"}),
        ({"type": "string", "pattern": "^(?=a)", "title": "T", "examples": [1]}, {"type": "string"}),
        ({"type": "string", "description": 7}, {"type": "string"}),
    ],
)  # fmt: skip
def test_a_property_keeps_what_says_how_it_looks(given_schema: object, expected: object) -> None:
    assert of(given_schema) == expected


def test_the_top_is_an_object_and_nothing_else() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "description": "d",
        "anyOf": [{"required": ["a"]}],
        "properties": {"b": True, "a": {"$ref": "#/$defs/x"}},
        "required": ["a", 7],
        "$defs": {"x": {"type": "integer", "title": "X"}},
    }
    assert tool_parameters(schema) == {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"type": "string"}},
        "required": ["a"],
        "$defs": {"x": {"type": "integer"}},
    }


@pytest.mark.parametrize("schema", [None, 7, "x", [], {}, {"properties": 7}, {"required": "x"}])
def test_what_is_no_schema_takes_no_arguments(schema: object) -> None:
    assert tool_parameters(schema) == {"type": "object", "properties": {}}


def test_properties_are_sorted_for_the_prompt_cache() -> None:
    parameters = tool_parameters({"properties": {"b": {"properties": {"d": {}, "c": {}}}, "a": {}}})
    assert list(parameters["properties"]) == ["a", "b"]  # type: ignore[call-overload]
    assert list(parameters["properties"]["b"]["properties"]) == ["c", "d"]  # type: ignore[index]


def test_a_schema_without_end_becomes_text() -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(100):
        schema = {"type": "object", "properties": {"deeper": schema}}
    assert json.dumps(tool_parameters(schema)).count("deeper") == 32


@given(JSON)
def test_any_json_becomes_an_object_schema(value: object) -> None:
    parameters = tool_parameters(value)
    assert parameters["type"] == "object"
    assert isinstance(parameters["properties"], dict)
    assert json.loads(json.dumps(parameters)) == parameters
    for schema in _schemas(parameters):
        assert {"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"} & set(schema), schema
        kinds = schema.get("type", [])
        if "array" in ([kinds] if isinstance(kinds, str) else kinds):
            assert isinstance(schema["items"], dict)


@given(JSON)
def test_sanitising_again_changes_nothing(value: object) -> None:
    once = tool_parameters(value)
    assert tool_parameters(once) == once


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema]
    children = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    children += schema.get("anyOf", [])
    children += [
        schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)
    ]
    for child in children:
        found += _schemas(child)
    return found
