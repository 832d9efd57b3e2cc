"""Lines of rollouts: their types, lines of newer releases, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from codex_protocol.errors import ProtocolError
from codex_protocol.events import AgentMessageEvent, UnknownEvent
from codex_protocol.items import FunctionCallItem, MessageItem, OtherItem
from codex_protocol.rollout import (
    CompactedItem,
    GitInfo,
    RolloutLine,
    SessionMeta,
    TurnContextItem,
    UnknownRolloutItem,
    parse_rollout_line,
)
from codex_protocol.sandbox_policy import ReadOnlyPolicy

UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8"
META = SessionMeta(id=UUID, timestamp="t", cwd="/w", originator="o", cli_version="0")


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (META, "session_meta"),
        (CompactedItem(message="m"), "compacted"),
        (AgentMessageEvent(message="m"), "event_msg"),
        (MessageItem(role="user", content=()), "response_item"),
        (
            TurnContextItem(
                cwd="/w", approval_policy="never", sandbox_policy=ReadOnlyPolicy(), model="m", summary="auto"
            ),
            "turn_context",
        ),
        (UnknownRolloutItem(rollout_type="world_state", payload=[1, None]), "world_state"),
    ],
)
def test_a_line_gets_the_type_of_its_payload(payload, kind):
    line = RolloutLine(timestamp="2026-11-22T08:34:04.539Z", payload=payload)
    assert line.type == kind
    assert line.to_json().startswith(f'{{"timestamp":"2026-11-22T08:34:04.539Z","type":"{kind}","payload":')
    assert parse_rollout_line(line.to_json()) == line


def test_a_payload_under_the_wrong_type_is_refused():
    with pytest.raises(ValidationError, match="AgentMessageEvent"):
        RolloutLine(timestamp="t", type="compacted", payload=AgentMessageEvent(message="m"))


def test_instructions_are_null_and_git_is_left_out_when_unknown():
    assert META.to_json() == (
        f'{{"id":"{UUID}","timestamp":"t","cwd":"/w","originator":"o","cli_version":"0","instructions":null}}'
    )
    assert (
        META.model_copy(update={"git": GitInfo(branch="main")})
        .to_json()
        .endswith(',"git":{"branch":"main"}}')
    )


NEWER = [
    '{"timestamp":"t","ordinal":3,"type":"session_meta","payload":{"id":"01a2026a-1fe8-7370-9e62-7737d6c2397b","session_id":"x","timestamp":"t","cwd":"/w","originator":"o","cli_version":"0.169.0","source":"cli","model_provider":"openai","base_instructions":{"text":"b"}}}',
    '{"timestamp":"t","type":"world_state","payload":{"a":[1,{"b":null}]},"metadata":{}}',
    '{"timestamp":"t","type":"event_msg","payload":{"type":"item_completed","item":{"type":"Plan"}}}',
    '{"timestamp":"t","type":"event_msg","payload":{"type":"task_complete","turn_id":"1","last_agent_message":null,"duration_ms":5}}',
    '{"timestamp":"t","type":"response_item","payload":{"type":"function_call","id":"fc_1","name":"n","arguments":"{}","call_id":"c","metadata":{"turn":1}}}',
    '{"timestamp":"t","type":"response_item","payload":{"type":"ghost_snapshot","ghost_commit":{"id":"x"}}}',
]


def test_lines_of_newer_releases_are_read():
    meta, world, done, complete, call, ghost = (parse_rollout_line(line).payload for line in NEWER)
    assert isinstance(meta, SessionMeta)
    assert meta.instructions is None
    assert isinstance(world, UnknownRolloutItem)
    assert isinstance(done, UnknownEvent)
    assert complete.rollout_type == "event_msg"
    assert isinstance(call, FunctionCallItem)
    assert call.id == "fc_1"
    assert isinstance(ghost, OtherItem)


def test_what_a_newer_release_holds_beside_what_is_known_is_not_lost_where_the_type_is_new():
    line = parse_rollout_line(NEWER[1])
    assert line.to_json() == '{"timestamp":"t","type":"world_state","payload":{"a":[1,{"b":null}]}}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "expected an object"),
        ('{"type":"compacted","payload":{"message":"m"}}', "missing field `timestamp`"),
        ('{"timestamp":"t","payload":{}}', "missing field `type`"),
        ('{"timestamp":"t","type":"compacted"}', "missing field `payload`"),
        ('{"timestamp":"t","type":1,"payload":{}}', "expected a string in `type`"),
        ('{"timestamp":"t","type":"compacted","payload":[]}', "expected a compacted payload in `payload`"),
        ('{"timestamp":"t","type":"session_meta","payload":{"id":"x"}}', "expected a UUID in `payload.id`"),
        ('{"timestamp":"t","type":"event_msg","payload":{}}', "missing field `type` in `payload`"),
    ],
)
def test_a_broken_line_says_what_is_wrong(line, reason):
    with pytest.raises(ProtocolError, match=reason):
        parse_rollout_line(line)
