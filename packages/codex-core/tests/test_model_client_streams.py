"""How a stream ends for the model client: completed, cut off, silent, or never an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from client_world import World

from codex_core.model.errors import (
    NotAnEventStream,
    StreamDisconnected,
)
from codex_core.model.response_events import (
    Completed,
    Created,
    ItemDone,
)
from codex_core.model.scripted.replies import (
    Framing,
    Reply,
    answer,
    completed,
    created,
    failed,
    http_error,
    message,
    shell_call,
    sse,
)
from codex_core.model.scripted.signals import Gate

if TYPE_CHECKING:
    from codex_core.model.scripted.request import RecordedRequest


async def test_an_answer_ends_at_completed_though_the_server_keeps_the_line() -> None:
    gate = Gate()
    world = World([sse(created(), completed(), gate)])
    assert isinstance((await world.ask())[-1], Completed)


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE])
async def test_a_stream_cut_before_completed_is_disconnected(framing: Framing) -> None:
    whole = answer(message("Hello", deltas=True)).framed(framing)
    world = World([whole.cut_after(len(whole.body) - 40)])
    events, error = await world.ask_until_error()
    assert any(isinstance(event, ItemDone) for event in events)
    broke_off = "Transport error: error decoding response body"
    ended = "stream closed before response.completed"
    assert isinstance(error, StreamDisconnected)
    assert error.detail == (broke_off if framing is Framing.CHUNKED else ended)
    assert error.retryable


async def test_a_last_event_without_blank_line_still_completes() -> None:
    whole = answer(message("Hi"))
    for framing in Framing:
        world = World([whole.framed(framing).cut_after(len(whole.body) - 2)])
        assert isinstance((await world.ask())[-1], Completed)


async def test_an_answer_survives_every_way_of_cutting_it_into_pieces() -> None:
    whole = answer(message("Grüße 🦀", deltas=True))
    expected = await World([whole]).ask()
    for size in (1, 2, 7, 100, 100_000):
        assert await World([whole.in_pieces(size)]).ask() == expected


async def test_a_failure_comes_after_what_was_said_before_it() -> None:
    world = World([sse(created(), shell_call(["ls"]), failed("server_error", "Oops."))])
    events, error = await world.ask_until_error()
    assert "Oops" in str(error)
    assert [type(event) for event in events] == [Created, ItemDone]


async def test_garbage_in_a_stream_is_skipped() -> None:
    world = World([sse(created(), b"data: {not json\n\n", b"\xff\xfe\n\n", message("ok"), completed())])
    assert len(await world.ask()) == 3


async def test_a_web_page_is_no_answer() -> None:
    page = http_error(200, "<html>Welcome</html>", {"content-type": "text/html; charset=utf-8"})
    world = World([page])
    with pytest.raises(NotAnEventStream, match="answered with text/html") as caught:
        await world.ask()
    assert not caught.value.retryable


async def test_a_stream_with_a_wrong_content_type_is_taken_for_what_it_is() -> None:
    right = answer(message("ok"))
    world = World([Reply(200, (("content-type", "text/plain"),), right.parts)])
    assert isinstance((await world.ask())[-1], Completed)


class Clock:
    """The event loop's clock, which a test can set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real, self.ahead = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead)


async def test_silence_is_noticed_after_the_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    silence = Gate()
    world = World([sse(created(), silence)])
    task = asyncio.create_task(world.ask())
    await silence.reached.wait()
    clock.ahead += 301
    with pytest.raises(StreamDisconnected, match="idle timeout waiting for SSE"):
        await task


async def test_any_bytes_are_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    gates = [Gate(str(number)) for number in range(4)]
    parts = [part for gate in gates for part in (gate, b": ping\n\n")]
    world = World([sse(created(), *parts, completed())])
    task = asyncio.create_task(world.ask())
    for gate in gates:
        await gate.reached.wait()
        clock.ahead += 200
        gate.open()
    assert isinstance((await task)[-1], Completed)


async def test_a_server_that_never_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    asked = asyncio.Event()

    async def hang(_request: RecordedRequest) -> Reply:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    world = World([hang])
    task = asyncio.create_task(world.ask())
    await asked.wait()
    clock.ahead += 301
    with pytest.raises(StreamDisconnected, match="idle timeout waiting for SSE"):
        await task
