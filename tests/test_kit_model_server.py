"""The mock model over real sockets, asked by httpx and by hand."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from codex_core.testing import (
    Framing,
    Gate,
    ModelServer,
    Outcome,
    RecordedRequest,
    Reply,
    answer,
    chat_answer,
    chat_text,
    completed,
    created,
    disconnect,
    http_error,
    message,
    sse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BODY = {"model": "m", "input": []}


async def ask(server: ModelServer, path: str = "/responses", *, body: object = BODY) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{server.base_url}{path}", json=body)


@asynccontextmanager
async def connection(server: ModelServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass


def raw_request(path: str = "/v1/responses") -> bytes:
    data = json.dumps(BODY).encode()
    return b"POST %b HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), len(data), data)


async def test_replies_come_in_order_and_requests_are_recorded():
    async with ModelServer([answer(message("one")), answer(message("two"))]) as server:
        first = await ask(server, "/responses?api-version=1")
        second = await ask(server)
        server.assert_done()
    assert first.headers["content-type"] == "text/event-stream"
    assert "one" in first.text
    assert "two" in second.text
    assert [request.path for request in server.requests] == ["/v1/responses?api-version=1", "/v1/responses"]
    assert server.requests[0].json == BODY
    assert server.requests[0].header("content-type") == "application/json"


async def test_a_text_is_said_on_the_wire_that_was_asked():
    async with ModelServer(["hello", "hello"]) as server:
        responses = await ask(server)
        chat = await ask(server, "/chat/completions")
    assert "response.output_item.done" in responses.text
    assert "chat.completion.chunk" in chat.text
    assert chat.text.endswith("data: [DONE]\n\n")


async def test_a_function_of_the_request_answers_every_request():
    async def echo(request: RecordedRequest) -> Reply:
        await asyncio.sleep(0)
        return answer(message(str(request.json["input"])))

    async with ModelServer(echo) as server:
        first, second = await ask(server, body={"input": [1]}), await ask(server, body={"input": [2]})
        server.assert_done()
    assert "[1]" in first.text
    assert "[2]" in second.text


async def test_a_script_that_cycles_begins_again():
    async with ModelServer(["a", "b"], cycle=True) as server:
        texts = [(await ask(server)).text for _ in range(4)]
        server.assert_done()
    assert texts[0] == texts[2] != texts[1] == texts[3]


async def test_a_request_too_many_is_answered_500_and_told():
    async with ModelServer(["only one"]) as server:
        await ask(server)
        assert (await ask(server)).status_code == 500
        with pytest.raises(AssertionError, match=r"request 2 \(POST /v1/responses\) has no scripted reply"):
            server.assert_done()
    assert len(server.requests) == 2


async def test_replies_nobody_asked_for_are_told():
    async with ModelServer(["one", answer(), http_error(500)]) as server:
        await ask(server)
        with pytest.raises(
            AssertionError, match=r"2 of 3 scripted replies were not asked for \(2: status 200.*3: status 500"
        ):
            server.assert_done()


async def test_other_endpoints_take_nothing_from_the_script():
    routes = {"GET /v1/models": http_error(200, {"data": []})}
    async with ModelServer(["hi"], routes=routes) as server, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{server.base_url}/models?x=1")).json() == {"data": []}
        assert (await client.get(f"{server.base_url}/responses")).status_code == 404
        await ask(server)
        with pytest.raises(AssertionError, match="nobody foresaw a request for GET /v1/responses"):
            server.assert_done()
    assert len(server.requests) == 1
    assert [exchange.request.method for exchange in server.log] == ["GET", "GET", "POST"]


async def test_a_route_for_everything_answers_what_has_none():
    async with ModelServer(routes={"*": http_error(404)}) as server:
        assert (await ask(server, "/elsewhere")).status_code == 404
        server.assert_done()


async def test_a_script_that_fails_is_answered_500_and_told():
    def broken(request: RecordedRequest) -> Reply:
        raise KeyError("no such thing")

    async with ModelServer([broken]) as server:
        assert (await ask(server)).status_code == 500
        with pytest.raises(AssertionError, match="the script failed at POST /v1/responses: KeyError"):
            server.assert_done()


async def test_what_is_no_http_is_told():
    async with ModelServer() as server:
        async with connection(server) as (reader, writer):
            writer.write(b"hello?\r\n\r\n")
            assert await reader.read() == b""
        with pytest.raises(AssertionError, match="not a request line"):
            server.assert_done()


async def test_an_error_has_its_status_body_and_headers():
    async with ModelServer([http_error(429, {"error": {"message": "slow"}}, {"retry-after": "7"})]) as server:
        response = await ask(server)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"
    assert response.json() == {"error": {"message": "slow"}}


async def test_one_connection_carries_several_requests():
    async with ModelServer(["one", "two"]) as server, httpx.AsyncClient(trust_env=False) as client:
        for _ in range(2):
            await client.post(f"{server.base_url}/responses", json=BODY)
        assert len(server._connections) == 1
    assert [exchange.outcome for exchange in server.exchanges] == [Outcome.SENT, Outcome.SENT]


@pytest.mark.parametrize("framing", list(Framing))
async def test_a_body_arrives_whole_however_it_is_framed(framing: Framing):
    reply = answer(message("Grüße", deltas=["Gr", "üße"]))
    async with ModelServer([reply.framed(framing).in_pieces(1)]) as server:
        response = await ask(server)
    assert response.content == reply.body


async def test_a_closing_reply_ends_the_connection_it_announced_to_keep():
    async with ModelServer([answer().closing()]) as server, connection(server) as (reader, writer):
        writer.write(raw_request())
        assert (await reader.read()).endswith(b"0\r\n\r\n")


async def test_an_answer_can_break_off_at_every_byte():
    reply = http_error(200, "body")
    async with ModelServer([]) as whole_server, connection(whole_server) as (reader, writer):
        whole_server._script = [reply.closing()]
        writer.write(raw_request())
        whole = await reader.read()
    kept = whole.replace(b"connection: close\r\n", b"")
    script = [reply.cut_wire_after(count) for count in range(len(kept))]
    async with ModelServer(script) as server:
        for count in range(len(kept)):
            async with connection(server) as (reader, writer):
                writer.write(raw_request())
                assert await reader.read() == kept[:count]
        server.assert_done()
    assert {exchange.outcome for exchange in server.exchanges} == {Outcome.CUT}


async def test_a_cut_chunked_body_is_an_error_for_the_client():
    async with ModelServer([answer(message("x")).cut_after(10)]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(server)


async def test_a_cut_body_that_ends_with_the_connection_is_none():
    reply = answer(message("x"))
    async with ModelServer([reply.framed(Framing.CLOSE).cut_after(10)]) as server:
        assert (await ask(server)).content == reply.body[:10]


async def test_no_answer_is_a_disconnect_or_a_reset():
    async with ModelServer([disconnect(), disconnect(reset=True)]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(server)
        with pytest.raises(httpx.ReadError):
            await ask(server)


async def test_a_gate_holds_the_answer_until_it_is_opened():
    gate = Gate("middle")
    reply = sse(created(), gate, completed())
    async with ModelServer([reply]) as server, httpx.AsyncClient(trust_env=False) as client:
        async with client.stream("POST", f"{server.base_url}/responses", json=BODY) as response:
            pieces = response.aiter_text()
            assert "response.created" in await anext(pieces)
            await gate.reached.wait()
            assert server.exchanges[0].outcome is Outcome.PENDING
            gate.open()
            assert "response.completed" in await anext(pieces)
        assert await server.wait_for_outcome() is Outcome.SENT


async def test_a_client_that_leaves_at_a_gate_is_noticed():
    gate = Gate()
    async with ModelServer([sse(created(), gate, completed())]) as server:
        async with connection(server) as (_, writer):
            writer.write(raw_request())
            await gate.reached.wait()
        assert await server.wait_for_outcome() is Outcome.ABANDONED


async def test_stopping_the_server_frees_who_waits_at_a_gate():
    gate = Gate()
    async with ModelServer([sse(created(), gate)]) as server:
        asking = asyncio.create_task(ask(server))
        await gate.reached.wait()
    with pytest.raises(httpx.HTTPError):
        await asking
    assert server.exchanges[0].outcome is Outcome.ABANDONED


async def test_waiting_for_a_request_gives_it_whenever_it_came():
    async with ModelServer(["one", "two"]) as server:
        waiting = asyncio.create_task(server.wait_for_request(2))
        await ask(server, body={"input": ["a"]})
        assert not waiting.done()
        await ask(server, body={"input": ["b"]})
        assert (await waiting).json == {"input": ["b"]}
        assert (await server.wait_for_request(1)).json == {"input": ["a"]}


async def test_waiting_in_vain_says_what_came():
    async with ModelServer(["one"], routes={"*": http_error(404)}) as server:
        await ask(server, "/models")
        with pytest.raises(
            AssertionError, match="request 1 did not come within 0 s; so far: POST /v1/models"
        ):
            await server.wait_for_request(timeout_s=0)


async def test_a_client_may_ask_for_leave_to_send_its_body():
    async with ModelServer(["hi"]) as server, connection(server) as (reader, writer):
        writer.write(b"POST /v1/responses HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await server.wait_for_request()).json == {}


def test_a_server_in_a_thread_serves_a_test_without_an_event_loop():
    gate = Gate()
    with ModelServer.in_thread([sse(created(), gate, completed()), chat_answer(*chat_text("hi"))]) as server:
        with httpx.Client(trust_env=False) as client:
            with client.stream("POST", f"{server.base_url}/responses", json=BODY) as response:
                assert gate.reached.wait_blocking(20)
                gate.open()
                assert response.read().count(b"data:") == 2
            assert client.post(f"{server.base_url}/chat/completions", json=BODY).status_code == 200
        assert server.wait_for_request(2).route == "POST /v1/chat/completions"
        assert server.wait_for_outcome(1) is Outcome.SENT
        server.assert_done()
    assert len(server.log) == len(server.requests) == 2
    assert server.problems == []


def test_a_server_in_a_thread_says_what_did_not_come():
    with ModelServer.in_thread(["x"]) as server, pytest.raises(AssertionError, match="so far: nothing"):
        server.wait_for_request(timeout_s=0)


def start_program(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "codex_core.testing.model_server", *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_as_a_program_it_prints_its_port_logs_and_ends_with_its_stdin(tmp_path: Path):
    script, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    script.write_text(json.dumps(["hi", {"status": 429, "body": {"error": {}}}]))
    with start_program("--script", str(script), "--log", str(log), "--until-eof", "--strict") as program:
        port = int(program.stdout.readline())
        with httpx.Client(trust_env=False) as client:
            assert "hi" in client.post(f"http://127.0.0.1:{port}/v1/responses", json=BODY).text
            assert client.post(f"http://127.0.0.1:{port}/v1/responses", json=BODY).status_code == 429
        program.stdin.close()
        assert program.wait() == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["/v1/responses", "/v1/responses"]
    assert json.loads(lines[0]["body"]) == BODY


def test_as_a_program_it_tells_what_was_not_asked_for(tmp_path: Path):
    script = tmp_path / "script.json"
    script.write_text('["never"]')
    with start_program("--script", str(script), "--strict") as program:
        program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        assert program.wait() == 1
        assert "1 of 1 scripted replies were not asked for" in program.stderr.read()


def test_as_a_program_it_refuses_a_file_that_is_no_script(tmp_path: Path):
    with start_program("--script", str(tmp_path / "missing.json")) as program:
        assert program.wait() == 2
        assert "missing.json" in program.stderr.read()
