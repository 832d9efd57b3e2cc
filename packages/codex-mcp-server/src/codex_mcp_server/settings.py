"""From what a client asks for to the configuration of a conversation.

Weakest first: config.toml (read again each time), its profile, `-c` of the command line, the client's
`config`, the client's named settings (spec: servers.md section 3).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.arg0 import HelperDirectory
    from codex_core.config.config import Config, ConfigFlags
    from codex_core.config.overrides import Override
    from codex_core.services import Services
    from codex_protocol.ide import NewConversationParams
    from codex_protocol.mcp_tools import CodexToolCallParams


@dataclass(frozen=True, slots=True)
class Settings:
    """What every conversation of this process starts from."""

    overrides: Sequence[str]
    """`-c key=value` of the command line."""
    services: Services
    helpers: HelperDirectory
    cwd: str | None = None
    """Where relative directories of clients start; None is the process's own."""

    def load(self, config: Mapping[str, object] | None = None, flags: ConfigFlags | None = None) -> Config:
        """The configuration as the files are now, with the client's wishes.

        Raises: ConfigError.
        """
        from codex_core.config import ConfigFlags, load_config
        from codex_core.config.overrides import Override

        wishes = [Override(tuple(key.split(".")), toml_value(value)) for key, value in (config or {}).items()]
        flags = flags or ConfigFlags()
        if flags.cwd is not None and "\0" in flags.cwd:
            raise ConfigError("the working directory holds a NUL character, which no path can")
        if self.cwd is not None:
            flags = replace(flags, cwd=os.path.join(self.cwd, flags.cwd or ""))
        flags = replace(
            flags,
            codex_linux_sandbox_exe=self.helpers.linux_sandbox_exe,
            apply_patch_exe=self.helpers.apply_patch_exe,
        )
        return load_config(overrides=[*_parsed(self.overrides), *wishes], flags=flags, services=self.services)

    def for_tool(self, params: CodexToolCallParams) -> Config:
        """For a call of `codex`. Raises: ConfigError."""
        return self.load(
            params.config, replace(_flags(params), include_plan_tool=bool(params.include_plan_tool))
        )

    def for_editor(self, params: NewConversationParams) -> Config:
        """For a conversation an editor begins or takes up again. Raises: ConfigError."""
        flags = replace(
            _flags(params),
            include_plan_tool=bool(params.include_plan_tool),
            include_apply_patch_tool=bool(params.include_apply_patch_tool),
        )
        return self.load(params.config, flags)

    def in_directory(self, cwd: str | None) -> Config:
        """For a conversation of an earlier process, in the directory it worked in. Raises: ConfigError."""
        from codex_core.config import ConfigFlags

        return self.load(flags=ConfigFlags(cwd=cwd))


def _flags(params: CodexToolCallParams | NewConversationParams) -> ConfigFlags:
    from codex_core.config import ConfigFlags

    return ConfigFlags(
        model=params.model,
        profile=params.profile,
        cwd=params.cwd,
        approval_policy=params.approval_policy,
        sandbox_mode=params.sandbox,
        base_instructions=params.base_instructions,
    )


def _parsed(overrides: Sequence[str]) -> list[Override]:
    from codex_core.config.overrides import parse_override

    return [parse_override(text) for text in overrides]


def toml_value(value: object) -> object:
    """A JSON value as TOML has it: null, which TOML lacks, is the empty text."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return {key: toml_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [toml_value(each) for each in value]
    return value
