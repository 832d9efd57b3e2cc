"""The body of a Responses request: its keys and their order, how items and tools are written."""

from __future__ import annotations

import json

import pytest

from codex_core.model.families import family_for
from codex_core.model.prompt import Prompt, RequestSettings
from codex_core.model.responses_api import request_body
from codex_core.model.tool_spec import (
    CustomTool,
    FunctionTool,
    LocalShellTool,
    WebSearchTool,
    array,
    boolean,
    number,
    object_schema,
    string,
)
from codex_protocol.config_types import ReasoningEffort, ReasoningSummary, Verbosity
from codex_protocol.items import parse_response_item

ITEMS: list[dict[str, object]] = [
    {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Plan"}],
        "encrypted_content": "ENC==",
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "shell",
        "arguments": '{"command": ["ls"]}',
        "status": "completed",
    },
    {"type": "function_call_output", "call_id": "c1", "output": "done"},
    {"type": "custom_tool_call", "id": "", "status": "completed", "call_id": "c2", "name": "p", "input": "x"},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": "ok"},
    {
        "type": "local_shell_call",
        "id": "lsh_1",
        "call_id": None,
        "status": "completed",
        "action": {"type": "exec", "command": ["ls"]},
    },
]


def test_a_schema_for_the_final_message_stands_beside_the_verbosity() -> None:
    schema = {"type": "object", "properties": {}}
    prompt = Prompt("", (), output_schema=schema)
    form = {"type": "json_schema", "strict": True, "schema": schema, "name": "codex_output_schema"}
    assert request_body(prompt, settings())["text"] == {"format": form}
    assert request_body(prompt, settings(verbosity=Verbosity.LOW))["text"] == {
        "verbosity": "low",
        "format": form,
    }


def settings(model: str = "gpt-5", **changes: object) -> RequestSettings:
    given: dict[str, object] = {"summary": ReasoningSummary.AUTO, **changes}
    return RequestSettings(model, family_for(model), "conversation-1", **given)  # type: ignore[arg-type]  # by name


def body(model: str = "gpt-5", **changes: object) -> dict[str, object]:
    prompt = Prompt("Be brief.", tuple(parse_response_item(item) for item in ITEMS))
    return json.loads(json.dumps(request_body(prompt, settings(model, **changes))))  # type: ignore[no-any-return]


def test_keys_stand_in_the_order_of_the_reference() -> None:
    assert list(body(verbosity=Verbosity.LOW)) == [
        "model",
        "instructions",
        "input",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "prompt_cache_key",
        "text",
    ]


def test_a_model_that_reasons_is_asked_for_its_reasoning() -> None:
    sent = body(effort=ReasoningEffort.HIGH, verbosity=Verbosity.LOW)
    assert sent["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert sent["text"] == {"verbosity": "low"}
    assert sent["prompt_cache_key"] == "conversation-1"
    assert (sent["store"], sent["stream"], sent["tool_choice"], sent["parallel_tool_calls"]) == (
        False,
        True,
        "auto",
        False,
    )


def test_an_unset_effort_is_left_out_and_no_summary_is_said_literally() -> None:
    assert body(summary=ReasoningSummary.NONE)["reasoning"] == {"summary": "none"}


def test_a_model_that_does_not_reason_gets_null() -> None:
    sent = body("gpt-4.1", effort=ReasoningEffort.HIGH, verbosity=Verbosity.LOW)
    assert sent["reasoning"] is None
    assert sent["include"] == []
    assert "text" not in sent


def test_items_are_written_without_their_ids() -> None:
    assert body()["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Plan"}],
            "content": None,
            "encrypted_content": "ENC==",
        },
        {
            "type": "function_call",
            "name": "shell",
            "arguments": '{"command": ["ls"]}',
            "call_id": "c1",
        },
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "custom_tool_call", "status": "completed", "call_id": "c2", "name": "p", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "ok"},
        {
            "type": "local_shell_call",
            "call_id": None,
            "status": "completed",
            "action": {
                "type": "exec",
                "command": ["ls"],
                "timeout_ms": None,
                "working_directory": None,
                "env": None,
                "user": None,
            },
        },
    ]


def test_azure_gets_the_ids_back_as_last_key_and_keeps_the_answer() -> None:
    sent = body(store=True)
    assert sent["store"] is True
    items = sent["input"]
    assert isinstance(items, list)
    assert [item.get("id") for item in items] == ["msg_1", "rs_1", "fc_1", None, None, None, "lsh_1"]
    assert all(list(item)[-1] == "id" for item in items if "id" in item)


def test_tools_are_written_as_the_reference_writes_them() -> None:
    shell = FunctionTool(
        "shell",
        "Runs it.",
        object_schema(
            {
                "workdir": string("Where."),
                "command": array(string(), "What."),
                "timeout_ms": number("How long."),
                "with_escalated_permissions": boolean("Outside."),
            },
            required=["command"],
        ),
    )
    patch = CustomTool("apply_patch", "Edits.", "start: x")
    prompt = Prompt("", (), (shell, patch, LocalShellTool(), WebSearchTool()))
    sent = request_body(prompt, settings())["tools"]
    assert sent == [
        {
            "type": "function",
            "name": "shell",
            "description": "Runs it.",
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": {
                    "command": {"type": "array", "items": {"type": "string"}, "description": "What."},
                    "timeout_ms": {"type": "number", "description": "How long."},
                    "with_escalated_permissions": {"type": "boolean", "description": "Outside."},
                    "workdir": {"type": "string", "description": "Where."},
                },
                "required": ["command"],
                "additionalProperties": False,
            },
        },
        {
            "type": "custom",
            "name": "apply_patch",
            "description": "Edits.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
        },
        {"type": "local_shell"},
        {"type": "web_search"},
    ]
    assert isinstance(sent, list)
    assert list(sent[0]) == ["type", "name", "description", "strict", "parameters"]
    assert list(sent[0]["parameters"]["properties"]) == sorted(sent[0]["parameters"]["properties"])


@pytest.mark.parametrize("allowed", [True, False])
def test_parallel_calls_are_allowed_by_the_prompt(allowed: bool) -> None:
    sent = request_body(Prompt("", (), parallel_tool_calls=allowed), settings())
    assert sent["parallel_tool_calls"] is allowed
