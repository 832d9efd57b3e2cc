"""Settings and tools for editors: config.toml, the default model, one command, a diff (servers.md 5.3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError, ExecutionError
from codex_mcp_server.errors import INTERNAL_ERROR, INVALID_REQUEST, RpcError
from codex_mcp_server.peer import Later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_core.config.config import Config
    from codex_core.services import Services
    from codex_protocol import ide
    from codex_protocol.jsonio import JSON


class EditorSettings:
    """Serves the methods that need no conversation."""

    def __init__(self, config: Config, services: Services, user_agent: Callable[[], str]) -> None:
        self._config = config
        self._services = services
        self._user_agent = user_agent

    def methods(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """The methods by name."""
        return {
            "getUserSavedConfig": self.saved_config,
            "setDefaultModel": self.set_default_model,
            "getUserAgent": self.user_agent,
            "execOneOffCommand": self.run_command,
            "gitDiffToRemote": self.diff_to_remote,
        }

    async def saved_config(self) -> JSON:
        """What config.toml says."""
        from codex_mcp_server.saved_config import read_saved_config

        return {"config": read_saved_config(self._config.codex_home).to_wire()}

    async def set_default_model(self, params: ide.SetDefaultModelParams) -> JSON:
        """Makes a model the one that later conversations begin with."""
        from codex_core.config.edit import set_default_model

        effort = None if params.reasoning_effort is None else params.reasoning_effort.value

        def change() -> None:
            set_default_model(
                self._config.codex_home,
                model=params.model,
                effort=effort,
                profile=self._config.active_profile,
            )

        try:
            await asyncio.to_thread(change)
        except ConfigError as error:
            raise RpcError(INTERNAL_ERROR, f"failed to persist overrides: {error}") from error
        return {}

    async def user_agent(self) -> JSON:
        """What we call ourselves to servers."""
        return {"userAgent": self._user_agent()}

    async def run_command(self, params: ide.ExecOneOffCommandParams) -> Later:
        """Runs a command under the sandbox, outside of any conversation."""
        if not params.command:
            raise RpcError(INVALID_REQUEST, "command must not be empty")
        return Later(self._run(params))

    async def _run(self, params: ide.ExecOneOffCommandParams) -> JSON:
        from codex_mcp_server.one_off_command import run_one_off

        try:
            return (await run_one_off(params, self._config, self._services)).to_wire()
        except ExecutionError as error:
            raise RpcError(INTERNAL_ERROR, f"exec failed: {error}") from error

    async def diff_to_remote(self, params: ide.GitDiffToRemoteParams) -> Later:
        """What differs from the nearest commit that a remote has."""
        return Later(self._diff(params.cwd))

    async def _diff(self, cwd: str) -> JSON:
        from codex_mcp_server.remote_diff import diff_to_remote

        diff = await diff_to_remote(cwd, self._services.environ)
        if diff is None:
            from codex_protocol.jsonio import dumps

            raise RpcError(INVALID_REQUEST, f"failed to compute git diff to remote for cwd: {dumps(cwd)}")
        return {"sha": diff.sha, "diff": diff.text}
