"""Events as JSON lines, in the schema of newer releases (spec: servers.md section 8.1)."""

from __future__ import annotations

import io
import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from codex_core.config import Config
from codex_exec.thread_lines import ThreadPrinter
from codex_protocol.events import Event, parse_event_msg
from codex_protocol.exec_events import UnknownThreadEvent, parse_thread_event
from codex_protocol.schema import all_schemas

ID = "0a000000-0000-4000-8000-000000000001"
CONFIGURED = {
    "type": "session_configured",
    "session_id": ID,
    "model": "m",
    "history_log_id": 0,
    "history_entry_count": 0,
    "rollout_path": "/r",
}
STARTED = {"type": "task_started", "model_context_window": None}
DONE = {"type": "task_complete", "last_agent_message": "yes"}
FAILED = {"type": "task_complete", "last_agent_message": None}
BEGIN = {
    "type": "exec_command_begin",
    "call_id": "c1",
    "command": ["bash", "-lc", "echo out; exit 3"],
    "cwd": "/w",
    "parsed_cmd": [],
}
END = {
    "type": "exec_command_end",
    "call_id": "c1",
    "stdout": "out\n",
    "stderr": "",
    "aggregated_output": "out\n",
    "exit_code": 3,
    "duration": {"secs": 0, "nanos": 1},
    "formatted_output": "",
}
SCHEMA = jsonschema.Draft202012Validator(all_schemas()["exec_events/ThreadEvent"])


def printed(*msgs: dict[str, Any], config: Config | None = None) -> list[dict[str, Any]]:
    stream = io.StringIO()
    printer = ThreadPrinter(stream)
    if config is not None:
        printer.begin(config, "not repeated")
    for msg in msgs:
        printer.event(Event(id="0", msg=parse_event_msg(msg)))
    printer.end("not repeated")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        SCHEMA.validate(line)
        event = parse_thread_event(line)
        assert not isinstance(event, UnknownThreadEvent)
        assert event.to_wire() == line
    return lines


def items(*msgs: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(line["type"].removeprefix("item."), line["item"]) for line in printed(*msgs)]


def test_a_thread_and_a_turn(config: Config) -> None:
    usage = {
        "input_tokens": 500,
        "cached_input_tokens": 100,
        "output_tokens": 150,
        "reasoning_output_tokens": 50,
    }
    total = {**usage, "total_tokens": 650}
    count = {"type": "token_count", "info": {"total_token_usage": total, "last_token_usage": total}}
    said = {"type": "agent_message", "message": "yes"}
    assert printed(CONFIGURED, STARTED, said, count, DONE, config=config) == [
        {"type": "thread.started", "thread_id": ID},
        {"type": "turn.started"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "yes"}},
        {"type": "turn.completed", "usage": usage},
    ]


def test_an_error_that_ends_the_turn_is_told_twice_one_on_the_way_once() -> None:
    on_the_way = {"type": "stream_error", "message": "retrying"}
    error = {"type": "error", "message": "kaboom"}
    assert printed(STARTED, on_the_way, error, FAILED)[1:] == [
        {"type": "error", "message": "retrying"},
        {"type": "error", "message": "kaboom"},
        {"type": "turn.failed", "error": {"message": "kaboom"}},
    ]
    assert printed(STARTED, error, DONE)[-1]["type"] == "turn.completed"


def test_a_command() -> None:
    (_, begun), (_, ended) = items(BEGIN, END)
    command = {
        "id": "item_0",
        "type": "command_execution",
        "command": "bash -lc 'echo out; exit 3'",
        "aggregated_output": "",
        "exit_code": None,
        "status": "in_progress",
    }
    assert begun == command
    assert ended == {**command, "aggregated_output": "out\n", "exit_code": 3, "status": "failed"}
    assert items(BEGIN, {**END, "exit_code": 0})[1][1]["status"] == "completed"


@pytest.mark.parametrize(("success", "status"), [(True, "completed"), (False, "failed")])
def test_a_patch(success: bool, status: str) -> None:
    changes = {
        "/w/a": {"add": {"content": "x"}},
        "/w/b": {"delete": {"content": "x"}},
        "/w/c": {"update": {"unified_diff": "x", "move_path": None}},
    }
    begin = {"type": "patch_apply_begin", "call_id": "p", "auto_approved": True, "changes": changes}
    end = {"type": "patch_apply_end", "call_id": "p", "stdout": "", "stderr": "", "success": success}
    (first, begun), (second, ended) = items(begin, end)
    assert (first, second) == ("started", "completed")
    assert [(change["path"], change["kind"]) for change in begun["changes"]] == [
        ("/w/a", "add"),
        ("/w/b", "delete"),
        ("/w/c", "update"),
    ]
    assert ended == {**begun, "status": status}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            {"Ok": {"content": [{"type": "text", "text": "hi"}]}},
            {
                "result": {"content": [{"type": "text", "text": "hi"}], "structured_content": None},
                "error": None,
                "status": "completed",
            },
        ),
        (
            {"Ok": {"content": [], "isError": True, "structuredContent": {"a": 1}}},
            {
                "result": {"content": [], "structured_content": {"a": 1}},
                "error": None,
                "status": "failed",
            },
        ),
        ({"Err": "gone"}, {"result": None, "error": {"message": "gone"}, "status": "failed"}),
    ],
)
def test_a_tool_of_a_server(result: dict[str, Any], expected: dict[str, Any]) -> None:
    call = {"server": "srv", "tool": "echo", "arguments": {"a": "b"}}
    begin = {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": call}
    end = {**begin, "type": "mcp_tool_call_end", "duration": {"secs": 0, "nanos": 0}, "result": result}
    (_, begun), (_, ended) = items(begin, end)
    assert begun == {
        "id": "item_0",
        "type": "mcp_tool_call",
        **call,
        "result": None,
        "error": None,
        "status": "in_progress",
    }
    assert ended == {**begun, **expected}


def test_the_plan_is_completed_just_before_the_turn() -> None:
    def plan(status: str) -> dict[str, Any]:
        return {"type": "plan_update", "explanation": None, "plan": [{"step": "a", "status": status}]}

    lines = printed(plan("pending"), plan("completed"), {"type": "agent_message", "message": "yes"}, DONE)
    assert [line["type"] for line in lines] == [
        "item.started",
        "item.updated",
        "item.completed",
        "item.completed",
        "turn.completed",
    ]
    assert lines[0]["item"] == {
        "id": "item_0",
        "type": "todo_list",
        "items": [{"text": "a", "completed": False}],
    }
    assert lines[3]["item"] == {
        "id": "item_0",
        "type": "todo_list",
        "items": [{"text": "a", "completed": True}],
    }


def test_what_an_interrupt_left_open_is_completed_and_the_turn_has_no_end() -> None:
    lines = printed(STARTED, BEGIN, {"type": "turn_aborted", "reason": "interrupted"})
    assert [line["type"] for line in lines] == ["turn.started", "item.started", "item.completed"]
    assert lines[-1]["item"]["status"] == "failed"


def test_thoughts_searches_and_what_was_refused() -> None:
    told = items(
        {"type": "agent_reasoning", "text": "**Think**"},
        {"type": "agent_reasoning", "text": " \n"},
        {"type": "web_search_begin", "call_id": "w"},
        {"type": "web_search_end", "call_id": "w", "query": "cats"},
        {"type": "web_search_end", "call_id": "unheard of", "query": "dogs"},
        {"type": "background_event", "message": "patch rejected"},
    )
    assert [(item["id"], item["type"], item.get("query", item.get("message"))) for _, item in told] == [
        ("item_0", "reasoning", None),
        ("item_1", "web_search", ""),
        ("item_1", "web_search", "cats"),
        ("item_2", "web_search", "dogs"),
        ("item_3", "error", "patch rejected"),
    ]


def test_the_outcome_of_a_review_is_its_message() -> None:
    review = {
        "findings": [],
        "overall_correctness": "patch is correct",
        "overall_explanation": "Good.",
        "overall_confidence_score": 1.0,
    }
    exited = {"type": "exited_review_mode", "review_output": review}
    (line, end) = printed(exited, {"type": "task_complete", "last_agent_message": "{}"})
    assert line["item"]["text"] == "patch is correct\n\nGood."
    assert end["type"] == "turn.completed"


def test_an_answer_that_was_no_message_is_one_here() -> None:
    assert [line["type"] for line in printed(STARTED, DONE)] == [
        "turn.started",
        "item.completed",
        "turn.completed",
    ]
