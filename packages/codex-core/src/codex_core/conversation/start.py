"""Brings a conversation into being: settings, recorder, history, first event.

It may be new, the continuation of a recorded one in the same file, or one that begins with a copy of a part
of another. git is asked while the HTTP library is being loaded, so that neither waits for the other.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.conversation.history import History
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.mcp.connections import McpConnections
    from codex_core.model.client import ModelClient
    from codex_core.model.families import ModelFamily
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_core.rollout.replay import RecordedConversation, RecordedLine
    from codex_core.services import Services
    from codex_login.auth import AuthManager
    from codex_protocol.events import SessionConfiguredEvent
    from codex_protocol.items import ResponseItem
    from codex_protocol.rollout import GitInfo

GIT_PATIENCE_S = 1.0
"""A session that git has told nothing about by then begins without: what the user says must get to disk."""


@dataclass(frozen=True, slots=True)
class Forked:
    """A conversation that begins with a copy of these lines of another."""

    lines: tuple[RecordedLine, ...]


async def start_session(
    config: Config,
    auth: AuthManager,
    services: Services,
    origin: RecordedConversation | Forked | None = None,
) -> CodexConversation:
    """A conversation that is recorded and ready for its next submission; a new one without `origin`.

    Raises:
        SessionError: the working directory is not absolute, or the session cannot be recorded.
    """
    from codex_core.workspace.git import git_info

    if not os.path.isabs(config.cwd):
        raise SessionError(f"cwd is not absolute: {config.cwd}")
    if origin is not None and not isinstance(origin, Forked):
        return await _Start(config, auth, services).resume(origin)
    asking_git = asyncio.create_task(git_info(config.cwd, services.environ))
    await asyncio.sleep(0)  # lets git start before the imports below keep this thread busy
    try:
        return await _Start(config, auth, services).begin(origin, asking_git)
    finally:
        asking_git.cancel()
        await asyncio.wait([asking_git])


class _Start:
    """The steps of a start that all kinds share."""

    def __init__(self, config: Config, auth: AuthManager, services: Services) -> None:
        from codex_core.conversation.instructions import user_instructions
        from codex_login.http import import_httpx

        import_httpx()
        self._config = config
        self._auth = auth
        self._services = services
        self._context = initial_context(config)
        self._instructions = user_instructions(
            config.user_instructions, config.cwd, config.project_doc_max_bytes
        )

    async def begin(
        self, origin: Forked | None, asking_git: asyncio.Task[GitInfo | None]
    ) -> CodexConversation:
        lines = origin.lines if origin is not None else ()
        history = self._history(lines)
        items = self._initial_items() if origin is None else self._environment_update(history)
        history.record(items)
        conversation_id = self._services.new_id()
        recorder = None
        if not self._config.is_ephemeral:
            beginning = [(line.kind, line.payload) for line in lines]
            beginning += [("response_item", item.to_wire()) for item in items]
            recorder = await self._new_recorder(conversation_id, asking_git, beginning)
        return await self._conversation(conversation_id, recorder, history, lines)

    async def _new_recorder(
        self,
        conversation_id: str,
        asking_git: asyncio.Task[GitInfo | None],
        beginning: Sequence[tuple[str, object]],
    ) -> RolloutRecorder:
        from codex_core import __version__
        from codex_core.rollout.recorder import RolloutRecorder, format_timestamp
        from codex_login.user_agent import originator
        from codex_protocol.rollout import SessionMeta

        started = self._services.now()
        await asyncio.wait([asking_git], timeout=GIT_PATIENCE_S)
        meta = SessionMeta(
            id=conversation_id,
            timestamp=format_timestamp(started),
            cwd=self._config.cwd,
            originator=originator(self._services.environ),
            cli_version=__version__,
            instructions=self._instructions,
            git=asking_git.result() if asking_git.done() else None,
        )
        return RolloutRecorder.create(self._config.codex_home, meta, started, self._services.now, beginning)

    async def resume(self, recorded: RecordedConversation) -> CodexConversation:
        from codex_core.rollout.recorder import RolloutRecorder
        from codex_core.rollout.replay import up_to_date

        recorder = None
        if not self._config.is_ephemeral:
            recorder = RolloutRecorder.resume(recorded.path, self._services.now)
        try:
            if recorder is not None:
                # It is ours from here on; what another process wrote after we read belongs to it.
                recorded = await asyncio.to_thread(up_to_date, recorded)
            history = self._history(recorded.lines)
        except BaseException:
            if recorder is not None:
                recorder.close()
            raise
        return await self._conversation(
            recorded.conversation_id, recorder, history, recorded.lines, self._environment_update(history)
        )

    def _history(self, lines: Sequence[RecordedLine]) -> History:
        """What the model is sent of these lines."""
        from codex_core.conversation.history import History

        if not lines:
            return History()
        from codex_core.conversation.resume import rebuilt_history

        return rebuilt_history(lines, self._initial_items)

    def _initial_items(self) -> list[ResponseItem]:
        from codex_core.conversation.briefing import initial_items

        return initial_items(self._context, self._instructions)

    def _environment_update(self, history: History) -> list[ResponseItem]:
        from codex_core.conversation.briefing import environment_updates

        return environment_updates(history.items, self._context)

    async def _conversation(
        self,
        conversation_id: str,
        recorder: RolloutRecorder | None,
        history: History,
        lines: Sequence[RecordedLine],
        news: Sequence[ResponseItem] = (),
    ) -> CodexConversation:
        """The running conversation; `news` are still to be written down."""
        from codex_core.conversation.conversation import CodexConversation
        from codex_core.conversation.session import Session
        from codex_core.tools.registry import registry_for

        model = _model_client(self._config, self._auth, self._services, self._context, conversation_id)
        mcp = None
        try:
            mcp = _mcp_connections(self._config, self._services)
            session = Session(
                conversation_id=conversation_id,
                config=self._config,
                services=self._services,
                model=model,
                tools=registry_for(self._context),
                recorder=recorder,
                context=self._context,
                user_instructions=self._instructions,
                mcp=mcp,
            )
            session.thread.history = history
            await session.thread.record(news)
            return CodexConversation(
                session, self._configured(conversation_id, session.rollout_path or "", lines)
            )
        except BaseException:
            if recorder is not None:
                recorder.close()
            await model.aclose()
            if mcp is not None:
                await mcp.aclose()
            raise

    def _configured(
        self, conversation_id: str, path: str, lines: Sequence[RecordedLine]
    ) -> SessionConfiguredEvent:
        from codex_core.message_history import history_metadata
        from codex_protocol.events import SessionConfiguredEvent

        initial_messages = None
        if lines:
            from codex_core.rollout.replay import event_messages

            initial_messages = tuple(event_messages(lines))
        log_id, entries = history_metadata(self._config.codex_home)
        return SessionConfiguredEvent(
            session_id=conversation_id,
            model=self._config.model,
            reasoning_effort=self._config.model_reasoning_effort,
            history_log_id=log_id,
            history_entry_count=entries,
            initial_messages=initial_messages,
            rollout_path=path,
        )


def _mcp_connections(config: Config, services: Services) -> McpConnections | None:
    """The configured MCP servers, on their way up; None if there are none."""
    if not config.mcp_servers:
        return None
    from codex_core.mcp.connections import McpConnections

    return McpConnections.start(config.mcp_servers, cwd=config.cwd, services=services)


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
        offers_exec_command=config.use_streamable_shell_tool and not config.use_unified_exec_tool,
        offers_unified_exec=config.use_unified_exec_tool,
        output_schema=config.output_schema,
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
        user_agent=user_agent(services.environ, suffix=services.user_agent_suffix),
        originator=originator(services.environ),
    )
