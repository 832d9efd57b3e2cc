"""Every example of the specification, and files and messages the reference 0.36.0 really wrote.

The recordings were made by running the reference against a model on loopback; directories of the
machine they were made on are replaced.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_protocol import ide, ide_methods
from codex_protocol.elicitation import (
    ApprovalElicitResult,
    ExecApprovalElicitParams,
    PatchApprovalElicitParams,
)
from codex_protocol.events import Event, UnknownEvent
from codex_protocol.exec_events import parse_thread_event
from codex_protocol.history_entry import HistoryLine
from codex_protocol.items import OtherItem, parse_response_item
from codex_protocol.json_rpc import (
    JsonRpcError,
    JsonRpcNotification,
    JsonRpcRequest,
    JsonRpcResponse,
    parse_frame,
)
from codex_protocol.jsonio import dumps, loads_object
from codex_protocol.mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    InitializeRequestParams,
    InitializeResult,
    ListToolsRequestParams,
)
from codex_protocol.ops import Submission
from codex_protocol.rollout import UnknownRolloutItem, parse_rollout_line
from codex_protocol.sandbox_policy import parse_sandbox_policy

DATA = Path(__file__).parent / "data"


def lines_of(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").rstrip("\n").split("\n")


EXAMPLES = [json.loads(line) for line in lines_of("spec_examples.jsonl")]
ROLLOUTS = sorted(path.name for path in DATA.glob("reference_rollout_*.jsonl"))
EVENTS = sorted(path.name for path in DATA.glob("reference_events_*.jsonl"))


def examples(kind: str) -> list[str]:
    found = [example["line"] for example in EXAMPLES if example["kind"] == kind]
    assert found
    return found


@pytest.mark.parametrize("line", examples("event"))
def test_an_event_is_written_as_it_was_read(line):
    event = Event.from_json(line)
    assert not isinstance(event.msg, UnknownEvent)
    assert event.to_json() == line


@pytest.mark.parametrize("line", examples("submission"))
def test_a_submission_is_written_as_it_was_read_with_its_policy_spelled_out(line):
    spelled_out = line.replace(
        '{"mode":"workspace-write","network_access":true}',
        '{"mode":"workspace-write","network_access":true,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}',
    )
    assert Submission.from_json(line).to_json() == spelled_out


@pytest.mark.parametrize("line", examples("rollout"))
def test_a_rollout_line_is_written_as_it_was_read(line):
    record = parse_rollout_line(line)
    assert not isinstance(record.payload, UnknownRolloutItem | UnknownEvent | OtherItem)
    assert record.to_json() == line


@pytest.mark.parametrize("line", examples("thread"))
def test_a_thread_event_is_written_as_it_was_read(line):
    assert parse_thread_event(loads_object(line)).to_json() == line


@pytest.mark.parametrize("line", examples("item"))
def test_an_item_is_written_as_it_was_read(line):
    assert parse_response_item(loads_object(line)).to_json() == line


@pytest.mark.parametrize("line", examples("policy"))
def test_a_policy_is_written_as_it_was_read(line):
    assert dumps(parse_sandbox_policy(line).to_wire()) == line


@pytest.mark.parametrize("line", examples("frame"))
def test_a_frame_says_the_same_when_written_again(line):
    frame = parse_frame(loads_object(line))
    assert frame.to_wire() == loads_object(line)


@pytest.mark.parametrize("line", examples("frame"))
def test_the_parameters_of_a_frame_are_written_as_they_were_read(line):
    frame = parse_frame(loads_object(line))
    if isinstance(frame, JsonRpcRequest | JsonRpcNotification):
        assert_params_survive(frame)


@pytest.mark.parametrize("name", ROLLOUTS)
def test_a_rollout_of_the_reference_is_written_again_to_the_byte(name):
    for line in lines_of(name):
        record = parse_rollout_line(line)
        assert not isinstance(record.payload, UnknownRolloutItem | UnknownEvent | OtherItem)
        assert record.to_json() == line


def test_the_history_of_the_reference_is_written_again_to_the_byte():
    for line in lines_of("reference_history.jsonl"):
        assert HistoryLine.from_json(line).to_json() == line


@pytest.mark.parametrize("name", EVENTS)
def test_events_of_the_reference_are_written_again_to_the_byte(name):
    for line in lines_of(name):
        event = Event.from_json(line)
        assert not isinstance(event.msg, UnknownEvent)
        assert event.to_json() == line


def test_an_editors_session_with_the_reference_is_understood_whole():
    methods: dict[str, dict[object, str]] = {"client": {}, "server": {}}
    seen: set[str] = set()
    for recorded in map(json.loads, lines_of("reference_editor_session.jsonl")):
        sender, other = recorded["from"], {"client": "server", "server": "client"}[recorded["from"]]
        data = loads_object(recorded["line"])
        frame = parse_frame(data)
        assert frame.to_wire() == data
        if sender == "server":
            assert frame.to_json() == recorded["line"]
        if isinstance(frame, JsonRpcRequest):
            methods[sender][frame.id] = frame.method
            seen.add(frame.method)
            assert_params_survive(frame)
        elif isinstance(frame, JsonRpcNotification):
            seen.add(frame.method)
            assert_params_survive(frame)
        elif isinstance(frame, JsonRpcResponse):
            method = methods[other][frame.id]
            assert dumps(result_type(method).from_wire(frame.result).to_wire()) == dumps(frame.result)
        else:
            assert isinstance(frame, JsonRpcError)
    assert (
        set(ide_methods.CLIENT_METHODS) | set(ide_methods.SERVER_METHODS) | set(ide_methods.NOTIFICATIONS)
        <= seen
    )


def assert_params_survive(frame: JsonRpcRequest | JsonRpcNotification) -> None:
    if frame.method in {"notifications/initialized", "ping"}:
        assert frame.params is None
        return
    if isinstance(frame, JsonRpcNotification):
        assert dumps(ide_methods.parse_notification(frame).to_wire()) == dumps(frame.params)
        return
    if frame.method in ide_methods.CLIENT_METHODS:
        assert ide_methods.parse_client_request(frame).to_frame().to_wire() == frame.to_wire()
        return
    if frame.method in ide_methods.SERVER_METHODS:
        assert ide_methods.parse_server_request(frame).to_frame().to_json() == frame.to_json()
        return
    assert isinstance(frame.params, dict)
    shape = {
        "initialize": InitializeRequestParams,
        "tools/list": ListToolsRequestParams,
        "tools/call": CallToolRequestParams,
        "elicitation/create": {
            "exec-approval": ExecApprovalElicitParams,
            "patch-approval": PatchApprovalElicitParams,
        }.get(frame.params.get("codex_elicitation")),
    }[frame.method]
    assert shape is not None
    assert shape.from_wire(frame.params).to_wire() == frame.params


def result_type(method: str):
    known = {
        "initialize": InitializeResult,
        "ping": ide.EmptyResult,
        "tools/call": CallToolResult,
        "elicitation/create": ApprovalElicitResult,
    }
    return known.get(method) or (ide_methods.CLIENT_METHODS | ide_methods.SERVER_METHODS)[method].result
