"""Which events items stand for, and what the user gave as one message (spec: protocol.md sections 6.5, 6.6)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from codex_core.conversation.item_events import item_events, user_message_event
from codex_core.conversation.user_input import message_of
from codex_protocol.items import (
    FunctionCallItem,
    InputImageContent,
    InputTextContent,
    MessageItem,
    OtherItem,
    OtherWebSearchAction,
    OutputTextContent,
    ReasoningItem,
    ReasoningTextContent,
    ResponseItem,
    SummaryText,
    WebSearchAction,
    WebSearchCallItem,
)
from codex_protocol.ops import ImageInput, LocalImageInput, TextInput

PNG = b"\x89PNG\r\n\x1a\n rest"


def events_of(item: ResponseItem, *, raw: bool = False) -> list[dict[str, Any]]:
    return [event.to_wire() for event in item_events(item, show_raw_reasoning=raw)]


def said(role: str, *texts: str) -> MessageItem:
    return MessageItem(role=role, content=tuple(OutputTextContent(text=text) for text in texts))


def test_every_text_of_a_message_is_an_event() -> None:
    assert events_of(said("assistant", "one", "two")) == [
        {"type": "agent_message", "message": "one"},
        {"type": "agent_message", "message": "two"},
    ]


def test_system_messages_are_not_heard() -> None:
    assert events_of(said("system", "secret rule")) == []


REASONING = ReasoningItem(
    summary=(SummaryText(text="s1"), SummaryText(text="s2")),
    content=(ReasoningTextContent(text="r1"),),
)


def test_reasoning_is_heard_part_by_part_and_raw_only_on_demand() -> None:
    summary = [{"type": "agent_reasoning", "text": "s1"}, {"type": "agent_reasoning", "text": "s2"}]
    assert events_of(REASONING) == summary
    assert events_of(REASONING, raw=True) == [
        *summary,
        {"type": "agent_reasoning_raw_content", "text": "r1"},
    ]
    assert events_of(ReasoningItem(summary=()), raw=True) == []


def test_a_search_ends_with_what_was_looked_for() -> None:
    search = WebSearchCallItem(id="ws_1", action=WebSearchAction(query="cats"))
    assert events_of(search) == [{"type": "web_search_end", "call_id": "ws_1", "query": "cats"}]
    nameless = WebSearchCallItem(action=WebSearchAction(query="cats"))
    assert events_of(nameless)[0]["call_id"] == ""
    opened = WebSearchCallItem(id="ws_2", action=OtherWebSearchAction(raw={"type": "open_page"}))
    assert events_of(opened) == []


@pytest.mark.parametrize(
    "item",
    [
        FunctionCallItem(name="shell", arguments="{}", call_id="c"),
        OtherItem(raw={"type": "from_the_future"}),
    ],
)
def test_calls_and_unknown_items_have_no_events_of_their_own(item: ResponseItem) -> None:
    assert events_of(item) == []


# -- what the user said -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", "plain"),
        ("", "plain"),
        ("<environment_context>\n</environment_context>", "environment_context"),
        ("\n  <environment_context>x", "environment_context"),
        ("<user_instructions>\n\nx", "user_instructions"),
        ("<ENVIRONMENT_CONTEXT>", "plain"),
        ("say <environment_context>", "plain"),
    ],
)
def test_a_users_message_is_recorded_with_its_kind(text: str, kind: str) -> None:
    event = user_message_event(message_of([TextInput(text=text)]))
    assert event.to_wire() == {"type": "user_message", "message": text, "kind": kind}


def test_texts_run_together_and_the_first_one_gives_the_kind() -> None:
    message = message_of([TextInput(text="one"), TextInput(text="<user_instructions>")])
    assert user_message_event(message).to_wire() == {
        "type": "user_message",
        "message": "one<user_instructions>",
        "kind": "plain",
    }


def test_images_without_text_have_no_kind() -> None:
    message = message_of([ImageInput(image_url="https://x.invalid/a.png")])
    assert user_message_event(message).to_wire() == {
        "type": "user_message",
        "message": "",
        "images": ["https://x.invalid/a.png"],
    }


def test_input_becomes_one_message_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(PNG)
    message = message_of(
        [LocalImageInput(path=str(path)), ImageInput(image_url="data:x"), TextInput(text="look")]
    )
    assert message.to_wire() == {
        "type": "message",
        "role": "user",
        "content": [
            {
                "type": "input_image",
                "image_url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}",
            },
            {"type": "input_image", "image_url": "data:x"},
            {"type": "input_text", "text": "look"},
        ],
    }


@pytest.mark.parametrize("name", ["missing.png", "", "with\0nul.png", "half\ud83d.png"])
def test_a_picture_that_cannot_be_read_is_named_in_its_place(name: str, tmp_path: Path) -> None:
    path = f"{tmp_path}/{name}"
    message = message_of([TextInput(text="a"), LocalImageInput(path=path), TextInput(text="b")])
    first, named, last = message.content
    assert isinstance(named, InputTextContent)
    assert path in named.text
    assert "cannot be read" in named.text
    assert "None" not in named.text
    assert (first, last) == (InputTextContent(text="a"), InputTextContent(text="b"))


def test_a_message_of_unreadable_pictures_only_is_not_empty(tmp_path: Path) -> None:
    message = message_of([LocalImageInput(path=str(tmp_path / "missing.png"))])
    assert len(message.content) == 1
    assert not isinstance(message.content[0], InputImageContent)
