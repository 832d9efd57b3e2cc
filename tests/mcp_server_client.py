"""A client of the MCP server for tests: it sends frames and reads them back, and keeps all of them in order.

`local_server` runs the server in this process, `server_process` as its users do; what is written is the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from codex_core.testing import RunningScript, ScratchHome, script_path, start_script

TIMEOUT_S = 20.0
Frame: TypeAlias = dict[str, Any]
INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "test-client", "version": "1.2.3"},
}


class Lines(Protocol):
    """What a client writes to and reads from."""

    async def write(self, data: str | bytes) -> None: ...

    async def next_line(self) -> str: ...


class Client:
    """The other side of the connection."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._next_id = 1
        self.frames: list[Frame] = []
        """Everything that came, in order."""

    # -- out --------------------------------------------------------------------------------------

    async def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """A frame, or any line."""
        if isinstance(frame, Mapping):
            frame = json.dumps({"jsonrpc": "2.0", **frame})
        line = frame.encode() if isinstance(frame, str) else frame
        await self._lines.write(line + b"\n")

    async def ask(self, method: str, params: object = None, *, id: str | int | None = None) -> str | int:  # noqa: A002
        """Sends a request and returns its id."""
        if id is None:
            id, self._next_id = self._next_id, self._next_id + 1  # noqa: A001
        frame: Frame = {"id": id, "method": method}
        if params is not None:
            frame["params"] = params
        await self.send(frame)
        return id

    async def notify(self, method: str, params: object = None) -> None:
        await self.send({"method": method, "params": params})

    async def answer(self, question: Frame, result: object) -> None:
        """Answers a request of the server."""
        await self.send({"id": question["id"], "result": result})

    # -- in ---------------------------------------------------------------------------------------

    async def next(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(TIMEOUT_S):
            frame: Frame = json.loads(await self._lines.next_line())
        self.frames.append(frame)
        return frame

    async def until(self, wanted: Callable[[Frame], bool], *, start: int | None = None) -> Frame:
        """The first frame that is wanted, from the next one on, or from number `start` of all."""
        for frame in self.frames[start:] if start is not None else ():
            if wanted(frame):
                return frame
        while not wanted(frame := await self.next()):
            pass
        return frame

    async def reply(self, identifier: str | int) -> Frame:
        """The reply to that request, result or error, whether it has come already or not."""
        return await self.until(
            lambda frame: "method" not in frame and frame.get("id") == identifier, start=0
        )

    async def call(self, method: str, params: object = None) -> Any:
        """The result of a request.

        Raises: AssertionError for an error.
        """
        reply = await self.reply(await self.ask(method, params))
        assert "result" in reply, reply
        return reply["result"]

    async def error(self, method: str, params: object = None) -> tuple[int, str]:
        """Code and text of the error that a request brings."""
        reply = await self.reply(await self.ask(method, params))
        assert set(reply["error"]) == {"code", "message"}, reply
        return reply["error"]["code"], reply["error"]["message"]

    async def event(self, kind: str, *, start: int | None = None) -> Frame:
        """The notification of the next event of that type."""
        return await self.until(lambda frame: event_type(frame) == kind, start=start)

    async def question(self) -> Frame:
        """The next request of the server."""
        return await self.until(lambda frame: "method" in frame and "id" in frame)

    async def rest(self) -> list[Frame]:
        """What a server in this process, which has ended, wrote and nobody has read yet."""
        assert isinstance(self._lines, LocalLines)
        return [await self.next() for _ in range(self._lines.output.qsize())]

    def events(self, kind: str | None = None) -> list[Frame]:
        """The event notifications so far, in order."""
        found = [frame for frame in self.frames if event_type(frame) is not None]
        return [frame for frame in found if kind is None or event_type(frame) == kind]


def event_type(frame: Frame) -> str | None:
    """The type of the event a notification carries; None for other frames."""
    if not str(frame.get("method", "")).startswith("codex/event"):
        return None
    kind: str = frame["params"]["msg"]["type"]
    return kind


class LocalLines:
    """A server in this process."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.output: asyncio.Queue[str] = asyncio.Queue()
        self.failure: OSError | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def write(self, data: str | bytes) -> None:
        self.pieces.put_nowait(data.encode() if isinstance(data, str) else data)

    async def next_line(self) -> str:
        return await self.output.get()

    async def arriving(self) -> AsyncGenerator[bytes, None]:
        while piece := await self.pieces.get():
            yield piece

    # what the server writes to
    def put(self, line: str) -> None:
        self.output.put_nowait(line)

    async def drain(self, limit: int = 0) -> None:
        """Nothing waits here."""

    def has_reader(self) -> bool:
        return True


@asynccontextmanager
async def local_server(home: ScratchHome, *overrides: str, cwd: Path) -> AsyncIterator[Client]:
    """A client of a server in this process; leaving ends both, in order."""
    from codex_core.arg0 import HelperDirectory
    from codex_core.config import ConfigFlags
    from codex_core.services import Services
    from codex_mcp_server.server import Server
    from codex_mcp_server.settings import Settings

    lines = LocalLines()
    with HelperDirectory(home.environ()) as helpers:
        services = Services(environ=helpers.environ)
        settings = Settings((*overrides,), services, helpers, cwd=str(cwd))
        server = Server(settings, settings.load(flags=ConfigFlags()), lines)
        serving = asyncio.create_task(server.serve(lines.arriving()))
        client = Client(lines)
        try:
            yield client
        finally:
            lines.pieces.put_nowait(b"")
            async with asyncio.timeout(TIMEOUT_S):
                await serving


@asynccontextmanager
async def server_process(
    home: ScratchHome, *arguments: str, cwd: Path, command: str = "codex-mcp-server", **environ: str
) -> AsyncIterator[tuple[Client, RunningScript]]:
    """A client of a server in a process of its own."""
    env = {**home.environ(), **environ}
    async with start_script(command, *arguments, env=env, cwd=cwd, open_stdin=True) as process:
        yield Client(process), process


class PipedLines:
    """A process behind plain pipes, for much output or little reading."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def write(self, data: str | bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data.encode() if isinstance(data, str) else data)

    async def next_line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()


@asynccontextmanager
async def piped_server(
    environ: Mapping[str, str], cwd: Path, *, limit: int = 2**20
) -> AsyncIterator[tuple[Client, asyncio.subprocess.Process]]:
    """A server of which at most twice `limit` bytes are read ahead; at the end it must end by itself."""
    process = await asyncio.create_subprocess_exec(
        script_path("codex-mcp-server"),
        env=environ,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=limit,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Client(PipedLines(process)), process
        process.stdin.close()
        async with asyncio.timeout(TIMEOUT_S):
            while await process.stdout.read(65536):
                pass
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
