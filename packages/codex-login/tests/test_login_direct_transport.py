"""The HTTP/1.1 transport against a real server on loopback."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

import httpx
import pytest

from codex_login.direct import MAX_HEAD_BYTES, DirectTransport

if TYPE_CHECKING:
    import ssl


def _no_tls() -> ssl.SSLContext:
    raise AssertionError("no TLS here")


def _client(**options) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=DirectTransport(_no_tls), **options)


async def test_request_and_answer_arrive_whole(serving, text_answer):
    async with serving(text_answer(b"h\xc3\xa9llo", headers="x-one: 1\r\n")) as server, _client() as client:
        response = await client.post(server.url("/a%20b?q=1"), content=b"body", headers={"X-Two": "2"})
    assert (response.status_code, response.reason_phrase, response.http_version) == (200, "OK", "HTTP/1.1")
    assert response.headers["X-One"] == "1"
    assert response.text == "héllo"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%20b?q=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert b"X-Two: 2" in head
    assert body == b"body"


async def test_request_body_can_be_a_stream(serving):
    async def answer(request, reader, writer):
        body = await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        return True

    async def parts():
        yield b"one"
        yield b"two"

    async with serving(answer) as server, _client() as client:
        response = await client.post(server.url(), content=parts())
    assert b"ransfer-Encoding: chunked" in server.requests[0]
    assert response.content == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_connection_is_used_again_after_a_whole_answer(serving, text_answer):
    async with serving(text_answer()) as server, _client() as client:
        for _ in range(3):
            assert (await client.get(server.url())).text == "ok"
    assert (server.connections, len(server.requests)) == (1, 3)


async def test_parallel_requests_get_connections_of_their_own(serving):
    both = asyncio.Barrier(2)

    async def answer(request, reader, writer):
        await both.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        return True

    async with serving(answer) as server, _client() as client:
        answers = await asyncio.gather(client.get(server.url()), client.get(server.url()))
    assert [response.status_code for response in answers] == [200, 200]
    assert server.connections == 2


async def test_connection_the_server_closed_meanwhile_is_not_used(serving, text_answer):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        return False

    transport = DirectTransport(_no_tls)
    async with serving(answer) as server, httpx.AsyncClient(transport=transport) as client:
        await client.get(server.url())
        [[connection]] = transport._idle.values()
        assert await connection._reader.read(1) == b""  # now the end of the connection has arrived here
        assert (await client.get(server.url())).text == "ok"
    assert server.connections == 2


async def test_answer_with_connection_close_is_not_kept(serving, text_answer):
    async with serving(text_answer(headers="connection: close\r\n")) as server, _client() as client:
        await client.get(server.url())
        await client.get(server.url())
    assert server.connections == 2


async def test_answer_without_length_ends_with_the_connection(serving):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nup to the end")
        return False

    async with serving(answer) as server, _client() as client:
        assert (await client.get(server.url())).text == "up to the end"


async def test_stream_gives_chunks_as_they_come(serving):
    go_on = asyncio.Event()

    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async with serving(answer) as server, _client() as client:
        async with client.stream("GET", server.url()) as response:
            chunks = response.aiter_raw()
            assert await anext(chunks) == b"one"
            go_on.set()
            assert [chunk async for chunk in chunks] == [b"two"]
        assert (await client.get(server.url())).status_code == 200
    assert server.connections == 1


async def test_leaving_a_stream_early_hangs_up(serving):
    hung_up = asyncio.Event()

    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await writer.drain()
        assert await reader.read() == b""
        hung_up.set()
        return False

    async with serving(answer) as server, _client() as client:
        async with client.stream("GET", server.url()) as response:
            assert await anext(response.aiter_raw()) == b"one"
        await asyncio.wait_for(hung_up.wait(), 10)


async def test_cancelling_a_request_hangs_up(serving):
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def answer(request, reader, writer):
        asked.set()
        assert await reader.read() == b""
        hung_up.set()
        return False

    async with serving(answer) as server, _client() as client:
        asking = asyncio.create_task(client.get(server.url()))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(hung_up.wait(), 10)


async def test_early_refusal_is_read_though_the_body_was_not_taken(serving):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
        await writer.drain()
        return False

    async def parts():
        for _ in range(200):
            yield b"x" * 65_536
            await asyncio.sleep(0)

    async with serving(answer) as server, _client() as client:
        try:
            response = await client.post(server.url(), content=parts())
        except httpx.ReadError:
            return  # the kernel threw the answer away together with our data: also an honest end
    assert (response.status_code, response.text) == (413, "big")


async def test_informational_answer_is_skipped(serving):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        return True

    async with serving(answer) as server, _client() as client:
        assert (await client.get(server.url())).status_code == 204


async def test_switch_of_protocols_is_refused(serving):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
        return True

    async with serving(answer) as server, _client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(server.url())


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", "Server disconnected without sending a response."),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "peer closed connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * (MAX_HEAD_BYTES + 65_536), "Receive buffer too long"),
    ],
)
async def test_broken_answer_is_a_protocol_error(serving, sent, error):
    async def answer(request, reader, writer):
        writer.write(sent)
        return False

    async with serving(answer) as server, _client() as client:
        with pytest.raises(httpx.RemoteProtocolError, match=error):
            await client.get(server.url())


async def test_reset_connection_is_a_read_error(serving):
    async def answer(request, reader, writer):
        writer.transport.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: RST
        writer.transport.abort()
        return False

    async with serving(answer) as server, _client() as client:
        with pytest.raises(httpx.ReadError):
            await client.get(server.url())


async def test_nobody_listening_is_a_connect_error():
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with _client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "127.0.0.1:99999"])
async def test_address_that_cannot_be_is_a_connect_error(host):
    async with _client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://{host}/")


async def test_read_time_limit_is_kept(serving):
    async def answer(request, reader, writer):
        await reader.read()
        return False

    async with serving(answer) as server, _client(timeout=httpx.Timeout(None, read=0.01)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url())


async def test_other_schemes_are_refused():
    async with _client() as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://127.0.0.1/")


async def test_header_that_cannot_be_sent_is_refused_before_anything_is_sent(serving, text_answer):
    async with serving(text_answer()) as server, _client() as client:
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await client.get(server.url(), headers={"x": "s3cret\r\nb: c"})
    assert "s3cret" not in "".join(traceback.format_exception(caught.value)).rpartition("Error: ")[2]
    assert server.requests == []


async def test_closing_the_client_closes_idle_connections(serving):
    gone = asyncio.Event()

    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        assert await reader.read() == b""
        gone.set()
        return False

    async with serving(answer) as server:
        async with _client() as client:
            await client.get(server.url())
        await asyncio.wait_for(gone.wait(), 10)
