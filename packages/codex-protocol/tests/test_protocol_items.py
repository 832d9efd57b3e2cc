"""Items of the model: ids, contents, outputs, and what is not known here."""

from __future__ import annotations

import pytest

from codex_protocol.errors import ProtocolError
from codex_protocol.items import (
    CustomToolCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputTextContent,
    MessageItem,
    OtherItem,
    OtherWebSearchAction,
    OutputTextContent,
    PlainTextContent,
    ReasoningItem,
    ReasoningTextContent,
    SummaryText,
    WebSearchCallItem,
    parse_response_item,
)
from codex_protocol.jsonio import dumps
from codex_protocol.rollout import RolloutLine, parse_rollout_line


def test_ids_are_remembered_and_written_only_on_request():
    item = parse_response_item(
        {"type": "function_call", "id": "fc_1", "name": "n", "arguments": "{}", "call_id": "c"}
    )
    assert isinstance(item, FunctionCallItem)
    assert item.id == "fc_1"
    assert item.to_json() == '{"type":"function_call","name":"n","arguments":"{}","call_id":"c"}'
    assert dumps(item.to_wire(with_id=True)) == (
        '{"type":"function_call","id":"fc_1","name":"n","arguments":"{}","call_id":"c"}'
    )


def test_an_item_without_id_has_none_to_put_back():
    item = CustomToolCallItem(call_id="c", name="n", input="x")
    assert item.to_wire(with_id=True) == item.to_wire()
    assert FunctionCallOutputItem(call_id="c", output="o").to_wire(with_id=True) == {
        "type": "function_call_output",
        "call_id": "c",
        "output": "o",
    }


def test_call_arguments_are_kept_to_the_letter():
    arguments = '{"command": ["ls",  "-l"],\n "x": 1.0}'
    item = parse_response_item({"type": "function_call", "name": "n", "arguments": arguments, "call_id": "c"})
    assert item.to_wire()["arguments"] == arguments


def test_success_is_ours_and_crosses_no_boundary():
    item = FunctionCallOutputItem(call_id="c", output="o", success=True)
    assert "success" not in item.to_wire()
    read = parse_response_item({**item.to_wire(), "success": True})
    assert isinstance(read, FunctionCallOutputItem)
    assert read.success is None


@pytest.mark.parametrize("output", [{"content": "x"}, None, 1, ["x"]])
def test_a_call_output_is_bare_text(output):
    with pytest.raises(ProtocolError, match="output"):
        parse_response_item({"type": "function_call_output", "call_id": "c", "output": output})


@pytest.mark.parametrize(
    ("content", "written"),
    [
        (None, '"content":null,'),
        ((), ""),
        ((PlainTextContent(text="a"),), ""),
        ((ReasoningTextContent(text="a"),), '"content":[{"type":"reasoning_text","text":"a"}],'),
        (
            (ReasoningTextContent(text="a"), PlainTextContent(text="b")),
            '"content":[{"type":"reasoning_text","text":"a"},{"type":"text","text":"b"}],',
        ),
    ],
)
def test_reasoning_content_is_null_left_out_or_whole(content, written):
    item = ReasoningItem(id="rs", summary=(SummaryText(text="s"),), content=content)
    assert item.to_json() == (
        f'{{"type":"reasoning","summary":[{{"type":"summary_text","text":"s"}}],{written}"encrypted_content":null}}'
    )


def test_absent_reasoning_content_is_null_for_a_model_and_stays_absent_in_a_rollout():
    payload = '{"type":"reasoning","summary":[],"encrypted_content":null}'
    line = f'{{"timestamp":"t","type":"response_item","payload":{payload}}}'
    assert parse_rollout_line(line).to_json() == line
    from_model = parse_response_item({"type": "reasoning", "summary": []})
    assert from_model.to_json() == '{"type":"reasoning","summary":[],"content":null,"encrypted_content":null}'


def test_further_keys_of_content_are_dropped():
    item = parse_response_item(
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "x", "annotations": []}],
        }
    )
    assert item == MessageItem(role="assistant", content=(OutputTextContent(text="x"),))


def test_unknown_content_spoils_the_whole_message():
    with pytest.raises(ProtocolError, match="unknown variant `audio`"):
        parse_response_item({"type": "message", "role": "user", "content": [{"type": "audio"}]})


def test_an_item_of_unknown_type_survives_unchanged():
    raw = {"type": "compaction", "id": "x", "deep": {"b": [1.5, None], "a": "é"}}
    item = parse_response_item(raw)
    assert isinstance(item, OtherItem)
    assert item.type == "compaction"
    assert dumps(item.to_wire()) == dumps(raw)
    line = RolloutLine(timestamp="t", payload=item)
    assert parse_rollout_line(line.to_json()) == line


def test_what_else_a_web_search_does_survives_unchanged():
    raw = {
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "open_page", "url": "u", "n": [1]},
    }
    item = parse_response_item(raw)
    assert isinstance(item, WebSearchCallItem)
    assert isinstance(item.action, OtherWebSearchAction)
    assert item.action.type == "open_page"
    assert item.to_wire() == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({}, "missing field `type`"),
        ({"type": 1}, "expected a string in `type`"),
        ({"type": "message", "role": "user"}, "missing field `content`"),
        ({"type": "message", "role": "user", "content": "text"}, "expected a sequence in `content`"),
        ({"type": "message", "role": "user", "content": ["x"]}, "expected an object in `content.0`"),
        ({"type": "local_shell_call", "status": "done", "action": {}}, "unknown variant `done`"),
        (
            {"type": "local_shell_call", "status": "completed", "action": {"command": []}},
            "missing field `type` in `action`",
        ),
        ({"type": "reasoning", "summary": [{"text": "x"}]}, "missing field `type` in `summary.0`"),
    ],
)
def test_a_broken_item_says_what_is_wrong(raw, reason):
    with pytest.raises(ProtocolError, match=reason):
        parse_response_item(raw)


def test_lists_given_in_code_become_tuples():
    item = MessageItem(role="user", content=[InputTextContent(text="x")])
    assert item.content == (InputTextContent(text="x"),)
