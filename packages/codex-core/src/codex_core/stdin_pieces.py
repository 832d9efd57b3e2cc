"""What arrives on a descriptor while the program goes on: from pipes, files, sockets and terminals alike.

It may be shared with other processes, so it is never made non-blocking: a thread of its own blocks for it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

READ_BYTES = 64 * 1024


async def read_pieces(descriptor: int) -> AsyncGenerator[bytes, None]:
    """What arrives, piece by piece, until the end; the next piece is read when this one has been used.

    The thread is never waited for, as a read cannot be taken back: it ends with the input, or the process.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    wanted = threading.Semaphore(0)

    def read() -> None:
        data = b"-"
        while data:
            wanted.acquire()
            try:
                data = os.read(descriptor, READ_BYTES)
            except OSError:  # a terminal that is gone, a closed descriptor: nothing more will come
                data = b""
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, data)
            except RuntimeError:  # the loop has ended
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while True:
        wanted.release()
        data = await arrived.get()
        if not data:
            return
        yield data
