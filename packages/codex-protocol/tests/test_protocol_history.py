"""What a session starts from, what a message carries, and the arguments of the MCP tools."""

from __future__ import annotations

import pytest

from codex_protocol.config_types import AskForApproval, InputMessageKind
from codex_protocol.errors import ProtocolError
from codex_protocol.events import AgentMessageEvent
from codex_protocol.initial_history import (
    ForkedHistory,
    NewHistory,
    ResumedHistory,
    event_messages,
    without_last_user_messages,
)
from codex_protocol.items import InputTextContent, MessageItem, OutputTextContent
from codex_protocol.mcp_tools import CodexReplyToolCallParams, CodexToolCallParams
from codex_protocol.message_kind import kind_by_opening, kind_of_message, request_in
from codex_protocol.rollout import CompactedItem

ENVIRONMENT, INSTRUCTIONS, PLAIN = (
    InputMessageKind.ENVIRONMENT_CONTEXT,
    InputMessageKind.USER_INSTRUCTIONS,
    InputMessageKind.PLAIN,
)


def user(text: str) -> MessageItem:
    return MessageItem(role="user", content=(InputTextContent(text=text),))


def assistant(text: str) -> MessageItem:
    return MessageItem(role="assistant", content=(OutputTextContent(text=text),))


def test_only_recorded_conversations_have_messages_to_replay():
    event = AgentMessageEvent(message="m")
    history = (user("a"), event, CompactedItem(message="s"))
    assert event_messages(NewHistory()) is None
    assert event_messages(ResumedHistory("id", history, "/r")) == (event,)
    assert event_messages(ForkedHistory((user("a"),))) == ()


HISTORY = (CompactedItem(message="meta"), user("1"), assistant("a"), user("2"), assistant("b"), user("3"))


@pytest.mark.parametrize(("count", "kept"), [(0, 6), (1, 5), (2, 3), (3, 1)])
def test_a_fork_keeps_what_lies_before_the_user_message_it_drops(count, kept):
    assert without_last_user_messages(HISTORY, count) == ForkedHistory(HISTORY[:kept])


@pytest.mark.parametrize("count", [4, 100])
def test_a_fork_that_keeps_nothing_is_new(count):
    assert without_last_user_messages(HISTORY, count) == NewHistory()
    assert without_last_user_messages(HISTORY[1:], 3) == NewHistory()


@pytest.mark.parametrize(
    ("text", "whole", "opening"),
    [
        ("hello", PLAIN, PLAIN),
        ("<environment_context>x</environment_context>", ENVIRONMENT, ENVIRONMENT),
        ("  <ENVIRONMENT_context>\nx\n</Environment_Context>\n", ENVIRONMENT, PLAIN),
        ("<environment_context>x", PLAIN, ENVIRONMENT),
        ("\n<user_instructions>x</user_instructions> ", INSTRUCTIONS, INSTRUCTIONS),
        ("<user_instructions>x</environment_context>", PLAIN, INSTRUCTIONS),
        ("see <user_instructions>x</user_instructions>", PLAIN, PLAIN),
    ],
)
def test_the_kind_of_a_message_has_a_strict_and_a_weak_test(text, whole, opening):
    assert kind_of_message(text) is whole
    assert kind_by_opening(text) is opening


def test_an_editors_request_follows_its_marker():
    assert request_in("# Context\nfile\n\n## My request for Codex:\n fix it \n") == "fix it"
    assert request_in(" just text ") == " just text "


def test_the_tools_arguments_have_hyphens():
    params = CodexToolCallParams.from_json(
        '{"approval-policy":"never","config":{"a.b":[1,null]},"include-plan-tool":true,"prompt":"p","odd":1}'
    )
    assert params.approval_policy is AskForApproval.NEVER
    assert params.to_json() == (
        '{"approval-policy":"never","config":{"a.b":[1,null]},"include-plan-tool":true,"prompt":"p"}'
    )
    with pytest.raises(ProtocolError, match="missing field `prompt`"):
        CodexToolCallParams.from_json("{}")


def test_a_reply_names_its_conversation():
    line = '{"conversationId":"x","prompt":"p"}'
    assert CodexReplyToolCallParams.from_json(line).to_json() == line
