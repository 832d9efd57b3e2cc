"""The mock model as a program: `python -m codex_core.testing.model_server --script FILE`.

Prints its port on the first line of stdout and serves until SIGINT, SIGTERM or, with
`--until-eof`, the end of stdin.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

from codex_core.model.scripted.replies import http_error
from codex_core.model.scripted.script_file import ScriptFileError, load_script
from codex_core.testing.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.model.scripted.request import RecordedRequest


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; 0 when all went by the script, 1 when `--strict` finds a deviation, 2 for bad input."""
    options = _options(argv)
    try:
        script = load_script(options.script)
    except ScriptFileError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    server = _LoggingServer(script, routes={"*": http_error(404)}, cycle=options.cycle)
    server.log_path = options.log
    asyncio.run(_serve(server, port=options.port, until_eof=options.until_eof))
    if options.strict:
        try:
            server.assert_done()
        except AssertionError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m codex_core.testing.model_server", description="A scripted model on loopback."
    )
    parser.add_argument("--script", required=True, metavar="FILE", help="JSON file with the replies")
    parser.add_argument("--port", type=int, default=0, help="TCP port (default: any free one)")
    parser.add_argument("--cycle", action="store_true", help="start the script again when it is used up")
    parser.add_argument("--log", metavar="FILE", help="append each request to FILE as a line of JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 unless the script was used up exactly")
    parser.add_argument("--until-eof", action="store_true", help="end when stdin is closed")
    return parser.parse_args(argv)


class _LoggingServer(ModelServer):
    """Writes a line about each request before it is answered, so that a reader never finds it missing."""

    log_path: str | None = None

    def note_request(self, request: RecordedRequest) -> None:
        if self.log_path is None:
            return
        line = {
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "body": request.body.decode("utf-8", "replace"),
        }
        with open(self.log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


async def _serve(server: ModelServer, *, port: int, until_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await server.start(port)
    try:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        if until_eof:
            await _stdin_closed_or(ended)
        else:
            await ended.wait()
    finally:
        await server.stop()


async def _stdin_closed_or(ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    waiting = [asyncio.ensure_future(reader.read()), asyncio.ensure_future(ended.wait())]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        transport.close()
