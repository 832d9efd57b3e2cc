"""Events as JSON lines, in the schema of 0.36 (spec: servers.md section 7.6)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from codex_core.config import Config
from codex_exec.json_lines import JsonPrinter
from codex_protocol.events import Event, parse_event_msg


def printed(*msgs: dict[str, Any]) -> list[str]:
    stream = io.StringIO()
    printer = JsonPrinter(stream)
    for msg in msgs:
        printer.event(Event(id="0", msg=parse_event_msg(msg)))
    printer.end("the answer is not repeated")
    return stream.getvalue().splitlines()


def test_two_lines_come_before_the_events(config: Config) -> None:
    stream = io.StringIO()
    JsonPrinter(stream).begin(config, "line\u2028one\n\x1b ü")
    settings, prompt = stream.getvalue().split("\n")[:2]
    assert json.loads(settings) == {
        "workdir": config.cwd,
        "model": "gpt-5",
        "provider": "openai",
        "approval": "never",
        "sandbox": "read-only",
        "reasoning effort": "none",
        "reasoning summaries": "auto",
    }
    assert json.loads(prompt) == {"prompt": "line\u2028one\n\x1b ü"}


@pytest.mark.parametrize(
    "msg",
    [
        {"type": "agent_message_delta", "delta": "x"},
        {"type": "agent_reasoning_delta", "delta": "x"},
        {"type": "task_complete", "last_agent_message": None},
        {"type": "shutdown_complete"},
    ],
)
def test_some_events_have_no_line(msg: dict[str, Any]) -> None:
    assert printed(msg) == []


@pytest.mark.parametrize(
    "msg",
    [
        {"type": "task_started", "model_context_window": None},
        {"type": "agent_message", "message": 'a "b"\nc'},
        {"type": "agent_reasoning_raw_content_delta", "delta": "raw"},
        {"type": "exec_command_output_delta", "call_id": "c", "stream": "stdout", "chunk": "AP8="},
        {"type": "token_count", "info": None},
        {"type": "error", "message": "gone"},
        {"type": "from_the_future", "what": [1, None]},
    ],
)
def test_every_other_event_is_one_compact_line(msg: dict[str, Any]) -> None:
    (text,) = printed(msg)
    assert json.loads(text) == {"id": "0", "msg": msg}
    assert text.startswith('{"id":"0","msg":{"type":"' + msg["type"])


def test_half_characters_do_not_end_a_run() -> None:
    assert json.loads(printed({"type": "agent_message", "message": "half \ud83d"})[0])["msg"]["message"] == (
        "half \N{REPLACEMENT CHARACTER}"
    )


def test_lines_are_there_at_once() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Counting()
    JsonPrinter(stream).event(Event(id="0", msg=parse_event_msg({"type": "error", "message": "x"})))
    assert stream.flushed == 1
