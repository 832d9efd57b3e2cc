"""The process of the server from its options to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

from codex_core.config.overrides import InvalidOverrideError
from codex_core.errors import CodexError
from codex_core.stdin_pieces import read_pieces
from codex_mcp_server.pipes import LineWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_core.config.config import Config
    from codex_mcp_server.options import McpServerOptions
    from codex_mcp_server.server import Server
    from codex_mcp_server.settings import Settings

FAILED = 1
LOG_DEFAULT = "error"
LOG_BYTES = 256 * 1024
"""Of the log, as much may wait for its reader; more is dropped."""
START_SECONDS = 5.0
"""When the start is over at the latest, whatever the client does."""
GOODBYE_SECONDS = 2.0
"""How long a client that reads slowly is waited for when a signal has ended the server."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(options: McpServerOptions) -> int:
    """Serves stdin and stdout until stdin ends, and returns the exit code; 128 + N when signal N ended it."""
    _open_missing_streams()
    was_collecting, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()  # start-up makes much that stays; on again when everything is loaded
    try:
        return _run(options)
    except InvalidOverrideError as error:
        sys.stderr.write(f"Error: error parsing -c overrides: {error}\n")
    except CodexError as error:
        sys.stderr.write(f"Error: error loading config: {error}\n")
    finally:
        if was_collecting:
            gc.enable()
        else:
            gc.disable()
        if not frozen:
            gc.unfreeze()
    return FAILED


def _run(options: McpServerOptions) -> int:
    from codex_core.startup import prepared_process
    from codex_mcp_server.settings import Settings

    with prepared_process() as (services, helpers):
        settings = Settings(options.overrides, services, helpers)
        return asyncio.run(_serve(settings, settings.load()))


async def _serve(settings: Settings, config: Config) -> int:
    from codex_core.logs import configure_logging
    from codex_mcp_server.server import Server
    from codex_mcp_server.warm_up import WarmUp

    output = LineWriter(1)
    log = LineWriter(2, keep_at_most=LOG_BYTES)
    stop = _Stop(output)
    with configure_logging(settings.services.environ, default=LOG_DEFAULT, stream=log):
        asyncio.get_running_loop().call_later(START_SECONDS, gc.enable)
        server = Server(settings, config, output)
        warm_up = WarmUp(server.peer, is_needed=lambda: not server.has_conversations)
        server.before_work = warm_up.pause
        try:
            with stop.listening(server):
                await server.serve(read_pieces(0))
        except asyncio.CancelledError:
            if stop.signal is None and not server.was_left:
                raise
        finally:
            await warm_up.aclose()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None if stop.signal is None else GOODBYE_SECONDS):
            await output.written()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await log.written()
    if stop.signal is not None:
        return 128 + stop.signal
    if output.failure is not None:
        from codex_core.startup import unwritable

        return unwritable(output.failure)
    if server.was_left:
        from codex_core.startup import UNREAD_EXIT_CODE

        return UNREAD_EXIT_CODE
    return 0


class _Stop:
    """The first SIGINT, SIGTERM or SIGHUP ends the server in good order; after it SIGINT and SIGTERM kill.

    One that is ignored when the server starts stays so: `nohup`, or a shell that runs it in the background,
    wants it.
    """

    def __init__(self, output: LineWriter) -> None:
        self._output = output
        self.signal: signal.Signals | None = None

    @contextlib.contextmanager
    def listening(self, server: Server) -> Iterator[None]:
        """Takes the signals inside the block; after one of them, each further one kills."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

        def stop(number: signal.Signals) -> None:
            if self.signal is not None:
                return
            self.signal = number
            for again in heeded:
                if again != signal.SIGHUP:  # which a terminal that closes sends twice
                    loop.remove_signal_handler(again)
                    signal.signal(again, signal.SIG_DFL)
            server.peer.cut_off()
            self._output.hurry()
            task.cancel()

        for number in heeded:
            loop.add_signal_handler(number, stop, number)
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)
                if self.signal is None and before[number] is not None:  # None: not Python's to put back
                    signal.signal(number, before[number])


def _open_missing_streams() -> None:
    """Opens the null device where a stream is closed: a file opened later must not get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
