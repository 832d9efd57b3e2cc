"""A headless Chromium for tests that look at pages: led through its own pipe, in a profile of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")

_AT_3_AND_4 = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Where Chromium expects its pipe to be."""


def find_chromium() -> str | None:
    """The browser to use: what CODEX_CHROMIUM names, or the first that is installed."""
    named = os.environ.get("CODEX_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One page."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.session: str | None = None

    def take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Page.loadEventFired":
            self._loaded.set()
        answer = self._answers.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of a command of the DevTools protocol."""
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        command: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self.session is not None:
            command["sessionId"] = self.session
        self._writer.write(json.dumps(command).encode() + b"\0")
        message = await asyncio.wait_for(answer, 30)
        if "error" in message:
            raise AssertionError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    async def open(self, url: str) -> None:
        """Goes to a page and waits until it is there."""
        self._loaded.clear()
        await self.ask("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), 30)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    async def submit(self, script: str) -> None:
        """Runs what leads to another page, and waits for that."""
        self._loaded.clear()
        await self.run(script)
        await asyncio.wait_for(self._loaded.wait(), 30)

    async def look(self, *, dark: bool, width: int = 900, height: int = 600) -> bytes:
        """A picture of the page (PNG)."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", **size)
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def new_tab(program: str, home: Path) -> AsyncIterator[Tab]:
    """A browser with one empty page; everything it writes is below `home`."""
    to_browser, our_writing = os.pipe()
    our_reading, from_browser = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", _AT_3_AND_4, str(to_browser), str(from_browser),
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--remote-debugging-pipe", f"--user-data-dir={home / 'profile'}", "about:blank",
        pass_fds=(to_browser, from_browser), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TMPDIR": str(home)},
        start_new_session=True,
    )  # fmt: skip
    os.close(to_browser)
    os.close(from_browser)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 << 20)
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_reading, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(our_writing, "wb", 0)
    )
    tab = Tab(asyncio.StreamWriter(transport, protocol, None, loop))
    listening = asyncio.create_task(_listen(reader, tab))
    try:
        targets = (await tab.ask("Target.getTargets"))["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = await tab.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        tab.session = attached["sessionId"]
        await tab.ask("Page.enable")
        yield tab
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        transport.close()
        reading.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


async def _listen(reader: asyncio.StreamReader, tab: Tab) -> None:
    while True:
        tab.take(json.loads((await reader.readuntil(b"\0"))[:-1]))
