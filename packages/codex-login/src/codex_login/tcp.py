"""TCP connections to hosts with several addresses, some of which may be dead (after RFC 8305).

asyncio's own `happy_eyeballs_delay` does the same and loses sockets when it is cancelled.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NEXT_ADDRESS_S = 0.25
"""After this long without an answer the next address is tried as well (RFC 8305, section 8)."""

Address = tuple[socket.AddressFamily, object]
"""Family and socket address, as `getaddrinfo` gives them."""


async def connect(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket to whichever address of `host` answers first.

    Raises: OSError when none does; the first address's.
    """
    if (address := _literal_address(host, port)) is not None:
        return await _connect_to(address)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses: list[Address] = list(dict.fromkeys((entry[0], entry[4]) for entry in found))
    if not addresses:
        raise OSError(f"{host} has no address")
    return await connect_any(addresses)


def _literal_address(host: str, port: int) -> Address | None:
    """The address a host is written as; None for a name, which has to be looked up."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return family, (host, port)
    return None


async def connect_any(addresses: Sequence[Address]) -> socket.socket:
    """A socket connected to one of at least one address: the next is tried when one fails or takes long.

    Raises: OSError when none answers; the first address's.
    """
    if len(addresses) == 1:
        return await _connect_to(addresses[0])
    attempts: list[asyncio.Task[socket.socket]] = []
    winner: socket.socket | None = None
    try:
        winner = await _race(addresses, attempts)
        return winner
    finally:
        # Whatever happens to this task from now on, each attempt closes what it may still get hold of.
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(lambda done: _close_unless(winner, done))
        try:
            await asyncio.wait(attempts)
        except BaseException:
            if winner is not None:
                winner.close()
            raise


async def _race(addresses: Sequence[Address], attempts: list[asyncio.Task[socket.socket]]) -> socket.socket:
    """The first connection; every attempt made is put into `attempts`."""
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    while waiting or running:
        if waiting:
            attempts.append(asyncio.create_task(_connect_to(waiting.pop(0))))
            running.add(attempts[-1])
        done, running = await asyncio.wait(
            running,
            timeout=NEXT_ADDRESS_S if waiting else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for attempt in done:
            error = attempt.exception()
            if error is None:
                return attempt.result()
            if not isinstance(error, OSError):
                raise error
    raise attempts[0].exception() or OSError("no address answers")


async def _connect_to(address: Address) -> socket.socket:
    family, place = address
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, place)  # type: ignore[arg-type]  # typeshed's is narrower than what getaddrinfo gives
    except BaseException:
        opened.close()
        raise
    return opened


def _close_unless(winner: socket.socket | None, attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None and attempt.result() is not winner:
        attempt.result().close()
