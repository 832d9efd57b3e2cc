"""Scripts of the mock model as JSON files, so that benchmarks and other programs can use it.

A file holds a list of replies, or an object with `replies` or (as the recorded transcripts have it,
spec: agent.md section 27) with `exchanges`, of which the `response`s are taken. A reply is a text
said by the assistant, or an object:

    {"status": 200, "headers": {"retry-after": "1"}, "sse": [{"type": "response.created", …}, "[DONE]"],
     "framing": "chunked|length|close", "cut_after": 120, "cut_wire_after": 7, "reset": true}

with `body` (text, JSON or null) in place of `sse` for an answer that is no stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.model.scripted.replies import Framing, Reply, http_error, sse

if TYPE_CHECKING:
    from os import PathLike

_KNOWN = {"status", "headers", "sse", "body", "framing", "cut_after", "cut_wire_after", "reset", "note"}


class ScriptFileError(ValueError):
    """The file is no script; the text says what is wrong where."""


def load_script(path: str | PathLike[str]) -> list[Reply | str]:
    """The replies of a script file.

    Raises:
        ScriptFileError: it cannot be read or does not say what a script says.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise ScriptFileError(f"{path}: {error}") from error
    if isinstance(document, Mapping):
        if "exchanges" in document:
            document = [exchange["response"] for exchange in document["exchanges"]]
        else:
            document = document.get("replies")
    if not isinstance(document, list):
        raise ScriptFileError(f"{path}: expected a list of replies")
    try:
        return [reply_from_json(entry) for entry in document]
    except ScriptFileError as error:
        raise ScriptFileError(f"{path}: {error}") from error


def reply_from_json(entry: object) -> Reply | str:
    """One reply of a script file. Raises `ScriptFileError` for what it does not understand."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping):
        raise ScriptFileError(f"a reply is a text or an object, not {entry!r}")
    if unknown := set(entry) - _KNOWN:
        raise ScriptFileError(f"unknown keys in a reply: {', '.join(sorted(unknown))}")
    status, headers = int(entry.get("status", 200)), dict(entry.get("headers") or {})
    if "sse" in entry:
        reply = sse(*entry["sse"], status=status, headers=headers)
    else:
        reply = http_error(status, entry.get("body"), headers)
    if "framing" in entry:
        reply = replace(reply, framing=Framing(entry["framing"]))
    reset = bool(entry.get("reset"))
    if "cut_after" in entry:
        reply = reply.cut_after(int(entry["cut_after"]), reset=reset)
    if "cut_wire_after" in entry:
        reply = reply.cut_wire_after(int(entry["cut_wire_after"]), reset=reset)
    return reply
