"""The whole app in this process: real conversation, scripted model, terminal in memory.

async with codex(tmp_path, [answer(message("Hello"))]) as run:
    run.type("hi\\r")
    await run.shows("> Hello")
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_app import MemoryBoot, running, shown, until

from codex_core.arg0 import HelperDirectory
from codex_core.conversation.manager import ConversationManager
from codex_core.model.demo import ScriptedTransport
from codex_core.services import Services
from codex_login.auth import AuthManager
from codex_tui.app import CodexApp
from codex_tui.options import TuiOptions
from codex_tui.session_start import Launch, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from codex_core.testing.model_server import ScriptEntry
    from codex_tui.controller import Controller


@dataclass
class RunningApp:
    """The app, and its user."""

    app: CodexApp
    boot: MemoryBoot
    transport: ScriptedTransport

    @property
    def controller(self) -> Controller:
        return self.app.controller

    @property
    def text(self) -> str:
        return shown(self.boot)

    @property
    def screen(self) -> str:
        return "\n".join(self.boot.emulator.screen())

    def type(self, text: str) -> None:
        self.boot.terminal.keyboard.send(text.encode())

    async def shows(self, *texts: str) -> None:
        try:
            await until(lambda: all(text in self.text for text in texts))
        except TimeoutError:
            raise AssertionError(f"{texts} never came:\n{self.text}") from None

    async def hides(self, text: str) -> None:
        await until(lambda: text not in self.screen)

    async def idle(self) -> None:
        await until(lambda: self.controller.state.is_ready and not self.controller.state.is_running)

    async def submits(self, text: str) -> None:
        """Types a message and Enter, not so fast that it would be a paste."""
        self.type(text)
        await self.shows("▌ " + text)
        await until(
            lambda: (
                self.controller.composer.deadline is None
                or self.controller.clock() > self.controller.composer.deadline
            )
        )
        self.app._end_burst()
        self.app._typed_at = float("-inf")
        self.controller.composer._burst.reset()
        self.type("\r")


@asynccontextmanager
async def codex(
    directory: Path,
    script: Sequence[ScriptEntry] = (),
    *,
    options: TuiOptions | None = None,
    environ: dict[str, str] | None = None,
    cols: int = 80,
    rows: int = 30,
    boot: MemoryBoot | None = None,
) -> AsyncIterator[RunningApp]:
    """The app at work in `directory`/work, which is trusted as the demo's is."""
    home, work = directory / "home", directory / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    given = {"HOME": str(directory), "CODEX_HOME": str(home), "PATH": "/usr/bin:/bin", **(environ or {})}
    transport = ScriptedTransport(list(script))
    with HelperDirectory(given) as helpers:
        services = Services(environ=helpers.environ, http_transport=transport)
        chosen = options or TuiOptions(demo=True, cwd=str(work))
        config = load(chosen, services, helpers)
        auth = AuthManager(config.codex_home)
        launch = Launch(chosen, config, auth, services, ConversationManager(auth, services))
        terminal = boot or MemoryBoot(cols=cols, rows=rows)
        app = CodexApp(terminal, launch, placeholder="what to do")  # type: ignore[arg-type]  # not a real boot
        async with running(app, terminal):
            yield RunningApp(app, terminal, transport)
