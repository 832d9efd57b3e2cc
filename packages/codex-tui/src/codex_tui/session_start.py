"""What stands before a conversation: configuration, login, trust, and which session goes on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import CodexError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.arg0 import HelperDirectory
    from codex_core.command_line.resume import ResumeRequest
    from codex_core.config.config import Config
    from codex_core.conversation.manager import ConversationManager
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_login.oauth import Issuer
    from codex_login.storage import AuthStore
    from codex_tui.options import TuiOptions
    from codex_tui.tui_table import TuiTable


class StartError(CodexError):
    """The app cannot start as asked; the sentence is the whole line that is printed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """All a session is made of."""

    options: TuiOptions
    config: Config
    auth: AuthManager
    services: Services
    manager: ConversationManager
    store: AuthStore | None = None
    """Keeps the sign-in, the one of `auth`; None is auth.json of the codex home."""
    issuer: Issuer | None = None
    """Who signs users in; None is OpenAI."""
    sign_in_port: int | None = None
    """Where a browser comes back to; None is the one that issuer knows."""

    @property
    def home(self) -> str:
        """The user's home directory, empty if there is none."""
        return self.services.environ.get("HOME", "")


def load(options: TuiOptions, services: Services, helpers: HelperDirectory) -> Config:
    """The configuration the command line asks for.

    The offline demo works in the workspace and asks when its model wants to, unless flags say otherwise.

    Raises:
        StartError: it cannot be used, or an image is not there.
    """
    from codex_core.command_line.agent_options import agent_flags
    from codex_core.config import load_config
    from codex_core.config.overrides import InvalidOverrideError
    from codex_protocol.config_types import AskForApproval, SandboxMode

    sandbox, approval = options.sandbox, options.approval
    if options.demo and not (options.full_auto or options.bypass):
        sandbox = sandbox or SandboxMode.WORKSPACE_WRITE
        approval = approval or AskForApproval.ON_REQUEST
    flags = replace(
        agent_flags(options, helpers),
        sandbox_mode=sandbox,
        approval_policy=None if options.full_auto else approval,
        web_search=options.web_search,
        include_plan_tool=True,
    )
    try:
        config = load_config(overrides=options.overrides, flags=flags, services=services)
    except InvalidOverrideError as error:
        raise StartError(f"Error parsing -c overrides: {error}") from error
    except ConfigError as error:
        raise StartError(f"Error loading configuration: {error}") from error
    for path in options.images:
        if not os.path.isfile(path):
            raise StartError(f"Error: there is no image at {path}. Check the path given with --image.")
    return config


def store_for(config: Config) -> AuthStore | None:
    """Where the configuration says that a sign-in is kept; None is auth.json.

    One for all: what is kept in memory is there for who has this object.
    """
    from codex_login.stores import StoreKind, open_store

    kind = config.cli_auth_credentials_store
    return None if kind == StoreKind.FILE else open_store(config.codex_home, kind)


def auth_for(config: Config, store: AuthStore | None = None) -> AuthManager:
    """The sign-in that is kept in `store`, by default where the configuration says."""
    from codex_login.auth import AuthManager

    return AuthManager(config.codex_home, store=store or store_for(config))


def is_login_needed(config: Config, auth: AuthManager) -> bool:
    """Whether the provider wants a sign-in and there is none."""
    login = auth.auth()
    wants = config.model_provider.requires_openai_auth and not config.model_provider.env_key
    return wants and (login is None or login.token is None)


def save_api_key(launch: Launch, key: str) -> str | None:
    """Stores the key as the sign-in and uses it; why it cannot be stored, or None."""
    from codex_login.auth import login_with_api_key
    from codex_login.errors import LoginError

    home = launch.config.codex_home
    try:
        if launch.store is None:
            os.makedirs(home, mode=0o700, exist_ok=True)
        login_with_api_key(home, key, store=launch.store)
    except LoginError as error:
        return f"Failed to save API key: {error}"
    except OSError as error:
        return f"Failed to save API key: {home}: {error.strerror}"
    launch.auth.reload()
    return None


def trusted(config: Config) -> tuple[Config, str | None]:
    """Writes down that the directory is trusted: the settings that follow, and why it could not be kept."""
    from codex_core.config.edit import set_trust
    from codex_core.workspace.trust import project_of, trusting

    problem = None
    try:
        set_trust(config.codex_home, project_of(config.cwd))
    except ConfigError as error:
        problem = f"This directory is trusted for this session only: {error}"
    return trusting(config), problem


def untrusted(config: Config) -> Config:
    """The settings after a "no": nothing is written without a question."""
    from codex_protocol.config_types import AskForApproval
    from codex_protocol.sandbox_policy import ReadOnlyPolicy

    return replace(config, approval_policy=AskForApproval.ON_REQUEST, sandbox_policy=ReadOnlyPolicy())


async def check_session(config: Config, resume: ResumeRequest | None) -> None:
    """Finds out whether there is a session to go on with, before anything is asked.

    Raises:
        SessionError: there is none that is meant.
    """
    import asyncio

    from codex_core.rollout.catalog import find_session, last_session

    if resume is not None and resume.session_id is not None:
        await asyncio.to_thread(find_session, config.codex_home, resume.session_id)
    elif resume is not None and resume.last:
        await asyncio.to_thread(last_session, config.codex_home)


def tui_table(config: Config, overrides: Sequence[str]) -> TuiTable:
    """What the configuration says to this app alone.

    Raises:
        StartError: it cannot be used.
    """
    from codex_core.config.problems import InvalidConfigError
    from codex_tui.tui_table import read_tui_table

    try:
        return read_tui_table(config, overrides)
    except InvalidConfigError as error:
        raise StartError(f"Error loading configuration: {error}") from error
