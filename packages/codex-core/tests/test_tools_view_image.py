"""`view_image`: a picture follows the call's output, and what cannot be seen is said (agent.md 12, D2, D5)."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from codex_core.testing import answer, function_call, message
from codex_core.tools.view_image import ViewImageTool
from codex_protocol.ops import LocalImageInput

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("absolute", [False, True])
async def test_a_picture_is_attached_by_its_absolute_path(absolute: bool, bench: Any) -> None:
    path = bench.repo.write("pictures/a.png", PNG)
    given = str(path) if absolute else "pictures/a.png"
    assert await bench.call("view_image", {"path": given}) == "attached local image path"
    assert bench.injected == [LocalImageInput(path=str(path))]
    assert bench.events == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.png", "No such file or directory (os error 2)"),
        (".", "Is a directory (os error 21)"),
        ("/dev/zero", "Not a regular file (os error 22)"),
        ("a\0b", "Invalid argument (os error 22)"),
        ("README.md/x", "Not a directory (os error 20)"),
    ],
)
async def test_what_cannot_be_seen_says_why(path: str, reason: str, bench: Any) -> None:
    output = await bench.call("view_image", {"path": path})
    assert output == f"unable to read image at `{os.path.join(bench.repo.path, path)}`: {reason}"
    assert bench.injected == []


@pytest.mark.parametrize("arguments", ["", "{", "[]", "1", {}, {"path": 1}, {"path": None}])
async def test_unusable_arguments_are_told(arguments: object, bench: Any) -> None:
    output = await bench.call("view_image", arguments)
    assert output.startswith("failed to parse function arguments: ")
    assert bench.injected == []


def test_it_is_offered_unless_turned_off(bench: Any) -> None:
    assert ViewImageTool().spec(replace(bench.context, offers_view_image=False)) is None
    spec = ViewImageTool().spec(replace(bench.context, offers_view_image=True))
    assert spec is not None
    wire: dict[str, Any] = spec.to_responses()
    assert wire["parameters"]["required"] == ["path"]


async def test_the_picture_goes_to_the_model_once_behind_the_output(talk: Any) -> None:
    talk.repo.write("a.png", PNG)
    script = [
        answer(function_call("view_image", {"path": "a.png"}, "v1")),
        answer(message("seen")),
        answer(message("ok")),
    ]
    await talk.start(script)
    await talk.ask("look")
    call, output, picture = talk.input_of(1)[-3:]
    assert (call["type"], output["output"]) == ("function_call", "attached local image path")
    assert picture["role"] == "user"
    assert [part["image_url"][:22] for part in picture["content"]] == ["data:image/png;base64,"]
    await talk.ask("again")
    pictures = [
        part
        for item in talk.input_of(2)
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "input_image"
    ]
    assert len(pictures) == 1


async def test_what_is_no_picture_never_enters_the_conversation(bench: Any) -> None:
    bench.repo.write("a.png", "<svg/>")
    output = await bench.call("view_image", {"path": "a.png"})
    path = bench.repo.path / "a.png"
    assert output == f"unable to read image at `{path}`: not a PNG, JPEG, GIF or WebP image"
    assert bench.injected == []


async def test_a_picture_that_the_provider_refuses_is_left_out_from_then_on(talk: Any) -> None:
    from codex_core.testing import http_error

    talk.repo.write("broken.gif", b"GIF89a but broken")
    refused = http_error(400, {"error": {"message": "The image data you provided is not valid"}})
    script = [
        answer(message("hello")),
        answer(function_call("view_image", {"path": "broken.gif"}, "v1")),
        refused,
        answer(message("ok")),
    ]
    await talk.start(script)
    await talk.ask("hi")
    await talk.say("look")
    assert "left out of this conversation" in (await talk.until("error"))["message"]
    await talk.until("task_complete")
    assert (await talk.ask("again"))[-1] == "task_complete"
    parts = [part for item in talk.input_of(3) for part in item.get("content") or ()]
    assert all(part["type"] != "input_image" for part in parts)
    assert any("did not accept it" in part.get("text", "") for part in parts)
