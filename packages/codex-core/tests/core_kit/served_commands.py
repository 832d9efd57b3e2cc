"""Commands started by a command server, and how to tell that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from codex_core.execution.command import ExecOutcome, ExecRequest, run_command
from codex_core.execution.command_server import CommandServer

NEEDS = "" if sys.platform == "linux" else "the command server is for Linux"
LANDLOCK_ABI = 0
if not NEEDS:
    from codex_linux_sandbox import ConfinementError
    from codex_linux_sandbox.landlock import kernel_abi

    try:
        LANDLOCK_ABI = kernel_abi()
    except ConfinementError as no_landlock:
        NEEDS = str(no_landlock)

needs_server = pytest.mark.skipif(bool(NEEDS), reason=NEEDS)
"""For modules whose tests confine commands."""

READ_ONLY = '{"mode":"read-only"}'
WORKSPACE = '{"mode":"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}'
NETWORK = '{"mode":"workspace-write","network_access":true}'
FREE = '{"mode":"danger-full-access"}'
PATH = "/usr/local/bin:/usr/bin:/bin"


class Runner:
    """Runs commands through one server; says when one of them took the plain way."""

    def __init__(self, helper: str, workspace: Path) -> None:
        self.helper = helper
        self.workspace = workspace
        self.server = CommandServer(helper)

    async def __call__(
        self, *argv: str, policy: str | None = None, on_output: Any = None, **changes: Any
    ) -> ExecOutcome:
        return await run_command(
            self.request(*argv, policy=policy, **changes), on_output=on_output, server=self.server
        )

    def request(
        self,
        *argv: str,
        policy: str | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout_ms: int = 60_000,
        stdin: bytes | None = None,
    ) -> ExecRequest:
        prefix = () if policy is None else (self.helper, str(self.workspace), policy, "--")
        return ExecRequest(
            (*prefix, *argv),
            str(self.workspace) if cwd is None else cwd,
            {"PATH": PATH} if env is None else env,
            timeout_ms,
            stdin,
        )

    @property
    def pid(self) -> int:
        (pid,) = self.server.pids
        return pid

    async def aclose(self) -> None:
        await self.server.aclose()


@pytest.fixture
async def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    """A server of its own. Whatever takes the plain way instead fails, where a test does not undo that."""

    def not_the_plain_way(*args: object, **kwargs: object) -> None:
        raise AssertionError("the command was not started by the server")

    from codex_linux_sandbox import write_launcher

    monkeypatch.setattr("codex_core.execution.command.start_child", not_the_plain_way)
    (tmp_path / "workspace").mkdir()
    async with aclosing(Runner(write_launcher(str(tmp_path)), tmp_path / "workspace")) as runner:
        yield runner


class Ready:
    """Collects output and notes that there was some."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.output = b""

    async def __call__(self, stream: object, chunk: bytes) -> None:
        self.output += chunk
        self.event.set()


class Lifeline:
    """Hangs up when no process holds the other end any more."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @property
    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return any(event & select.POLLHUP for _, event in poll.poll(0))

    def wait_for_end(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        assert poll.poll(60_000), "a process of the command is still alive"

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def lifeline(tmp_path: Path) -> Any:
    line = Lifeline(tmp_path / "lifeline")
    yield line
    line.close()
