"""What the model and the front ends get of a tool's result."""

from __future__ import annotations

import base64
import json
from typing import Any

from codex_core.mcp.results import MAX_EVENT_BYTES, MAX_MODEL_BYTES, event_result, model_view
from codex_protocol.mcp_types import CallToolResult

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 600).decode()


def result(*content: dict[str, Any], **more: object) -> CallToolResult:
    return CallToolResult.from_wire({"content": list(content), **more})


def test_content_is_compact_json_with_sorted_keys() -> None:
    view = model_view(result({"type": "text", "text": "hi ü"}))
    assert (view.text, view.success) == ('[{"text":"hi ü","type":"text"}]', True)


def test_structured_content_stands_for_the_content() -> None:
    view = model_view(result({"type": "text", "text": "t"}, structuredContent={"ok": True, "v": [1]}))
    assert view.text == '{"ok":true,"v":[1]}'


def test_an_error_of_the_tool_is_told_in_its_own_words() -> None:
    view = model_view(result({"type": "text", "text": "bad"}, isError=True))
    assert (view.text, view.success) == ('[{"text":"bad","type":"text"}]', False)


def test_a_picture_is_shown_and_not_spelled() -> None:
    view = model_view(result({"type": "image", "data": PNG, "mimeType": "image/jpeg"}))
    assert view.images == (f"data:image/png;base64,{PNG}",)
    assert json.loads(view.text) == [
        {
            "data": "[picture of 609 bytes, shown to you as number 1 below]",
            "mimeType": "image/jpeg",
            "type": "image",
        }
    ]


def test_a_picture_in_a_resource_is_shown_too() -> None:
    resource = {"uri": "x:y", "blob": PNG, "mimeType": "image/png"}
    view = model_view(result({"type": "resource", "resource": resource}))
    assert len(view.images) == 1
    assert PNG not in view.text


def test_data_that_is_no_picture_is_counted() -> None:
    sound = base64.b64encode(b"\0" * 3000).decode()
    view = model_view(result({"type": "audio", "data": sound, "mimeType": "audio/wav"}))
    assert view.images == ()
    assert json.loads(view.text)[0]["data"] == "[3000 bytes, not shown]"


def test_short_data_stays_as_it_is() -> None:
    view = model_view(result({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}))
    assert view.text == '[{"data":"AAAA","mimeType":"audio/wav","type":"audio"}]'


def test_what_only_begins_like_a_picture_is_not_sent_as_one() -> None:
    view = model_view(result({"type": "image", "data": PNG + "!!", "mimeType": "image/png"}))
    assert view.images == ()


def test_too_many_pictures_are_told() -> None:
    view = model_view(result(*({"type": "image", "data": PNG, "mimeType": "image/png"},) * 10))
    assert len(view.images) == 8
    assert view.text.count("too large to be shown") == 2


def test_links_and_unknown_kinds_are_passed_on() -> None:
    link = {"type": "resource_link", "uri": "file:///a", "name": "a"}
    other = {"type": "hologram", "depth": 3}
    assert json.loads(model_view(result(link, other)).text) == [
        {"name": "a", "type": "resource_link", "uri": "file:///a"},
        {"type": "hologram", "depth": 3},
    ]


def test_a_huge_text_is_cut_in_the_middle() -> None:
    view = model_view(result({"type": "text", "text": "ä" * 100_000 + "END"}))
    assert len(view.text.encode()) < MAX_MODEL_BYTES + 100
    assert view.text.startswith('[{"text":"ää')
    assert view.text.endswith('END","type":"text"}]')
    assert "bytes ...]" in view.text


def test_an_event_carries_the_result_as_it_came() -> None:
    whole = result({"type": "image", "data": PNG, "mimeType": "image/png"}, isError=False)
    assert event_result(whole) is whole


def test_an_event_does_not_carry_without_limit() -> None:
    small = event_result(result({"type": "text", "text": "x" * (MAX_EVENT_BYTES + 1)}, isError=True))
    assert small.is_error is True
    assert len(small.to_json()) < MAX_EVENT_BYTES // 2
