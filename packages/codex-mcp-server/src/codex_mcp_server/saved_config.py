"""config.toml as editors are shown it: what the file says, without overrides or profiles applied."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.config.document import read_document
from codex_core.config.problems import InvalidConfigError
from codex_core.config.schema import read_settings
from codex_core.config.sources import CONFIG_FILE_NAME
from codex_core.config.tables import Findings, TableReader
from codex_mcp_server.errors import INTERNAL_ERROR, RpcError
from codex_protocol.ide import Profile, SandboxSettings, Tools, UserSavedConfig

if TYPE_CHECKING:
    from codex_core.config.schema import ProfileSettings


def read_saved_config(codex_home: str) -> UserSavedConfig:
    """What the file says. Raises: RpcError when it is no TOML, or a value has the wrong type."""
    try:
        document = read_document(os.path.join(codex_home, CONFIG_FILE_NAME))
    except InvalidConfigError as error:
        raise RpcError(INTERNAL_ERROR, f"failed to load config.toml: {error}") from error
    values = {} if document is None else document.values
    findings = Findings()
    settings = read_settings(TableReader(values, (), findings))
    if findings.problems:
        told = "; ".join(f"{message} in `{'.'.join(map(str, path))}`" for path, message in findings.problems)
        raise RpcError(INTERNAL_ERROR, f"failed to parse config.toml: {told}")
    common, workspace = settings.common, settings.sandbox_workspace_write
    return UserSavedConfig(
        approval_policy=common.approval_policy,
        sandbox_mode=settings.sandbox_mode,
        sandbox_settings=SandboxSettings(
            writable_roots=workspace.writable_roots,
            network_access=workspace.network_access,
            exclude_tmpdir_env_var=workspace.exclude_tmpdir_env_var,
            exclude_slash_tmp=workspace.exclude_slash_tmp,
        )
        if "sandbox_workspace_write" in values
        else None,
        model=common.model,
        model_reasoning_effort=common.model_reasoning_effort,
        model_reasoning_summary=common.model_reasoning_summary,
        model_verbosity=common.model_verbosity,
        tools=Tools(web_search=settings.tools_web_search, view_image=settings.tools_view_image)
        if "tools" in values
        else None,
        profile=settings.profile,
        profiles={name: _profile(profile) for name, profile in settings.profiles.items()},
    )


def _profile(settings: ProfileSettings) -> Profile:
    return Profile(
        model=settings.model,
        model_provider=settings.model_provider,
        approval_policy=settings.approval_policy,
        model_reasoning_effort=settings.model_reasoning_effort,
        model_reasoning_summary=settings.model_reasoning_summary,
        model_verbosity=settings.model_verbosity,
        chatgpt_base_url=settings.chatgpt_base_url,
    )
