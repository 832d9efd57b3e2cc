"""Brings a conversation into being: settings, recorder, history, first event.

git is asked while the HTTP library is being loaded, so that neither waits for the other.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.client import ModelClient
    from codex_core.model.families import ModelFamily
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.rollout import GitInfo


async def start_session(config: Config, auth: AuthManager, services: Services) -> CodexConversation:
    """A new conversation, recorded and ready for its first submission.

    Raises:
        SessionError: the working directory is not absolute, or the session cannot be recorded.
    """
    from codex_core.workspace.git import git_info

    if not os.path.isabs(config.cwd):
        raise SessionError(f"cwd is not absolute: {config.cwd}")
    asking_git = asyncio.create_task(git_info(config.cwd, services.environ))
    await asyncio.sleep(0)  # lets git start before the imports below keep this thread busy
    try:
        return await _start(config, auth, services, asking_git)
    finally:
        asking_git.cancel()
        await asyncio.wait([asking_git])


async def _start(
    config: Config, auth: AuthManager, services: Services, asking_git: asyncio.Task[GitInfo | None]
) -> CodexConversation:
    from codex_core import __version__
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.conversation.instructions import user_instructions
    from codex_core.conversation.session import Session
    from codex_core.message_history import history_metadata
    from codex_core.rollout.recorder import RolloutRecorder, format_timestamp
    from codex_core.tools.registry import default_registry
    from codex_login.http import import_httpx
    from codex_login.user_agent import originator
    from codex_protocol.events import SessionConfiguredEvent
    from codex_protocol.rollout import SessionMeta

    import_httpx()
    conversation_id = services.new_id()
    started = services.now()
    context = initial_context(config)
    instructions = user_instructions(config.user_instructions, config.cwd, config.project_doc_max_bytes)
    recorder = RolloutRecorder.create(config.codex_home, conversation_id, started, services.now)
    model = _model_client(config, auth, services, context, conversation_id)
    try:
        session = Session(
            conversation_id=conversation_id,
            config=config,
            services=services,
            model=model,
            tools=default_registry(),
            recorder=recorder,
            context=context,
            user_instructions=instructions,
        )
        meta = SessionMeta(
            id=conversation_id,
            timestamp=format_timestamp(started),
            cwd=config.cwd,
            originator=originator(services.environ),
            cli_version=__version__,
            instructions=instructions,
            git=await asking_git,
        )
        await session.begin(meta)
    except BaseException:
        recorder.close()
        await model.aclose()
        raise
    log_id, entries = history_metadata(config.codex_home)
    configured = SessionConfiguredEvent(
        session_id=conversation_id,
        model=config.model,
        reasoning_effort=config.model_reasoning_effort,
        history_log_id=log_id,
        history_entry_count=entries,
        rollout_path=recorder.path,
    )
    return CodexConversation(session, configured)


def initial_context(config: Config) -> TurnContext:
    """The settings a conversation starts with, from its configuration and the model table."""
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.families import model_info

    window = config.model_context_window
    return TurnContext(
        cwd=config.cwd,
        approval_policy=config.approval_policy,
        sandbox_policy=config.sandbox_policy,
        model=config.model,
        family=configured_family(config),
        effort=config.model_reasoning_effort,
        summary=config.model_reasoning_summary,
        context_window=model_info(config.model).context_window if window is None else window,
        base_instructions=config.base_instructions,
        shell_environment_policy=config.shell_environment_policy,
        offers_plan=config.include_plan_tool,
        offers_apply_patch=config.include_apply_patch_tool,
        offers_web_search=config.tools_web_search,
        offers_view_image=config.include_view_image_tool,
    )


def configured_family(config: Config) -> ModelFamily:
    """The family of the configured model, with what the configuration knows better."""
    from dataclasses import replace

    from codex_core.model.families import family_for

    family = family_for(config.model)
    if config.model_supports_reasoning_summaries is not None:
        family = replace(family, supports_reasoning=config.model_supports_reasoning_summaries)
    return family


def _model_client(
    config: Config, auth: AuthManager, services: Services, context: TurnContext, conversation_id: str
) -> ModelClient:
    from codex_core.model.client import ModelClient
    from codex_login.user_agent import originator, user_agent

    return ModelClient(
        provider=config.model_provider,
        model=context.model,
        family=context.family,
        effort=context.effort,
        summary=context.summary,
        verbosity=config.model_verbosity,
        conversation_id=conversation_id,
        auth=auth,
        services=services,
        user_agent=user_agent(services.environ),
        originator=originator(services.environ),
    )
