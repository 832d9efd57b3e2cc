"""The model client against a real server on loopback: broken connections, hanging up, connections reused."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.errors import ConnectionFailed, StreamDisconnected
from codex_core.model.response_events import Completed, ItemDone, ResponseEvent
from codex_core.services import Services
from codex_core.testing import (
    Framing,
    Gate,
    ModelServer,
    answer,
    completed,
    created,
    message,
    shell_call,
    sse,
)
from codex_core.testing.http_wire import lay_out
from codex_core.testing.model_server import Outcome

if TYPE_CHECKING:
    from codex_core.testing import Reply

PROMPT = Prompt("Be brief.", ())
WHOLE = answer(message("Grüße", deltas=["Grü", "ße"]), shell_call(["ls"]))


def client_of(base_url: str, *, retries: int = 0) -> ModelClient:
    return ModelClient(
        provider=ModelProvider(
            id="mock", name="Mock", base_url=base_url, wire_api=WireApi.RESPONSES, request_max_retries=retries
        ),
        model="gpt-5",
        family=family_for("gpt-5"),
        conversation_id="c",
        auth=None,
        services=Services(environ={}, jitter=lambda: 0.0),
        user_agent="u",
        originator="o",
    )


async def ask(client: ModelClient) -> tuple[list[ResponseEvent], ModelError | None]:
    events: list[ResponseEvent] = []
    try:
        async for event in client.stream(PROMPT):
            events.append(event)  # noqa: PERF401 - what came before an error counts
    except ModelError as error:
        return events, error
    return events, None


class CountingServer(ModelServer):
    """A server that counts its connections."""

    connections = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await super()._serve(reader, writer)


def end_of_completed(reply: Reply) -> int:
    """How many bytes of the answer must arrive for its last event to be readable."""
    wire = b"".join(piece for piece in lay_out(reply).pieces if isinstance(piece, bytes))
    return wire.rindex(b"}}}") + 3


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.LENGTH, Framing.CLOSE])
async def test_an_answer_may_break_off_at_every_byte(framing: Framing) -> None:
    reply = WHOLE.framed(framing)
    size = sum(len(piece) for piece in lay_out(reply).pieces if isinstance(piece, bytes))
    # The head and the tail byte by byte, the middle by leaps that are no multiple of anything.
    cuts = sorted({*range(0, 40, 3), *range(40, size, 23), *range(size - 40, size)})
    client = None
    async with ModelServer([WHOLE, *(reply.cut_wire_after(cut) for cut in cuts)]) as server:
        client = client_of(server.base_url)
        expected, _ = await ask(client)
        for cut in cuts:
            events, error = await ask(client)
            assert events == expected[: len(events)]
            if error is None:
                assert isinstance(events[-1], Completed)
                assert cut >= end_of_completed(reply)
            else:
                assert isinstance(error, ConnectionFailed | StreamDisconnected)
                assert error.retryable
                assert cut < end_of_completed(reply)
        await client.aclose()
        server.assert_done()


async def test_a_reset_connection_is_a_retryable_error() -> None:
    cuts = [0, 20, 200, 400]
    async with ModelServer([WHOLE.cut_wire_after(cut, reset=True) for cut in cuts]) as server:
        client = client_of(server.base_url)
        for _ in cuts:
            _, error = await ask(client)
            assert isinstance(error, ConnectionFailed | StreamDisconnected)
            assert error.retryable
        await client.aclose()


async def test_a_server_that_is_not_there_is_tried_again_and_then_named() -> None:
    async with ModelServer() as server:
        url = server.base_url
    client = client_of(url, retries=2)
    events, error = await ask(client)
    await client.aclose()
    assert not events
    assert str(error) == f"error sending request for url ({url}/responses)"


async def test_a_retry_finds_the_server_again() -> None:
    async with ModelServer([WHOLE.cut_wire_after(0), WHOLE]) as server:
        client = client_of(server.base_url, retries=1)
        events, error = await ask(client)
        await client.aclose()
        server.assert_done()
    assert error is None
    assert isinstance(events[-1], Completed)


async def test_one_connection_serves_many_turns() -> None:
    async with CountingServer([WHOLE] * 3) as server:
        client = client_of(server.base_url)
        for _ in range(3):
            _, error = await ask(client)
            assert error is None
        await client.aclose()
        assert server.connections == 1


async def test_an_answer_is_over_at_completed_even_if_the_server_stays() -> None:
    gate = Gate()
    async with ModelServer([sse(created(), completed(), gate)]) as server:
        client = client_of(server.base_url)
        events, error = await ask(client)
        assert error is None
        assert isinstance(events[-1], Completed)
        assert await server.wait_for_outcome(1) is Outcome.ABANDONED
        await client.aclose()


async def test_cancelling_hangs_up_on_the_server() -> None:
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed())]) as server:
        client = client_of(server.base_url)
        task = asyncio.create_task(ask(client))
        await gate.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await server.wait_for_outcome(1) is Outcome.ABANDONED
        await client.aclose()


async def test_closing_the_stream_early_hangs_up_on_the_server() -> None:
    gate = Gate()
    async with ModelServer([sse(created(), shell_call(["ls"]), gate, completed())]) as server:
        client = client_of(server.base_url)
        async with aclosing(client.stream(PROMPT)) as stream:
            async for event in stream:
                if isinstance(event, ItemDone):
                    break
        assert await server.wait_for_outcome(1) is Outcome.ABANDONED
        await client.aclose()


async def test_items_are_given_while_the_answer_goes_on() -> None:
    gate = Gate()
    async with ModelServer([sse(created(), shell_call(["ls"]), gate, completed())]) as server:
        client = client_of(server.base_url)
        kinds: list[str] = []
        async with aclosing(client.stream(PROMPT)) as stream:
            async for event in stream:
                kinds.append(type(event).__name__)
                if isinstance(event, ItemDone):
                    gate.open()
        await client.aclose()
    assert kinds == ["Created", "ItemDone", "Completed"]
