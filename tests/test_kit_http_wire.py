"""How the mock model reads requests, however they are cut into packets."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.model.scripted.request import RecordedRequest
from codex_core.testing.http_wire import (
    Incoming,
    MalformedRequestError,
    read_body,
    read_head,
)


async def read_all(data: bytes) -> list[RecordedRequest]:
    """The requests in a stream that holds just these bytes."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    incoming = Incoming(reader)
    requests = []
    while (head := await read_head(incoming)) is not None:
        body = await read_body(head, incoming)
        requests.append(RecordedRequest(head.method, head.path, head.headers, body))
    return requests


def request(body: object, *headers: tuple[str, str]) -> RecordedRequest:
    return RecordedRequest("POST", "/v1/responses", headers, json.dumps(body).encode())


@given(
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=3),
    chunk_size=st.none() | st.integers(min_value=1, max_value=9),
)
def test_every_body_comes_back_whole(bodies: list[bytes], chunk_size: int | None):
    data = b""
    for body in bodies:
        if chunk_size is None:
            data += b"POST /p HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            continue
        data += b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        for start in range(0, len(body), chunk_size):
            piece = body[start : start + chunk_size]
            data += b"%x;ext=1\r\n%b\r\n" % (len(piece), piece)
        data += b"0\r\nTrailer: x\r\n\r\n"
    assert [found.body for found in asyncio.run(read_all(data))] == bodies


async def test_headers_keep_their_order_and_lose_their_case():
    (found,) = await read_all(b"GET /a?x=1&y= HTTP/1.1\r\nB: 2\r\nA:  1 \r\nb: 3\r\n\r\n")
    assert found.headers == (("b", "2"), ("a", "1"), ("b", "3"))
    assert found.header("B") == "2, 3"
    assert found.header("c") is None
    assert found.path == "/a?x=1&y="
    assert found.route == "GET /a"
    assert found.query == {"x": "1", "y": ""}


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nhalf: a head",
        b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nshort",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5",
    ],
)
async def test_what_is_no_request_is_refused(data: bytes):
    with pytest.raises(MalformedRequestError):
        await read_all(data)


async def test_noticing_that_the_client_talks_on_loses_no_byte():
    reader = asyncio.StreamReader()
    incoming = Incoming(reader)
    watching = asyncio.ensure_future(incoming.client_gone())
    reader.feed_data(b"GET /next HTTP/1.1\r\n\r\n")
    for _ in range(3):  # let the watcher run as far as it can
        await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    head = await read_head(incoming)
    assert head is not None
    assert head.path == "/next"


def test_a_compressed_body_is_decoded():
    packed = RecordedRequest(
        "POST", "/v1/responses", (("content-encoding", "gzip"),), gzip.compress(b'{"input":[]}')
    )
    assert packed.json == {"input": []}


def test_a_request_tells_its_tools_outputs_and_texts_on_both_wires():
    responses = request(
        {
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                {"type": "function_call_output", "call_id": "a", "output": "1"},
                {"type": "custom_tool_call_output", "call_id": "b", "output": "2"},
            ],
            "tools": [{"type": "function", "name": "shell"}, {"type": "web_search"}],
        }
    )
    assert responses.tool_outputs == {"a": "1", "b": "2"}
    assert responses.tool_names == ["shell", "web_search"]
    assert responses.texts == ["hi"]
    chat = request(
        {
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "assistant", "content": None},
            ],
            "tools": [{"type": "function", "function": {"name": "shell"}}],
        }
    )
    assert chat.tool_outputs == {"a": "1"}
    assert chat.tool_names == ["shell"]
    assert chat.texts == ["hi", "1"]
