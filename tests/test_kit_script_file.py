"""Scripts of the mock model in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from codex_core.model.scripted.replies import Cut, CutUnit, Framing, created
from codex_core.model.scripted.script_file import ScriptFileError, load_script, reply_from_json

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "document",
    [
        ["hi", {"status": 500}],
        {"replies": ["hi", {"status": 500}]},
        {"exchanges": [{"response": "hi"}, {"request": {}, "response": {"status": 500, "body": None}}]},
    ],
)
def test_a_file_is_a_list_an_object_or_a_recording(tmp_path: Path, document: object):
    text, reply = load_script(write(tmp_path, document))
    assert text == "hi"
    assert (reply.status, reply.body) == (500, b"")


def test_a_reply_has_everything_a_reply_can_have():
    reply = reply_from_json(
        {
            "status": 201,
            "headers": {"x-a": "b"},
            "sse": [created(), "[DONE]"],
            "framing": "close",
            "cut_after": 3,
            "reset": True,
            "note": "ignored",
        }
    )
    assert reply.status == 201
    assert ("x-a", "b") in reply.headers
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert reply.framing is Framing.CLOSE
    assert reply.cut == Cut(3, CutUnit.BODY, reset=True)
    assert reply_from_json({"sse": [], "cut_wire_after": 0}).cut == Cut(0, CutUnit.WIRE)


@pytest.mark.parametrize("document", [7, {"replies": 7}, {}, [7], [{"statsu": 200}]])
def test_what_is_no_script_is_refused_with_the_name_of_the_file(tmp_path: Path, document: object):
    with pytest.raises(ScriptFileError, match=r"script\.json"):
        load_script(write(tmp_path, document))


def test_a_file_that_is_no_json_is_refused(tmp_path: Path):
    path = tmp_path / "script.json"
    path.write_text("{")
    with pytest.raises(ScriptFileError):
        load_script(path)
