"""The user's `notify` program: what it is given, and that it can disturb nothing (spec: agent.md section 22)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from codex_core.notify import notify_turn_complete
from codex_core.testing import answer, message, shell_call, sse


class Notified:
    """A program that writes its last argument, and what else it saw, into a pipe."""

    def __init__(self, directory: Path) -> None:
        self.pipe = directory / "told"
        os.mkfifo(self.pipe)
        self.script = directory / "tell"
        self.script.write_text(
            '#!/bin/sh\nfor last; do :; done\nprintf "%s\\n%s\\n%s\\n%s" "$#" "$1" "$PWD" "$last" > "$TOLD"\n'
        )
        self.script.chmod(0o755)

    async def heard(self) -> tuple[int, str, str, dict[str, Any]]:
        """Number of arguments, the first one, the directory, and the payload."""
        text = await asyncio.to_thread(self.pipe.read_text, "utf-8")
        count, first, directory, payload = text.split("\n", 3)
        return int(count), first, directory, json.loads(payload)


@pytest.fixture
def notified(tmp_path: Path) -> Notified:
    return Notified(tmp_path)


def settings(notified: Notified) -> dict[str, object]:
    script = f'TOLD={notified.pipe} exec {notified.script} "$@"'
    return {"notify": ["sh", "-c", script, "notify", "--word"]}


async def test_the_program_gets_one_argument_more(talk: Any, notified: Notified) -> None:
    await talk.start([answer(message('Done: "ü"'))], settings=settings(notified))
    await talk.ask("first\nsecond")
    count, first, directory, payload = await notified.heard()
    assert (count, first) == (2, "--word")
    assert directory == os.getcwd()
    assert list(payload) == ["type", "turn-id", "input-messages", "last-assistant-message"]
    assert payload == {
        "type": "agent-turn-complete",
        "turn-id": "0",
        "input-messages": ["first\nsecond"],
        "last-assistant-message": 'Done: "ü"',
    }


async def test_each_turn_tells_only_its_own_texts(talk: Any, notified: Notified) -> None:
    script = [answer(shell_call(["true"])), answer(message("one")), answer(message("two"))]
    await talk.start(script, settings=settings(notified))
    await talk.ask("first")
    assert (await notified.heard())[3]["input-messages"] == ["first"]
    await talk.ask("second")
    payload = (await notified.heard())[3]
    assert (payload["turn-id"], payload["input-messages"]) == ("1", ["second"])
    assert payload["last-assistant-message"] == "two"


async def test_a_turn_that_failed_notifies_nobody(talk: Any, notified: Notified) -> None:
    script = [sse("{broken"), sse("{broken"), answer(message("ok"))]
    await talk.start(script, settings=settings(notified), sleep=no_wait)
    assert "error" in await talk.ask("fails")
    await talk.ask("works")
    assert (await notified.heard())[3]["input-messages"] == ["works"]


async def no_wait(seconds: float) -> None:
    """Stands for the clock in tests of retries."""


async def test_a_program_that_is_missing_is_logged_and_the_turn_is_done(
    talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await talk.start([answer(message("ok"))], settings={"notify": ["/nowhere/at/all"]})
    with caplog.at_level(logging.ERROR):
        assert (await talk.ask("hi"))[-1] == "task_complete"
    assert "/nowhere/at/all cannot be started" in caplog.text


@pytest.mark.parametrize("program", [["a\0b"], ["true", "a\0b"], ["/"]])
def test_words_no_program_can_have_are_logged(program: list[str], caplog: pytest.LogCaptureFixture) -> None:
    notify_turn_complete(program, os.environ, turn_id="0", input_messages=[], last_message=None)
    assert "cannot be started" in caplog.text


def read_payload(program: list[str], pipe: Path, **payload: Any) -> str:
    os.mkfifo(pipe)
    notify_turn_complete(program, os.environ, **payload)
    return pipe.read_text("utf-8")


def test_any_text_can_be_told_and_no_message_is_null(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    text = read_payload(
        ["sh", "-c", f'printf "%s" "$1" > {pipe}', "x"],
        pipe,
        turn_id="7",
        input_messages=["\ud83d half", "nul \0", "-n"],
        last_message=None,
    )
    payload = json.loads(text)
    assert payload["input-messages"] == ["\N{REPLACEMENT CHARACTER} half", "nul \0", "-n"]
    assert payload["last-assistant-message"] is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc for ignored signals")
def test_the_program_starts_with_ordinary_signals(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    text = read_payload(
        ["sh", "-c", f"grep SigIgn /proc/self/status > {pipe}"],
        pipe,
        turn_id="0",
        input_messages=[],
        last_message=None,
    )
    ignored = int(text.split()[1], 16)
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN  # here it is ignored, as CPython does
    assert not ignored >> (signal.SIGPIPE - 1) & 1


def test_no_zombie_is_left(tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe"
    pid = int(
        read_payload(
            ["sh", "-c", f"echo $$ > {pipe}"], pipe, turn_id="0", input_messages=[], last_message=None
        )
    )
    for thread in threading.enumerate():
        if thread.name == "notify":
            thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
