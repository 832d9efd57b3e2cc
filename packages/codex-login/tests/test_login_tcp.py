"""Connecting to hosts with several addresses."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import warnings

import httpx
import pytest

from codex_login import tcp
from codex_login.direct import DirectTransport


@contextlib.contextmanager
def deaf():
    """An address that neither answers nor refuses: its queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield socket.AF_INET, listening.getsockname()


@contextlib.contextmanager
def alive():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield socket.AF_INET, listening.getsockname()


def refusing():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return socket.AF_INET, unused.getsockname()


def resolve_to(monkeypatch, *addresses):
    async def getaddrinfo(*_arguments, **_options):
        return [(family, socket.SOCK_STREAM, 6, "", place) for family, place in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_one_address_needs_no_task_of_its_own(monkeypatch):
    tasks = []
    original = tcp._connect_to

    async def connect_to(address):
        tasks.append(asyncio.current_task())
        return await original(address)

    monkeypatch.setattr(tcp, "_connect_to", connect_to)
    with alive() as address, await tcp.connect_any([address]) as connected:
        assert connected.getpeername() == address[1]
    assert tasks == [asyncio.current_task()]


async def test_next_address_is_tried_beside_one_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(tcp, "NEXT_ADDRESS_S", 0.001)
    with deaf() as silent, alive() as address, await tcp.connect_any([silent, silent, address]) as connected:
        assert connected.getpeername() == address[1]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_next_address_is_tried_at_once_when_one_refuses(monkeypatch):
    monkeypatch.setattr(tcp, "NEXT_ADDRESS_S", 3600)
    with alive() as address, await tcp.connect_any([refusing(), refusing(), address]) as connected:
        assert connected.getpeername() == address[1]


async def test_earlier_address_may_still_win_after_the_next_was_tried(monkeypatch):
    monkeypatch.setattr(tcp, "NEXT_ADDRESS_S", 0)
    go_on = asyncio.Event()
    original = tcp._connect_to

    async def connect_to(address):
        if address == first:
            await go_on.wait()
        else:
            go_on.set()
        return await original(address)

    monkeypatch.setattr(tcp, "_connect_to", connect_to)
    with alive() as first, deaf() as silent, await tcp.connect_any([first, silent]) as connected:
        assert connected.getpeername() == first[1]


async def test_error_is_the_first_addresses_when_none_answers():
    outside = (socket.AF_INET, ("255.255.255.255", 1))
    with pytest.raises(ConnectionRefusedError):
        await tcp.connect_any([refusing(), outside])


async def test_certificate_problem_of_an_address_that_answers_is_told(
    serving, text_answer, monkeypatch, data
):
    async with serving(text_answer(), _server_tls(data)) as server:
        resolve_to(monkeypatch, (socket.AF_INET, ("127.0.0.1", server.port)), refusing())
        async with httpx.AsyncClient(transport=DirectTransport(ssl.create_default_context)) as client:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await client.get("https://two.test/")
    assert server.requests == []


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("several", [False, True])
async def test_cancelling_at_any_moment_leaves_no_socket(
    serving, text_answer, monkeypatch, data, encrypted, several
):
    monkeypatch.setattr(tcp, "NEXT_ADDRESS_S", 0)

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=os.path.join(data, "authority.pem"))

    with deaf() as silent, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        async with serving(text_answer(), _server_tls(data) if encrypted else None) as server:
            address = socket.AF_INET, ("127.0.0.1", server.port)
            resolve_to(monkeypatch, *((silent, address, silent) if several else (address,)))
            finished = 0
            for turns in range(41):
                async with httpx.AsyncClient(transport=DirectTransport(trusting)) as client:
                    client._transport._tls = trusting() if encrypted else None  # made in a thread otherwise
                    asking = asyncio.create_task(client.get(server.url()))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    asking.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await asking
                        finished += 1
                assert client.is_closed
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        del asking, client
        gc.collect()
    assert [str(warning.message) for warning in warned] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert finished < 41


def _server_tls(data) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(data, "server.pem"))
    return context
