"""The parts below the methods: descriptors, event frames, answers to questions, what an import costs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from codex_core.stdin_pieces import read_pieces
from codex_mcp_server import warm_up
from codex_mcp_server.approvals import decision_in, patch_message, shell_words
from codex_mcp_server.event_frames import call_frame, listener_frame
from codex_mcp_server.pipes import LineWriter
from codex_mcp_server.settings import toml_value
from codex_protocol import events
from codex_protocol.ide_methods import event_for_listener, event_for_tool_call
from codex_protocol.ops import ReviewDecision
from codex_protocol.review import ReviewOutputEvent

CONVERSATION = "67e55044-10b1-426f-9247-bb680e5fe0c8"


# --- descriptors -------------------------------------------------------------------------------------


async def test_lines_are_written_in_order_and_a_slow_reader_is_waited_for() -> None:
    reader, end = os.pipe()
    writer = LineWriter(end)
    lines = [f"{number} " + "ü" * 1000 for number in range(500)]
    for line in lines:
        writer.put(line)
    draining = asyncio.create_task(writer.written())
    await asyncio.sleep(0)
    assert not draining.done()
    assert writer.unwritten > 0
    read = bytearray()

    def take() -> None:
        while read.count(b"\n") < len(lines):
            read.extend(os.read(reader, 4096))

    await asyncio.to_thread(take)
    await draining
    assert read.decode() == "".join(f"{line}\n" for line in lines)
    os.close(reader)
    os.close(end)


async def test_a_reader_that_is_gone_is_told_once_and_nothing_waits_for_it() -> None:
    reader, end = os.pipe()
    writer = LineWriter(end)
    failed = asyncio.Event()
    writer.on_failure = failed.set
    assert writer.has_reader()
    os.close(reader)
    assert not writer.has_reader()
    writer.put("x")
    await failed.wait()
    assert isinstance(writer.failure, BrokenPipeError)
    for _ in range(1000):
        writer.put("y" * 1000)
    await writer.written()
    assert writer.unwritten == 0
    os.close(end)


async def test_a_log_nobody_reads_is_dropped() -> None:
    reader, end = os.pipe()
    writer = LineWriter(end, keep_at_most=100_000)
    for _ in range(1000):
        writer.write("x" * 999 + "\nand\n")
    assert writer.unwritten <= 100_000
    os.close(reader)
    await writer.written()
    os.close(end)


async def test_pieces_are_read_when_the_last_one_has_been_used() -> None:
    reader, end = os.pipe()
    os.write(end, b"one")
    pieces = read_pieces(reader)
    assert await anext(pieces) == b"one"
    os.write(end, b"two")
    os.write(end, b"three")
    os.close(end)
    assert [piece async for piece in pieces] == [b"twothree"]
    os.close(reader)


# --- frames ------------------------------------------------------------------------------------------

EVENTS: list[Any] = [
    events.TaskStartedEvent(model_context_window=None),
    events.AgentMessageDeltaEvent(delta='a "quoted" ünï\u2028\n'),
    events.TaskCompleteEvent(last_agent_message=None),
    events.ExecCommandOutputDeltaEvent(call_id="c", stream=events.ExecOutputStream.STDOUT, chunk=b"\0\xff"),
    events.ExitedReviewModeEvent(
        review_output=ReviewOutputEvent(
            findings=(), overall_correctness="", overall_explanation="", overall_confidence_score=0.9
        )
    ),
    events.SessionConfiguredEvent(
        session_id=CONVERSATION,
        model="m",
        history_log_id=0,
        history_entry_count=0,
        rollout_path="/r",
        initial_messages=(events.AgentMessageEvent(message="x"),),
    ),
    events.UnknownEvent.from_wire({"type": 'from/the "future"', "odd": [1.5, None]}),
]


@pytest.mark.parametrize("msg", EVENTS, ids=lambda msg: msg.type)
def test_frames_are_those_of_the_protocol(msg: Any) -> None:
    event = events.Event(id='"id"', msg=msg)
    assert listener_frame(event, CONVERSATION) == event_for_listener(event, CONVERSATION).to_json()
    for request_id in (4, "text", None):
        assert call_frame(event, request_id) == event_for_tool_call(event, request_id).to_json()


# --- answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ({"decision": "approved"}, "approved"),
        ({"decision": "approved_for_session", "action": "decline"}, "approved_for_session"),
        ({"decision": "abort"}, "abort"),
        ({"action": "accept"}, "approved"),
        ({"action": "decline"}, "denied"),
        ({"action": "cancel"}, "abort"),
        ({"action": "Accept"}, "denied"),
        ({"decision": None, "action": None}, "denied"),
        ({"decision": {}}, "denied"),
        ({}, "denied"),
        ([], "denied"),
        (None, "denied"),
        ("approved", "denied"),
    ],
)
def test_decisions(answer: object, decision: str) -> None:
    assert decision_in(answer) is ReviewDecision(decision)


def test_commands_as_a_shell_takes_them() -> None:
    assert shell_words(["a b", "$x", "", "plain"]) == "'a b' '$x' '' plain"
    assert shell_words(["a\0b", "c d"]) == "a\0b c d"


def test_the_reason_for_a_patch_stands_in_front() -> None:
    request = events.ApplyPatchApprovalRequestEvent(call_id="c", changes={}, reason="outside")
    assert patch_message(request) == "outside\nAllow Codex to apply proposed code changes?"


def test_null_becomes_empty_text_wherever_it_is() -> None:
    assert toml_value({"a": None, "b": [None, {"c": None}], "d": 1.5}) == {
        "a": "",
        "b": ["", {"c": ""}],
        "d": 1.5,
    }


# --- getting ready -----------------------------------------------------------------------------------


async def test_what_is_loaded_beside_requests_is_waited_for_only_by_who_asks_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The steps run in a thread: the loop goes on. A pause ends with the step that runs, not with the last."""
    begun, may_end, done = threading.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        may_end.wait(20)
        ran.append("first")

    steps = [first, lambda: ran.append("second")]
    monkeypatch.setattr(warm_up, "_steps", lambda: iter(steps))
    monkeypatch.setattr(warm_up, "PAUSE_SECONDS", 0)
    collector = SimpleNamespace(freeze=lambda: ran.append("frozen"), enable=done.set)
    monkeypatch.setattr(warm_up, "gc", collector)
    peer: Any = SimpleNamespace(has_answered=False, on_idle=None)
    interval = sys.getswitchinterval()
    needed = [False]
    warm = warm_up.WarmUp(peer, is_needed=lambda: needed[0])
    peer.on_idle()  # nothing has been asked yet, so nothing is loaded
    peer.has_answered = True
    peer.on_idle()  # a conversation loads what it needs itself
    needed[0] = True
    assert warm._task is None
    peer.on_idle()
    await loop.run_in_executor(None, begun.wait)
    pausing = asyncio.create_task(warm.pause())
    await asyncio.sleep(0)
    assert not pausing.done()
    may_end.set()
    await pausing
    await warm.pause()
    assert ran == ["first"]
    while not done.is_set():
        peer.on_idle()
        await asyncio.sleep(0)
    assert ran == ["first", "second", "frozen"]
    assert sys.getswitchinterval() == interval
    await warm.aclose()


async def test_it_is_not_begun_when_the_client_goes_on_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    def steps() -> Iterator[Callable[[], object]]:
        raise AssertionError("loads")
        yield

    monkeypatch.setattr(warm_up, "_steps", steps)
    peer: Any = SimpleNamespace(has_answered=True, on_idle=None)
    warm = warm_up.WarmUp(peer, is_needed=lambda: True)
    peer.on_idle()
    await warm.pause()
    peer.on_idle()
    await warm.aclose()


async def test_what_cannot_be_imported_is_left_to_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    done = asyncio.Event()

    def missing() -> None:
        raise ImportError("this Python has no ssl")

    monkeypatch.setattr(warm_up, "_steps", lambda: iter([missing, lambda: ran.append("second")]))
    monkeypatch.setattr(warm_up, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(warm_up, "gc", SimpleNamespace(freeze=lambda: None, enable=done.set))
    peer: Any = SimpleNamespace(has_answered=True, on_idle=None)
    warm = warm_up.WarmUp(peer, is_needed=lambda: True)
    peer.on_idle()
    await done.wait()
    await warm.aclose()
    assert ran == ["second"]


def test_a_program_that_runs_the_server_is_left_as_it_was(tmp_path: Any) -> None:
    program = """
import gc, logging, os, signal, sys
from codex_mcp_server import cli, warm_up

def state():
    logger = logging.getLogger("codex_mcp_server")
    return [
        gc.isenabled(), gc.get_freeze_count(), sys.getswitchinterval(), dict(os.environ),
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        logging.getLogger().handlers[:], logger.level,
    ]

signal.signal(signal.SIGTERM, lambda *_: None)
if sys.argv[1] == "off":
    gc.disable()
before = state()
warm_up.PAUSE_SECONDS = 0
loaded = warm_up.gc.freeze
warm_up.gc.freeze = lambda: (loaded(), os.close(our_end))  # all is loaded: the input may end
there, our_end = os.pipe()
os.write(our_end, b'{"id":1,"method":"ping"}\\n')
os.dup2(there, 0)
assert cli.run_command_line([]) == 0
assert state() == before, (before, state())
"""
    for collecting in ("on", "off"):
        subprocess.run(
            [sys.executable, "-c", program, collecting],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CODEX_HOME": str(tmp_path)},
            check=True,
            timeout=60,
        )


# --- cost --------------------------------------------------------------------------------------------


def test_what_is_loaded_to_answer_the_handshake(tmp_path: Any) -> None:
    program = """
import sys
from codex_mcp_server import cli
from codex_mcp_server import warm_up
warm_up.PAUSE_SECONDS = 1e9
assert cli.run_command_line([]) == 0
heavy = {"pydantic", "httpx", "mcp", "tomlkit", "tree_sitter", "uuid", "typer", "rich", "textual"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    asked = b'{"id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","clientInfo":{"name":"c","version":"1"}}}\n'
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=asked + b'{"id":2,"method":"tools/list"}\n',
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CODEX_HOME": str(tmp_path)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.count(b"\n") == 2
    assert done.stderr.decode().split() == ["[]"]
