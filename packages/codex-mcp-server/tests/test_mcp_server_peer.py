"""The JSON-RPC peer alone, with methods of the test's own: whatever happens, the next request is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from codex_mcp_server.errors import RpcError
from codex_mcp_server.peer import Call, Later, Peer
from mcp_server_client import Client, LocalLines

Method = Callable[[Call], Awaitable[object]]


class Methods:
    """What the test serves; `ping` is there always."""

    def __init__(self, methods: dict[str, Method]) -> None:
        self._methods = methods
        self.peer: Peer

    async def request(self, call: Call) -> object:
        return {} if call.method == "ping" else await self._methods[call.method](call)

    def notification(self, method: str, params: object) -> None:
        if method == "cancel":
            self.peer.cancel(params)


@asynccontextmanager
async def served(**methods: Method) -> AsyncIterator[tuple[Client, Peer]]:
    lines = LocalLines()
    handler = Methods(methods)
    peer = handler.peer = Peer(lines, handler)  # type: ignore[arg-type]  # as much of a writer as is used
    serving = asyncio.create_task(peer.serve(lines.arriving()))
    yield Client(lines), peer
    lines.pieces.put_nowait(b"")
    async with asyncio.timeout(20):
        await serving


async def test_a_method_that_is_cancelled_from_within_costs_one_answer() -> None:
    """A task that a method waits for may be cancelled by somebody else: that ends the method, not the lane."""

    async def given_up(_: Call) -> object:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(waiting.cancel)
        return await waiting

    async def later(call: Call) -> object:
        return Later(given_up(call))

    async with served(first=given_up, later=later) as (client, _):
        for method in ("first", "later"):
            assert await client.error(method) == (-32603, "internal error: given up from within")
            assert await client.call("ping") == {}


async def test_a_cancellation_before_the_long_part_begins_is_not_lost() -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def work() -> object:
        raise AssertionError("does what nobody wants any more")

    async def slow(_: Call) -> object:
        begun.set()
        await may_go_on.wait()
        return Later(work())

    async with served(slow=slow) as (client, _):
        call = await client.ask("slow")
        await begun.wait()
        await client.notify("cancel", call)
        await client.notify("cancel", "unknown")
        await asyncio.sleep(0)
        may_go_on.set()
        assert (await client.reply(call))["error"]["code"] == -32800


async def test_a_batch_is_as_many_messages() -> None:
    """Revision 2025-03-26 of MCP wants them taken."""
    async with served() as (client, peer):
        question = peer.ask("what", {})
        await client.send('[{"id":8,"method":"ping"},{"method":"note"},{"id":0,"result":7},{"id":9},{}]')
        assert await client.call("ping") == {}
        assert await question.answer == 7
    told = [frame for frame in client.frames if "method" not in frame]
    assert sorted(str((frame["id"], frame.get("error", {}).get("code"))) for frame in told) == [
        "(1, None)",
        "(8, None)",
        "(9, -32600)",
        "(None, -32600)",
    ]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('{"id":0,"result":7}', 7),
        ('{"id":0.0,"result":7}', 7),
        ('{"id":"0","result":7}', 7),
        ('{"id":null,"error":{"code":-32700,"message":"?"}}', "the client could not read a question"),
        ('{"error":{"code":-32700,"message":"?"}}', "the client could not read a question"),
        ('{"id":0,"error":null}', "an error"),
    ],
)
async def test_what_answers_a_question(line: str, answer: object) -> None:
    async with served() as (client, peer):
        question = peer.ask("what", {})
        await client.send(line)
        await client.call("ping")
        (outcome,) = await asyncio.gather(question.answer, return_exceptions=True)
        assert (outcome.message if isinstance(outcome, RpcError) else outcome) == answer


@pytest.mark.parametrize(
    "line",
    [
        '{"id":"000000000000000000005","result":7}',  # 21 digits
        '{"id":"00","result":7}',
        '{"id":"+0","result":7}',
        '{"id":" 0","result":7}',
        '{"id":"٠","result":7}',  # a zero, but none of ours
        '{"id":0.5,"result":7}',
        '{"id":false,"result":7}',
        '{"id":null,"result":7}',
        '{"id":[0],"result":7}',
        '{"id":1,"result":7}',
        '{"id":5,"method":"ping"}{"id":0,"result":{}}',
        '{"id":5,"method":"ping"}{"id":0}',
        '{"id":0,"method":}',
        '{"id":0,"method":"ping","params":"\\ud800"}',
    ],
)
async def test_what_answers_no_question(line: str) -> None:
    async with served() as (client, peer):
        question = peer.ask("what", {})
        await client.send(line)
        await client.call("ping")
        assert not question.answer.done()
        assert [frame.get("id") for frame in client.frames if frame.get("id") == 5] == []


async def test_a_question_that_is_over_is_withdrawn_once() -> None:
    async with served() as (client, peer):
        answered, dropped = peer.ask("what", {}), peer.ask("what", {})
        await client.send('{"id":0,"result":7}')
        await client.call("ping")
        for question in (answered, dropped, dropped):
            peer.withdraw(question)
        assert await answered.answer == 7
        assert dropped.answer.cancelled()
        await client.send('{"id":1,"result":7}')
        await client.call("ping")
    withdrawn = [frame["params"] for frame in client.frames if frame.get("method", "").startswith("notif")]
    assert withdrawn == [{"requestId": 1, "reason": "the turn that asked is over"}]


async def test_when_nothing_more_comes_questions_are_refused_and_none_is_withdrawn() -> None:
    async with served() as (client, peer):
        question = peer.ask("what", {})
    late = peer.ask("what", {})
    for each in (question, late):
        with pytest.raises(RpcError, match="the client is gone"):
            await each.answer
        peer.withdraw(each)
    assert [frame["method"] for frame in await client.rest()] == ["what"]


async def test_ids_are_given_back_as_they_came() -> None:
    ids: list[Any] = [0, -1, 2**64, 10**300, "", "0", 'ü\u2028"\\', "1e5"]
    async with served() as (client, _):
        for identifier in ids:
            await client.ask("ping", id=identifier)
        assert [(await client.next())["id"] for _ in ids] == ids
