"""The Chat Completions wire: messages, tools and chunks (spec: agent.md section 24, D25)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.chat_completions import ChatDecoder, request_body
from codex_core.model.chat_messages import messages
from codex_core.model.demo.transport import ScriptedTransport
from codex_core.model.errors import ContextWindowExceeded, StreamDisconnected
from codex_core.model.prompt import RequestSettings
from codex_core.model.response_events import Completed, ItemDone, RawReasoningDelta, ResponseEvent, TextDelta
from codex_core.model.tool_spec import CustomTool, FunctionTool, LocalShellTool, WebSearchTool, object_schema
from codex_core.services import Services
from codex_core.testing.chat_replies import chat_answer, chat_chunk, chat_finish, chat_text, chat_tool_call
from codex_core.testing.replies import sse
from codex_protocol.items import parse_response_item
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
    assert first["tool_calls"] == [
        {"id": "c1", "type": "custom", "custom": {"name": "apply_patch", "input": "*"}}
    ]
    assert second["tool_calls"][0]["id"] == "l1"
    assert second["tool_calls"][0]["action"]["command"] == ["ls"]


def test_reasoning_goes_with_the_call_behind_it() -> None:
    sent = written(say("user", "go"), think("hm"), call("c1"), output("c1"))
    assert [message.get("reasoning") for message in sent] == [None, "hm", None]


def test_reasoning_goes_with_the_message_before_it_first() -> None:
    sent = written(say("user", "go"), say("assistant", "ok"), think("hm"), call("c1"), output("c1"))
    assert [message.get("reasoning") for message in sent] == [None, "hm", None, None]


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
    decoder = ChatDecoder()
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
    assert item["call_id"] == "call_chatcmpl_1_0"


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "something_new"])
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


# --- through the client ----------------------------------------------------------------------------


async def test_the_client_speaks_this_wire() -> None:
    server = ScriptedTransport([chat_answer(*chat_text("Hel", "lo"))])
    client = ModelClient(
        provider=ModelProvider(id="l", name="L", base_url="http://l.test/v1", env_key="KEY"),
        model="llama",
        family=family_for("llama"),
        conversation_id="c",
        auth=None,
        services=Services(http_transport=server, environ={"KEY": "k"}),
        user_agent="u",
        originator="o",
    )
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
    client = ModelClient(
        provider=ModelProvider(id="l", name="L", base_url="http://l.test/v1"),
        model="llama",
        family=family_for("llama"),
        conversation_id="c",
        auth=None,
        services=Services(http_transport=server, environ={}),
        user_agent="u",
        originator="o",
    )
    happened = [event async for event in client.stream(Prompt("", ()))]
    await client.aclose()
    assert isinstance(happened[-1], Completed)
