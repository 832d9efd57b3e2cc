"""Replies of the test kit: what the builders stream, and which bytes a reply becomes."""

from __future__ import annotations

import json

import pytest

from codex_core.model.scripted.chat_replies import CHAT_DONE, chat_answer, chat_text, chat_tool_call
from codex_core.model.scripted.replies import (
    Framing,
    Reply,
    answer,
    completed,
    created,
    custom_call,
    disconnect,
    failed,
    function_call,
    http_error,
    local_shell_call,
    message,
    patch_call,
    plan_call,
    reasoning,
    shell_call,
    sse,
    token_usage,
    web_search,
)
from codex_core.model.scripted.signals import Gate
from codex_core.testing.http_wire import lay_out


def decoded(reply: Reply) -> list[object]:
    """The `data` of each event in a reply's body."""
    lines = reply.body.decode().split("\n")
    texts = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [text if text == CHAT_DONE else json.loads(text) for text in texts]


def sent(reply: Reply) -> bytes:
    return b"".join(piece for piece in lay_out(reply).pieces if isinstance(piece, bytes))


def test_an_event_is_a_line_with_its_type_a_line_with_its_data_and_an_empty_line():
    assert sse(created("r")).body == (
        b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n'
    )


def test_an_answer_begins_with_created_and_ends_with_a_usage():
    first, *_, last = decoded(answer(message("hi")))
    assert first == created()
    assert last == completed(token_usage())
    assert last["response"]["usage"]["total_tokens"] == 120


def test_a_message_streams_its_words_and_then_comes_whole():
    *deltas, done = message("one two", deltas=True)
    assert [event["delta"] for event in deltas] == ["one", " two"]
    assert done["item"]["content"][0]["text"] == "one two"


def test_a_message_streams_the_pieces_that_were_given():
    assert [event["delta"] for event in message("Hello", deltas=["Hel", "lo"])[:-1]] == ["Hel", "lo"]


def test_a_message_without_deltas_is_one_event():
    assert len(message("one two")) == 1


def test_reasoning_announces_each_part_of_its_summary():
    kinds = [event["type"] for event in reasoning("a", "b", deltas=True)]
    assert kinds == [
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.output_item.done",
    ]


def test_reasoning_has_no_content_and_no_secret_unless_given():
    (event,) = reasoning("a", encrypted=None)
    assert set(event["item"]) == {"type", "id", "summary"}
    (event,) = reasoning(content=["raw"])
    assert event["item"]["content"] == [{"type": "reasoning_text", "text": "raw"}]


def test_arguments_given_as_text_are_not_touched():
    assert function_call("f", "{broken")["item"]["arguments"] == "{broken"
    assert function_call("f", {"a": "ü"})["item"]["arguments"] == '{"a": "ü"}'


def test_a_shell_call_holds_only_the_arguments_that_were_given():
    assert json.loads(shell_call(["ls"])["item"]["arguments"]) == {"command": ["ls"]}
    full = shell_call(["ls"], "c", workdir="w", timeout_ms=5, escalate=True, justification="j")
    assert json.loads(full["item"]["arguments"]) == {
        "command": ["ls"],
        "workdir": "w",
        "timeout_ms": 5,
        "with_escalated_permissions": True,
        "justification": "j",
    }


def test_a_patch_call_is_a_function_or_freeform():
    assert json.loads(patch_call("P")["item"]["arguments"]) == {"input": "P"}
    assert patch_call("P", freeform=True) == custom_call("apply_patch", "P")


def test_a_plan_call_lists_its_steps():
    arguments = json.loads(plan_call(("a", "pending"), explanation="why")["item"]["arguments"])
    assert arguments == {"explanation": "why", "plan": [{"step": "a", "status": "pending"}]}


def test_a_local_shell_call_names_every_field_of_its_action():
    action = local_shell_call(["ls"], timeout_ms=7)["item"]["action"]
    assert list(action) == ["type", "command", "timeout_ms", "working_directory", "env", "user"]


def test_a_search_begins_and_ends_with_the_same_id():
    begin, end = web_search("weather")
    assert begin["item"]["id"] == end["item"]["id"]
    assert end["item"]["action"]["query"] == "weather"


def test_a_failure_carries_code_and_message():
    assert failed("c", "m")["response"]["error"] == {"code": "c", "message": "m"}


def test_raw_bytes_go_into_the_stream_as_they_are():
    assert sse(b"data: {not json\n\n", [created()], "[DONE]").body.endswith(b"data: [DONE]\n\n")
    assert sse(b"data: {not json\n\n").body == b"data: {not json\n\n"


def test_an_error_with_a_mapping_is_json_and_one_without_a_body_is_empty():
    reply = http_error(429, {"error": {"message": "slow"}}, {"retry-after": "1"})
    assert ("content-type", "application/json") in reply.headers
    assert ("retry-after", "1") in reply.headers
    assert json.loads(reply.body) == {"error": {"message": "slow"}}
    assert http_error(500).body == b""


def test_a_chat_answer_has_a_finish_reason_and_an_end_line():
    events = decoded(chat_answer(*chat_text("fi", "n")))
    assert [event["choices"][0]["delta"].get("content") for event in events[1:3]] == ["fi", "n"]
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1] == "[DONE]"


def test_a_chat_call_names_itself_in_its_first_piece_only():
    first, second = (
        event["choices"][0]["delta"]["tool_calls"][0] for event in chat_tool_call("f", ["{", "}"])
    )
    assert first["id"] == "call_1"
    assert first["function"] == {"name": "f", "arguments": "{"}
    assert "id" not in second
    assert second["function"] == {"arguments": "}"}


def test_a_chunked_body_has_one_chunk_per_event_and_an_end():
    reply = Reply(parts=(b"abc", b"", b"de"))
    assert sent(reply) == (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )


def test_a_body_of_known_length_and_one_that_ends_with_the_connection():
    assert sent(Reply(parts=(b"abc",), framing=Framing.LENGTH)).endswith(b"content-length: 3\r\n\r\nabc")
    closing = lay_out(Reply(parts=(b"abc",), framing=Framing.CLOSE))
    assert closing.pieces[0] == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    assert not closing.keeps_connection


def test_the_connection_is_kept_unless_one_side_closes_it():
    assert lay_out(Reply()).keeps_connection
    assert not lay_out(Reply().closing()).keeps_connection
    assert not lay_out(Reply(), client_keeps=False).keeps_connection


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize("count", range(7))
def test_a_cut_body_ends_after_that_many_bytes_of_it(framing: Framing, count: int):
    reply = Reply(parts=(b"ab", b"cdef"), framing=framing)
    wire = lay_out(reply.cut_after(count))
    body = b"".join(piece for piece in wire.pieces[1:] if isinstance(piece, bytes))
    without_framing = bytes(byte for byte in body if byte in b"abcdef")
    assert without_framing[:count] == b"abcdef"[:count]
    assert not body.endswith(b"0\r\n\r\n")
    assert not wire.is_complete
    assert not wire.keeps_connection
    if framing is not Framing.CHUNKED:
        assert body == b"abcdef"[:count]


def test_a_chunk_that_is_cut_announced_more_than_came():
    wire = lay_out(Reply(parts=(b"abcdef",)).cut_after(2))
    assert wire.pieces[1] == b"6\r\nab"


def test_a_cut_of_the_wire_counts_from_the_status_line():
    reply = Reply(parts=(b"abc",))
    whole = sent(reply)
    for count in range(len(whole)):
        assert sent(reply.cut_wire_after(count)) == whole[:count]


def test_no_answer_at_all_sends_no_byte():
    assert lay_out(disconnect()).pieces == ()


def test_pieces_tear_the_body_apart_and_keep_gates_where_they_were():
    gate = Gate()
    torn = sse(b"abc", gate, b"de").in_pieces(2)
    assert torn.parts == (b"ab", b"c", gate, b"de")
    assert torn.gates == (gate,)
    assert torn.body == b"abcde"
