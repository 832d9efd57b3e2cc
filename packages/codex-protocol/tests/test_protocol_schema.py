"""JSON Schemas: they accept what the types write and refuse what the types refuse."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_protocol import testing
from codex_protocol.base import WireModel
from codex_protocol.events import Event, TokenCountEvent
from codex_protocol.items import FunctionCallOutputItem
from codex_protocol.mcp_types import Tool
from codex_protocol.plan import UpdatePlanArgs
from codex_protocol.rollout import RolloutLine
from codex_protocol.schema import DIALECT, UNIONS, all_schemas, public_types, schema_of

MODELS = [cls for _, cls in public_types() if issubclass(cls, WireModel)]
KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def accepts(schema, value, root) -> bool:
    """Whether `value` is valid, as far as the keywords go that our schemas use."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return accepts(root["$defs"][name], value, root)
    if "anyOf" in schema and not any(accepts(option, value, root) for option in schema["anyOf"]):
        return False
    kind = schema.get("type")
    if kind is not None:
        if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
            return False
        if kind == "array":
            return all(accepts(schema.get("items", {}), item, root) for item in value)
        if kind == "object":
            return accepts_object(schema, value, root)
        if "enum" in schema and value not in schema["enum"]:
            return False
        if "const" in schema and value != schema["const"]:
            return False
        if "not" in schema and value in schema["not"]["enum"]:
            return False
        if kind in {"integer", "number"}:
            return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return True


def accepts_object(schema, value, root) -> bool:
    properties = schema.get("properties", {})
    if any(key not in value for key in schema.get("required", [])):
        return False
    others = schema.get("additionalProperties", True)
    for key, child in value.items():
        inner = properties.get(key, others)
        if inner is False or (isinstance(inner, dict) and not accepts(inner, child, root)):
            return False
    return True


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
@settings(max_examples=2)
@given(data=st.data())
def test_what_a_type_writes_is_valid(model, data):
    value = data.draw(testing.instances(model))
    schema = schema_of(model)
    assert accepts(schema, value.to_wire(), schema)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_schemas_are_whole_and_lead_nowhere_else(model):
    schema = schema_of(model)
    assert schema["$schema"] == DIALECT
    assert schema["title"] == model.__name__
    assert schema["description"]
    defined = set(schema.get("$defs", {}))
    mentioned = {
        part.split('"')[0].removeprefix("#/$defs/") for part in json.dumps(schema).split('"$ref": "')[1:]
    }
    assert mentioned == defined


@pytest.mark.parametrize(
    ("model", "wire"),
    [
        (Event, {"id": "1"}),
        (Event, {"id": "1", "msg": {"type": "agent_message"}}),
        (Event, {"id": 1, "msg": {"type": "shutdown_complete"}}),
        (TokenCountEvent, {"info": None}),
        (TokenCountEvent, {"type": "token_count", "info": {"total_token_usage": {}}}),
        (UpdatePlanArgs, {"plan": [], "more": 1}),
        (UpdatePlanArgs, {"plan": [{"step": "a", "status": "done"}]}),
        (RolloutLine, {"timestamp": "t", "type": "compacted", "payload": {}}),
        (RolloutLine, {"timestamp": "t", "type": "event_msg", "payload": {"type": "token_count", "info": 1}}),
        (Tool, {"name": "x"}),
    ],
)
def test_what_a_type_refuses_is_not_valid(model, wire):
    schema = schema_of(model)
    assert not accepts(schema, wire, schema)


def test_kinds_of_the_future_are_valid_where_readers_keep_them():
    schema = schema_of(Event)
    assert accepts(schema, {"id": "1", "msg": {"type": "brand_new", "x": 1}}, schema)
    schema = schema_of(RolloutLine)
    assert accepts(schema, {"timestamp": "t", "type": "world_state", "payload": 3}, schema)


def test_pydantics_own_way_to_ask_gives_the_same():
    assert Event.model_json_schema() == schema_of(Event)


def test_what_never_crosses_the_wire_is_not_described():
    assert "success" not in schema_of(FunctionCallOutputItem)["properties"]


def test_every_union_is_described_with_all_its_members():
    schemas = all_schemas()
    assert {name.split("/")[1] for name in schemas} >= set(UNIONS) | {"SandboxPolicy"}
    assert len(schemas["events/EventMsg"]["anyOf"]) == 37
    assert len(schemas["ops/Op"]["anyOf"]) == 14


def test_schemas_are_not_shared_between_calls():
    first = schema_of(Event)
    kept = copy.deepcopy(first)
    first["$defs"].clear()
    assert schema_of(Event) == kept


def test_the_command_writes_a_file_per_type(tmp_path):
    out = tmp_path / "made" / "here"
    done = subprocess.run(
        [sys.executable, "-m", "codex_protocol", "schema", "--out", out],
        capture_output=True,
        text=True,
        check=True,
    )
    schemas = all_schemas()
    assert done.stdout == f"{len(schemas)} schemas in {out}\n"
    written = {
        str(path.relative_to(out).with_suffix("")): json.loads(path.read_text("utf-8"))
        for path in out.rglob("*.json")
    }
    assert written == schemas
