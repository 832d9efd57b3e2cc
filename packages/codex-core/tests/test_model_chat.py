"""The Chat Completions wire: messages, tools and chunks (spec: agent.md section 24, D25)."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.chat_completions import ChatDecoder, request_body
from codex_core.model.chat_messages import messages
from codex_core.model.demo.transport import ScriptedTransport
from codex_core.model.errors import (
    ContextWindowExceeded,
    IncompleteAnswer,
    RequestRefused,
    StreamDisconnected,
    UnexpectedStatus,
)
from codex_core.model.prompt import RequestSettings
from codex_core.model.response_events import Completed, ItemDone, RawReasoningDelta, ResponseEvent, TextDelta
from codex_core.model.scripted.chat_replies import (
    chat_answer,
    chat_chunk,
    chat_finish,
    chat_text,
    chat_tool_call,
)
from codex_core.model.scripted.replies import http_error, sse
from codex_core.model.text_only import NOTE
from codex_core.model.tool_spec import CustomTool, FunctionTool, LocalShellTool, WebSearchTool, object_schema
from codex_core.services import Services
from codex_protocol.items import InputImageContent, parse_response_item
from codex_protocol.tokens import TokenUsage

SETTINGS = RequestSettings("llama", family_for("llama"), "c")


def say(role: str, *texts: str, images: int = 0) -> dict[str, object]:
    kind = "output_text" if role == "assistant" else "input_text"
    content: list[dict[str, object]] = [{"type": kind, "text": text} for text in texts]
    content += [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}] * images
    return {"type": "message", "role": role, "content": content}


def call(call_id: str) -> dict[str, object]:
    return {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": call_id}


def output(call_id: str) -> dict[str, object]:
    return {"type": "function_call_output", "call_id": call_id, "output": f"out {call_id}"}


def think(text: str) -> dict[str, object]:
    return {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}


def written(*items: dict[str, object]) -> list[dict[str, Any]]:
    """The messages behind the instructions."""
    return messages("Be brief.", [parse_response_item(item) for item in items])[1:]


# --- requests --------------------------------------------------------------------------------------


def test_the_instructions_come_first() -> None:
    assert messages("Be brief.", []) == [{"role": "system", "content": "Be brief."}]


def test_texts_of_a_message_are_one_string() -> None:
    assert written(say("user", "a", "b")) == [{"role": "user", "content": "ab"}]


def test_images_are_sent_as_parts() -> None:
    assert written(say("user", "look", images=1)) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        }
    ]


def test_a_text_of_the_assistant_is_not_said_twice_in_a_row() -> None:
    assert [
        m["content"] for m in written(say("assistant", "x"), say("assistant", "x"), say("user", "x"))
    ] == [
        "x",
        "x",
    ]


def test_calls_and_outputs_keep_their_order() -> None:
    assert written(say("user", "go"), call("c1"), output("c1"), call("c2"), output("c2"))[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "shell", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "out c1"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c2", "type": "function", "function": {"name": "shell", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "out c2"},
    ]


def test_calls_side_by_side_are_one_message() -> None:
    sent = written(call("c1"), call("c2"), output("c1"), output("c2"))
    assert [message["role"] for message in sent] == ["assistant", "tool", "tool"]
    assert [part["id"] for part in sent[0]["tool_calls"]] == ["c1", "c2"]


def test_reasoning_between_calls_does_not_part_them() -> None:
    sent = written(
        say("user", "go"), think("a"), call("c1"), think("b"), call("c2"), output("c1"), output("c2")
    )
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert len(sent[1]["tool_calls"]) == 2
    assert sent[1]["reasoning"] == "ab"


def test_other_calls_have_the_id_their_output_names() -> None:
    custom: dict[str, object] = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "c1",
        "name": "apply_patch",
        "input": "*",
    }
    action = {"type": "exec", "command": ["ls"]}
    local: dict[str, object] = {
        "type": "local_shell_call",
        "id": "l1",
        "call_id": None,
        "status": "completed",
        "action": action,
    }
    answered: dict[str, object] = {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"}
    first, _, second, _ = written(custom, answered, local, output("l1"))
    (patch,), (shell,) = first["tool_calls"], second["tool_calls"]
    assert (patch["id"], shell["id"]) == ("c1", "l1")
    assert patch["function"] == {"name": "apply_patch", "arguments": '{"input":"*"}'}
    assert shell["function"] == {"name": "shell", "arguments": '{"command":["ls"]}'}
    assert {patch["type"], shell["type"]} == {"function"}


def test_what_the_assistant_says_and_calls_is_one_message() -> None:
    sent = written(say("user", "go"), say("assistant", "I look."), call("c1"), call("c2"), output("c1"))
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["content"] == "I look."
    assert [part["id"] for part in sent[1]["tool_calls"]] == ["c1", "c2"]
    assert "tool_calls" not in written(say("assistant", "done"))[0]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{ "a" : 1 }', '{ "a" : 1 }'),
        ("", "{}"),
        ('{"command": ["ls', '{"unreadable_arguments":"{\\"command\\": [\\"ls"}'),
        ("[1]", '{"unreadable_arguments":"[1]"}'),
    ],
)
def test_arguments_no_server_could_read_do_not_end_the_conversation(arguments: str, sent: str) -> None:
    (message,) = written({**call("c1"), "arguments": arguments})
    assert message["tool_calls"][0]["function"]["arguments"] == sent


def test_reasoning_goes_back_under_the_name_the_server_gave_it() -> None:
    items = tuple(parse_response_item(raw) for raw in (say("user", "go"), think("hm"), call("c1")))
    (message,) = messages("", items, reasoning_field="reasoning_content")[2:]
    assert message["reasoning_content"] == "hm"
    assert "reasoning" not in message


def test_a_schema_for_the_final_message_is_a_response_format() -> None:
    schema = {"type": "object"}
    body = request_body(Prompt("", (), output_schema=schema), SETTINGS)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "codex_output_schema", "strict": True, "schema": schema},
    }
    assert "response_format" not in request_body(Prompt("", ()), SETTINGS)


def test_reasoning_goes_with_the_call_behind_it() -> None:
    sent = written(say("user", "go"), think("hm"), call("c1"), output("c1"))
    assert [message.get("reasoning") for message in sent] == [None, "hm", None]


def test_reasoning_goes_with_the_message_before_it_first() -> None:
    sent = written(say("user", "go"), say("assistant", "ok"), think("hm"), call("c1"), output("c1"))
    assert [message.get("reasoning") for message in sent] == [None, "hm", None]


def test_reasoning_is_left_out_once_the_user_has_spoken_again() -> None:
    assert all("reasoning" not in m for m in written(think("hm"), say("assistant", "ok"), say("user", "go")))
    sent = written(
        think("old"), say("assistant", "ok"), say("user", "go"), think("new"), call("c"), output("c")
    )
    assert [message["reasoning"] for message in sent if "reasoning" in message] == ["new"]


def test_tools_without_a_form_on_this_wire_are_left_out() -> None:
    shell = FunctionTool("shell", "Runs it.", object_schema({}, required=[]))
    tools = (shell, CustomTool("p", "d", "g"), LocalShellTool(), WebSearchTool())
    parameters = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert request_body(Prompt("", (), tools), SETTINGS)["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "shell",
                "description": "Runs it.",
                "strict": False,
                "parameters": parameters,
            },
        }
    ]
    assert "tools" not in request_body(Prompt("", (), tools[1:]), SETTINGS)


# --- answers ---------------------------------------------------------------------------------------


def decode(*chunks: object) -> list[ResponseEvent]:
    decoder = ChatDecoder(Services().new_id)
    texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return [happened for text in texts for happened in decoder.feed(text)] + list(decoder.finish())


def items(happened: list[ResponseEvent]) -> list[dict[str, Any]]:
    return [event.item.to_wire() for event in happened if isinstance(event, ItemDone)]


def message_item(text: str) -> dict[str, object]:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


def test_text_is_streamed_and_then_given_whole() -> None:
    happened = decode(*chat_text("fi", "n"), chat_finish("stop"), "[DONE]")
    assert happened[:2] == [TextDelta("fi"), TextDelta("n")]
    assert items(happened) == [message_item("fin")]
    assert happened[-1] == Completed("chatcmpl_1", None)


def test_parallel_calls_are_kept_apart_by_their_index() -> None:
    first = chat_tool_call("shell", ['{"a":', "1}"], "c1", index=0)
    second = chat_tool_call("view_image", ['{"b":', "2}"], "c2", index=1)
    mixed = [piece for pair in zip(first, second, strict=True) for piece in pair]
    assert items(decode(*mixed, chat_finish("tool_calls"))) == [
        {"type": "function_call", "name": "shell", "arguments": '{"a":1}', "call_id": "c1"},
        {"type": "function_call", "name": "view_image", "arguments": '{"b":2}', "call_id": "c2"},
    ]


def test_calls_without_index_are_kept_apart_by_their_id() -> None:
    def piece(identifier: str | None, name: str | None, arguments: object) -> dict[str, object]:
        return chat_chunk(
            {"tool_calls": [{"id": identifier, "function": {"name": name, "arguments": arguments}}]}
        )

    happened = decode(
        piece("c1", "a", "{"), piece(None, None, "}"), piece("c2", "b", {"x": 1}), chat_finish("stop")
    )
    assert [(item["name"], item["arguments"], item["call_id"]) for item in items(happened)] == [
        ("a", "{}", "c1"),
        ("b", '{"x":1}', "c2"),
    ]


def test_a_call_without_id_gets_one() -> None:
    (item,) = items(decode(*chat_tool_call("shell", "{}", ""), chat_finish("tool_calls")))
    assert re.fullmatch("call_[0-9a-f]{32}", item["call_id"])


def tool_calls(*pieces: dict[str, object]) -> list[tuple[object, object, object]]:
    happened = decode(*(chat_chunk({"tool_calls": [piece]}) for piece in pieces), chat_finish("tool_calls"))
    return [(item["call_id"], item["name"], item["arguments"]) for item in items(happened)]


def fn(name: str | None = None, arguments: str | None = None) -> dict[str, object]:
    return {"name": name, "arguments": arguments}


def test_calls_that_all_have_the_number_0_are_kept_apart_by_their_id() -> None:
    first = {"index": 0, "id": "c1", "function": fn("a", '{"x":1}')}
    second = {"index": 0, "id": "c2", "function": fn("b", '{"y":2}')}
    assert tool_calls(first, second) == [("c1", "a", '{"x":1}'), ("c2", "b", '{"y":2}')]


def test_whole_calls_without_ids_are_kept_apart_by_their_names() -> None:
    piece = {"index": 0, "id": "", "function": fn("a", "{}")}
    (first, *_), (second, *_) = tool_calls(piece, piece)
    assert first != second


def test_a_name_or_an_id_repeated_in_every_piece_begins_nothing_new() -> None:
    pieces: list[dict[str, object]] = [
        {"index": 0, "id": "c1", "function": fn("a", part)} for part in ('{"x"', ":", "1}")
    ]
    assert tool_calls(*pieces) == [("c1", "a", '{"x":1}')]
    changing: list[dict[str, object]] = [
        {"index": 0, "id": f"c{n}", "function": fn("a" if n == 0 else None, "{}"[n])} for n in (0, 1)
    ]
    assert tool_calls(*changing) == [("c0", "a", "{}")]


def test_calls_of_one_answer_never_share_an_id() -> None:
    pieces: list[dict[str, object]] = [{"index": n, "id": "same", "function": fn("a", "{}")} for n in (0, 1)]
    assert len({call[0] for call in tool_calls(*pieces)}) == 2


def test_a_call_behind_the_announced_end_counts() -> None:
    happened = decode(*chat_text("ok"), chat_finish("stop"), *chat_tool_call("shell", "{}"), "[DONE]")
    assert [item["type"] for item in items(happened)] == ["message", "function_call"]
    assert isinstance(happened[-1], Completed)


@pytest.mark.parametrize("tail", [[], ["[DONE]"], [{"choices": [], "usage": {"prompt_tokens": 1}}]])
def test_an_answer_that_was_cut_off_is_an_error_behind_what_it_said(tail: list[object]) -> None:
    decoder = ChatDecoder(Services().new_id)
    chunks = [*chat_text("Let me"), *chat_tool_call("shell", '{"comm'), chat_finish("length"), *tail]
    happened: list[ResponseEvent] = []

    def play() -> None:
        for chunk in chunks:
            happened.extend(decoder.feed(chunk if isinstance(chunk, str) else json.dumps(chunk)))
        decoder.finish()

    with pytest.raises(IncompleteAnswer, match="length"):
        play()
    assert items(happened) == [message_item("Let me")]
    assert not any(isinstance(event, Completed) for event in happened)


def test_text_may_come_as_parts_with_thinking_among_them() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    content = [thinking, {"type": "text", "text": "ok"}]
    happened = decode(chat_chunk({"content": content}), chat_finish())
    assert happened[:2] == [RawReasoningDelta("hm"), TextDelta("ok")]


def test_a_refusal_is_what_the_assistant_says() -> None:
    assert items(decode(chat_chunk({"refusal": "No."}), chat_finish())) == [message_item("No.")]


def test_reasoning_under_two_names_counts_once() -> None:
    happened = decode(chat_chunk({"reasoning": "hm", "reasoning_content": "hm"}), chat_finish())
    assert happened[0] == RawReasoningDelta("hm")
    assert happened[1] != RawReasoningDelta("hm")


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "something_new"])
def test_every_way_of_finishing_gives_everything(reason: str) -> None:
    happened = decode(*chat_text("I run it."), *chat_tool_call("shell", "{}"), chat_finish(reason))
    assert [item["type"] for item in items(happened)] == ["message", "function_call"]
    assert isinstance(happened[-1], Completed)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": "hm"},
        {"reasoning": {"text": "hm"}},
        {"reasoning": {"content": "hm"}},
        {"reasoning_content": "hm"},
    ],
)
def test_reasoning_comes_in_many_shapes(delta: dict[str, object]) -> None:
    happened = decode(chat_chunk(delta), chat_finish())
    assert happened[0] == RawReasoningDelta("hm")
    assert items(happened)[0]["content"] == [{"type": "reasoning_text", "text": "hm"}]


USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": None,
}
COUNTED = TokenUsage(
    input_tokens=10, cached_input_tokens=4, output_tokens=5, reasoning_output_tokens=0, total_tokens=15
)


@pytest.mark.parametrize(
    "tail",
    [
        [chat_finish(), {"id": "chatcmpl_1", "choices": [], "usage": USAGE}],
        [{**chat_finish(), "usage": USAGE}],
        [{**chat_chunk({}), "usage": USAGE}, chat_finish(), "[DONE]"],
    ],
)
def test_token_counts_complete_the_answer(tail: list[object]) -> None:
    happened = decode(*chat_text("ok"), *tail)
    assert [event for event in happened if isinstance(event, Completed)] == [Completed("chatcmpl_1", COUNTED)]


def test_counts_without_a_total_are_added_up() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}
    assert decode({**chat_finish(), "usage": usage})[-1] == Completed("chatcmpl_1", COUNTED)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "x"}, 5])
def test_unreadable_counts_are_none(usage: object) -> None:
    assert decode({**chat_finish(), "usage": usage})[-1] == Completed("chatcmpl_1", None)


def test_an_end_line_alone_ends_the_answer() -> None:
    assert items(decode(*chat_text("ok"), "[DONE]")) == [message_item("ok")]


def test_a_stream_that_ends_without_a_finish_is_broken() -> None:
    with pytest.raises(StreamDisconnected, match="stream closed before"):
        decode(*chat_text("ok"))


def test_an_error_in_the_stream_is_raised() -> None:
    with pytest.raises(ContextWindowExceeded):
        decode({"error": {"code": "context_length_exceeded", "message": "x"}})
    with pytest.raises(StreamDisconnected, match="boom"):
        decode({"error": "boom"})
    with pytest.raises(RequestRefused, match="bad grammar"):
        decode({"error": {"code": 400, "message": "bad grammar"}})
    with pytest.raises(StreamDisconnected, match="slower"):
        decode({"error": {"code": 429, "message": "slower"}})


@pytest.mark.parametrize(
    "chunk",
    [
        "x",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"delta": {"content": 5}}]},
    ],
)
def test_unreadable_chunks_say_nothing(chunk: object) -> None:
    assert [type(event) for event in decode(chunk, "[DONE]")] == [Completed]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "tool_calls",
                    "function",
                    "index",
                    "id",
                    "name",
                    "arguments",
                    "content",
                    "usage",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_no_chunk_breaks_the_decoder(chunks: list[object]) -> None:
    decoder = ChatDecoder(Services().new_id)
    with suppress(ModelError):
        for chunk in chunks:
            decoder.feed(json.dumps({"choices": [chunk]} if not isinstance(chunk, dict) else chunk))
        decoder.finish()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 4))
def test_arguments_survive_every_way_of_cutting_them(sizes: list[int], calls: int) -> None:
    whole = '{"command": ["echo", "a b", "}{"]}'
    chunks: list[object] = []
    for index in range(calls):
        pieces, at = [], 0
        for size in sizes:
            pieces.append(whole[at : at + size])
            at += size
        chunks += chat_tool_call("shell", [*pieces, whole[at:]], f"c{index}", index=index)
    done = items(decode(*chunks, chat_finish("tool_calls")))
    assert [(item["call_id"], item["arguments"]) for item in done] == [(f"c{n}", whole) for n in range(calls)]


# --- through the client ----------------------------------------------------------------------------


def chat_client(server: ScriptedTransport, *, env_key: str | None = None) -> ModelClient:
    return ModelClient(
        provider=ModelProvider(id="l", name="L", base_url="http://l.test/v1", env_key=env_key),
        model="llama",
        family=family_for("llama"),
        conversation_id="c",
        auth=None,
        services=Services(http_transport=server, environ={"KEY": "k"}),
        user_agent="u",
        originator="o",
    )


async def test_the_client_speaks_this_wire() -> None:
    server = ScriptedTransport([chat_answer(*chat_text("Hel", "lo"))])
    client = chat_client(server, env_key="KEY")
    assert client.provider.wire_api is WireApi.CHAT
    happened = [event async for event in client.stream(Prompt("Be brief.", ()))]
    await client.aclose()
    assert items(happened) == [message_item("Hello")]
    (request,) = server.requests
    assert request.route == "POST /v1/chat/completions"
    assert request.header("authorization") == "Bearer k"
    assert request.header("conversation_id") is None
    assert request.header("openai-beta") is None
    assert list(request.json) == ["model", "messages", "stream", "stream_options"]


async def test_a_whole_answer_counts_even_if_the_connection_breaks_behind_it() -> None:
    reply = sse(*chat_text("ok"), chat_finish(), "[DONE]")
    server = ScriptedTransport([reply.cut_after(len(reply.body) - len("data: [DONE]\n\n"))])
    client = chat_client(server)
    happened = [event async for event in client.stream(Prompt("", ()))]
    await client.aclose()
    assert isinstance(happened[-1], Completed)


async def test_the_client_remembers_what_the_server_calls_reasoning() -> None:
    thought = chat_chunk({"reasoning_content": "hm"})
    server = ScriptedTransport(
        [chat_answer(thought, *chat_tool_call("shell", "{}"), finish_reason="tool_calls"), "ok"]
    )
    client = chat_client(server)
    first = [event async for event in client.stream(Prompt("", ()))]
    said = tuple(event.item for event in first if isinstance(event, ItemDone))
    _ = [event async for event in client.with_turn().stream(Prompt("", said))]
    await client.aclose()
    assert server.requests[1].input[1]["reasoning_content"] == "hm"


async def test_a_model_whose_roles_must_alternate_is_asked_again_that_way_and_remembered() -> None:
    refused = http_error(500, {"error": {"message": "Jinja Exception: roles must alternate"}})
    server = ScriptedTransport([refused, "ok", "ok", refused])
    client = chat_client(server)
    said = tuple(
        parse_response_item(raw) for raw in (say("user", "a"), say("user", "b"), say("user", "c", images=1))
    )
    for _ in range(2):
        events = [event async for event in client.stream(Prompt("Be brief.", said))]
        assert isinstance(events[-1], Completed)
    with pytest.raises(UnexpectedStatus, match="alternate"):
        _ = [event async for event in client.stream(Prompt("", said))]
    await client.aclose()
    assert [len(request.input) for request in server.requests] == [4, 2, 2, 2]
    assert server.requests[1].input[1] == {
        "role": "user",
        "content": [
            {"type": "text", "text": "a\n\nb"},
            {"type": "text", "text": "c"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ],
    }


async def test_a_model_that_takes_no_images_is_told_of_them_instead() -> None:
    refused = http_error(500, {"error": {"message": "image input is not supported"}})
    server = ScriptedTransport([refused, "ok", "ok", "ok"])
    client = chat_client(server)
    look = (parse_response_item(say("user", "look", images=1)),)
    for _ in range(2):
        events = [event async for event in client.stream(Prompt("", look))]
        assert isinstance(events[-1], Completed)
    assert len(server.requests) == 3
    assert [request.input[1]["content"] for request in server.requests[1:]] == [f"look{NOTE}"] * 2
    # Another model of the same conversation may well take them.
    async for _ in client.with_turn(model="other").stream(Prompt("", look)):
        pass
    await client.aclose()
    assert isinstance(server.requests[3].input[1]["content"], list)
    assert any(isinstance(part, InputImageContent) for part in getattr(look[0], "content", ()))
