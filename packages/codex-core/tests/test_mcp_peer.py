"""Requests, answers and questions between us and a server, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.errors import McpError, NoAnswer, RefusedByServer, ServerGone, UnreadableAnswer
from codex_core.mcp.peer import Peer


class FakeWire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.problem: McpError | None = None

    async def prepare(self) -> None: ...

    async def open(self, receiver: object) -> None: ...

    async def reopen(self) -> None: ...

    def post(self, message: Mapping[str, object]) -> None:
        if self.problem is not None:
            raise self.problem
        self.sent.append(dict(message))

    def use_version(self, version: str) -> None: ...

    def explain(self, sentence: str) -> str:
        return sentence

    async def aclose(self) -> None: ...


class Table:
    """A peer on a fake wire."""

    def __init__(self) -> None:
        self.wire = FakeWire()
        self.changes = 0
        self.peer = Peer("srv", self.wire, cwd="/w/my repo", on_tools_changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def ask(self, timeout_s: float = 30.0) -> asyncio.Task[object]:
        """A request that has been sent."""
        task = asyncio.create_task(self.peer.request("tools/call", {"name": "echo"}, timeout_s=timeout_s))
        await asyncio.sleep(0)
        return task


STEPS = st.lists(
    st.one_of(
        st.just(("ask",)),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("answer"), st.integers(-1, 7) | st.text("0129", max_size=2) | st.none()),
        st.tuples(st.just("refuse"), st.integers(-1, 7) | st.none()),
        st.tuples(st.just("unreadable"), st.integers(0, 7) | st.none()),
        st.just(("close",)),
    ),
    max_size=20,
)


@pytest.fixture
def table() -> Table:
    return Table()


async def test_ids_count_from_one_and_answers_find_their_request(table: Table) -> None:
    first, second = await table.ask(), await table.ask()
    assert [message["id"] for message in table.wire.sent] == [1, 2]
    table.peer.receive({"id": 2, "result": "two"})
    table.peer.receive({"id": "1", "result": "one"})
    assert (await first, await second) == ("one", "two")


async def test_an_error_is_raised_with_its_code(table: Table) -> None:
    task = await table.ask()
    table.peer.receive({"id": 1, "error": {"code": -32000, "message": "no thanks"}})
    with pytest.raises(RefusedByServer, match="no thanks") as caught:
        await task
    assert caught.value.code == -32000


@pytest.mark.parametrize("answer", [{"id": 1}, {"id": 1, "error": "text"}])
async def test_an_answer_without_a_result_is_unreadable(table: Table, answer: dict[str, object]) -> None:
    task = await table.ask()
    table.peer.receive(answer)
    with pytest.raises(UnreadableAnswer):
        await task


@pytest.mark.parametrize(
    "answer",
    [{"id": 9, "result": 1}, {"id": None, "result": 1}, {"id": True, "result": 1}, {"result": 1}, {}],
)
async def test_what_nobody_asked_for_is_ignored(table: Table, answer: dict[str, object]) -> None:
    task = await table.ask()
    table.peer.receive(answer)
    table.peer.receive({"id": 1, "result": "mine"})
    table.peer.receive({"id": 1, "result": "twice"})
    assert await task == "mine"


async def test_a_refusal_without_an_id_ends_what_waits(table: Table) -> None:
    task = await table.ask()
    table.peer.receive({"id": None, "error": {"code": -32700, "message": "Parse error"}})
    with pytest.raises(RefusedByServer, match="Parse error"):
        await task


async def test_after_the_time_the_server_is_told_not_to_go_on(table: Table) -> None:
    task = await table.ask(timeout_s=0)
    with pytest.raises(NoAnswer, match="no answer within 0 s"):
        await task
    assert table.wire.sent[1:] == [
        {
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": 1, "reason": "no answer in time"},
        }
    ]


async def test_a_cancelled_caller_cancels_the_request(table: Table) -> None:
    task = await table.ask()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert table.wire.sent[-1]["params"] == {"requestId": 1, "reason": "cancelled by the user"}
    table.peer.receive({"id": 1, "result": "late"})


async def test_initialize_is_never_cancelled(table: Table) -> None:
    with pytest.raises(NoAnswer):
        await table.peer.request("initialize", timeout_s=0, can_be_cancelled=False)
    assert [message["method"] for message in table.wire.sent] == ["initialize"]


async def test_the_end_of_the_server_ends_all_that_waits_and_all_that_comes(table: Table) -> None:
    tasks = [await table.ask(), await table.ask()]
    table.peer.close("it ended with exit code 3")
    table.peer.close("later news do not count")
    for task in [*tasks, await table.ask()]:
        with pytest.raises(ServerGone, match="it ended with exit code 3"):
            await task
    assert len(table.wire.sent) == 2


async def test_a_message_that_cannot_be_sent_leaves_nothing_behind(table: Table) -> None:
    table.wire.problem = ServerGone("it does not read what it is sent")
    with pytest.raises(ServerGone, match="does not read"):
        await table.peer.request("tools/call", timeout_s=30)
    table.peer.receive({"id": 1, "result": 1})


async def test_questions_of_the_server_are_answered(table: Table) -> None:
    for number, method in enumerate(["ping", "roots/list", "elicitation/create", "sampling/createMessage"]):
        table.peer.receive({"jsonrpc": "2.0", "id": number, "method": method, "params": {}})
    ping, roots, elicitation, sampling = table.wire.sent
    assert ping == {"jsonrpc": "2.0", "id": 0, "result": {}}
    assert roots["result"] == {"roots": [{"uri": "file:///w/my%20repo", "name": "my repo"}]}
    assert elicitation["result"] == {"action": "decline"}
    assert sampling["error"]["code"] == -32601
    assert "sampling/createMessage" in sampling["error"]["message"]


async def test_a_question_of_a_server_that_does_not_listen_is_no_problem(table: Table) -> None:
    table.wire.problem = ServerGone("gone")
    table.peer.receive({"id": 1, "method": "ping"})
    assert table.wire.sent == []


async def test_news_are_heard(table: Table) -> None:
    table.peer.receive({"method": "notifications/tools/list_changed"})
    table.peer.receive({"method": "notifications/progress", "params": {"progress": 1}})
    table.peer.receive({"method": "notifications/message", "params": {"data": "x" * 10_000}})
    assert table.changes == 1
    assert table.wire.sent == []


@given(STEPS)
def test_whatever_happens_every_request_ends_once(steps: list[tuple[Any, ...]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[Any, ...]]) -> None:
    table = Table()
    tasks: list[asyncio.Task[object]] = []
    for step in steps:
        match step:
            case ("ask",):
                tasks.append(await table.ask())
            case ("cancel", number) if number < len(tasks):
                tasks[number].cancel()
            case ("answer", identifier):
                table.peer.receive({"id": identifier, "result": identifier})
            case ("refuse", identifier):
                table.peer.receive({"id": identifier, "error": {"code": 1, "message": "no"}})
            case ("unreadable", identifier):
                table.peer.fail(identifier, UnreadableAnswer("garbage"))
            case ("close",):
                table.peer.close("gone")
        await asyncio.sleep(0)
    table.peer.close("the end")
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, int | str | McpError | asyncio.CancelledError) for end in ends)
    assert table.peer._pending == {}
    asked = [message["id"] for message in table.wire.sent if message.get("method") == "tools/call"]
    assert asked == sorted(set(asked))
    cancelled = [
        each["params"]["requestId"] for each in table.wire.sent if "cancelled" in each.get("method", "")
    ]
    assert len(cancelled) == len(set(cancelled))
    assert set(cancelled) <= set(asked)
