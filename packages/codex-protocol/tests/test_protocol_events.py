"""Event messages: which are kept, which are not known, and the shapes that are odd."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from codex_protocol import events
from codex_protocol.errors import ProtocolError
from codex_protocol.events import (
    EVENT_MSG,
    Duration,
    Event,
    McpInvocation,
    McpToolCallEndEvent,
    TurnAbortedEvent,
    TurnAbortReason,
    UnknownEvent,
    is_persisted,
    parse_event_msg,
)
from codex_protocol.file_change import AddChange, DeleteChange, UpdateChange, parse_file_change
from codex_protocol.mcp_types import AudioContent, CallToolResult, OtherContentBlock, TextContent
from codex_protocol.plan import UpdatePlanArgs

PERSISTED = {
    "token_count",
    "agent_message",
    "user_message",
    "agent_reasoning",
    "agent_reasoning_raw_content",
    "turn_aborted",
    "entered_review_mode",
    "exited_review_mode",
}


def test_there_is_one_class_per_tag_and_it_carries_the_tag():
    for tag in EVENT_MSG.members():
        cls = EVENT_MSG.members().get(tag)
        assert cls is not None
        assert cls.model_fields["type"].default == tag
        assert cls.__name__ == "".join(word.capitalize() for word in tag.split("_")) + "Event"
        assert getattr(events, cls.__name__) is cls
    assert len(list(EVENT_MSG.members())) == 36


def test_rollouts_keep_eight_kinds():
    kept = {tag for tag in EVENT_MSG.members() if getattr(EVENT_MSG.members().get(tag), "persisted", False)}
    assert kept == PERSISTED


def test_keeping_is_asked_of_a_message():
    assert is_persisted(TurnAbortedEvent(reason=TurnAbortReason.REPLACED))
    assert not is_persisted(UnknownEvent.from_wire({"type": "agent_message_of_the_future"}))


def test_every_public_name_is_there():
    for name in events.__all__:
        assert getattr(events, name) is not None
    assert set(events.__all__) <= set(dir(events))
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = events.Nonsense


def test_a_message_of_unknown_type_is_carried_unchanged():
    line = '{"id":"1","msg":{"type":"brand_new","z":{"b":1,"a":[null]},"text":"é"}}'
    event = Event.from_json(line)
    assert isinstance(event.msg, UnknownEvent)
    assert event.msg.type == "brand_new"
    assert event.to_json() == line


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "missing field `type`"),
        ({"type": None}, "invalid type: null, expected a string in `type`"),
        ({"type": "agent_message"}, "missing field `message`"),
        (
            {"type": "turn_aborted", "reason": "bored"},
            "unknown variant `bored`, expected one of `interrupted`, `replaced` in",
        ),
        ({"type": "token_count", "info": {}}, "missing field `total_token_usage` in `info`"),
    ],
)
def test_a_known_type_must_have_its_shape(data, reason):
    with pytest.raises(ProtocolError, match=reason):
        parse_event_msg(data)


def end_of_call(result) -> McpToolCallEndEvent:
    return McpToolCallEndEvent(
        call_id="c",
        invocation=McpInvocation(server="s", tool="t"),
        duration=Duration(secs=0, nanos=1),
        result=result,
    )


def test_a_tools_result_is_ok_or_err():
    answered = end_of_call(CallToolResult(content=(TextContent(text="x"),)))
    assert answered.to_json().endswith('"result":{"Ok":{"content":[{"text":"x","type":"text"}]}}}')
    failed = end_of_call("no such tool")
    assert failed.to_json().endswith('"result":{"Err":"no such tool"}}')
    assert [end.is_success for end in (answered, failed)] == [True, False]
    assert not end_of_call(CallToolResult(content=(), is_error=True)).is_success


@pytest.mark.parametrize(
    "result", [{}, {"Ok": {}}, {"Err": 1}, {"Ok": {"content": []}, "Err": "x"}, {"ok": {}}, None, 1]
)
def test_any_other_result_is_refused(result):
    wire = {**end_of_call("x").to_wire(), "result": result}
    with pytest.raises(ProtocolError):
        parse_event_msg(wire)


def test_content_of_tools_is_told_by_what_it_holds():
    result = CallToolResult.from_wire(
        {
            "content": [
                {"type": "audio", "data": "AA==", "mimeType": "audio/wav"},
                {"type": "Text!", "text": "t"},
                {"type": "hologram", "depth": 3},
            ]
        }
    )
    assert [type(block) for block in result.content] == [AudioContent, TextContent, OtherContentBlock]
    assert result.to_wire() == {
        "content": [
            {"data": "AA==", "mimeType": "audio/wav", "type": "audio"},
            {"text": "t", "type": "Text!"},
            {"type": "hologram", "depth": 3},
        ]
    }


def test_file_changes_are_named_by_their_only_key():
    changes = [AddChange(content="x"), DeleteChange(content="y"), UpdateChange(unified_diff="d")]
    wires = [
        {"add": {"content": "x"}},
        {"delete": {"content": "y"}},
        {"update": {"unified_diff": "d", "move_path": None}},
    ]
    assert [change.to_wire() for change in changes] == wires
    assert [parse_file_change(wire) for wire in wires] == changes


@pytest.mark.parametrize(
    "wire",
    [
        {},
        {"add": {}},
        {"rename": {}},
        {"add": {"content": "x"}, "delete": {"content": "x"}},
        {"add": "x"},
        {"type": "add"},
    ],
)
def test_other_objects_are_no_file_change(wire):
    with pytest.raises(ProtocolError):
        parse_file_change(wire)


@pytest.mark.parametrize(
    "wire",
    [
        {"plan": [], "extra": 1},
        {"plan": [{"step": "a", "status": "pending", "note": "x"}]},
        {"explanation": "x"},
        {"plan": [{"step": "a", "status": "done"}]},
    ],
)
def test_plans_refuse_unknown_keys_and_words(wire):
    with pytest.raises(ProtocolError):
        UpdatePlanArgs.from_wire(wire)
    if "extra" in wire:
        with pytest.raises(ProtocolError, match="unknown field `extra`"):
            UpdatePlanArgs.from_wire(wire)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Event(id="1", msg=AddChange(content="x")),
        lambda: Event(id="1", msg=Duration(secs=0, nanos=0)),
        lambda: Event(id="1", msg=OtherContentBlock.from_wire({"type": "x"})),
        lambda: end_of_call(TextContent(text="x")),
        lambda: events.PatchApplyBeginEvent(
            call_id="c", auto_approved=True, changes={"/a": TextContent(text="x")}
        ),
        lambda: events.McpListToolsResponseEvent(tools={"a": TextContent(text="x")}),
        lambda: CallToolResult(content=(AddChange(content="x"),)),
    ],
)
def test_a_value_of_another_union_does_not_belong(make):
    with pytest.raises(ValidationError, match=r"does not belong|expected"):
        make()


def test_arguments_nested_without_end_are_not_written():
    arguments: object = None
    for _ in range(400):
        arguments = [arguments]
    with pytest.raises(ProtocolError, match="cannot be written"):
        McpInvocation(server="s", tool="t", arguments=arguments).to_json()
