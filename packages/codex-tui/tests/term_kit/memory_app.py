"""A Textual app of ours in this process, on a terminal in memory.

boot = MemoryBoot(cols=60, rows=20)
async with running(MyApp(boot), boot):
    boot.terminal.keyboard.send(b"hello\\r")
    await until(lambda: "hello" in shown(boot))
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from emulator import Emulator
from memory_terminal import MemoryTerminal

from codex_tui.term.facts import TerminalFacts
from codex_tui.term.surface import Surface

if TYPE_CHECKING:
    from codex_tui.term.textual_bridge import InlineApp

    AppType = TypeVar("AppType", bound=InlineApp[Any])


class SocketTerminal(MemoryTerminal):
    """Its keys come through a socket, as from a real one."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self.keyboard, self._in = socket.socketpair()
        self.in_fd = self._in.fileno()
        self.unanswered = 0

    def read(self) -> bytes:
        return os.read(self.in_fd, 65536)

    def take_typed(self) -> bytes:
        return b""

    def close(self) -> None:
        self.keyboard.close()
        self._in.close()


class MemoryBoot:
    """What `Boot` hands over, without its thread."""

    def __init__(self, *, typed: str = "", rest: bytes = b"", cols: int = 40, rows: int = 12) -> None:
        self.emulator = Emulator(cols, rows)
        self.terminal = SocketTerminal(self.emulator)
        self.surface = Surface(cols, rows)
        self.facts = TerminalFacts()
        self.terminal.farewell = self.surface.leave
        self.terminal.write(self.surface.start((0, 0)))
        self._handed_over = typed, rest

    def finish(self) -> tuple[str, bytes]:
        return self._handed_over


@asynccontextmanager
async def running(app: AppType, boot: MemoryBoot) -> AsyncIterator[AppType]:
    """The app at work, from when it took the terminal over to its exit."""
    task = asyncio.create_task(app.run_async(mouse=False))
    try:
        await until(lambda: app._is_taken_over or task.done())
        yield app
    finally:
        app.exit()
        await task
        boot.terminal.close()


async def until(test: Callable[[], object]) -> None:
    """Waits for what the function says to be true."""
    async with asyncio.timeout(20):
        while not test():  # noqa: ASYNC110 - asked, not told
            await asyncio.sleep(0.005)


def shown(boot: MemoryBoot) -> str:
    """Scrollback and screen."""
    return "\n".join(boot.emulator.everything())
