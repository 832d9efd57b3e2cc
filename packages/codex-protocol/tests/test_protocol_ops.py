"""Submissions, and the arguments of the shell tool."""

from __future__ import annotations

import pytest

from codex_protocol import ops
from codex_protocol.errors import ProtocolError
from codex_protocol.ops import OP, Submission, TextInput, UserInputOp, parse_input_item, parse_op
from codex_protocol.tool_calls import ShellToolCallParams


def test_there_is_one_class_per_tag_and_it_carries_the_tag():
    for tag in OP.members():
        cls = OP.members().get(tag)
        assert cls is not None
        assert cls.model_fields["type"].default == tag
        assert cls.__name__ == "".join(word.capitalize() for word in tag.split("_")) + "Op"
    assert len(list(OP.members())) == 14


def test_every_public_name_is_there():
    assert all(hasattr(ops, name) for name in ops.__all__)


@pytest.mark.parametrize("extra", ["", ',"reason":"x"', ',"items":[1]'])
def test_an_operation_without_fields_ignores_what_comes_with_it(extra):
    assert Submission.from_json(f'{{"id":"1","op":{{"type":"interrupt"{extra}}}}}').to_json() == (
        '{"id":"1","op":{"type":"interrupt"}}'
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"type": "bogus"}, "unknown variant `bogus`, expected one of `interrupt`, `user_input`"),
        ({"type": "user_input"}, "missing field `items`"),
        ({"type": "user_input", "items": [{"type": "video"}]}, "unknown variant `video`"),
        ({"type": "exec_approval", "id": 1, "decision": "denied"}, "integer `1`, expected a string in `id`"),
        ({"type": "exec_approval", "id": "1", "decision": "allow"}, "unknown variant `allow`"),
        ({"type": "override_turn_context", "effort": "huge"}, "unknown variant `huge`"),
        ({"type": "override_turn_context", "effort": 1}, "unknown variant integer `1`"),
        ({"type": "override_turn_context", "sandbox_policy": {"mode": "x"}}, "unknown variant `x`"),
        (
            {"type": "review", "review_request": {"prompt": "p"}},
            "missing field `user_facing_hint` in `review_request`",
        ),
        ({"type": "get_history_entry_request", "offset": -1, "log_id": 1}, "offset"),
    ],
)
def test_a_broken_operation_says_what_is_wrong(data, reason):
    with pytest.raises(ProtocolError, match=reason):
        parse_op(data)


def test_input_items_are_told_apart():
    assert parse_input_item({"type": "text", "text": "x"}) == TextInput(text="x")
    assert UserInputOp(items=[TextInput(text="x")]).to_wire() == {
        "type": "user_input",
        "items": [{"type": "text", "text": "x"}],
    }


@pytest.mark.parametrize("key", ["timeout", "timeout_ms"])
def test_the_shells_timeout_has_two_names_and_is_written_under_one(key):
    params = ShellToolCallParams.from_json(f'{{"command":["ls","-l"],"workdir":"/tmp","{key}":1000}}')
    assert params.timeout_ms == 1000
    assert params.to_json() == '{"command":["ls","-l"],"workdir":"/tmp","timeout_ms":1000}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"command":["ls"],"timeout":1,"timeout_ms":1}', "duplicate field `timeout_ms`"),
        ("{}", "missing field `command`"),
        ('{"command":"ls"}', 'invalid type: string "ls", expected a sequence in `command`'),
        ('{"command":["ls"],"timeout_ms":1.5}', "expected an integer in `timeout_ms`"),
        ('{"command":["ls"],"with_escalated_permissions":"yes"}', "expected a boolean"),
    ],
)
def test_broken_shell_arguments_say_what_is_wrong(text, reason):
    with pytest.raises(ProtocolError, match=reason):
        ShellToolCallParams.from_json(text)
