"""The whole app in this process: real conversation, scripted model, terminal in memory.

async with codex(tmp_path, [answer(message("Hello"))]) as run:
    run.type("hi\\r")
    await run.shows("> Hello")
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory_app import MemoryBoot, running, shown, until

from codex_core.arg0 import HelperDirectory
from codex_core.conversation.manager import ConversationManager
from codex_core.model.demo import ScriptedTransport
from codex_core.services import Services
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_tui.app import CodexApp
from codex_tui.options import TuiOptions
from codex_tui.session_start import Launch, auth_for, load, store_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from codex_core.testing.model_server import ScriptEntry
    from codex_login.oauth import Issuer
    from codex_tui.controller import Controller
    from codex_tui.term.inputs import Input


def at_provider(directory: Path, **keys: int | bool) -> TuiOptions:
    """Options for a provider of one's own, with these keys, in a directory that needs no question."""
    given = "".join(f", {key}={str(value).lower()}" for key, value in keys.items())
    provider = f'{{name="Here", base_url="https://here.test/v1", wire_api="responses"{given}}}'
    return TuiOptions(
        overrides=(f"model_providers.here={provider}", 'model_provider="here"'),
        cwd=str(directory / "work"),
        sandbox=SandboxMode.WORKSPACE_WRITE,
        approval=AskForApproval.ON_REQUEST,
    )


class Clock:
    """The clock of the app, which goes by itself and can be put forward."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._ahead_s

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds


@dataclass
class RunningApp:
    """The app, and its user."""

    app: CodexApp
    boot: MemoryBoot
    transport: ScriptedTransport
    clock: Clock

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
        """Types a message and Enter."""
        self.type(text)
        await self.shows("▌ " + text)
        self.type("\r")

    async def escape(self, times: int = 1) -> None:
        """Esc, which is one only when nothing follows it for a moment."""
        decoder = self.app.decoder
        expire = decoder.expire
        for _ in range(times):
            found: list[Input] = []

            def expiring(now: float, found: list[Input] = found) -> list[Input]:
                found += expire(now)
                return found

            decoder.expire = expiring  # type: ignore[method-assign]
            self.type("\x1b")
            await until(lambda found=found: found)
            await self.drawn()
        decoder.expire = expire  # type: ignore[method-assign]

    async def asked(self, *texts: str) -> None:
        """A question is on the screen, and there was time to see it."""
        await self.shows(*texts)
        await until(lambda: self.controller.state.panel is not None and self.app.viewport.is_steady)
        await self.drawn()
        self.clock.advance(5)

    async def drawn(self) -> None:
        """What is known now is on the screen."""
        self.app.changed()
        await until(lambda: self.app._due is None)


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
    marks_pastes: bool = True,
    issuer: Issuer | None = None,
) -> AsyncIterator[RunningApp]:
    """The app at work in `directory`/work, which is trusted as the demo's is.

    `marks_pastes`: the terminal says so, and Enter behind fast letters is no part of a paste. `issuer` signs
    users in.
    """
    home, work = directory / "home", directory / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    given = {"HOME": str(directory), "CODEX_HOME": str(home), "PATH": "/usr/bin:/bin", **(environ or {})}
    transport = ScriptedTransport(list(script))
    with HelperDirectory(given) as helpers:
        clock = Clock()
        services = Services(environ=helpers.environ, http_transport=transport, monotonic=clock)
        chosen = options or TuiOptions(demo=True, cwd=str(work))
        config = load(chosen, services, helpers)
        store = store_for(config)
        auth = auth_for(config, store)
        manager = ConversationManager(auth, services)
        launch = Launch(chosen, config, auth, services, manager, store, issuer, sign_in_port=0)
        terminal = boot or MemoryBoot(cols=cols, rows=rows)
        terminal.facts.marks_pastes = marks_pastes
        app = CodexApp(terminal, launch, placeholder="what to do")  # type: ignore[arg-type]  # not a real boot
        async with running(app, terminal):
            yield RunningApp(app, terminal, transport, clock)
