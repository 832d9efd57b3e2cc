"""A recorded session is told as it happened: calls become the events they had been."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_core.rollout.replay import RecordedLine
from codex_core.rollout.story import NEVER_RAN, recorded_story

META = RecordedLine("session_meta", {"id": "0a000000-0000-4000-8000-000000000001", "cwd": "/w"})
PATCH = (
    "*** Begin Patch\n*** Add File: new.txt\n+one\n*** Update File: old.txt\n*** Move to: moved.txt\n"
    "@@ def f\n same\n-before\n+after\n*** Delete File: gone.txt\n*** End Patch"
)


def item(kind: str, **fields: object) -> RecordedLine:
    return RecordedLine("response_item", {"type": kind, **fields})


def event(name: str, **fields: object) -> RecordedLine:
    return RecordedLine("event_msg", {"type": name, **fields})


def call(name: str, arguments: object, call_id: str = "c") -> RecordedLine:
    return item("function_call", name=name, arguments=json.dumps(arguments), call_id=call_id)


def output(text: str, call_id: str = "c", exit_code: int = 0, seconds: float = 1.5) -> RecordedLine:
    facts = {"exit_code": exit_code, "duration_seconds": seconds}
    return item(
        "function_call_output", call_id=call_id, output=json.dumps({"output": text, "metadata": facts})
    )


def told(*lines: RecordedLine) -> list[dict[str, Any]]:
    return [msg.to_wire() for msg in recorded_story([META, *lines])]


def test_a_command_and_its_end() -> None:
    begin, end = told(call("shell", {"command": ["ls", "-l"], "workdir": "/x"}), output("a\n", exit_code=3))
    assert (begin["type"], begin["command"], begin["cwd"]) == ("exec_command_begin", ["ls", "-l"], "/x")
    assert (end["type"], end["aggregated_output"], end["exit_code"]) == ("exec_command_end", "a\n", 3)
    assert end["duration"] == {"secs": 1, "nanos": 500_000_000}


def test_calls_without_output_end_as_aborted_and_refusals_never_ran() -> None:
    refusal = item("function_call_output", call_id="a", output="exec command rejected by user")
    lines = [call("shell", {"command": ["a"]}, "a"), call("shell", {"command": ["b"]}, "b"), refusal]
    begin, second, refused, aborted = told(*lines)
    assert (begin["cwd"], second["command"]) == ("/w", ["b"])
    assert (refused["exit_code"], refused["aggregated_output"]) == (
        NEVER_RAN,
        "exec command rejected by user",
    )
    assert (aborted["call_id"], aborted["aggregated_output"]) == ("b", "aborted")


@pytest.mark.parametrize(
    "made",
    [
        call("shell", {"command": ["apply_patch", PATCH]}),
        call("shell", {"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}\nEOF"]}),
        call("apply_patch", {"input": PATCH}),
        item("custom_tool_call", name="apply_patch", input=PATCH, call_id="c"),
    ],
    ids=["command", "script", "function", "custom"],
)
def test_a_patch_however_it_was_called(made: RecordedLine) -> None:
    begin, end = told(made, output("Success."))
    assert begin["type"] == "patch_apply_begin"
    assert begin["changes"] == {
        "new.txt": {"add": {"content": "one\n"}},
        "old.txt": {
            "update": {"unified_diff": "@@ def f\n same\n-before\n+after\n", "move_path": "moved.txt"}
        },
        "gone.txt": {"delete": {"content": ""}},
    }
    assert (end["type"], end["success"], end["stdout"]) == ("patch_apply_end", True, "Success.")


def test_a_plan_a_server_and_other_tools() -> None:
    plan = {"plan": [{"step": "look", "status": "completed"}]}
    answer = json.dumps({"content": [{"type": "text", "text": "found"}]})
    lines = [
        call("update_plan", plan, "1"),
        item("function_call_output", call_id="1", output="Plan updated"),
        call("docs__search", {"q": "x"}, "2"),
        item("function_call_output", call_id="2", output=answer),
        call("view_image", {"path": "a.png"}, "3"),
        item("function_call_output", call_id="3", output="attached"),
        call("update_plan", {"plan": "nonsense"}, "4"),
    ]
    messages = told(*lines)
    assert [msg["type"] for msg in messages] == [
        "plan_update",
        "mcp_tool_call_begin",
        "mcp_tool_call_end",
        "background_event",
        "background_event",
        "background_event",
        "background_event",
    ]
    assert messages[1]["invocation"] == {"server": "docs", "tool": "search", "arguments": {"q": "x"}}
    assert messages[2]["result"]["Ok"]["content"][0]["text"] == "found"


def test_what_was_said_is_told_once_and_without_what_the_program_added() -> None:
    content = [{"type": "input_text", "text": "hi"}]
    around = "<environment_context>\n</environment_context>"
    messages = told(
        event("user_message", message=around, kind="environment_context"),
        item("message", role="user", content=content),
        event("user_message", message="hi", kind="plain"),
        event("agent_message", message="yes"),
        item("message", role="assistant", content=[{"type": "output_text", "text": "yes"}]),
    )
    assert [(msg["type"], msg["message"]) for msg in messages] == [
        ("user_message", "hi"),
        ("agent_message", "yes"),
    ]


def test_very_old_sessions_have_only_items() -> None:
    lines = [
        item("message", role="user", content=[{"type": "input_text", "text": "hi"}]),
        item("message", role="assistant", content=[{"type": "output_text", "text": "yes"}]),
    ]
    assert [msg["type"] for msg in told(*lines)] == ["user_message", "agent_message"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"exit_code": 2**40, "duration_seconds": 1},
        {"exit_code": "x", "duration_seconds": "y"},
        {"exit_code": 1, "duration_seconds": -5},
        {"exit_code": 1, "duration_seconds": 1e300},
        [],
    ],
)
def test_facts_nobody_can_use_are_no_error(metadata: object) -> None:
    answer = json.dumps({"output": "x", "metadata": metadata})
    lines = [call("shell", {"command": [1, None]}), item("function_call_output", call_id="c", output=answer)]
    begin, end = told(*lines)
    assert begin["command"] == ["1", "None"]
    assert end["type"] == "exec_command_end"
