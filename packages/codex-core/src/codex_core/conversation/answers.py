"""Answers to what a front end asks beside the conversation: history, prompts, tools, the session's file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.conversation.beside import Beside
    from codex_core.conversation.session import Session
    from codex_protocol.ops import Op

_log = logging.getLogger(__name__)


async def serve(session: Session, beside: Beside, submission_id: str, op: Op) -> None:
    """Has a question answered beside the conversation; the file's path is known at once."""
    from codex_protocol import ops

    match op:
        case ops.AddToHistoryOp():
            await beside.run(add_to_history(session, op.text), is_write=True)
        case ops.GetHistoryEntryRequestOp():
            await beside.run(history_entry(session, submission_id, op.log_id, op.offset))
        case ops.GetPathOp():
            await path(session, submission_id)
        case ops.ListMcpToolsOp():
            await beside.run(mcp_tools(session, submission_id))
        case ops.ListCustomPromptsOp():
            await beside.run(custom_prompts(session, submission_id))
        case _:
            _log.warning("an operation of type %s is not served", op.type)


async def add_to_history(session: Session, text: str) -> None:
    """Remembers a prompt for all sessions, unless the user does not want that."""
    from codex_core.message_history import append_entry
    from codex_protocol.config_types import HistoryPersistence
    from codex_protocol.history_entry import HistoryLine

    config, services = session.config, session.services
    if config.history_persistence is HistoryPersistence.NONE:
        return
    line = HistoryLine(session_id=session.conversation_id, ts=int(services.now().timestamp()), text=text)
    try:
        await append_entry(config.codex_home, line, max_bytes=config.history_max_bytes, sleep=services.sleep)
    except OSError as error:
        _log.error("a prompt cannot be remembered in %s: %s", config.codex_home, error)


async def history_entry(session: Session, submission_id: str, log_id: int, offset: int) -> None:
    """The prompt at a place of history.jsonl, if it is there."""
    from codex_core.message_history import read_entry
    from codex_protocol.events import GetHistoryEntryResponseEvent
    from codex_protocol.history_entry import HistoryEntry

    try:
        line = await read_entry(session.config.codex_home, log_id, offset, sleep=session.services.sleep)
    except OSError as error:
        _log.error("remembered prompts cannot be read: %s", error)
        line = None
    entry = None if line is None else HistoryEntry.from_line(line)
    await session.emit(submission_id, GetHistoryEntryResponseEvent(offset=offset, log_id=log_id, entry=entry))


async def path(session: Session, submission_id: str) -> None:
    """Where the conversation is recorded."""
    from codex_protocol.events import ConversationPathEvent

    answer = ConversationPathEvent(conversation_id=session.conversation_id, path=session.rollout_path or "")
    await session.emit(submission_id, answer)


async def mcp_tools(session: Session, submission_id: str) -> None:
    """The tools of the MCP servers, once all of these are up or have failed."""
    from codex_protocol.events import McpListToolsResponseEvent

    tools = {}
    if session.mcp is not None:
        await session.mcp.ready()
        tools = dict(session.mcp.wire_tools())
    await session.emit(submission_id, McpListToolsResponseEvent(tools=tools))


async def custom_prompts(session: Session, submission_id: str) -> None:
    """The user's saved prompts."""
    import asyncio

    from codex_core.custom_prompts import list_prompts
    from codex_protocol.events import CustomPrompt, ListCustomPromptsResponseEvent

    prompts = await asyncio.to_thread(list_prompts, session.config.codex_home)
    found = tuple(CustomPrompt(name=each.name, path=each.path, content=each.content) for each in prompts)
    await session.emit(submission_id, ListCustomPromptsResponseEvent(custom_prompts=found))
